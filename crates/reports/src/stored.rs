//! Reports a team sets up for itself: kept in its settings, one key each, so that two admins do not undo each other.
//!
//! They go by mail only. A folder is a place on the server's disk and a webhook a request from inside its network: both are the
//! configuration's to give.

use serde::{Deserialize, Serialize};
use tallykeep_control::TeamControl;

use crate::{
    Attach, Every, ReportError, ReportSpec, Subject,
    config::{WrongField, csv_only, global},
};

const KEY: &str = "report:";
/// Reports a team may have, and receivers of one.
const MOST_REPORTS: usize = 100;
const MOST_RECEIVERS: usize = 200;

/// A report as a team sets it up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OwnReport {
    #[serde(rename = "of")]
    pub subject: Subject,
    /// Repository only: `global`, a community's id or slug, or `communities` for each one apart.
    #[serde(default = "global")]
    pub scope: String,
    pub every: Every,
    /// Mail addresses.
    pub to: Vec<String>,
    #[serde(default = "csv_only")]
    pub attach: Vec<Attach>,
}

impl OwnReport {
    pub fn spec(self, team: &TeamControl, name: &str) -> ReportSpec {
        ReportSpec {
            name: name.to_owned(),
            subject: self.subject,
            scope: self.scope,
            every: self.every,
            team: team.team().slug.to_string(),
            to: self.to,
            folder: None,
            webhook: None,
            attach: self.attach,
        }
    }
}

/// The reports a team set up, by name. One that cannot be read is passed over with a word in the log.
pub(crate) async fn own(team: &TeamControl) -> Result<Vec<ReportSpec>, ReportError> {
    let settings = team.settings().await?;
    let mut found = Vec::new();
    for (key, value) in settings {
        let Some(name) = key.strip_prefix(KEY) else { continue };
        match serde_json::from_value::<OwnReport>(value) {
            Ok(report) => found.push(report.spec(team, name)),
            Err(error) => tracing::warn!("report {name} of team {} is passed over: {error}", team.team().slug),
        }
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(found)
}

/// Sets a report up, or changes it. Errors: `Wrong` names the field; nothing is stored then.
pub(crate) async fn set(team: &TeamControl, name: &str, report: OwnReport) -> Result<ReportSpec, ReportError> {
    let value = serde_json::to_value(&report).map_err(tallykeep_control::ControlError::from)?;
    if report.to.is_empty() {
        return Err(WrongField { field: "to", reason: "nobody gets it: give a mail address".to_owned() }.into());
    }
    let spec = report.spec(team, name);
    spec.check()?;
    if spec.to.len() > MOST_RECEIVERS {
        let reason = format!("{} receivers; at most {MOST_RECEIVERS}", spec.to.len());
        return Err(WrongField { field: "to", reason }.into());
    }
    let others = own(team).await?.iter().filter(|other| other.name != name).count();
    if others >= MOST_REPORTS {
        return Err(WrongField { field: "name", reason: format!("there are {MOST_REPORTS} reports already") }.into());
    }
    team.set_setting(&format!("{KEY}{name}"), value).await?;
    Ok(spec)
}

pub(crate) async fn forget(team: &TeamControl, name: &str) -> Result<(), ReportError> {
    Ok(team.set_setting(&format!("{KEY}{name}"), serde_json::Value::Null).await?)
}
