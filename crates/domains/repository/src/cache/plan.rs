//! What a generation is to make: communities, years, categories (seed 004; spec/invenio §9).

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use super::{CachedResponses, Category, body::layout_hash};
use crate::{
    RepositoryError,
    aggregate::Aggregator,
    dates::utc_day,
    documents::Record,
    state::{Basis, current, membership_events},
    tables::RECORDS,
};

/// Which years.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Years {
    /// From the start of each community to now.
    #[default]
    Auto,
    /// These, as far as a community lived in them.
    List(Vec<i16>),
    /// The current one.
    Current,
}

/// What to generate.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GenerateRequest {
    /// Ids or slugs; empty means `global`.
    pub communities: Vec<String>,
    /// Every enabled community and `global`, whatever `communities` says.
    pub all_communities: bool,
    pub years: Years,
    /// Make anew what is there and true.
    pub overwrite: bool,
    /// Only what is missing or old, in the current year too.
    pub only_changed: bool,
}

impl GenerateRequest {
    /// As arguments of a job.
    pub fn to_json(&self) -> Value {
        json!({
            "communities": self.communities,
            "all_communities": self.all_communities,
            "years": match &self.years {
                Years::Auto => json!("auto"),
                Years::Current => json!("current"),
                Years::List(years) => json!(years),
            },
            "overwrite": self.overwrite,
            "only_changed": self.only_changed,
        })
    }

    /// The inverse of [`Self::to_json`]; what is missing has its default.
    pub fn from_json(args: &Value) -> Self {
        let flag = |key: &str| args.get(key).and_then(Value::as_bool).unwrap_or(false);
        let list = |key: &str| args.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
        let years = match args.get("years") {
            Some(Value::Array(_)) => Years::List(
                list("years").iter().filter_map(Value::as_i64).filter_map(|year| i16::try_from(year).ok()).collect(),
            ),
            Some(Value::String(text)) if text == "current" => Years::Current,
            _ => Years::Auto,
        };
        Self {
            communities: list("communities").iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            all_communities: flag("all_communities"),
            years,
            overwrite: flag("overwrite"),
            only_changed: flag("only_changed"),
        }
    }
}

/// One community of a plan.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlannedCommunity {
    pub community_id: String,
    pub community_slug: String,
    /// The year its life starts in.
    pub first_year: i16,
    pub years: Vec<i16>,
}

/// What a generation would make.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GeneratePlan {
    pub communities: Vec<PlannedCommunity>,
    /// Every year of any community, ascending.
    pub years: Vec<i16>,
    /// Distinct ones: a name and its alias are one.
    pub categories: Vec<&'static str>,
    /// Answers: distinct rows.
    pub total: usize,
    /// How many of them are kept and true already, with the part for the layout there is.
    pub existing: usize,
}

impl CachedResponses {
    /// What a request amounts to. Nothing is made.
    ///
    /// Errors: `UnknownCommunity`.
    pub async fn plan(&self, request: &GenerateRequest) -> Result<GeneratePlan, RepositoryError> {
        let repository = &self.repository;
        let known = repository.communities().await?;
        let mut wanted: Vec<(String, String)> = Vec::new();
        if request.all_communities {
            let enabled = repository.enabled_of(&known).await?;
            wanted.extend(known.iter().filter(|c| enabled.contains(&c.id)).map(|c| (c.id.clone(), c.slug.clone())));
            wanted.push(("global".to_owned(), "global".to_owned()));
        } else if request.communities.is_empty() {
            wanted.push(("global".to_owned(), "global".to_owned()));
        }
        for name in request.communities.iter().filter(|_| !request.all_communities) {
            let found = match repository.community(name).await? {
                Some(community) => (community.id, community.slug),
                None => ("global".to_owned(), "global".to_owned()),
            };
            if !wanted.contains(&found) {
                wanted.push(found);
            }
        }
        let lives = self.lives(&wanted).await?;
        let this_year = repository.control.clock().today().year();
        let mut communities = Vec::new();
        for (community_id, community_slug) in wanted {
            let first_year = lives.get(&community_id).copied().unwrap_or(this_year).min(this_year);
            let mut years: Vec<i16> = match &request.years {
                Years::Auto => (first_year..=this_year).collect(),
                Years::Current => vec![this_year],
                Years::List(list) => list.iter().copied().filter(|y| (first_year..=this_year).contains(y)).collect(),
            };
            years.sort_unstable();
            years.dedup();
            communities.push(PlannedCommunity { community_id, community_slug, first_year, years });
        }
        let years: BTreeSet<i16> = communities.iter().flat_map(|c| c.years.iter().copied()).collect();
        let categories: Vec<&str> = Category::all().map(Category::stat).collect();
        let total = communities.iter().map(|c| c.years.len()).sum::<usize>() * categories.len();
        let current = self.current_layouts().await?;
        let mut existing = 0;
        for community in &communities {
            let id = &community.community_id;
            let layout = layout_hash(repository.page_components(id).await?.as_ref());
            let all = community.years.iter().flat_map(|year| Category::all().map(|category| (*year, category)));
            existing += all
                .filter(|(year, category)| current.get(&self.identity(id, *year, *category)) == Some(&layout))
                .count();
        }
        Ok(GeneratePlan { communities, years: years.into_iter().collect(), categories, total, existing })
    }

    /// The year each community's life starts in: global, that of the oldest record; a community, that of its first membership event or its
    /// creation, whichever was earlier, else the global one.
    async fn lives(&self, wanted: &[(String, String)]) -> Result<BTreeMap<String, i16>, RepositoryError> {
        let repository = &self.repository;
        let mut lives: BTreeMap<String, i16> = BTreeMap::new();
        if let Some(oldest) = self.oldest_record().await? {
            lives.insert("global".to_owned(), oldest);
        }
        if wanted.iter().any(|(id, _)| id != "global") {
            for (_, community, _, at) in membership_events(&repository.lake, None).await? {
                let year = utc_day(at).year();
                lives.entry(community).and_modify(|known| *known = year.min(*known)).or_insert(year);
            }
            for community in repository.communities().await? {
                let Some(created) = community.created else { continue };
                let year = utc_day(created).year();
                lives.entry(community.id).and_modify(|known| *known = year.min(*known)).or_insert(year);
            }
        }
        let global = lives.get("global").copied();
        for (id, _) in wanted {
            if let Some(global) = global.filter(|_| !lives.contains_key(id)) {
                lives.insert(id.clone(), global);
            }
        }
        Ok(lives)
    }

    /// The year of the oldest record: the first day of the global *created* family, else as the records themselves say.
    async fn oldest_record(&self) -> Result<Option<i16>, RepositoryError> {
        let repository = &self.repository;
        let family = Aggregator::RecordDelta(Basis::Created).name();
        if let Some(covered) = repository.control.coverage_of(family, "global").await? {
            return Ok(Some(covered.first_day.year()));
        }
        let mut oldest = None;
        for stored in current(&repository.lake, &RECORDS).await?.into_values() {
            let document: Value = serde_json::from_str(&stored.doc)?;
            let Ok(record) = Record::from_json(&document) else { continue };
            let year = utc_day(record.created).year();
            oldest = Some(oldest.map_or(year, |known: i16| known.min(year)));
        }
        Ok(oldest)
    }
}
