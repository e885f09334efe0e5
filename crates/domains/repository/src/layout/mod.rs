//! Layouts of dashboards: which one holds, setting and resetting them.

mod check;
mod registry;

use serde::Serialize;
use serde_json::{Value, json};

pub(crate) use self::registry::{Need, is_known};
pub use self::{
    check::{LayoutProblem, check},
    registry::{CustomComponents, components},
};
use crate::{RepositoryError, TeamRepository, documents::Community};

/// Scope of the layout that every community without one of its own has.
pub const COMMUNITIES: &str = "communities";
/// Scope of the whole repository's layout.
pub const GLOBAL: &str = "global";

/// Whose layout is meant.
#[derive(Debug, Clone, PartialEq)]
pub enum LayoutScope {
    /// The whole repository.
    Global,
    /// Every community without one of its own.
    Communities,
    Community(Box<Community>),
}

impl LayoutScope {
    fn key(&self) -> &str {
        match self {
            Self::Global => GLOBAL,
            Self::Communities => COMMUNITIES,
            Self::Community(community) => &community.id,
        }
    }
}

/// A layout and where it comes from.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ShownLayout {
    pub scope: String,
    /// `set` here for this scope, of the community's `document`, `communities` set here, `configuration`, `global` set here, or `default`.
    pub from: &'static str,
    pub set_at: Option<String>,
    pub set_by: Option<String>,
    pub layout: Value,
}

#[derive(Debug, thiserror::Error)]
pub enum LayoutError {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Problems(Vec<LayoutProblem>),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
}

impl From<tallykeep_control::ControlError> for LayoutError {
    fn from(error: tallykeep_control::ControlError) -> Self {
        Self::Repository(error.into())
    }
}

impl TeamRepository {
    /// The scope a name means: `global`, `communities`, or a community's id or slug.
    ///
    /// Errors: `UnknownCommunity`.
    pub async fn layout_scope(&self, name: &str) -> Result<LayoutScope, RepositoryError> {
        if name == COMMUNITIES {
            return Ok(LayoutScope::Communities);
        }
        Ok(self.community(name).await?.map_or(LayoutScope::Global, |c| LayoutScope::Community(Box::new(c))))
    }

