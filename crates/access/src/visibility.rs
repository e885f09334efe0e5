//! Who may read which dashboard of a team, as the team's settings say.

use serde_json::{Map, Value, json};

use crate::{Dashboard, Decision, Visibility};

/// The team setting that holds it: `{"packages": "public", …}`.
pub const VISIBILITY_SETTING: &str = "visibility";

/// One visibility per dashboard; `team` where the team never decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TeamVisibility {
    repository: Visibility,
    packages: Visibility,
    chat: Visibility,
}

impl TeamVisibility {
    /// Reads the settings. A word nobody knows counts as the narrowest, never as a wider one.
    pub fn from_settings(settings: &Map<String, Value>) -> Self {
        let of =
            |dashboard: Dashboard| match settings.get(VISIBILITY_SETTING).and_then(|all| all.get(dashboard.as_str())) {
                None => Visibility::Team,
                Some(word) => word.as_str().and_then(|word| word.parse().ok()).unwrap_or(Visibility::Private),
            };
        // Chat never opens beyond the team, whatever is stored (spec/chat §11).
        let chat = of(Dashboard::Chat).min(Visibility::Team);
        Self { repository: of(Dashboard::Repository), packages: of(Dashboard::Packages), chat }
    }

    pub fn of(&self, dashboard: Dashboard) -> Visibility {
        match dashboard {
            Dashboard::Repository => self.repository,
            Dashboard::Packages => self.packages,
            Dashboard::Chat => self.chat,
        }
    }

    /// The setting with one dashboard changed. Errors: chat is for members only (spec/chat §11).
    pub fn with(mut self, dashboard: Dashboard, visibility: Visibility) -> Result<Self, &'static str> {
        if dashboard == Dashboard::Chat && visibility > Visibility::Team {
            return Err("chat is for members only: use private or team");
        }
        match dashboard {
            Dashboard::Repository => self.repository = visibility,
            Dashboard::Packages => self.packages = visibility,
            Dashboard::Chat => self.chat = visibility,
        }
        Ok(self)
    }

    /// As it is stored.
    pub fn to_setting(self) -> Value {
        json!({ "repository": self.repository, "packages": self.packages, "chat": self.chat })
    }

    /// What counts for a decision: its dashboard's, or for `ReadSome` the most open.
    pub fn for_decision(&self, decision: Decision) -> Visibility {
        match decision.dashboard() {
            Some(dashboard) => self.of(dashboard),
            None => self.repository.max(self.packages).max(self.chat),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_is_open_until_the_team_says_so() {
        let read = |text: &str| TeamVisibility::from_settings(&serde_json::from_str(text).expect("an object"));
        for dashboard in Dashboard::ALL {
            assert_eq!(read("{}").of(*dashboard), Visibility::Team);
        }
        let odd = read(r#"{"visibility": {"packages": "publik", "repository": 1}}"#);
        assert_eq!(odd.of(Dashboard::Packages), Visibility::Private);
        assert_eq!(odd.of(Dashboard::Repository), Visibility::Private);
        let open = read("{}").with(Dashboard::Packages, Visibility::Public).expect("allowed");
        assert_eq!(open.of(Dashboard::Packages), Visibility::Public);
        assert_eq!(open.for_decision(Decision::ReadSome), Visibility::Public);
        assert_eq!(open.for_decision(Decision::Read(Dashboard::Repository)), Visibility::Team);
        assert!(open.with(Dashboard::Chat, Visibility::Public).is_err());
    }
}
