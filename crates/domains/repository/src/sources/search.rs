//! An InvenioRDM read by its search index.

use std::collections::BTreeMap;

use jiff::{Timestamp, fmt::strtime};
use serde_json::{Value, json};
use tallykeep_collect::{
    HttpClient,
    search::{Credentials, Index, Reading, SearchServer},
};

use super::{
    Kind, Source, SourceError, SourceReport, convert,
    reader::{Fetched, Slice},
};

/// Long texts of records that nothing here reads.
const WITHOUT: [&str; 3] = ["metadata.description", "metadata.additional_descriptions", "metadata.references"];

const MEMBERSHIPS: [&str; 2] = ["stats-community-events", "stats-community-events-*"];
const VIEWS: &str = "events-stats-record-view";
const DOWNLOADS: &str = "events-stats-file-download";

pub(super) struct SearchReader {
    server: SearchServer,
    prefix: String,
    page_size: usize,
    kind: Kind,
    reading: Option<Reading>,
    /// Indices and their documents, for laying beside ours.
    pub indices: Vec<(String, Value)>,
}

impl SearchReader {
    pub fn new(http: HttpClient, source: &Source, credentials: Option<Credentials>) -> Result<Self, SourceError> {
        Ok(Self {
            server: SearchServer::new(http, &source.url, credentials, source.gap())?,
            prefix: source.index_prefix.clone(),
            page_size: source.page_size,
            kind: Kind::Records,
            reading: None,
            indices: Vec::new(),
        })
    }

    /// What of a kind is there, oldest month first.
    pub async fn slices(
        &mut self,
        kind: Kind,
        since: Option<Timestamp>,
        report: &mut SourceReport,
    ) -> Result<Vec<Slice>, SourceError> {
        let names = match kind {
            Kind::Communities => self.first_of(&["communities-communities", "communities"], report).await?,
            Kind::Records => self.first_of(&["rdmrecords-records"], report).await?,
            Kind::CommunityEvents => {
                let found = self.of_patterns(&MEMBERSHIPS).await?;
                if found.is_empty() {
                    report.notes.push(format!(
                        "no index {}stats-community-events: memberships follow the communities of the records",
                        self.prefix
                    ));
                }
                found.into_iter().map(|index| index.name).collect()
            }
            Kind::UsageEvents => self.months(report).await?,
        };
        let mut slices = Vec::new();
        for name in names {
            let all = self.server.count(&name, &Value::Null).await?;
            self.indices.push((name.clone(), json!({"kind": kind.as_str(), "documents": all})));
            let documents = match since {
                Some(_) => self.server.count(&name, &wanted(kind, since)).await?,
                None => all,
            };
            slices.push(Slice { name, documents: Some(documents) });
        }
        Ok(slices)
    }

    /// Whether it has an index of membership events.
    pub async fn tells_memberships(&self) -> Result<bool, SourceError> {
        Ok(!self.of_patterns(&MEMBERSHIPS).await?.is_empty())
    }

    /// The first of some aliases that has an index behind it.
    async fn first_of(&self, names: &[&str], report: &mut SourceReport) -> Result<Vec<String>, SourceError> {
        for name in names {
            let name = format!("{}{name}", self.prefix);
            if !self.server.indices(&name).await?.is_empty() {
                return Ok(vec![name]);
            }
        }
        report.notes.push(format!("no index {}{} on {}", self.prefix, names[0], self.server.name()));
        Ok(Vec::new())
    }

    async fn of_patterns(&self, patterns: &[&str]) -> Result<Vec<Index>, SourceError> {
        let mut found = BTreeMap::new();
        for pattern in patterns {
            for index in self.server.indices(&format!("{}{pattern}", self.prefix)).await? {
                found.insert(index.name.clone(), index);
            }
        }
        Ok(found.into_values().collect())
    }

    /// Months of views and downloads, oldest first; of a month that was copied enriched, the copy before the original, and the original
    /// only while it has more.
    async fn months(&self, report: &mut SourceReport) -> Result<Vec<String>, SourceError> {
        let mut found: Vec<(String, bool, bool, Index)> = Vec::new();
        for family in [VIEWS, DOWNLOADS] {
            let patterns = [family.to_owned(), format!("{family}-*")];
            let patterns: Vec<&str> = patterns.iter().map(String::as_str).collect();
            let indices = self.of_patterns(&patterns).await?;
            if indices.is_empty() {
                report.notes.push(format!("no index {}{family}-YYYY-MM on {}", self.prefix, self.server.name()));
            }
            for index in indices {
                match month(&index.name, &self.prefix, family) {
                    Some((month, enriched)) => found.push((month, family == DOWNLOADS, enriched, index)),
                    None => report.notes.push(format!("the index {} is of no month; left out", index.name)),
                }
            }
        }
        found.sort_by(|a, b| (&a.0, a.1, !a.2, &a.3.name).cmp(&(&b.0, b.1, !b.2, &b.3.name)));
        let mut names = Vec::new();
        for (month, is_download, enriched, index) in &found {
            let copy = found.iter().find(|(m, d, e, _)| m == month && d == is_download && *e);
            if let (false, Some(copy)) = (enriched, copy)
                && copy.3.documents >= index.documents
            {
                report.notes.push(format!("{} is copied whole to {}; the copy is read", index.name, copy.3.name));
                continue;
            }
            names.push(index.name.clone());
        }
        Ok(names)
    }