    /// The layout a page of this scope is drawn with.
    ///
    /// Of a community: set here for it, else its document's `stats:dashboard_layout`, else set here for all communities, else the
    /// configuration's `community_layout`; then, as for the whole repository: set here, the configuration's `global_layout`, the default.
    pub async fn shown_layout(&self, scope: &LayoutScope) -> Result<ShownLayout, RepositoryError> {
        let stored = self.control.layouts().await?;
        let shown = |from: &'static str, layout: Value| ShownLayout {
            scope: scope.key().to_owned(),
            from,
            set_at: None,
            set_by: None,
            layout,
        };
        let set = |key: &str, from: &'static str| {
            stored.iter().find(|layout| layout.scope == key).map(|found| ShownLayout {
                set_at: Some(found.set_at.to_string()),
                set_by: Some(found.set_by.clone()),
                ..shown(from, found.layout.clone())
            })
        };
        if let Some(found) = set(scope.key(), "set") {
            return Ok(found);
        }
        if let LayoutScope::Community(community) = scope
            && let Some(layout) = self.layout_of_document(community)
        {
            return Ok(shown("document", layout));
        }
        let configured = self.settings.layout.as_ref();
        let part = |keys: [&str; 2]| configured.and_then(|l| keys.iter().find_map(|k| l.get(*k))).cloned();
        if *scope != LayoutScope::Global {
            if let Some(found) = set(COMMUNITIES, "communities") {
                return Ok(found);
            }
            if let Some(layout) = part(["community_layout", "community"]) {
                return Ok(shown("configuration", layout));
            }
            if let Some(found) = set(GLOBAL, "global") {
                return Ok(found);
            }
        }
        match part(["global_layout", "global"]) {
            Some(layout) => Ok(shown("configuration", layout)),
            None => Ok(shown("default", crate::page::default_layout())),
        }
    }

    /// The layout in a community's own document. One that is none is passed over with a word in the log.
    fn layout_of_document(&self, community: &Community) -> Option<Value> {
        let field = community.dashboard_layout.as_ref()?;
        let parts = ["community_layout", "global_layout"];
        let layout = parts.iter().find_map(|key| field.get(*key)).unwrap_or(field);
        match check(layout, "", &self.settings.custom_components).first() {
            None => Some(layout.clone()),
            Some(problem) => {
                tracing::warn!(community = %community.slug, %problem, "its stats:dashboard_layout is passed over");
                None
            }
        }
    }

    /// Sets a layout: `{"tabs": […]}`, or `{"community_layout": …}`, or for the whole repository `{"global_layout", "community_layout"}`.
    /// Answers the scopes that were set.
    ///
    /// Errors: `Problems`, all of them, and nothing is stored.
    pub async fn set_layout(&self, scope: &LayoutScope, value: &Value, by: &str) -> Result<Vec<String>, LayoutError> {
        let parts = self.parts(scope, value).map_err(LayoutError::Problems)?;
        for (key, layout) in &parts {
            self.control.set_layout(key, layout, by).await?;
        }
        Ok(parts.into_iter().map(|part| part.0).collect())
    }

    /// What a document of layouts would set, or every problem in it.
    pub fn check_layout(&self, scope: &LayoutScope, value: &Value) -> Result<(), Vec<LayoutProblem>> {
        self.parts(scope, value).map(drop)
    }

    fn parts(&self, scope: &LayoutScope, value: &Value) -> Result<Vec<(String, Value)>, Vec<LayoutProblem>> {
        let custom = &self.settings.custom_components;
        let wrapped = value.as_object().filter(|fields| fields.keys().any(|key| key.ends_with("_layout")));
        let Some(fields) = wrapped else {
            let problems = check(value, "", custom);
            let part = (scope.key().to_owned(), value.clone());
            return if problems.is_empty() { Ok(vec![part]) } else { Err(problems) };
        };
        let (mut parts, mut problems) = (Vec::new(), Vec::new());
        for (key, layout) in fields {
            let target = match (key.as_str(), scope) {
                ("global_layout", LayoutScope::Global) => GLOBAL,
                ("community_layout", LayoutScope::Global) => COMMUNITIES,
                ("community_layout", other) => other.key(),
                ("global_layout", _) => {
                    let reason = "is set for the whole repository only, not for communities".to_owned();
                    problems.push(LayoutProblem { path: key.clone(), reason });
                    continue;
                }
                _ => {
                    let reason = "is unknown here; known are global_layout, community_layout".to_owned();
                    problems.push(LayoutProblem { path: key.clone(), reason });
                    continue;
                }
            };
            problems.extend(check(layout, key, custom));
            parts.push((target.to_owned(), layout.clone()));
        }
        if problems.is_empty() { Ok(parts) } else { Err(problems) }
    }

    /// Forgets a layout that was set here; answers whether there was one.
    pub async fn reset_layout(&self, scope: &LayoutScope) -> Result<bool, RepositoryError> {
        Ok(self.control.reset_layout(scope.key()).await?)
    }

    /// The scopes with a layout of their own, as `{scope, community, set_at, set_by}`.
    pub async fn set_layouts(&self) -> Result<Vec<Value>, RepositoryError> {
        let communities = self.communities().await?;
        let stored = self.control.layouts().await?;
        Ok(stored
            .into_iter()
            .map(|found| {
                let slug = communities.iter().find(|c| c.id == found.scope).map(|c| c.slug.clone());
                json!({"scope": found.scope, "community": slug, "set_at": found.set_at.to_string(), "set_by": found.set_by})
            })
            .collect())
    }
}
