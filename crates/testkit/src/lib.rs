//! What tests share: fakes that behave like the outside world, and misbehave like it too.

mod door;
pub mod invenio;
pub mod postgres;
pub mod search;
pub mod smtp;
mod smtp_tls;
pub mod tls;
pub mod upstream;
pub mod worked_example;
