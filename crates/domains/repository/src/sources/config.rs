//! What a source is: its address, what to take from it, and how gently.

use std::{path::PathBuf, time::Duration};

use jiff::Timestamp;
use serde_json::Value;
use tallykeep_collect::{AllowedHosts, CollectError, HttpClient, NoMemory, Politeness, search::Credentials};
use tallykeep_model::Clock;

use super::SourceError;

/// What can be taken from a source.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Kind {
    Communities,
    Records,
    CommunityEvents,
    UsageEvents,
}

impl Kind {
    /// In the order they are imported: what others hang on comes first.
    pub const ALL: [Self; 4] = [Self::Communities, Self::Records, Self::CommunityEvents, Self::UsageEvents];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Communities => "communities",
            Self::Records => "records",
            Self::CommunityEvents => "community-events",
            Self::UsageEvents => "usage-events",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name.replace('_', "-"))
    }
}

/// What answers at the address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceType {
    /// OpenSearch or Elasticsearch under an InvenioRDM.
    OpenSearch,
    /// The REST API of an InvenioRDM.
    InvenioApi,
}

impl SourceType {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::OpenSearch => "opensearch",
            Self::InvenioApi => "invenio-api",
        }
    }

    /// What it has, in the order of [`Kind::ALL`].
    pub fn kinds(self) -> &'static [Kind] {
        match self {
            Self::OpenSearch => &Kind::ALL,
            Self::InvenioApi => &[Kind::Communities, Kind::Records],
        }
    }
}

/// A source as configured or given on the command line. Holds no secret: those stay in their file or variable.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Under `[repository.sources]`; the address for one of the command line.
    pub name: String,
    pub kind: SourceType,
    pub url: String,
    /// Put before every index name, as `SEARCH_INDEX_PREFIX` of InvenioRDM.
    pub index_prefix: String,
    pub kinds: Vec<Kind>,
    /// Only what is in this community (id or slug); REST API only.
    pub community: Option<String>,
    /// Requests per second.
    pub rate: f64,
    /// Documents imported and committed together.
    pub batch_size: usize,
    /// Documents asked for at a time.
    pub page_size: usize,
    pub ca_file: Option<PathBuf>,
    pub credentials_file: Option<PathBuf>,
    /// First wait before a request is tried again.
    pub retry_base: Duration,
    /// When `serve` imports it (cron, UTC); `None`: never by itself.
    pub schedule: Option<String>,
    /// The team it is imported into; `None`: the team `default`.
    pub team: Option<String>,
}

impl Source {
    /// A source with the defaults of its type.
    pub fn new(kind: SourceType, url: &str) -> Self {
        let is_search = kind == SourceType::OpenSearch;
        Self {
            name: url.to_owned(),
            kind,
            url: url.to_owned(),
            index_prefix: String::new(),
            kinds: kind.kinds().to_vec(),
            community: None,
            rate: if is_search { 5.0 } else { 1.0 },
            batch_size: 20_000,
            page_size: if is_search { 1_000 } else { 100 },
            ca_file: None,
            credentials_file: None,
            retry_base: Duration::from_secs(1),
            schedule: None,
            team: None,
        }
    }

    /// Reads one table under `[repository.sources]`. Errors name the key.
    pub fn from_json(name: &str, value: &Value) -> Result<Self, String> {
        let Some(table) = value.as_object() else { return Err(format!("{name}: must be a table")) };
        let text = |key: &str| match table.get(key) {
            None => Ok(None),
            Some(Value::String(text)) if !text.is_empty() => Ok(Some(text.clone())),
            Some(other) => Err(format!("{name}.{key}: {other} is not a text")),
        };
        let kind = match text("type")?.as_deref() {
            Some("opensearch") => SourceType::OpenSearch,
            Some("invenio-api") => SourceType::InvenioApi,
            Some(other) => return Err(format!("{name}.type: `{other}` is neither `opensearch` nor `invenio-api`")),
            None => return Err(format!("{name}.type: is missing (`opensearch` or `invenio-api`)")),
        };
        let Some(url) = text("url")? else { return Err(format!("{name}.url: is missing")) };
        let mut source = Self { name: name.to_owned(), ..Self::new(kind, &url) };
        for (key, value) in table {
            let wrong = |wanted: &str| Err(format!("{name}.{key}: {value} is not {wanted}"));
            match key.as_str() {
                "type" | "url" => {}
                "index_prefix" => source.index_prefix = text(key)?.unwrap_or_default(),
                "community" => source.community = text(key)?,
                "schedule" => source.schedule = text(key)?,
                "team" => source.team = text(key)?,
                "ca_file" => source.ca_file = text(key)?.map(PathBuf::from),
                "credentials_file" => source.credentials_file = text(key)?.map(PathBuf::from),
                "rate" => match value.as_f64().filter(|rate| *rate > 0.0 && *rate <= 1000.0) {
                    Some(rate) => source.rate = rate,
                    None => return wrong("a number of requests per second above 0"),
                },
                "batch_size" | "page_size" => match value.as_u64().filter(|n| (1..=10_000_000).contains(n)) {
                    Some(size) if key == "batch_size" => source.batch_size = usize::try_from(size).unwrap_or(1),
                    Some(size) => source.page_size = usize::try_from(size).unwrap_or(1),
                    None => return wrong("a whole number of 1 or more"),
                },
                "kinds" => {
                    let Some(list) = value.as_array() else { return wrong("a list of kinds") };
                    source.kinds = Vec::new();
                    for kind in list {
                        match kind.as_str().and_then(Kind::find) {
                            Some(kind) => source.kinds.push(kind),
                            None => {
                                let known: Vec<&str> = source.kind.kinds().iter().map(|k| k.as_str()).collect();
                                return Err(format!("{name}.kinds: {kind} is none of {}", known.join(", ")));
                            }
                        }
                    }
                }
                other => return Err(format!("{name}: unknown key `{other}`")),
            }
        }
        source.check()?;
        Ok(source)
    }

