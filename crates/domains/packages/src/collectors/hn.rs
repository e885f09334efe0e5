//! HN evidence: stories and comments that name a term (spec/packages §4.6, §12.1).

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha1::{Digest, Sha1};
use tallykeep_collect::CollectError;
use tallykeep_control::packages::EvidenceRow;

use super::{Asker, segment, shape};
use crate::{
    config::{Evidence, Relation},
    days::python_instant,
    upstreams::{HN, HN_ITEM},
};

const PAGES: usize = 5;

/// Every hit of every term in `[from, until]`, one item per evidence id.
pub async fn evidence(
    asker: &Asker,
    config: &Evidence,
    from: Timestamp,
    until: Timestamp,
) -> Result<Vec<EvidenceRow>, CollectError> {
    let mut items: BTreeMap<String, EvidenceRow> = BTreeMap::new();
    for term in &config.terms {
        for tag in ["story", "comment"] {
            for page in 0..PAGES {
                let path = format!(
                    "/api/v1/search_by_date?query={}&tags={tag}&hitsPerPage=100&page={page}&numericFilters={}",
                    segment(term),
                    segment(&format!("created_at_i>={},created_at_i<={}", from.as_second(), until.as_second()))
                );
                let body = asker.client.ask(&asker.get(HN, &path)).await?.json()?;
                let hits = body["hits"].as_array().ok_or_else(|| shape(HN, "`hits` is no list"))?;
                for hit in hits {
                    if let Some(item) = item(hit, term, config, asker.clock.now()) {
                        items.insert(item.evidence_id.clone(), item);
                    }
                }
                let pages = body["nbPages"].as_u64().unwrap_or(0);
                if page as u64 + 1 >= pages {
                    break;
                }
            }
        }
    }
    Ok(items.into_values().collect())
}

/// `hackernews:<object>:<first 10 hex of SHA-1 of the lower-case term>`.
pub fn evidence_id(object: &str, term: &str) -> String {
    let digest = Sha1::digest(term.to_lowercase().as_bytes());
    let hex: String = digest.iter().take(5).map(|byte| format!("{byte:02x}")).collect();
    format!("hackernews:{object}:{hex}")
}

fn item(hit: &Value, term: &str, config: &Evidence, now: Timestamp) -> Option<EvidenceRow> {
    let object = hit["objectID"].as_str().filter(|id| !id.is_empty())?;
    let text_of = |name: &str| hit[name].as_str().map(cleaned).filter(|text| !text.is_empty());
    let title = text_of("title")
        .or_else(|| text_of("story_title"))
        .or_else(|| text_of("comment_text"))
        .unwrap_or_else(|| "HN item".to_owned());
    let plain = |name: &str| hit[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned);
    let hn_url = format!("{HN_ITEM}{object}");
    let url = plain("url").or_else(|| plain("story_url")).unwrap_or_else(|| hn_url.clone());
    let text = text_of("comment_text").or_else(|| text_of("story_text")).unwrap_or_else(|| title.clone());
    let occurred_at = hit["created_at_i"]
        .as_i64()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .or_else(|| hit["created_at"].as_str().and_then(|at| at.parse().ok()))?;
    let (points, comments) = (hit["points"].as_i64().unwrap_or(0), hit["num_comments"].as_i64().unwrap_or(0));
    let tags: Vec<&str> =
        hit["_tags"].as_array().map(|tags| tags.iter().filter_map(Value::as_str).collect()).unwrap_or_default();
    let strength = if points >= 50 || comments >= 25 {
        "strong"
    } else if points >= 10 || comments >= 5 || tags.contains(&"story") {
        "medium"
    } else {
        "weak"
    };
    let about = relation(config, term);
    let id = evidence_id(object, term);
    let raw = json!({"object_id": object, "hn_url": hn_url, "author": hit["author"], "points": hit["points"],
        "num_comments": hit["num_comments"], "tags": tags});
    let document = json!({
        "evidence_id": id, "source_type": "hackernews", "source_name": "HN Algolia", "observed_at": python_instant(now),
        "occurred_at": python_instant(occurred_at), "title": title, "url": url, "snippet": snippet(&text),
        "matched_terms": [term], "related_metrics": about.metrics, "related_packages": about.packages,
        "related_repos": about.repos, "communities": about.communities, "evidence_strength": strength, "raw_ref": raw.to_string(),
    });
    Some(EvidenceRow { evidence_id: id, source_type: "hackernews".to_owned(), occurred_at, document })
}

