//! What a kept answer is about, and the key it is kept under (spec/invenio §6, §9; seed 004).

use jiff::civil::{Date, date};
use sha2::{Digest, Sha256};

use crate::{
    read::{Params, Query, SeriesKind, Shape},
    state::Basis,
};

/// A data series category: one query result that is kept by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Category(usize);

/// (name of the query, its name in seed 004). The first four of seed 004 are names of the `-category` queries.
const CATEGORIES: [(&str, &str); 8] = [
    ("record-delta-category", "record_delta"),
    ("record-snapshot-category", "record_snapshot"),
    ("usage-delta-category", "usage_delta"),
    ("usage-snapshot-category", "usage_snapshot"),
    ("record_delta_data_added", "record_delta_data_added"),
    ("record_delta_data_removed", "record_delta_data_removed"),
    ("usage_delta_data_views", "usage_delta_data_views"),
    ("usage_delta_data_downloads", "usage_delta_data_downloads"),
];

impl Category {
    /// Every category that has a row of its own: eight.
    pub fn all() -> impl Iterator<Item = Self> {
        (0..CATEGORIES.len()).map(Self)
    }

    /// By the name of the query or the name of seed 004; plurals (`record_snapshots`) are understood.
    pub fn find(name: &str) -> Option<Self> {
        let at = |name: &str| CATEGORIES.iter().position(|(query, seed)| *query == name || *seed == name).map(Self);
        at(name)
            .or_else(|| at(name.strip_suffix('s')?))
            .or_else(|| at(&name.replace("deltas", "delta").replace("snapshots", "snapshot")))
    }

    /// Every name there is, aliases included.
    pub fn names() -> Vec<&'static str> {
        let mut names: Vec<&str> = CATEGORIES.iter().flat_map(|(query, seed)| [*query, *seed]).collect();
        names.dedup();
        names
    }

    /// The query that answers it.
    pub fn stat(self) -> &'static str {
        CATEGORIES[self.0].0
    }

    /// The query itself.
    pub fn query(self) -> Option<Query> {
        Query::find(self.stat())
    }

    pub fn kind(self) -> SeriesKind {
        match self.query().map(|q| q.shape) {
            Some(Shape::Category(kind, ..)) => kind,
            _ => SeriesKind::RecordDelta,
        }
    }
}

/// What a kept answer is about.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Identity {
    /// A community's UUID, or `global`.
    pub community_id: String,
    pub year: i16,
    pub category: Category,
    /// Always `added` for usage, which has no basis.
    pub basis: Basis,
}

impl Identity {
    pub fn new(community_id: &str, year: i16, category: Category, basis: Basis) -> Self {
        let basis = if category.kind().is_records() { basis } else { Basis::Added };
        Self { community_id: community_id.to_owned(), year, category, basis }
    }

    /// The identity of a request whose answer is kept: a whole category over one whole year. `community_id` is resolved already.
    pub fn of_request(query: Query, params: &Params, community_id: &str) -> Option<Self> {
        let Shape::Category(..) = query.shape else { return None };
        let category = Category::find(query.name)?;
        let part = params.category.is_some() || params.metric.is_some() || params.subcount_id.is_some();
        if part || params.all_bases || params.known_on.is_some() {
            return None;
        }
        let (start, end) = (params.start?, params.end?);
        let one_year = start.year() == end.year() && start == start.first_of_year() && end == end.last_of_year();
        one_year.then(|| Self::new(community_id, start.year(), category, params.basis.unwrap_or(Basis::Added)))
    }

    /// January 1 and December 31.
    pub fn days(&self) -> (Date, Date) {
        (date(self.year, 1, 1), date(self.year, 12, 31))
    }

    /// The parameters of its query.
    pub fn params(&self, optimize: bool) -> Params {
        let (start, end) = self.days();
        Params {
            community_id: Some(self.community_id.clone()),
            start: Some(start),
            end: Some(end),
            basis: Some(self.basis),
            optimize,
            ..Params::default()
        }
    }

    /// The text the key is the hash of.
    fn canonical(&self) -> String {
        let (start, end) = self.days();
        let id = serde_json::Value::String(self.community_id.clone());
        format!(
            "{{\"content_type\": \"application/json\", \"request_data\": {{\"params\": {{\"community_id\": {id}, \"date_basis\": \"{}\", \
             \"end_date\": \"{end}\", \"start_date\": \"{start}\"}}, \"stat\": \"{}\"}}}}",
            self.basis.as_str(),
            self.category.stat()
        )
    }

    /// `<prefix>:<SHA-256 of the request>`. An alias has the key of what it stands for.
    pub fn key(&self, prefix: &str) -> String {
        let hash: String = Sha256::digest(self.canonical()).iter().map(|b| format!("{b:02x}")).collect();
        format!("{prefix}:{hash}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_of_the_specification() {
        let category = Category::find("record-delta-category").expect("a category");
        let identity = Identity::new("global", 2023, category, Basis::Added);
        assert_eq!(
            identity.canonical(),
            r#"{"content_type": "application/json", "request_data": {"params": {"community_id": "global", "date_basis": "added", "end_date": "2023-12-31", "start_date": "2023-01-01"}, "stat": "record-delta-category"}}"#
        );
        assert_eq!(
            identity.key("stats_dashboard"),
            "stats_dashboard:8a96d00dcd88f720fbe50d1cc74c83487700efe1e7fa8e0bd539c436e286be11"
        );
    }

    #[test]
    fn an_alias_has_the_row_of_what_it_stands_for() {
        let key = |name: &str| {
            Identity::new("global", 2023, Category::find(name).expect(name), Basis::Added).key("stats_dashboard")
        };
        assert_eq!(key("record_delta"), key("record-delta-category"));
        assert_eq!(key("record_snapshots"), key("record-snapshot-category"));
        assert_eq!(key("usage_deltas"), key("usage-delta-category"));
        assert_ne!(key("record_delta"), key("record_delta_data_added"));
        let keys: std::collections::BTreeSet<String> = Category::names().into_iter().map(key).collect();
        assert_eq!((Category::names().len(), keys.len()), (12, 8));
        assert_eq!(Category::find("usage"), None);
    }

    #[test]
    fn usage_has_no_basis_and_parts_of_an_answer_are_not_kept() {
        let usage = Category::find("usage_delta").expect("a category");
        assert_eq!(Identity::new("global", 2023, usage, Basis::Created).basis, Basis::Added);
        let query = Query::find("usage-delta-category").expect("a query");
        let whole = Identity::new("global", 2023, usage, Basis::Added).params(false);
        assert!(Identity::of_request(query, &whole, "global").is_some());
        for part in [
            Params { end: Some(date(2023, 12, 30)), ..whole.clone() },
            Params { start: Some(date(2022, 1, 1)), ..whole.clone() },
            Params { end: None, ..whole.clone() },
            Params { category: Some("global".to_owned()), ..whole.clone() },
            Params { all_bases: true, ..whole.clone() },
        ] {
            assert_eq!(Identity::of_request(query, &part, "global"), None, "{part:?}");
        }
    }
}
