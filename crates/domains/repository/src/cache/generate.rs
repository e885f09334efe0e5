//! Making answers before anybody asks (seed 004 `create`; spec/invenio §9).

use std::collections::{BTreeSet, HashMap};

use serde::Serialize;
use tallykeep_control::StoredResponse;

use super::{
    CachedResponses, Category, GenerateRequest, Identity,
    body::layout_hash,
    plan::{GeneratePlan, PlannedCommunity},
};
use crate::{
    RepositoryError,
    read::{Components, Frame, SeriesKind},
    registry::cache_lease_name,
};

/// How far a generation is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GenerateProgress {
    pub done: i64,
    pub all: i64,
    /// `<community> <year>`
    pub step: String,
}

/// Watches a generation; answering `false` stops it after the community and year at hand.
pub type GenerateWatch<'a> = dyn FnMut(GenerateProgress) -> bool + Send + 'a;

/// An answer that was made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Generated {
    pub community_id: String,
    pub year: i16,
    pub category: &'static str,
    pub cache_key: String,
}

/// An answer that could not be made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct NotGenerated {
    pub community_id: String,
    pub year: i16,
    pub category: &'static str,
    pub error: String,
}

/// What a generation did. Skipped are answers that are there and true, and those whose aggregation is not complete.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct GenerateReport {
    pub success: usize,
    pub failed: usize,
    pub skipped: usize,
    pub errors: Vec<NotGenerated>,
    pub responses: Vec<Generated>,
}

const KINDS: [SeriesKind; 4] =
    [SeriesKind::RecordDelta, SeriesKind::RecordSnapshot, SeriesKind::UsageDelta, SeriesKind::UsageSnapshot];

impl CachedResponses {
    /// Makes the answers of a request and keeps them. What fails is noted and the rest is done.
    ///
    /// Past years are left alone where they are there and true, unless the request says otherwise; the current year is always made anew, unless
    /// only what changed is asked for. Answers about years whose aggregation is not complete are not kept and count as skipped.
    ///
    /// Errors: `Busy` while another generation of the team runs, `UnknownCommunity`, `Stopped`, and the stores' errors.
    pub async fn generate(
        &self,
        request: &GenerateRequest,
        watch: &mut GenerateWatch<'_>,
    ) -> Result<GenerateReport, RepositoryError> {
        if self.repository.settings.cache_days == 0 {
            return Err(RepositoryError::BadRequest("no answers are kept (STATS_CACHE_DEFAULT_TTL is 0)".to_owned()));
        }
        let plan = self.plan(request).await?;
        let control = &self.repository.control;
        let what = format!("cache generate (process {})", std::process::id());
        let guard = control.control().lease_or_busy(&cache_lease_name(&control.team().slug), &what).await?;
        let outcome = self.generate_under_lease(request, &plan, watch).await;
        self.repository.caching_says(&[]).await?;
        guard.release().await?;
        outcome
    }

    async fn generate_under_lease(
        &self,
        request: &GenerateRequest,
        plan: &GeneratePlan,
        watch: &mut GenerateWatch<'_>,
    ) -> Result<GenerateReport, RepositoryError> {
        let mut report = GenerateReport::default();
        self.repository.control.forget_expired_responses().await?;
        let current = if request.overwrite { HashMap::new() } else { self.current_layouts().await? };
        let this_year = self.repository.control.clock().today().year();
        let all = i64::try_from(plan.total).unwrap_or(i64::MAX);
        let mut done = 0;
        let busy: Vec<String> =
            plan.communities.iter().filter(|c| !c.years.is_empty()).map(|c| c.community_id.clone()).collect();
        self.repository.caching_says(&busy).await?;
        for community in plan.communities.iter().filter(|c| !c.years.is_empty()) {
            let page = self.repository.page_components(&community.community_id).await?;
            let layout = layout_hash(page.as_ref());
            for &year in &community.years {
                let fresh = request.only_changed || (year != this_year && !request.overwrite);
                let missing: Vec<Category> = Category::all()
                    .filter(|category| {
                        // One that was cut for another layout is made anew.
                        let there =
                            current.get(&self.identity(&community.community_id, year, *category)) == Some(&layout);
                        !(fresh && there)
                    })
                    .collect();
                report.skipped += Category::all().count() - missing.len();
                let failed = report.failed;
                let incomplete = self.make(community, year, (&missing, page.as_ref()), &mut report).await?;
                if year == this_year && report.failed == failed && incomplete == 0 {
                    self.repository.first_run_completed(&community.community_id).await?;
                }
                done += i64::try_from(Category::all().count()).unwrap_or(0);
                let step = format!("{} {year}", community.community_slug);
                if !watch(GenerateProgress { done, all, step }) {
                    return Err(RepositoryError::Stopped);
                }
            }
        }
        Ok(report)
    }

