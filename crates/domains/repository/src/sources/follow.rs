//! Memberships of sources that do not tell them: what records say of their communities, followed from import to import.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::{Kind, SourceError, reading::Reading, spool::Spool};
use crate::{
    RepositoryError, TeamRepository,
    documents::{MembershipKind, Record},
    membership::intervals,
    state::{current, membership_events},
    tables::RECORDS,
};

/// Events held before they are imported.
const BATCH: usize = 50_000;

impl TeamRepository {
    /// Writes the membership events that stored records are ahead of.
    ///
    /// A record without any event is in its communities, and in the repository, since it was created (spec/invenio §1.3, back-fill). One
    /// that has events and another set of communities now joined or left when it was last updated: nobody says it more exactly.
    pub(super) async fn follow_memberships(&self, reading: &mut Reading<'_>) -> Result<(), SourceError> {
        let mut known: HashMap<String, HashMap<String, Vec<(Timestamp, MembershipKind)>>> = HashMap::new();
        for (record, community, kind, at) in membership_events(&self.lake, None).await? {
            known.entry(record).or_default().entry(community).or_default().push((at, kind));
        }
        let mut events = Vec::new();
        for stored in current(&self.lake, &RECORDS).await?.into_values() {
            let document: Value = serde_json::from_str(&stored.doc).map_err(RepositoryError::from)?;
            let Ok(record) = Record::from_json(&document) else { continue };
            if !record.is_published || record.deleted.is_some() {
                continue;
            }
            events.extend(needed(&record, known.remove(&record.id)));
            if events.len() >= BATCH {
                self.import_followed(reading, &mut events).await?;
            }
        }
        self.import_followed(reading, &mut events).await
    }

    async fn import_followed(&self, reading: &mut Reading<'_>, events: &mut Vec<Value>) -> Result<(), SourceError> {
        if events.is_empty() {
            return Ok(());
        }
        let mut spool = Spool::open(&reading.spool, "followed", "followed")?;
        spool.add(&std::mem::take(events), Value::Null, true)?;
        let outcome = self.import_file(reading, Kind::CommunityEvents, &spool, false).await;
        spool.remove();
        outcome.map(drop)
    }
}

type Known = HashMap<String, Vec<(Timestamp, MembershipKind)>>;

fn needed(record: &Record, known: Option<Known>) -> Vec<Value> {
    let event = |community: &str, kind: MembershipKind, at: Timestamp| json!({"record_id": record.id, "community_id": community, "event_type": kind.as_str(), "event_date": at.to_string()});
    let now: BTreeSet<&str> = record.communities.iter().map(String::as_str).chain(["global"]).collect();
    let Some(known) = known else {
        return now.into_iter().map(|community| event(community, MembershipKind::Added, record.created)).collect();
    };
    let mut events = Vec::new();
    let changed = record.updated.unwrap_or(record.created).max(record.created);
    let mut inside = BTreeSet::new();
    for (community, mut list) in known {
        let last = intervals(&mut list).into_iter().next_back();
        let Some(open) = last.filter(|interval| interval.end.is_none()) else { continue };
        if !now.contains(community.as_str()) {
            // An update that is older than the membership does not tell when it ended; it ended after it began.
            let at = changed.max(open.start.checked_add(jiff::SignedDuration::from_secs(1)).unwrap_or(open.start));
            events.push(event(&community, MembershipKind::Removed, at));
        }
        inside.insert(community);
    }
    let joined = now.into_iter().filter(|community| !inside.contains(*community));
    events.extend(joined.map(|community| event(community, MembershipKind::Added, changed)));
    events.sort_by_key(Value::to_string);
    events
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(communities: &[&str]) -> Record {
        Record::from_json(&json!({"id": "r", "created": "2026-01-01T00:00:00Z", "updated": "2026-02-01T00:00:00Z", "is_published": true,
            "parent": {"id": "p", "communities": {"ids": communities}}}))
        .expect("a record")
    }

    fn told(events: &[Value]) -> String {
        let line = |e: &Value| {
            let text = |field: &str| e[field].as_str().unwrap_or_default().to_owned();
            format!("{} {} {}", text("event_type"), text("community_id"), &text("event_date")[..10])
        };
        events.iter().map(line).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn a_new_record_was_in_its_communities_since_it_was_created() {
        assert_eq!(told(&needed(&record(&["a"]), None)), "added a 2026-01-01, added global 2026-01-01");
    }

    #[test]
    fn a_changed_set_is_followed_once() {
        let created: Timestamp = "2026-01-01T00:00:00Z".parse().expect("an instant");
        let mut known: Known =
            ["a", "global"].map(|c| (c.to_owned(), vec![(created, MembershipKind::Added)])).into_iter().collect();
        assert_eq!(told(&needed(&record(&["b"]), Some(known.clone()))), "removed a 2026-02-01, added b 2026-02-01");
        assert_eq!(told(&needed(&record(&["a"]), Some(known.clone()))), "");
        let updated: Timestamp = "2026-02-01T00:00:00Z".parse().expect("an instant");
        known.entry("a".to_owned()).or_default().push((updated, MembershipKind::Removed));
        known.insert("b".to_owned(), vec![(updated, MembershipKind::Added)]);
        assert_eq!(told(&needed(&record(&["b"]), Some(known))), "");
    }
}
