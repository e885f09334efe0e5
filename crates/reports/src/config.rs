//! `[reports]` of the configuration.

use std::{collections::BTreeSet, path::PathBuf};

use serde::{Deserialize, Serialize};
use tallykeep_notify::{Webhook, is_address};

use crate::Every;

/// What is sent to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ReportsConfig {
    /// When due reports are looked for (cron, UTC).
    pub schedule: String,
    /// Days after the end of a period before its report is made: sources are late.
    pub after_days: i64,
    #[serde(rename = "report")]
    pub reports: Vec<ReportSpec>,
}

impl Default for ReportsConfig {
    fn default() -> Self {
        Self { schedule: "15 10 * * *".to_owned(), after_days: 1, reports: Vec::new() }
    }
}

/// Which domain a report is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Subject {
    Repository,
    Packages,
    Chat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Attach {
    Csv,
    Xlsx,
}

/// `[[reports.report]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReportSpec {
    pub name: String,
    #[serde(rename = "of")]
    pub subject: Subject,
    /// Repository only: `global`, a community's id or slug, or `communities` for each one apart.
    #[serde(default = "global")]
    pub scope: String,
    pub every: Every,
    #[serde(default = "default_team")]
    pub team: String,
    /// Mail addresses.
    #[serde(default)]
    pub to: Vec<String>,
    /// A folder the report is written into.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub folder: Option<PathBuf>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub webhook: Option<String>,
    #[serde(default = "csv_only")]
    pub attach: Vec<Attach>,
}

pub(crate) fn global() -> String {
    "global".to_owned()
}
fn default_team() -> String {
    "default".to_owned()
}
pub(crate) fn csv_only() -> Vec<Attach> {
    vec![Attach::Csv]
}

impl ReportsConfig {
    pub fn find(&self, name: &str) -> Option<&ReportSpec> {
        self.reports.iter().find(|report| report.name == name)
    }

    /// Errors: name what is wrong and where.
    pub fn check(&self) -> Result<(), String> {
        if !(0..=27).contains(&self.after_days) {
            return Err(format!("[reports] after_days is {}; write 0 to 27", self.after_days));
        }
        let mut seen = BTreeSet::new();
        for report in &self.reports {
            let at = format!("[[reports.report]] `{}`", report.name);
            if !seen.insert(&report.name) {
                return Err(format!("{at} appears twice"));
            }
            report.check().map_err(|wrong| format!("{at}: {wrong}"))?;
        }
        Ok(())
    }
}

/// A field of a report and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct WrongField {
    pub field: &'static str,
    pub reason: String,
}

impl ReportSpec {
    /// Errors: the first field that is wrong.
    pub fn check(&self) -> Result<(), WrongField> {
        let wrong = |field, reason: String| Err(WrongField { field, reason });
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if self.name.is_empty() || self.name.len() > 64 || !self.name.chars().all(is_word) {
            return wrong("name", "use letters, digits, `-` and `_`, at most 64".to_owned());
        }
        if self.to.is_empty() && self.folder.is_none() && self.webhook.is_none() {
            return wrong("to", "nobody gets it: give to, folder or webhook".to_owned());
        }
        if let Some(address) = self.to.iter().find(|address| !is_address(address)) {
            return wrong("to", format!("`{address}` is not a mail address"));
        }
        if let Some(Err(error)) = self.webhook.as_deref().map(Webhook::check) {
            return wrong("webhook", error.to_string());
        }
        if self.subject != Subject::Repository && self.scope != "global" {
            return wrong("scope", "a scope is for reports of the repository only".to_owned());
        }
        Ok(())
    }
}