    pub fn start(&mut self, kind: Kind, slice: &str, since: Option<Timestamp>, at: Option<&Value>) {
        let (date, ties): (&str, &[&str]) = match kind {
            Kind::Communities => ("updated", &["slug"]),
            Kind::Records => ("updated", &["id"]),
            Kind::CommunityEvents => ("event_date", &["record_id", "community_id", "event_type"]),
            Kind::UsageEvents => ("timestamp", &["unique_id", "visitor_id"]),
        };
        let mut reading = Reading::new(slice, date, ties, self.page_size);
        reading.query = wanted(kind, since);
        if kind == Kind::Records {
            reading.without = WITHOUT.iter().map(|&field| field.to_owned()).collect();
        }
        if let Some(at) = at {
            reading.resume(at);
        }
        self.kind = kind;
        self.reading = Some(reading);
    }

    pub async fn next(&mut self) -> Result<Fetched, SourceError> {
        let Some(reading) = &mut self.reading else {
            return Ok(Fetched { is_last: true, ..Fetched::default() });
        };
        let page = self.server.page(reading).await?;
        let mut fetched =
            Fetched { at: reading.position(), is_last: page.is_last, total: page.total, ..Fetched::default() };
        for hit in page.hits {
            let document = match self.kind {
                Kind::Communities => convert::community(hit.source, Some(&hit.id)),
                Kind::Records => {
                    let (document, stats) = convert::without_stats(hit.source);
                    let parent = document.pointer("/parent/id").and_then(Value::as_str);
                    if let (Some(id), Some(figures)) = (
                        document.get("id").and_then(Value::as_str),
                        stats.and_then(|stats| convert::figures(&stats, parent)),
                    ) {
                        fetched.figures.push((id.to_owned(), figures));
                    }
                    convert::record(document)
                }
                Kind::CommunityEvents => hit.source,
                Kind::UsageEvents => {
                    convert::usage(hit.source, &hit.id, hit.index.starts_with(&format!("{}{DOWNLOADS}", self.prefix)))
                }
            };
            fetched.documents.push(document);
        }
        Ok(fetched)
    }

    pub async fn close(&mut self) {
        if let Some(mut reading) = self.reading.take() {
            self.server.close(&mut reading).await;
        }
    }
}

/// What is asked for: everything, or what was written at or after an instant.
fn wanted(kind: Kind, since: Option<Timestamp>) -> Value {
    let Some(since) = since else { return Value::Null };
    // Without fraction and zone every date format of these mappings takes it; they mean UTC.
    let text = strtime::format("%Y-%m-%dT%H:%M:%S", since).unwrap_or_else(|_| since.to_string());
    let range = |field: &str| json!({"range": {field: {"gte": text}}});
    match kind {
        Kind::Communities | Kind::Records => range("updated"),
        Kind::CommunityEvents => range("updated_timestamp"),
        // What happened since, and what was written since of earlier days.
        Kind::UsageEvents => {
            json!({"bool": {"should": [range("timestamp"), range("updated_timestamp")], "minimum_should_match": 1}})
        }
    }
}

/// The month of an index of usage events and whether it is an enriched copy; `None` for other names.
fn month(name: &str, prefix: &str, family: &str) -> Option<(String, bool)> {
    let rest = name.strip_prefix(prefix)?.strip_prefix(family)?.strip_prefix('-')?;
    let (rest, enriched) = rest.strip_suffix("-v2.0.0").map_or((rest, false), |rest| (rest, true));
    let digits = |text: &str, length: usize| text.len() == length && text.bytes().all(|b| b.is_ascii_digit());
    let mut parts = rest.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next());
    let fits = digits(year, 4) && digits(month, 2) && day.is_none_or(|day| digits(day, 2)) && parts.next().is_none();
    fits.then(|| (format!("{year}-{month}"), enriched))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_are_told_from_other_indices() {
        let of = |name: &str| month(name, "rdm-", VIEWS);
        assert_eq!(of("rdm-events-stats-record-view-2025-03"), Some(("2025-03".to_owned(), false)));
        assert_eq!(of("rdm-events-stats-record-view-2025-03-v2.0.0"), Some(("2025-03".to_owned(), true)));
        assert_eq!(of("rdm-events-stats-record-view-2019-03-17"), Some(("2019-03".to_owned(), false)));
        assert_eq!(of("backup-rdm-events-stats-record-view-2025-03"), None);
        assert_eq!(of("rdm-events-stats-record-view-old"), None);
        assert_eq!(of("events-stats-record-view-2025-03"), None);
    }
}