    /// What does not fit together. Errors name the key.
    pub fn check(&self) -> Result<(), String> {
        let name = &self.name;
        if let Some(kind) = self.kinds.iter().find(|kind| !self.kind.kinds().contains(kind)) {
            return Err(format!("{name}: a source of type {} has no {}", self.kind.as_str(), kind.as_str()));
        }
        if self.kind == SourceType::OpenSearch && self.community.is_some() {
            return Err(format!("{name}: `community` works with invenio-api only; an index is taken as a whole"));
        }
        if self.kind == SourceType::InvenioApi && !self.index_prefix.is_empty() {
            return Err(format!("{name}: `index_prefix` works with opensearch only"));
        }
        if self.page_size > 10_000 {
            return Err(format!("{name}: pages of more than 10000 documents are refused by every server"));
        }
        Ok(())
    }

    /// What tells this source from others where its position is kept: type, address, prefix, community.
    pub fn identity(&self) -> String {
        let url = self.url.trim_end_matches('/');
        let rest = self.community.as_deref().unwrap_or(&self.index_prefix);
        format!("{}:{url}/{rest}", self.kind.as_str())
    }

    pub(super) fn gap(&self) -> Duration {
        Duration::try_from_secs_f64(1.0 / self.rate).unwrap_or(Duration::from_secs(1))
    }

    /// Who we are to it: the file's first line, else `TALLYKEEP_OPENSEARCH_CREDENTIALS` or `TALLYKEEP_INVENIO_TOKEN` by `variable`.
    pub(super) fn secret(&self, variable: &dyn Fn(&str) -> Option<String>) -> Result<Option<String>, SourceError> {
        let name = match self.kind {
            SourceType::OpenSearch => "TALLYKEEP_OPENSEARCH_CREDENTIALS",
            SourceType::InvenioApi => "TALLYKEEP_INVENIO_TOKEN",
        };
        let text = match &self.credentials_file {
            Some(file) => std::fs::read_to_string(file).map(Some).map_err(SourceError::spool(file))?,
            None => variable(name),
        };
        Ok(text.map(|text| text.lines().next().unwrap_or("").trim().to_owned()).filter(|line| !line.is_empty()))
    }

    pub(super) fn credentials(secret: Option<&str>) -> Result<Option<Credentials>, SourceError> {
        secret
            .map(|secret| {
                Credentials::from_text(secret).ok_or_else(|| {
                    SourceError::Wrong("the credentials are none of `user:password`, `ApiKey …`, `Bearer …`".to_owned())
                })
            })
            .transpose()
    }

    pub(super) fn client(&self, clock: Clock) -> Result<HttpClient, SourceError> {
        // Search servers stand in private networks; this one the operator named.
        let hosts = AllowedHosts::naming([self.url.as_str()]);
        let politeness =
            Politeness { retry_base: self.retry_base, body_limit: 64 * 1024 * 1024, hosts, ..Politeness::default() };
        let authorities = match &self.ca_file {
            Some(file) => Some(std::fs::read(file).map_err(SourceError::spool(file))?),
            None => None,
        };
        HttpClient::trusting(politeness, clock, std::sync::Arc::new(NoMemory), authorities.as_deref()).map_err(
            |error| match (&self.ca_file, error) {
                (Some(file), CollectError::Connect { reason, .. }) => {
                    SourceError::Wrong(format!("{}: {reason}", file.display()))
                }
                (_, error) => error.into(),
            },
        )
    }
}

/// Reads `[repository.sources]`. Errors name source and key.
pub fn sources_from_json(value: &Value) -> Result<Vec<Source>, String> {
    let Some(table) = value.as_object() else { return Err("must be tables: [repository.sources.NAME]".to_owned()) };
    table.iter().map(|(name, value)| Source::from_json(name, value)).collect()
}

/// What one import of a source is asked to do.
#[derive(Debug, Clone, Default)]
pub struct SourceRequest {
    /// Only what changed at or after this instant; else since the last complete import, else everything.
    pub since: Option<Timestamp>,
    /// Ask and check, store nothing.
    pub dry_run: bool,
    /// Forget how far it was read.
    pub from_start: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_source_is_read_and_mistakes_name_their_key() {
        let source = Source::from_json(
            "main",
            &json!({"type": "opensearch", "url": "https://search:9200", "index_prefix": "rdm-", "kinds": ["records", "usage_events"],
                "rate": 2, "schedule": "30 2 * * *"}),
        )
        .expect("read");
        assert_eq!(source.kinds, [Kind::Records, Kind::UsageEvents]);
        assert_eq!(source.identity(), "opensearch:https://search:9200/rdm-");
        for (value, part) in [
            (json!({"type": "solr", "url": "https://a"}), "main.type"),
            (json!({"type": "opensearch"}), "main.url"),
            (json!({"type": "opensearch", "url": "https://a", "rate": 0}), "main.rate"),
            (json!({"type": "opensearch", "url": "https://a", "ratte": 1}), "unknown key `ratte`"),
            (json!({"type": "invenio-api", "url": "https://a", "kinds": ["usage-events"]}), "has no usage-events"),
            (json!({"type": "opensearch", "url": "https://a", "kinds": ["drafts"]}), "main.kinds"),
        ] {
            let error = Source::from_json("main", &value).expect_err("refused");
            assert!(error.contains(part), "{error}");
        }
    }
}
