//! Making bodies and keeping them true: text, digest, what is covered, what stands without a label.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp, ToSpan, civil::date};
use memchr::{memchr, memmem};
use tallykeep_control::{Coverage, GenerationOf, ResponseHead, Standing, StoredResponse};
use xxhash_rust::xxh3::{Xxh3Default, xxh3_64};

use super::{Category, Identity};
use crate::{
    RepositoryError, Settings, TeamRepository,
    read::{Components, Frame, Params, SeriesKind, coverage_block},
};

/// Raised when bodies are written differently from before.
const FORM: u32 = 1;

/// What an answer says whatever the time it was made at: a digest of it without its `as_of`.
pub fn digest(json: &[u8]) -> String {
    // A text of the answer cannot hold this: its quotes would be escaped.
    const STAMP: &[u8] = b"\"as_of\":\"";
    let mut digest = Xxh3Default::new();
    let mut rest = json;
    while let Some(at) = memmem::find(rest, STAMP) {
        digest.update(&rest[..at]);
        let after = &rest[at + STAMP.len()..];
        rest = memchr(b'"', after).map_or(&[][..], |end| &after[end + 1..]);
    }
    digest.update(rest);
    format!("{:032x}", digest.digest128())
}

/// What bodies depend on besides numbers.
pub(super) fn settings_hash(settings: &Settings) -> String {
    let text = format!("{FORM} {} {} {:?}", env!("CARGO_PKG_VERSION"), settings.top_limit, settings.subcounts);
    format!("{:016x}", xxh3_64(text.as_bytes()))
}

/// The name of what a cut-down body is cut down to; empty for a body with everything.
pub(super) fn layout_hash(components: Option<&Components>) -> String {
    components.map_or_else(String::new, |c| format!("{:016x}", xxh3_64(format!("{c:?}").as_bytes())))
}

/// A body as it was made.
pub(super) struct Body {
    pub json: Vec<u8>,
    pub digest: String,
    /// The block of the body that says what is covered.
    pub coverage: String,
}

impl TeamRepository {
    /// The generation and coverage an answer must have now.
    pub(super) async fn standing(&self, identity: &Identity) -> Result<Standing, RepositoryError> {
        let key = identity.key(&self.settings.cache_prefix);
        Ok(self.control.standing(generation_of(identity, &key)).await?)
    }

    /// The rows behind the answers of one kind.
    pub(super) async fn cache_frame(&self, identity: &Identity) -> Result<Frame, RepositoryError> {
        let (first, last) = identity.days();
        let kind = identity.category.kind();
        self.frame_of(kind, identity.basis, &identity.community_id, (Some(first), Some(last)), None).await
    }

    pub(super) fn body(&self, frame: &Frame, category: Category) -> Result<Body, RepositoryError> {
        let query = category.query().ok_or_else(|| RepositoryError::BadRequest(category.stat().to_owned()))?;
        let as_of = self.control.clock().now();
        let json = self.category_json(frame, query, as_of)?;
        let coverage = frame.coverage.as_ref().map_or_else(String::new, |c| coverage_block(c, as_of));
        Ok(Body { digest: digest(&json), json, coverage })
    }

    /// Whether the aggregation behind an answer has seen the year to its end, or to yesterday (spec/invenio §9, completeness).
    ///
    /// A scope with nothing to count has no bookmark; there it is enough that a whole run has looked.
    pub(super) async fn is_complete(&self, identity: &Identity, covered: bool) -> Result<bool, RepositoryError> {
        let today = self.control.clock().today();
        let needed = match identity.year.cmp(&today.year()) {
            std::cmp::Ordering::Less => date(identity.year, 12, 31),
            std::cmp::Ordering::Equal => today.saturating_sub(1.day()),
            std::cmp::Ordering::Greater => return Ok(false),
        };
        let aggregator = identity.category.kind().aggregator(identity.basis);
        let scope = &identity.community_id;
        let bookmark = self.control.watermark(aggregator.name(), scope).await?;
        let mut reached = bookmark.and_then(|text| text.parse::<jiff::civil::Date>().ok());
        if reached.is_none() && !covered {
            reached = self.seen_up_to(scope).await?;
        }
        Ok(reached.is_some_and(|day| day >= needed))
    }

    /// What pages about a scope show: what answers for them are cut down to. `None` where nothing is cut.
    pub(super) async fn page_components(&self, community_id: &str) -> Result<Option<Components>, RepositoryError> {
        let community = self.community(community_id).await?;
        self.needed_components(&Params { optimize: true, ..Params::default() }, community.as_ref()).await
    }

