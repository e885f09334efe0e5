//! What a run says about itself (spec/invenio §4.7).

use std::{
    fmt::Write,
    time::{Duration, Instant},
};

use jiff::{ToSpan, civil::Date};
use serde::Serialize;
use serde_json::{Value, json};

use super::{AggregateRequest, Aggregator, Run};

/// Documents listed per community and aggregator; the counts are of all of them.
const LISTED: i64 = 366;

#[derive(Debug, Clone, Serialize)]
pub struct CommunityDetails {
    pub community_id: String,
    pub index_name: String,
    pub docs_indexed: i64,
    pub errors: i64,
    pub error_details: Vec<String>,
    pub documents: Vec<Value>,
    pub date_range_requested: Value,
}

#[derive(Debug, Clone, Serialize)]
pub struct AggregatorResult {
    pub aggregator: String,
    pub duration_formatted: String,
    pub docs_indexed: i64,
    pub errors: i64,
    pub communities_count: usize,
    pub communities_processed: Vec<String>,
    pub community_details: Vec<CommunityDetails>,
    pub error_details: Vec<String>,
    pub status: String,
    /// Final numbers that changed, in the ledger under this run.
    pub restated: usize,
    #[serde(skip)]
    kind: Aggregator,
    #[serde(skip)]
    started: Instant,
    #[serde(skip)]
    seconds: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct AggregateResult {
    pub status: String,
    pub results: Vec<AggregatorResult>,
    pub total_duration: String,
    pub formatted_report: String,
    pub formatted_report_verbose: String,
}

impl AggregatorResult {
    pub(super) fn new(kind: Aggregator) -> Self {
        Self {
            aggregator: kind.name().to_owned(),
            duration_formatted: String::new(),
            docs_indexed: 0,
            errors: 0,
            communities_count: 0,
            communities_processed: Vec::new(),
            community_details: Vec::new(),
            error_details: Vec::new(),
            status: "completed".to_owned(),
            restated: 0,
            kind,
            started: Instant::now(),
            seconds: 0.0,
        }
    }

    /// Notes the documents of inclusive days of a community; days of further windows add up.
    pub(super) fn add(&mut self, community: &str, first: Date, last: Date, request: &AggregateRequest) {
        let days = i64::from((last - first).get_days()) + 1;
        self.docs_indexed += days;
        let (mut documents, mut day) = (Vec::new(), first);
        while day <= last && i64::try_from(documents.len()).unwrap_or(LISTED) < LISTED {
            let info = if self.kind.is_snapshot() {
                json!({"date_type": "snapshot", "snapshot_date": format!("{day}T00:00:00")})
            } else {
                json!({"date_type": "delta", "period_start": format!("{day}T00:00:00"), "period_end": format!("{day}T23:59:59")})
            };
            documents.push(json!({
                "document_id": format!("{community}-{day}"),
                "index_name": format!("{}-{:04}", self.kind.collection(), day.year()),
                "community_id": community,
                "date_info": info,
                "generation_time": 0.0,
            }));
            day = day.saturating_add(1.day());
        }
        if let Some(details) = self.community_details.iter_mut().find(|d| d.community_id == community) {
            details.docs_indexed += days;
            let room = usize::try_from(LISTED).unwrap_or(0).saturating_sub(details.documents.len());
            details.documents.extend(documents.into_iter().take(room));
            return;
        }
        self.communities_processed.push(community.to_owned());
        self.community_details.push(CommunityDetails {
            community_id: community.to_owned(),
            index_name: self.kind.collection().to_owned(),
            docs_indexed: days,
            errors: 0,
            error_details: Vec::new(),
            documents,
            date_range_requested: json!({
                "start_date": request.start.map(|d| d.to_string()), "end_date": request.end.map(|d| d.to_string()),
            }),
        });
    }

