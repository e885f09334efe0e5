//! Communities, largest first.

use std::io::{self, Write};

use jiff::civil::Date;
use serde_json::json;
use uuid::Uuid;

use super::{
    Shape,
    calendar::DAY,
    instant,
    random::{Random, sums},
    seconds,
    words::{COMMUNITIES, GROUPS, TOPICS},
};

pub(super) struct Community {
    pub(super) id: String,
    pub(super) slug: String,
    pub(super) title: String,
    pub(super) description: String,
    pub(super) created: i64,
}

/// Communities by size; the larger ones are also the older ones.
pub(super) fn invent(shape: &Shape, seed: u64, today: Date) -> Vec<Community> {
    let mut random = Random::new(seed, "communities");
    let start = seconds(today) - i64::from(shape.record_days) * DAY;
    let span = i64::from(shape.record_days) * DAY / 2;
    let count = i64::try_from(shape.communities).unwrap_or(1);
    (0..shape.communities)
        .map(|rank| {
            let (slug, title, description) = match COMMUNITIES.get(rank) {
                Some((slug, title, description)) => {
                    ((*slug).to_owned(), (*title).to_owned(), (*description).to_owned())
                }
                None => {
                    let number = rank - COMMUNITIES.len();
                    let title =
                        format!("{} {}", TOPICS[number % TOPICS.len()], GROUPS[number / TOPICS.len() % GROUPS.len()]);
                    let slug = title.to_lowercase().replace(' ', "-");
                    let description = format!("What the {title} collects and publishes.");
                    (slug, title, description)
                }
            };
            let id = Uuid::new_v5(
                &Uuid::NAMESPACE_URL,
                format!("https://demo.tallykeep.example/communities/{slug}").as_bytes(),
            );
            let place = i64::try_from(rank).unwrap_or(0);
            // The first one is as old as the repository.
            let late = if rank == 0 { 0 } else { i64::try_from(random.below(20 * 86_400)).unwrap_or(0) };
            Community { id: id.to_string(), slug, title, description, created: start + span * place / count + late }
        })
        .collect()
}

/// Running sums of how many works a community takes in beside the others: few take most.
pub(super) fn popularity(communities: &[Community]) -> Vec<f64> {
    let mut rank = 0.0;
    sums(communities.iter().map(|_| {
        rank += 1.0;
        1.0 / (rank + 0.5)
    }))
}

pub(super) fn write(out: &mut dyn Write, communities: &[Community]) -> io::Result<usize> {
    for community in communities {
        let document = json!({
            "id": community.id,
            "slug": community.slug,
            "created": instant(community.created),
            "metadata": {"title": community.title, "description": community.description},
            "access": {"visibility": "public"},
            "links": {
                "self_html": format!("https://repository.example/communities/{}", community.slug),
                "records": format!("https://repository.example/api/communities/{}/records", community.id),
            },
            "custom_fields": {"stats:dashboard_enabled": true},
        });
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")?;
    }
    Ok(communities.len())
}
