//! The decision itself.

use crate::{Dashboard, Role, TokenScope, Visibility};

/// What a route demands. A route cannot be registered without one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// Open to everyone; the reason is shown by the matrix test.
    Anyone { reason: &'static str },
    /// Anybody who is signed in, about himself: the account, its sessions.
    SignedIn,
    /// Reading a dashboard: whom the team's visibility lets in. POST queries, filters and exports are reads.
    Read(Dashboard),
    /// Reading, with something kept under the reader's own name (presets): as `Read`, but never anonymous.
    Personal(Dashboard),
    /// Reading that some dashboard of the team is there: whoever may read at least one.
    ReadSome,
    /// Reading what concerns the whole team whatever its dashboards show: members only.
    ReadTeam,
    /// Changing the data behind a dashboard: editors.
    Write(Dashboard),
    /// Sending events: editors, and tokens of scope `ingest`.
    Ingest,
    /// Members, tokens, visibility, the team's part of the audit log: admins of the team.
    TeamAdmin,
    /// Users, teams, the whole installation.
    InstanceAdmin,
}

impl Decision {
    /// Whether the route is about one team.
    pub fn is_about_a_team(self) -> bool {
        !matches!(self, Self::Anyone { .. } | Self::SignedIn | Self::InstanceAdmin)
    }

    pub fn dashboard(self) -> Option<Dashboard> {
        match self {
            Self::Read(dashboard) | Self::Personal(dashboard) | Self::Write(dashboard) => Some(dashboard),
            _ => None,
        }
    }

    /// Whether the route changes what a team keeps.
    pub fn is_write(self) -> bool {
        matches!(self, Self::Write(_) | Self::Ingest | Self::TeamAdmin | Self::InstanceAdmin)
    }
}

/// Who asks, as far as deciding needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Caller {
    Anonymous,
    /// The built-in user of an installation without users, on loopback.
    Local,
    Person {
        instance_admin: bool,
    },
    /// A valid token; `is_of_team` says whether it belongs to the team asked for.
    Token {
        scopes: Vec<TokenScope>,
        is_of_team: bool,
    },
}

/// What the team asked for is to the caller. A team that does not exist has no standing at all.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamStanding {
    /// The person's role in the team, if a member.
    pub role: Option<Role>,
    /// Who may read the dashboard that the route belongs to; for `ReadSome` the most open of the team's dashboards.
    pub visibility: Visibility,
}

/// Why not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Nobody is signed in and the route needs somebody.
    #[error("sign in first")]
    SignIn,
    /// As far as the caller may know, it does not exist.
    #[error("not found")]
    Hidden,
    #[error("{0}")]
    Forbidden(&'static str),
}

const NEEDS_EDITOR: Refusal = Refusal::Forbidden("this needs the role `editor` in the team");
const NEEDS_ADMIN: Refusal = Refusal::Forbidden("this needs the role `admin` in the team");
const NEEDS_SCOPE: Refusal = Refusal::Forbidden("the token's scope does not cover this");

/// Whether the caller may do what the route demands. `team` is the standing in the team of the path; `None` for routes
/// that are about no team, and for a team that does not exist.
pub fn decide(decision: Decision, caller: &Caller, team: Option<TeamStanding>) -> Result<(), Refusal> {
    match decision {
        Decision::Anyone { .. } => Ok(()),
        Decision::SignedIn => match caller {
            Caller::Anonymous => Err(Refusal::SignIn),
            Caller::Local | Caller::Person { .. } => Ok(()),
            Caller::Token { .. } => Err(Refusal::Forbidden("this is for people, not for tokens")),
        },
        Decision::InstanceAdmin => match caller {
            Caller::Anonymous => Err(Refusal::SignIn),
            Caller::Local | Caller::Person { instance_admin: true } => Ok(()),
            Caller::Person { .. } | Caller::Token { .. } => Err(Refusal::Forbidden("this needs an instance admin")),
        },
        _ => decide_in_team(decision, caller, team),
    }
}