    /// Makes the answers of a community and year that are missing; those of one kind from one reading. Answers how many are incomplete.
    async fn make(
        &self,
        community: &PlannedCommunity,
        year: i16,
        (missing, page): (&[Category], Option<&Components>),
        report: &mut GenerateReport,
    ) -> Result<usize, RepositoryError> {
        let repository = &self.repository;
        let labels = repository.labels_version().await?;
        let (mut answers, mut bare): (Vec<StoredResponse>, BTreeSet<(String, String)>) = Default::default();
        let mut made: Vec<Generated> = Vec::new();
        let mut incomplete = 0;
        for kind in KINDS {
            let own: Vec<Category> = missing.iter().copied().filter(|c| c.kind() == kind).collect();
            let Some(first) = own.first() else { continue };
            let identity = self.identity(&community.community_id, year, *first);
            let key = |category| {
                self.identity(&community.community_id, year, category).key(&repository.settings.cache_prefix)
            };
            match self.frame_if_complete(&identity, &own).await {
                Ok(None) => {
                    incomplete += own.len();
                    report.skipped += own.len();
                }
                Ok(Some((generations, frame))) => {
                    bare.extend(repository.bare_values(&frame));
                    for (category, generation) in own.into_iter().zip(generations) {
                        let identity = self.identity(&community.community_id, year, category);
                        match self.answer(&identity, &frame, generation, page) {
                            Ok(stored) => {
                                answers.push(stored);
                                made.push(Generated {
                                    community_id: community.community_id.clone(),
                                    year,
                                    category: category.stat(),
                                    cache_key: key(category),
                                });
                            }
                            Err(error) => report.fails(community, year, category, &error),
                        }
                    }
                }
                Err(error) => own.into_iter().for_each(|category| report.fails(community, year, category, &error)),
            }
        }
        if answers.is_empty() {
            return Ok(incomplete);
        }
        match repository.keep_answers(answers, &bare, &labels).await {
            Ok(true) => {
                report.success += made.len();
                report.responses.extend(made);
            }
            // Labels changed meanwhile: the next run makes them.
            Ok(false) => {
                incomplete += made.len();
                report.skipped += made.len();
            }
            Err(error) => {
                for one in made {
                    report.failed += 1;
                    let (category, error) = (one.category, error.to_string());
                    report.errors.push(NotGenerated { community_id: one.community_id, year, category, error });
                }
            }
        }
        Ok(incomplete)
    }

    /// The rows of one kind with the generation of each of its categories; `None` while the aggregation is not complete.
    async fn frame_if_complete(
        &self,
        identity: &Identity,
        categories: &[Category],
    ) -> Result<Option<(Vec<i64>, Frame)>, RepositoryError> {
        // The generations first: what changes while the rows are read makes the answers old at once.
        let (mut generations, mut covered) = (Vec::new(), false);
        for category in categories {
            let standing =
                self.repository.standing(&self.identity(&identity.community_id, identity.year, *category)).await?;
            generations.push(standing.generation);
            covered |= standing.coverage.is_some();
        }
        if !self.repository.is_complete(identity, covered).await? {
            return Ok(None);
        }
        Ok(Some((generations, self.repository.cache_frame(identity).await?)))
    }

    fn answer(
        &self,
        identity: &Identity,
        frame: &Frame,
        generation: i64,
        page: Option<&Components>,
    ) -> Result<StoredResponse, RepositoryError> {
        let body = self.repository.body(frame, identity.category)?;
        self.repository.stored(identity, generation, &body, page)
    }
}

impl GenerateReport {
    fn fails(&mut self, community: &PlannedCommunity, year: i16, category: Category, error: &RepositoryError) {
        self.failed += 1;
        self.errors.push(NotGenerated {
            community_id: community.community_id.clone(),
            year,
            category: category.stat(),
            error: error.to_string(),
        });
    }
}
