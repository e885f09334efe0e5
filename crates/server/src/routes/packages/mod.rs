//! Routes of the packages domain.

use axum::{response::Response, routing::get};
use tallykeep_access::{Dashboard, Decision};

use super::Route;
use crate::{
    app::extractors::Visitor,
    page::{PageRequest, page},
};

pub fn routes() -> Vec<Route> {
    vec![Route::page("/packages", Decision::Read(Dashboard::Packages), get(packages_page))]
}

async fn packages_page(visitor: Visitor) -> Response {
    page(&visitor, &PageRequest { title: "Packages".to_owned(), mount: String::new() })
}
