//! Which communities have a dashboard (spec/invenio §16.8), and switching many on at once (§15 `enable-dashboards`).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    documents::Community,
    state::{State, membership_events},
};

/// Which communities to switch on: by id, else by their activity.
#[derive(Debug, Clone, Default)]
pub struct EnableRequest {
    /// UUIDs; they override the filters.
    pub ids: Vec<String>,
    /// First membership event on this day or before.
    pub first_active: Option<Date>,
    /// Last membership event on this day or later.
    pub active_since: Option<Date>,
    /// At least this many membership events.
    pub record_threshold: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FailedCommunity {
    pub id: String,
    pub error_message: String,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Enabled {
    pub communities_updated: Vec<String>,
    pub communities_failed: Vec<FailedCommunity>,
}

impl TeamRepository {
    /// Ids of the communities that are aggregated: all of them, or with opt-in those that are switched on.
    pub(crate) async fn enabled_communities(&self, state: &State) -> Result<BTreeSet<String>, RepositoryError> {
        let switches = self.switches().await?;
        Ok(state.communities.iter().filter(|c| self.counts(c, &switches)).map(|c| c.id.clone()).collect())
    }

    /// The same of communities that were read already.
    pub(crate) async fn enabled_of(&self, communities: &[Community]) -> Result<BTreeSet<String>, RepositoryError> {
        let switches = self.switches().await?;
        Ok(communities.iter().filter(|c| self.counts(c, &switches)).map(|c| c.id.clone()).collect())
    }

    fn counts(&self, community: &Community, switches: &BTreeMap<String, bool>) -> bool {
        !self.settings.opt_in || self.flag(community, switches)
    }

    fn flag(&self, community: &Community, switches: &BTreeMap<String, bool>) -> bool {
        let switched = switches.get(&community.id).copied().or(community.dashboard_enabled);
        switched.unwrap_or(!self.settings.opt_in)
    }

    /// Whether a community's page shows its dashboard: its own flag (without opt-in every community's), and the general switch.
    pub async fn dashboard_shown(&self, community: &Community) -> Result<bool, RepositoryError> {
        let switches = self.switches().await?;
        Ok(self.settings.dashboard_community && (!self.settings.opt_in || self.flag(community, &switches)))
    }

    /// The community's own switch, as it was set or as its default is; without opt-in it has no effect.
    pub async fn switched_on(&self, community: &Community) -> Result<bool, RepositoryError> {
        Ok(self.flag(community, &self.switches().await?))
    }

    /// Turns a community's switch. Errors: communities need not opt in, so that it would change nothing.
    pub async fn switch_dashboard(&self, community: &Community, enabled: bool) -> Result<(), RepositoryError> {
        if !self.settings.opt_in {
            let reason =
                "communities need not opt in here (STATS_DASHBOARD_COMMUNITY_OPT_IN is off): every dashboard is on";
            return Err(RepositoryError::BadRequest(reason.to_owned()));
        }
        Ok(self.control.set_dashboard_switch(&community.id, enabled).await?)
    }

    async fn switches(&self) -> Result<BTreeMap<String, bool>, RepositoryError> {
        Ok(self.control.dashboard_switches().await?.into_iter().collect())
    }

    /// Switches dashboards on. A wrong id fails by itself; the others are done.
    pub async fn enable_dashboards(&self, request: &EnableRequest) -> Result<Enabled, RepositoryError> {
        let communities = self.communities().await?;
        let mut done = Enabled::default();
        let wanted: Vec<String> =
            if request.ids.is_empty() { self.active_communities(request).await? } else { request.ids.clone() };
        for id in wanted {
            let problem = if uuid::Uuid::parse_str(&id).is_err() {
                Some(format!("`{id}` is not a UUID"))
            } else if communities.iter().any(|c| c.id == id) {
                None
            } else {
                Some(format!("no community has the id {id}"))
            };
            match problem {
                Some(error_message) => done.communities_failed.push(FailedCommunity { id, error_message }),
                None => {
                    self.control.set_dashboard_switch(&id, true).await?;
                    done.communities_updated.push(id);
                }
            }
        }
        Ok(done)
    }

    async fn active_communities(&self, request: &EnableRequest) -> Result<Vec<String>, RepositoryError> {
        let mut activity: BTreeMap<String, (u64, Date, Date)> = BTreeMap::new();
        for (_, community, _, at) in membership_events(&self.lake, None).await? {
            let day = utc_day(at);
            let entry = activity.entry(community).or_insert((0, day, day));
            *entry = (entry.0 + 1, entry.1.min(day), entry.2.max(day));
        }
        activity.remove("global");
        Ok(activity
            .into_iter()
            .filter(|(_, (count, first, last))| {
                *count >= request.record_threshold
                    && request.first_active.is_none_or(|day| *first <= day)
                    && request.active_since.is_none_or(|day| *last >= day)
            })
            .map(|(id, _)| id)
            .collect())
    }
}
