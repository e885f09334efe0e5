//! What tests share: fakes that behave like the outside world, and misbehave like it too.

pub mod invenio;
pub mod postgres;
pub mod search;
pub mod smtp;
pub mod smtp_tls;
pub mod upstream;
pub mod worked_example;
