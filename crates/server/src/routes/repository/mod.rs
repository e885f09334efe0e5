//! Routes of the repository domain.

use super::Route;

pub fn routes() -> Vec<Route> {
    Vec::new()
}
