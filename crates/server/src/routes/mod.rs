//! The one list of routes. Router, OpenAPI and the access matrix all come from it.

pub mod chat;
pub(crate) mod dashboard;
mod health;
pub mod packages;
mod people;
mod reports;
pub mod repository;
mod watch;

use std::{collections::BTreeMap, sync::Arc};

use axum::{Router, extract::DefaultBodyLimit, middleware, routing::MethodRouter};
use tallykeep_access::Decision;
use utoipa::openapi::{
    Components, Info, OpenApi, Paths,
    server::{ServerBuilder, ServerVariableBuilder},
};
use utoipa_axum::router::UtoipaMethodRouter;

use crate::{
    app::{
        App,
        guard::{Guard, guard, preflight},
    },
    error::{ErrorShape, our_shape},
};

/// One or more handlers of one path, and who may call them. There is no way to make one without a [`Decision`].
pub struct Route {
    decision: Decision,
    handlers: UtoipaMethodRouter<App>,
    shape: ErrorShape,
    is_page: bool,
    is_shared: bool,
    body_limit: Option<usize>,
}

impl Route {
    /// A route of the API: `Route::api(Decision::Read(Dashboard::Packages), routes!(get_series))`. Handlers that share a
    /// path but not a decision are routes of their own.
    pub fn api(decision: Decision, handlers: UtoipaMethodRouter<App>) -> Self {
        Self { decision, handlers, shape: our_shape, is_page: false, is_shared: false, body_limit: None }
    }

    /// An HTML page: outside OpenAPI, leads to the sign-in form, sets the `csrftoken` cookie.
    pub fn page(path: &str, decision: Decision, handlers: MethodRouter<App>) -> Self {
        let mut paths = Paths::new();
        paths.paths.insert(path.to_owned(), utoipa::openapi::PathItem::default());
        Self {
            decision,
            handlers: (Vec::new(), paths, handlers),
            shape: our_shape,
            is_page: true,
            is_shared: false,
            body_limit: None,
        }
    }

    /// Another way to write errors, also those of the guard (401, 403, 404, 429).
    #[must_use]
    pub fn errors(mut self, shape: ErrorShape) -> Self {
        self.shape = shape;
        self
    }

    /// Lets scripts of other sites read it, while its dashboard is public and no longer.
    #[must_use]
    pub fn shared_while_public(mut self) -> Self {
        self.is_shared = true;
        self
    }

    /// Another bound on the body than `Limits::body`, in bytes.
    #[must_use]
    pub fn body_limit(mut self, bytes: usize) -> Self {
        self.body_limit = Some(bytes);
        self
    }

    pub fn decision(&self) -> Decision {
        self.decision
    }

    pub fn is_page(&self) -> bool {
        self.is_page
    }

    /// The path without a team, as declared.
    pub fn path(&self) -> &str {
        self.handlers.1.paths.keys().next().map_or("/", String::as_str)
    }

    /// The methods OpenAPI knows, upper case; a page answers GET.
    pub fn methods(&self) -> Vec<&'static str> {
        let Some(item) = self.handlers.1.paths.values().next() else { return Vec::new() };
        let known = [
            ("GET", item.get.is_some()),
            ("POST", item.post.is_some()),
            ("PUT", item.put.is_some()),
            ("PATCH", item.patch.is_some()),
            ("DELETE", item.delete.is_some()),
        ];
        let methods: Vec<_> = known.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect();
        if methods.is_empty() { vec!["GET"] } else { methods }
    }
}

/// Every route. A domain's own are in its module.
pub fn all() -> Vec<Route> {
    let mut routes = Vec::new();
    routes.extend(dashboard::routes());
    routes.extend(health::routes());
    routes.extend(people::routes());
    routes.extend(repository::routes());
    routes.extend(packages::routes());
    routes.extend(chat::routes());
    routes.extend(reports::routes());
    routes.extend(watch::routes());
    routes
}

/// A route under its own path and under `/a/{team}`, each with and without a trailing slash.
fn places(path: &str) -> Vec<String> {
    let bare = path.trim_end_matches('/');
    let own = if bare.is_empty() { vec!["/".to_owned()] } else { vec![bare.to_owned(), format!("{bare}/")] };
    own.into_iter().chain([format!("/a/{{team}}{bare}"), format!("/a/{{team}}{bare}/")]).collect()
}

/// The router of every route, each behind its guard.
pub(crate) fn build(app: &App) -> Router<App> {
    let mut router = Router::new();
    // Routes that share a path are joined first: a path answers 405 with every method it has.
    let mut by_path: BTreeMap<String, MethodRouter<App>> = BTreeMap::new();
    for route in all() {
        let path = route.path().to_owned();
        let limit = route.body_limit.unwrap_or(app.limits().body);
        let guard_of_route = Arc::new(Guard {
            app: app.clone(),
            decision: route.decision,
            shape: route.shape,
            is_page: route.is_page,
            is_shared: route.is_shared,
            body_limit: limit,
        });
        let handlers = route.handlers.2;
        let handlers = if route.is_shared { handlers.options(preflight) } else { handlers };
        let handlers = handlers
            .layer(DefaultBodyLimit::max(limit))
            .route_layer(middleware::from_fn_with_state(guard_of_route, guard));
        let joined = by_path.remove(&path).unwrap_or_default().merge(handlers);
        by_path.insert(path, joined);
    }
    for (path, handlers) in by_path {
        for place in places(&path) {
            router = router.route(&place, handlers.clone());
        }
    }
    router
}

/// The OpenAPI document of every route.
pub fn openapi() -> OpenApi {
    let mut info = Info::new("Tallykeep", env!("CARGO_PKG_VERSION"));
    info.description = Some(
        "Every path means the team `default`; under `/a/{team}` it means that team. Trailing slashes are optional. \
         API clients send `Authorization: Bearer TOKEN`; cookie writes need `X-CSRFToken`."
            .to_owned(),
    );
    let mut document = OpenApi::new(info, Paths::new());
    let team = ServerVariableBuilder::new().default_value("default").description(Some("The team")).build();
    document.servers = Some(vec![
        ServerBuilder::new().url("/").build(),
        ServerBuilder::new().url("/a/{team}").parameter("team", team).build(),
    ]);
    let mut components = Components::new();
    for route in all().into_iter().filter(|route| !route.is_page) {
        let (schemas, paths, _) = route.handlers;
        components.schemas.extend(schemas);
        for (path, item) in paths.paths {
            match document.paths.paths.get_mut(&path) {
                Some(known) => known.merge_operations(item),
                None => {
                    document.paths.paths.insert(path, item);
                }
            }
        }
    }
    document.components = Some(components);
    document
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_route_stands_in_four_places() {
        assert_eq!(places("/api/stats"), ["/api/stats", "/api/stats/", "/a/{team}/api/stats", "/a/{team}/api/stats/"]);
        assert_eq!(places("/"), ["/", "/a/{team}", "/a/{team}/"]);
    }

    #[test]
    fn one_route_is_one_path() {
        for route in all() {
            assert_eq!(route.handlers.1.paths.len(), 1, "{}", route.path());
        }
    }
}
