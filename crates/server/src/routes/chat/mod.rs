//! Routes of the chat domain.

use axum::{response::Response, routing::get};
use tallykeep_access::{Dashboard, Decision};

use super::Route;
use crate::{
    app::extractors::Visitor,
    page::{PageRequest, page},
};

pub fn routes() -> Vec<Route> {
    vec![Route::page("/dashboard/", Decision::Read(Dashboard::Chat), get(chat_page))]
}

async fn chat_page(visitor: Visitor) -> Response {
    page(&visitor, &PageRequest { title: "Chat".to_owned(), mount: String::new() })
}
