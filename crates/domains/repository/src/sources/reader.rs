//! What both kinds of sources give, page by page.

use jiff::Timestamp;
use serde_json::Value;

use super::{Kind, SourceError, SourceReport, api::ApiReader, position::Run, search::SearchReader};

/// A part of a kind that is read by itself: an index, or the list of records.
#[derive(Debug, Clone)]
pub(super) struct Slice {
    pub name: String,
    /// Documents it has, as far as they are asked for.
    pub documents: Option<u64>,
}

/// A page in our shapes.
#[derive(Debug, Default)]
pub(super) struct Fetched {
    pub documents: Vec<Value>,
    /// Communities that records name and nobody imported yet.
    pub communities: Vec<Value>,
    /// What the source counted, by record.
    pub figures: Vec<(String, Value)>,
    /// Where the source goes on behind the page.
    pub at: Value,
    pub is_last: bool,
    pub total: Option<u64>,
}

pub(super) enum Reader {
    Search(SearchReader),
    Api(ApiReader),
}

impl Reader {
    pub async fn slices(
        &mut self,
        kind: Kind,
        since: Option<Timestamp>,
        report: &mut SourceReport,
    ) -> Result<Vec<Slice>, SourceError> {
        match self {
            Self::Search(reader) => reader.slices(kind, since, report).await,
            Self::Api(_) => Ok(vec![Slice { name: kind.as_str().to_owned(), documents: None }]),
        }
    }

    pub fn start(&mut self, kind: Kind, slice: &str, run: &Run, at: Option<&Value>) {
        match self {
            Self::Search(reader) => reader.start(kind, slice, run.since, at),
            Self::Api(reader) => reader.start(kind, run, at),
        }
    }

    pub async fn next(&mut self) -> Result<Fetched, SourceError> {
        match self {
            Self::Search(reader) => reader.next().await,
            Self::Api(reader) => reader.next().await,
        }
    }

    pub async fn close(&mut self) {
        if let Self::Search(reader) = self {
            reader.close().await;
        }
    }

    /// What it tells of its indices.
    pub fn indices(&mut self) -> Vec<(String, Value)> {
        match self {
            Self::Search(reader) => std::mem::take(&mut reader.indices),
            Self::Api(_) => Vec::new(),
        }
    }
}
