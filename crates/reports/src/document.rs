//! What a report says, before it is text.

use serde::Serialize;

use crate::Span;

/// A number with its unit.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
#[serde(tag = "unit", content = "value", rename_all = "lowercase")]
pub enum Amount {
    Count(i64),
    Bytes(i64),
    /// 0 to 100.
    Percent(f64),
    Average(f64),
}

impl Amount {
    #[expect(clippy::cast_precision_loss, reason = "for changes in percent; the counts themselves stay whole")]
    pub fn number(self) -> f64 {
        match self {
            Self::Count(n) | Self::Bytes(n) => n as f64,
            Self::Percent(n) | Self::Average(n) => n,
        }
    }
}

/// One figure beside the period before. Nothing known is nothing, never zero.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Figure {
    pub name: String,
    pub now: Option<Amount>,
    pub before: Option<Amount>,
    /// What to know about it, e.g. missing days; empty for nothing.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub note: String,
}

impl Figure {
    pub fn count(name: impl Into<String>, now: Option<i64>, before: Option<i64>) -> Self {
        Self { name: name.into(), now: now.map(Amount::Count), before: before.map(Amount::Count), note: String::new() }
    }

    pub fn bytes(name: impl Into<String>, now: Option<i64>, before: Option<i64>) -> Self {
        Self { name: name.into(), now: now.map(Amount::Bytes), before: before.map(Amount::Bytes), note: String::new() }
    }

    pub fn with_note(mut self, note: impl Into<String>) -> Self {
        self.note = note.into();
        self
    }

    /// `(now − before) / before × 100`; `None` where one of them is unknown or there was nothing before.
    pub fn percent_change(&self) -> Option<f64> {
        let (now, before) = (self.now?.number(), self.before?.number());
        (before != 0.0).then(|| (now - before) / before * 100.0)
    }
}

/// Figures under a heading.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Section {
    pub title: String,
    pub figures: Vec<Figure>,
}

/// One report about one scope and period.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Document {
    /// Name of the report in the configuration.
    pub report: String,
    /// What it is about where a report has several: a community's id; else empty.
    pub scope: String,
    /// The same for people and file names: a community's slug.
    pub slug: String,
    pub title: String,
    /// What the figures are, in a sentence.
    pub about: String,
    pub period: Span,
    pub before: Span,
    pub sections: Vec<Section>,
    /// What is incomplete or corrected.
    pub remarks: Vec<String>,
    /// The page that shows it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link: Option<String>,
}

impl Document {
    /// `Title: February 2026`.
    pub fn subject(&self) -> String {
        format!("{}: {}", self.title, self.period.label())
    }

    /// Whether nothing at all is known.
    pub fn is_empty(&self) -> bool {
        self.sections.iter().flat_map(|section| &section.figures).all(|figure| figure.now.is_none())
    }
}
