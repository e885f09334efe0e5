//! How often tags occur (spec §4.9).

use std::collections::BTreeMap;

use serde::Serialize;

use super::Question;
use crate::words::category_label;

/// Category label → tag name → count.
pub type TagCounts = BTreeMap<String, BTreeMap<String, u64>>;

/// Counts of links, of messages of any type in the window and of active sessions. Version tags are left out.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TagAnalytics {
    pub tag_categories: TagCounts,
    /// Links on messages: a message with two tags adds 2.
    pub total_tagged_messages: u64,
    pub distinct_tagged_messages: u64,
    pub tagged_sessions: TagCounts,
    pub total_tagged_sessions: u64,
}

pub fn tag_analytics(question: &Question<'_>) -> TagAnalytics {
    let (image, span) = (question.image, question.filter.window.span);
    let links = &image.tagged.on_messages;
    let rows = links.partition_point(|link| link.at < span.start)..links.partition_point(|link| link.at < span.end);
    let mut on_messages = vec![0_u64; image.tags.len()];
    let (mut distinct, mut previous) = (0_u64, None);
    for link in &links[rows.start..rows.end.max(rows.start)] {
        if question.selection.sessions[link.session as usize] && image.is_listed_tag(link.tag) {
            on_messages[link.tag as usize] += 1;
            // Links of one message lie together.
            distinct += u64::from(previous != Some(link.message));
            previous = Some(link.message);
        }
    }
    let mut active = vec![false; image.sessions.slots()];
    question.active_sessions().for_each(|slot| active[slot] = true);
    let mut on_sessions = vec![0_u64; image.tags.len()];
    for (slot, tag) in &image.tagged.on_sessions {
        if active[*slot as usize] && image.is_listed_tag(*tag) {
            on_sessions[*tag as usize] += 1;
        }
    }
    TagAnalytics {
        tag_categories: by_category(question, &on_messages),
        total_tagged_messages: on_messages.iter().sum(),
        distinct_tagged_messages: distinct,
        tagged_sessions: by_category(question, &on_sessions),
        total_tagged_sessions: on_sessions.iter().sum(),
    }
}

fn by_category(question: &Question<'_>, counts: &[u64]) -> TagCounts {
    let mut found = TagCounts::new();
    for (tag, count) in question.image.tags.iter().zip(counts).filter(|(_, count)| **count > 0) {
        let category = found.entry(category_label(&tag.category).to_owned()).or_default();
        *category.entry(tag.name.clone()).or_default() += count;
    }
    found
}
