//! Reports that arrive by themselves: a document of figures beside the period before ([`Document`]), written as text, HTML, CSV and
//! XLSX, handed out by mail, into a folder or to a webhook ([`Reports`]). Knows no domain: a [`Source`] makes the documents.

mod config;
mod document;
mod files;
mod html;
mod service;
mod span;
mod stored;
mod text;
mod unsubscribe;

pub use config::{Attach, ReportSpec, ReportsConfig, Subject, WrongField};
pub use document::{Amount, Document, Figure, Section};
pub use files::{File, csv, xlsx};
pub use html::html;
pub use service::{Outcome, ReportError, Reports, Sent, Source, SourceError};
pub use span::{Every, Span, SpanError};
pub use stored::OwnReport;
pub use text::{grouped, text};
pub use unsubscribe::Unsubscribing;