    /// A body as it is kept, with the part of it that pages of a layout show.
    pub(super) fn stored(
        &self,
        identity: &Identity,
        generation: i64,
        body: &Body,
        page: Option<&Components>,
    ) -> Result<StoredResponse, RepositoryError> {
        let now = self.control.clock().now();
        let part = page.and_then(|page| page.cut(identity.category.kind(), &body.json));
        Ok(StoredResponse {
            head: ResponseHead {
                key: identity.key(&self.settings.cache_prefix),
                community_id: identity.community_id.clone(),
                year: i64::from(identity.year),
                stat: identity.category.stat().to_owned(),
                date_basis: identity.basis.as_str().to_owned(),
                generation,
                settings: settings_hash(&self.settings),
                coverage: body.coverage.clone(),
                size: i64::try_from(body.json.len()).unwrap_or(i64::MAX),
                digest: body.digest.clone(),
                layout: layout_hash(page),
                created_at: now,
                expires_at: now
                    .saturating_add(SignedDuration::from_hours(24 * self.settings.cache_days))
                    .unwrap_or(now),
            },
            body: pack(&body.json)?,
            part: part.as_deref().map(pack).transpose()?,
        })
    }

    /// The version of the labels; changes when any does.
    pub(super) async fn labels_version(&self) -> Result<Option<String>, RepositoryError> {
        Ok(self.control.watermark("labels", "all").await?)
    }

    /// Keeps answers that were made with a version of the labels. Answers `false`, and keeps none, when the labels changed meanwhile.
    pub(super) async fn keep_answers(
        &self,
        answers: Vec<StoredResponse>,
        bare: &BTreeSet<(String, String)>,
        labels: &Option<String>,
    ) -> Result<bool, RepositoryError> {
        self.control.keep_responses(&answers, bare).await?;
        if self.labels_version().await? == *labels {
            return Ok(true);
        }
        let keys: Vec<_> = answers.into_iter().map(|a| a.head.key).collect();
        self.control.forget_responses(&keys).await?;
        Ok(false)
    }

    /// Values that stand in a frame without a label although their breakdown has labels: a label may still come.
    pub(super) fn bare_values(&self, frame: &Frame) -> BTreeSet<(String, String)> {
        let labelled: Vec<&str> = self
            .settings
            .subcounts
            .iter()
            .filter(|s| {
                [&s.records, &s.usage].into_iter().flatten().flat_map(|side| &side.sources).any(|s| s.label.is_some())
            })
            .map(|s| s.name.as_str())
            .collect();
        let cells: BTreeSet<_> = frame.rows.cells.iter().chain(frame.before.keys()).copied().collect();
        let names = cells.into_iter().filter(|cell| !cell.is_total()).map(|cell| {
            (frame.vocabulary.dimensions.text(cell.dimension()), frame.vocabulary.values.text(cell.value()))
        });
        names
            .filter(|(dimension, value)| labelled.contains(dimension) && frame.label(dimension, value).is_none())
            .map(|(dimension, value)| (dimension.to_owned(), value.to_owned()))
            .collect()
    }

    /// Whether a kept answer is as good as a new one.
    pub(super) fn is_current(&self, head: &ResponseHead, generation: i64) -> bool {
        head.generation == generation
            && head.settings == settings_hash(&self.settings)
            && head.expires_at > self.control.clock().now()
    }
}

/// Where the generation of an answer is looked up.
pub(super) fn generation_of<'a>(identity: &'a Identity, key: &'a str) -> GenerationOf<'a> {
    let kind: SeriesKind = identity.category.kind();
    let aggregator = kind.aggregator(identity.basis);
    GenerationOf {
        rows: aggregator.delta().name(),
        covered: aggregator.name(),
        scope: &identity.community_id,
        key,
        year: i64::from(identity.year),
        cumulative: kind.is_snapshot(),
    }
}

/// A text as it is kept.
pub(super) fn pack(json: &[u8]) -> Result<Vec<u8>, RepositoryError> {
    zstd::encode_all(json, 3).map_err(|e| RepositoryError::Worker(e.to_string()))
}

/// The JSON text of a kept answer or of its part, with what is covered now: days that came since change no number of a year that is over.
/// The digest is the whole answer's where nothing was replaced.
pub(super) fn unpack(
    stored: &StoredResponse,
    coverage: Option<&Coverage>,
    now: Timestamp,
) -> Result<(Vec<u8>, String), RepositoryError> {
    let json =
        zstd::decode_all(&stored.body[..]).map_err(|e| RepositoryError::Damaged(format!("a kept answer: {e}")))?;
    let Some(coverage) = coverage.filter(|_| !stored.head.coverage.is_empty()) else {
        return Ok((json, stored.head.digest.clone()));
    };
    // All but when it was made.
    let same = |block: &str| block.split_once(",\"as_of\"").map(|(days, _)| days.to_owned());
    let block = coverage_block(coverage, now);
    if same(&block) == same(&stored.head.coverage) {
        return Ok((json, stored.head.digest.clone()));
    }
    let text = String::from_utf8(json).map_err(|e| RepositoryError::Damaged(format!("a kept answer: {e}")))?;
    let json = text.replace(&stored.head.coverage, &block).into_bytes();
    let digest = digest(&json);
    Ok((json, digest))
}
