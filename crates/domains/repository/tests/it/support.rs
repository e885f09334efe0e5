//! A repository in a temporary folder, with a clock that stands still.

use std::{
    path::{Path, PathBuf},
    time::Duration,
};

use serde_json::{Value, json};
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::Clock;
use tallykeep_repository::{
    Config, Repository, RepositoryError, Settings, TeamRepository,
    aggregate::{AggregateRequest, AggregateResult},
    import::{ImportReport, ImportRequest},
    read::{Params, Query},
};

pub struct House {
    pub folder: tempfile::TempDir,
    repository: Repository,
}

impl House {
    /// A data dir of its own; `now` is every clock's time.
    pub async fn new(now: &str) -> Self {
        Self::with(now, |_| {}).await
    }

    /// The same with other settings.
    pub async fn with(now: &str, change: impl FnOnce(&mut Settings)) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let clock = Clock::Fixed(now.parse().expect("an instant"));
        let control = Control::open(&folder.path().join("data"), clock).await.expect("control opens");
        let lake = Lake::open(&folder.path().join("data/lake"), Duration::from_secs(60)).expect("lake opens");
        let mut settings = Config::default().settings().expect("default settings");
        change(&mut settings);
        Self { repository: Repository::new(control, lake, settings), folder }
    }

    /// The same data at another time, as another process would open it.
    pub async fn later(&self, now: &str) -> TeamRepository {
        self.again(now, |_| {}).await
    }

    /// The same data at another time and with other settings.
    pub async fn again(&self, now: &str, change: impl FnOnce(&mut Settings)) -> TeamRepository {
        let clock = Clock::Fixed(now.parse().expect("an instant"));
        let control = Control::open(&self.folder.path().join("data"), clock).await.expect("control opens");
        let lake = Lake::open(&self.folder.path().join("data/lake"), Duration::from_secs(60)).expect("lake opens");
        let mut settings = Config::default().settings().expect("default settings");
        change(&mut settings);
        let repository = Repository::new(control.clone(), lake, settings);
        repository.of(control.team(&"default".parse().expect("a slug")).await.expect("default team"))
    }

    pub async fn team(&self) -> TeamRepository {
        let control = self.repository.control();
        self.repository.of(control.team(&"default".parse().expect("a slug")).await.expect("default team"))
    }

    pub async fn add_team(&self, slug: &str) -> TeamRepository {
        let control = self.repository.control();
        let slug = slug.parse().expect("a slug");
        control.add_team(&slug, slug.as_str()).await.expect("added");
        self.repository.of(control.team(&slug).await.expect("the team"))
    }

    /// Writes documents as lines of a file.
    pub fn lines(&self, name: &str, documents: &[Value]) -> PathBuf {
        let text: String = documents.iter().map(|d| format!("{d}\n")).collect();
        self.text(name, &text)
    }

    pub fn text(&self, name: &str, text: &str) -> PathBuf {
        let path = self.folder.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }
}

pub async fn import(repository: &TeamRepository, request: &ImportRequest) -> ImportReport {
    repository.import(request, &mut |_| true).await.expect("imported")
}

/// Aggregates everything until caught up.
pub async fn aggregate(repository: &TeamRepository) -> AggregateResult {
    let result = repository.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("aggregated");
    assert_eq!(result.status, "completed");
    result
}

/// The answer of a query by name.
pub async fn ask(repository: &TeamRepository, query: &str, params: Value) -> Result<Value, RepositoryError> {
    let params = Params::from_json(query, &params).expect("valid parameters");
    let answer = repository.query(Query::find(query).expect("a query of this name"), &params).await?;
    Ok(serde_json::from_slice(&answer.json).expect("JSON"))
}

/// The documents of a query over inclusive days.
pub async fn documents(
    repository: &TeamRepository,
    query: &str,
    community: &str,
    start: &str,
    end: &str,
) -> Vec<Value> {
    let params = json!({"community_id": community, "start_date": start, "end_date": end});
    match ask(repository, query, params).await.expect("an answer") {
        Value::Array(list) => list,
        other => panic!("not a list of documents: {other}"),
    }
}

/// The only document of a day.
pub async fn document(repository: &TeamRepository, query: &str, community: &str, day: &str) -> Value {
    let mut list = documents(repository, query, community, day, day).await;
    assert_eq!(list.len(), 1, "{query} of {community} on {day}");
    list.remove(0)
}

/// An item of a breakdown by id.
pub fn item<'a>(list: &'a Value, id: &str) -> &'a Value {
    let items = list.as_array().expect("a list of items");
    items.iter().find(|i| i["id"] == id).unwrap_or_else(|| panic!("no item {id} in {list}"))
}

pub fn ids(list: &Value) -> Vec<&str> {
    let mut ids: Vec<&str> =
        list.as_array().expect("a list of items").iter().map(|i| i["id"].as_str().expect("an id")).collect();
    ids.sort_unstable();
    ids
}

/// The read-only material beside the checkout, where it is there.
pub fn shared() -> Option<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors().nth(3).expect("the workspace");
    let folder = root.parent().expect("a folder around the checkout").join("shared/data/repository");
    folder.is_dir().then_some(folder)
}