    pub(super) fn finish(&mut self, _run: &Run<'_>) {
        let took = self.started.elapsed();
        self.seconds = took.as_secs_f64();
        self.duration_formatted = formatted(took);
        self.communities_count = self.communities_processed.len();
        let each = if self.docs_indexed > 0 { self.seconds / to_float(self.docs_indexed) } else { 0.0 };
        for document in self.community_details.iter_mut().flat_map(|d| &mut d.documents) {
            document["generation_time"] = json!((each * 1e6).round() / 1e6);
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of documents are far below 2^52")]
fn to_float(count: i64) -> f64 {
    count as f64
}

impl AggregateResult {
    pub(super) fn displaced(status: &str, took: Duration) -> Self {
        let mut result = Self {
            status: status.to_owned(),
            results: Vec::new(),
            total_duration: formatted(took),
            formatted_report: String::new(),
            formatted_report_verbose: String::new(),
        };
        let report =
            format!("{}\nStatus: {status}\nRun `aggregate` again to aggregate.\n", banner("AGGREGATION RESULTS"));
        result.formatted_report.clone_from(&report);
        result.formatted_report_verbose = report;
        result
    }

    pub(super) fn completed(results: Vec<AggregatorResult>, took: Duration) -> Self {
        let mut result = Self {
            status: "completed".to_owned(),
            total_duration: formatted(took),
            formatted_report: String::new(),
            formatted_report_verbose: String::new(),
            results,
        };
        result.formatted_report = result.report(false);
        result.formatted_report_verbose = result.report(true);
        result
    }

    /// A run that stopped by itself before its end; every window that was done is kept.
    pub(super) fn stopped(results: Vec<AggregatorResult>, took: Duration, reason: &str) -> Self {
        let mut result = Self::completed(results, took);
        result.status = format!("stopped: {reason}");
        result.formatted_report = result.report(false);
        result.formatted_report_verbose = result.report(true);
        result
    }

    /// Whether it stopped before its end, for want of memory or of an answering store.
    pub fn is_stopped(&self) -> bool {
        self.status.starts_with("stopped: ")
    }

    fn report(&self, verbose: bool) -> String {
        let mut text = banner("AGGREGATION RESULTS");
        // Writing into a String cannot fail.
        let _ = self.write_report(&mut text, verbose);
        text
    }

    fn write_report(&self, text: &mut String, verbose: bool) -> std::fmt::Result {
        for result in &self.results {
            writeln!(text, "\n{}", result.aggregator)?;
            writeln!(text, "  Duration: {}", result.duration_formatted)?;
            writeln!(text, "  Documents indexed: {}", result.docs_indexed)?;
            writeln!(text, "  Errors: {}", result.errors)?;
            writeln!(text, "  Status: {}", result.status)?;
            writeln!(text, "  Communities processed: {}", result.communities_count)?;
            if result.restated > 0 {
                writeln!(text, "  Final numbers restated: {}", result.restated)?;
            }
            if verbose {
                for details in &result.community_details {
                    writeln!(
                        text,
                        "    {}: {} documents in {}",
                        details.community_id, details.docs_indexed, details.index_name
                    )?;
                    for document in details.documents.iter().take(3) {
                        writeln!(
                            text,
                            "      {} ({} s)",
                            document["document_id"].as_str().unwrap_or(""),
                            document["generation_time"]
                        )?;
                    }
                    if details.docs_indexed > 3 {
                        writeln!(text, "      … and {} more documents", details.docs_indexed - 3)?;
                    }
                }
            }
        }
        writeln!(text, "\n{}", banner("AGGREGATION SUMMARY"))?;
        writeln!(text, "Status: {}", self.status)?;
        writeln!(text, "Total duration: {}", self.total_duration)?;
        writeln!(text, "Total documents indexed: {}", self.results.iter().map(|r| r.docs_indexed).sum::<i64>())?;
        writeln!(text, "Total errors: {}", self.results.iter().map(|r| r.errors).sum::<i64>())?;
        if verbose {
            writeln!(text, "\n{:<45} {:>12} {:>12} {:>14}", "Aggregator", "Seconds", "Documents", "Documents/s")?;
            for r in &self.results {
                let rate = if r.seconds > 0.0 { to_float(r.docs_indexed) / r.seconds } else { 0.0 };
                writeln!(text, "{:<45} {:>12.2} {:>12} {:>14.0}", r.aggregator, r.seconds, r.docs_indexed, rate)?;
            }
        }
        Ok(())
    }
}

fn banner(title: &str) -> String {
    let line = "=".repeat(60);
    format!("{line}\n{title}\n{line}")
}

/// `0:00:01.86`
fn formatted(took: Duration) -> String {
    let seconds = took.as_secs();
    format!("{}:{:02}:{:02}.{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60, took.subsec_millis() / 10)
}