/// The first relation that fits the term.
pub fn relation(config: &Evidence, term: &str) -> Relation {
    let term = term.to_lowercase();
    let fits = |relation: &&Relation| {
        let free = relation.contains.is_empty() && relation.equals.is_empty();
        free || relation.contains.iter().any(|part| term.contains(&part.to_lowercase()))
            || relation.equals.iter().any(|whole| term == whole.to_lowercase())
    };
    config.relations.iter().find(fits).cloned().unwrap_or_default()
}

/// Entities unescaped first, then tags as blanks, then white space collapsed.
pub fn cleaned(text: &str) -> String {
    let text = unescaped(text);
    let (mut plain, mut tag) = (String::new(), false);
    for letter in text.chars() {
        match letter {
            '<' => tag = true,
            '>' if tag => {
                tag = false;
                plain.push(' ');
            }
            _ if tag => {}
            _ => plain.push(letter),
        }
    }
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn unescaped(text: &str) -> String {
    let mut plain = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain.push_str(&rest[..at]);
        rest = &rest[at..];
        let end = rest.char_indices().take(12).find(|(_, c)| *c == ';').map(|(n, _)| n);
        let letter = end.and_then(|end| entity(&rest[1..end]));
        match (letter, end) {
            (Some(letter), Some(end)) => {
                plain.push(letter);
                rest = &rest[end + 1..];
            }
            _ => {
                plain.push('&');
                rest = &rest[1..];
            }
        }
    }
    plain + rest
}

fn entity(name: &str) -> Option<char> {
    Some(match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        "nbsp" => '\u{a0}',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(hex) => u32::from_str_radix(hex, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    })
}

/// At most 280 characters: 277, right-trimmed, and `...`.
pub fn snippet(text: &str) -> String {
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if text.chars().count() <= 280 {
        return text;
    }
    let kept: String = text.chars().take(277).collect();
    format!("{}...", kept.trim_end())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    #[test]
    fn example_p_evidence_id() {
        assert_eq!(evidence_id("9001", "LanceDB"), "hackernews:9001:16384844fe");
        assert_eq!(evidence_id("9001", "lancedb"), "hackernews:9001:16384844fe");
    }

    #[test]
    fn a_comment_becomes_an_item() {
        let hit = json!({"objectID":"777","created_at":"2026-03-03T10:00:00Z","created_at_i":1_772_532_000,"title":null,
            "story_title":"Vector stores compared","url":null,"story_url":"","comment_text":"I use <i>lancedb</i> &amp; like it &lt;b&gt;x",
            "author":"dev","points":null,"num_comments":null,"_tags":["comment","author_dev","story_700"]});
        let config = Config::example();
        let item = item(&hit, "lancedb", &config.evidence, Timestamp::UNIX_EPOCH).expect("an item").document;
        assert_eq!(item["title"], "Vector stores compared");
        assert_eq!(item["snippet"], "I use lancedb & like it x", "escaped tags are tags once unescaped");
        assert_eq!(item["url"], "https://news.ycombinator.com/item?id=777");
        assert_eq!(item["evidence_strength"], "weak");
        assert_eq!(item["communities"], json!(["vector-database"]));
        assert_eq!(relation(&config.evidence, "OpenClaw lancedb").packages, ["@lancedb/lancedb"]);
        assert_eq!(relation(&config.evidence, "lance format").metrics.len(), 2);
        assert_eq!(snippet(&"x".repeat(300)).chars().count(), 280);
    }
}