fn decide_in_team(decision: Decision, caller: &Caller, team: Option<TeamStanding>) -> Result<(), Refusal> {
    let Some(team) = team else {
        // An unknown team and a hidden one answer alike: both ask the anonymous to sign in and are not there for others.
        return Err(if *caller == Caller::Anonymous { Refusal::SignIn } else { Refusal::Hidden });
    };
    let opened_to = |least: Visibility| {
        matches!(decision, Decision::Read(_) | Decision::Personal(_) | Decision::ReadSome) && team.visibility >= least
    };
    match caller {
        Caller::Local | Caller::Person { instance_admin: true } => Ok(()),
        Caller::Anonymous if !matches!(decision, Decision::Personal(_)) && opened_to(Visibility::Public) => Ok(()),
        Caller::Anonymous => Err(Refusal::SignIn),
        Caller::Person { .. } => match (decision, team.role) {
            (_, Some(Role::Admin)) => Ok(()),
            (Decision::TeamAdmin, Some(_)) => Err(NEEDS_ADMIN),
            (_, Some(Role::Editor)) => Ok(()),
            (Decision::Write(_) | Decision::Ingest, Some(Role::Viewer)) => Err(NEEDS_EDITOR),
            (Decision::ReadTeam, Some(Role::Viewer)) => Ok(()),
            (_, Some(Role::Viewer)) if opened_to(Visibility::Team) => Ok(()),
            (_, Some(Role::Viewer)) => {
                Err(Refusal::Forbidden("the team shows this dashboard to editors and admins only"))
            }
            (_, None) if opened_to(Visibility::SignedIn) => Ok(()),
            (_, None) => Err(Refusal::Hidden),
        },
        Caller::Token { scopes, is_of_team } => {
            if !is_of_team && !opened_to(Visibility::Public) {
                return Err(Refusal::Hidden);
            }
            let has = |scope| scopes.contains(&scope);
            let covered = match decision {
                Decision::Read(_) | Decision::Personal(_) | Decision::ReadSome | Decision::ReadTeam => {
                    has(TokenScope::Read) || has(TokenScope::Admin)
                }
                Decision::Ingest => has(TokenScope::Ingest) || has(TokenScope::Admin),
                _ => has(TokenScope::Admin),
            };
            if covered { Ok(()) } else { Err(NEEDS_SCOPE) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const READ: Decision = Decision::Read(Dashboard::Packages);

    fn standing(role: Option<Role>, visibility: Visibility) -> Option<TeamStanding> {
        Some(TeamStanding { role, visibility })
    }

    fn person() -> Caller {
        Caller::Person { instance_admin: false }
    }

    #[test]
    fn a_dashboard_opens_step_by_step() {
        // (visibility, anonymous, signed-in stranger, viewer, editor)
        let forbidden = Err(Refusal::Forbidden("the team shows this dashboard to editors and admins only"));
        for (visibility, anonymous, stranger, viewer) in [
            (Visibility::Private, Err(Refusal::SignIn), Err(Refusal::Hidden), forbidden),
            (Visibility::Team, Err(Refusal::SignIn), Err(Refusal::Hidden), Ok(())),
            (Visibility::SignedIn, Err(Refusal::SignIn), Ok(()), Ok(())),
            (Visibility::Public, Ok(()), Ok(()), Ok(())),
        ] {
            assert_eq!(decide(READ, &Caller::Anonymous, standing(None, visibility)), anonymous, "{visibility}");
            assert_eq!(decide(READ, &person(), standing(None, visibility)), stranger, "{visibility}");
            assert_eq!(decide(READ, &person(), standing(Some(Role::Viewer), visibility)), viewer, "{visibility}");
            assert_eq!(decide(READ, &person(), standing(Some(Role::Editor), visibility)), Ok(()), "{visibility}");
        }
    }

    #[test]
    fn opening_a_dashboard_opens_no_write() {
        for decision in
            [Decision::Write(Dashboard::Packages), Decision::Ingest, Decision::TeamAdmin, Decision::ReadTeam]
        {
            assert_eq!(decide(decision, &Caller::Anonymous, standing(None, Visibility::Public)), Err(Refusal::SignIn));
            assert_eq!(decide(decision, &person(), standing(None, Visibility::Public)), Err(Refusal::Hidden));
        }
        let personal = Decision::Personal(Dashboard::Chat);
        assert_eq!(decide(personal, &Caller::Anonymous, standing(None, Visibility::Public)), Err(Refusal::SignIn));
    }

    #[test]
    fn an_unknown_team_answers_like_a_hidden_one() {
        for caller in
            [Caller::Anonymous, person(), Caller::Token { scopes: vec![TokenScope::Admin], is_of_team: false }]
        {
            assert_eq!(
                decide(READ, &caller, None),
                decide(READ, &caller, standing(None, Visibility::Team)),
                "{caller:?}"
            );
        }
    }

    #[test]
    fn a_token_does_only_its_scope() {
        let token = |scope| Caller::Token { scopes: vec![scope], is_of_team: true };
        let team = standing(None, Visibility::Team);
        let write = Decision::Write(Dashboard::Packages);
        for (scope, read, ingest, admin) in [
            (TokenScope::Read, Ok(()), Err(NEEDS_SCOPE), Err(NEEDS_SCOPE)),
            (TokenScope::Ingest, Err(NEEDS_SCOPE), Ok(()), Err(NEEDS_SCOPE)),
            (TokenScope::Admin, Ok(()), Ok(()), Ok(())),
        ] {
            assert_eq!(decide(READ, &token(scope), team), read, "{scope}");
            assert_eq!(decide(Decision::Ingest, &token(scope), team), ingest, "{scope}");
            assert_eq!(decide(write, &token(scope), team), admin, "{scope}");
            assert_eq!(decide(Decision::TeamAdmin, &token(scope), team), admin, "{scope}");
            assert!(decide(Decision::InstanceAdmin, &token(scope), team).is_err(), "{scope}");
        }
    }
}
