//! The repository's works by use, as its own search would list them; and the state of enrichment.

use std::collections::HashMap;

use serde_json::{Value, json};
use tallykeep_lake::arrow::{
    array::{ArrayAccessor, AsArray, StringArray},
    compute::cast,
    datatypes::{DataType, Int64Type},
};

use crate::{
    RepositoryError, TeamRepository,
    documents::Record,
    state::current,
    tables::{RECORDS, USAGE},
};

/// Watermark name of enrichment: per `<kind>-<month>` either `raw` or `completed`.
pub const ENRICHMENT: &str = "usage-enrichment";

/// The order of a list of works.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WorkOrder {
    MostViewed,
    MostDownloaded,
    Newest,
}

impl WorkOrder {
    /// The names of the repository's own search; anything else is `Newest`.
    pub fn from_name(name: &str) -> Self {
        match name {
            "mostviewed" => Self::MostViewed,
            "mostdownloaded" => Self::MostDownloaded,
            _ => Self::Newest,
        }
    }
}

const COUNT: &str = include_str!("sql/usage_by_work.sql");

impl TeamRepository {
    /// Works (the newest version of each), page by page, as `{"hits": {"hits": […], "total": n}}`.
    ///
    /// Views and downloads are all-time and over all versions: the repository's own figures where its documents carry them,
    /// else counted from the stored events without robots; where no event is stored at all, what living sources told.
    pub async fn works(
        &self,
        community: Option<&str>,
        order: WorkOrder,
        page: usize,
        size: usize,
    ) -> Result<Value, RepositoryError> {
        let mut counted = self.usage_by_work().await?;
        if counted.is_empty() {
            counted = self.reported_by_work().await?;
        }
        let mut works: HashMap<String, (Record, Value)> = HashMap::new();
        for stored in current(&self.lake, &RECORDS).await?.into_values() {
            let document: Value = serde_json::from_str(&stored.doc)?;
            let Ok(record) = Record::from_json(&document) else { continue };
            let listed = record.is_published && record.deleted.is_none();
            if !listed || community.is_some_and(|id| !record.communities.iter().any(|c| c == id)) {
                continue;
            }
            let newer = works
                .get(&record.parent)
                .is_none_or(|(known, _)| (known.created, &known.id) < (record.created, &record.id));
            if newer {
                works.insert(record.parent.clone(), (record, document));
            }
        }
        let mut hits: Vec<(i64, i64, Record, Value)> = works
            .into_values()
            .map(|(record, document)| {
                let own =
                    |field: &str| document.pointer(&format!("/stats/all_versions/{field}")).and_then(Value::as_i64);
                let (views, downloads) = counted.get(&record.parent).copied().unwrap_or_default();
                (own("views").unwrap_or(views), own("downloads").unwrap_or(downloads), record, document)
            })
            .collect();
        hits.sort_by(|a, b| match order {
            WorkOrder::MostViewed => b.0.cmp(&a.0).then_with(|| a.2.id.cmp(&b.2.id)),
            WorkOrder::MostDownloaded => b.1.cmp(&a.1).then_with(|| a.2.id.cmp(&b.2.id)),
            WorkOrder::Newest => b.2.created.cmp(&a.2.created).then_with(|| a.2.id.cmp(&b.2.id)),
        });
        let total = hits.len();
        let hits: Vec<Value> = hits
            .into_iter()
            .skip(page.saturating_sub(1).saturating_mul(size))
            .take(size)
            .map(|(views, downloads, record, document)| {
                json!({
                    "id": record.id,
                    "created": record.created.to_string(),
                    "metadata": {
                        "title": document.pointer("/metadata/title").cloned().unwrap_or(Value::Null),
                        "resource_type": document.pointer("/metadata/resource_type").cloned().unwrap_or(Value::Null),
                        "publication_date": document.pointer("/metadata/publication_date").cloned().unwrap_or(Value::Null),
                    },
                    "stats": {"all_versions": {"views": views, "downloads": downloads}},
                    "links": {"self_html": self.record_link(&record.id, &document)},
                })
            })
            .collect();
        Ok(json!({"hits": {"hits": hits, "total": total}}))
    }

    /// A record's page: the document's own link, else by `[repository] links`, else none.
    fn record_link(&self, id: &str, document: &Value) -> Value {
        if let Some(link) = document.pointer("/links/self_html").and_then(Value::as_str) {
            return json!(link);
        }
        let base = self.settings.links.as_ref().and_then(|l| l.get("records")).and_then(Value::as_str);
        base.map_or(Value::Null, |base| json!(format!("{}/{id}", base.trim_end_matches('/'))))
    }

    /// Views and downloads by work as living sources told them.
    async fn reported_by_work(&self) -> Result<HashMap<String, (i64, i64)>, RepositoryError> {
        let mut told: HashMap<String, (i64, i64)> = HashMap::new();
        for reported in self.control.reported(crate::sources::REPORTED_RECORDS).await? {
            let all = &reported.figures["all_versions"];
            let work = reported.figures["parent"].as_str().unwrap_or(&reported.id).to_owned();
            let known = told.entry(work).or_default();
            *known =
                (known.0.max(all["views"].as_i64().unwrap_or(0)), known.1.max(all["downloads"].as_i64().unwrap_or(0)));
        }
        Ok(told)
    }

    /// Views and downloads by work, without robots.
    async fn usage_by_work(&self) -> Result<HashMap<String, (i64, i64)>, RepositoryError> {
        let table = self.lake.table(&USAGE);
        let view = table.view().await?;
        if view.files.is_empty() {
            return Ok(HashMap::new());
        }
        if let Some(known) = self.works_cache.get(self.control.team().id, view.version) {
            return Ok((*known).clone());
        }
        let mut counted = HashMap::new();
        for batch in self.lake.sql(COUNT, &[(&table, Vec::new())]).await? {
            let works = cast(batch.column(0), &DataType::Utf8).map_err(|e| RepositoryError::Worker(e.to_string()))?;
            let works: &StringArray = works.as_string::<i32>();
            let (views, downloads) =
                (batch.column(1).as_primitive::<Int64Type>(), batch.column(2).as_primitive::<Int64Type>());
            for row in 0..batch.num_rows() {
                counted.insert((&works).value(row).to_owned(), (views.value(row), downloads.value(row)));
            }
        }
        self.works_cache.put(self.control.team().id, view.version, counted.clone());
        Ok(counted)
    }
}
