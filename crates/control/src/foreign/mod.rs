//! Databases of other programs: read, never written. Their SQL lives here because only this crate knows SQL.

pub mod open_chat_studio;

/// Why another program's database could not be read.
#[derive(Debug, thiserror::Error)]
pub enum ForeignError {
    #[error("`{0}` is no address such as postgres://reader@db.example.org/studio")]
    Address(String),
    #[error("could not connect to {at}: {source}")]
    Connect { at: String, source: sqlx::Error },
    #[error("{at} does not look like the application's database: {what}")]
    Shape { at: String, what: String },
    #[error("could not read {table} of {at}: {source}")]
    Read { at: String, table: &'static str, source: sqlx::Error },
}
