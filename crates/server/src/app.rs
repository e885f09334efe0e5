//! What handlers, jobs and the timetable share. Cheap to clone.
//!
//! The control database is private here on purpose: a handler gets at a team's rows only through an extractor
//! (`guard.rs`) that exists only once access was decided.

pub(crate) mod cookies;
mod csrf;
pub(crate) mod extractors;
pub(crate) mod guard;
pub(crate) mod identity;
mod local;
pub(crate) mod rate;

use std::{
    any::{Any, TypeId},
    collections::{BTreeMap, HashMap},
    future::Future,
    pin::Pin,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

use tallykeep_access::{Accounts, new_secret};
use tallykeep_control::{Control, ControlError, TeamControl};
use tallykeep_model::{Clock, TeamSlug};

use crate::{
    jobs::{JobContext, JobOutcome, JobRunner},
    limits::Limits,
    schedule::TimetableEntry,
};

/// The state of the server.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    control: Control,
    accounts: Accounts,
    rate: rate::Rate,
    /// Latched once there is a user: from then on nobody is `local` any more, whatever happens to the rows.
    has_people: AtomicBool,
    first_run_code: String,
    services: Services,
    limits: Limits,
    login: LoginMode,
    health: Vec<(String, HealthCheck)>,
    jobs: BTreeMap<&'static str, JobRunner>,
    timetable: Vec<TimetableEntry>,
    serves_timetable: bool,
    ready: AtomicBool,
}

/// Whether the built-in user `local` may exist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LoginMode {
    /// Bound to loopback: nobody signs in until there is a first user.
    AfterFirstUser,
    /// Bound to another address: everybody signs in, always.
    Required,
}

/// A domain's own values, found by their type.
pub(crate) type Services = HashMap<TypeId, Arc<dyn Any + Send + Sync>>;

/// A handler asked for a service that the binary never put in.
#[derive(Debug, thiserror::Error)]
#[error("the server was built without `{0}`")]
pub struct MissingService(pub &'static str);

pub(crate) fn find_service<T: Any + Send + Sync>(services: &Services) -> Result<Arc<T>, MissingService> {
    services
        .get(&TypeId::of::<T>())
        .and_then(|service| service.clone().downcast().ok())
        .ok_or(MissingService(std::any::type_name::<T>()))
}

/// What a health check may look at.
pub struct HealthContext {
    pub app: App,
    pub teams: Vec<TeamControl>,
    pub clock: Clock,
}

/// Answers `Err(reason)` when the newest data or jobs are not as they should be.
pub type HealthCheck =
    Arc<dyn Fn(Arc<HealthContext>) -> Pin<Box<dyn Future<Output = Result<(), String>> + Send>> + Send + Sync>;

impl App {
    pub fn builder(control: Control, accounts: Accounts) -> AppBuilder {
        AppBuilder {
            control,
            accounts,
            services: Services::new(),
            limits: Limits::default(),
            login: LoginMode::AfterFirstUser,
            health: Vec::new(),
            jobs: BTreeMap::new(),
            timetable: Vec::new(),
            serves_timetable: true,
        }
    }

    /// A domain's service by its type, e.g. `app.service::<Packages>()?`.
    pub fn service<T: Any + Send + Sync>(&self) -> Result<Arc<T>, MissingService> {
        find_service(&self.inner.services)
    }

    pub fn clock(&self) -> Clock {
        self.inner.control.clock()
    }

    pub fn limits(&self) -> &Limits {
        &self.inner.limits
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    pub(crate) fn rate(&self) -> &rate::Rate {
        &self.inner.rate
    }

    /// Whether there is any user. Another process may add the first one at any time.
    pub(crate) async fn has_people(&self) -> Result<bool, ControlError> {
        if self.inner.has_people.load(Ordering::Acquire) {
            return Ok(true);
        }
        let has = self.inner.control.has_people().await?;
        if has {
            self.inner.has_people.store(true, Ordering::Release);
        }
        Ok(has)
    }

    /// The code with which the first admin is made on `/first-run`, as long as there is no user. Only who started the
    /// server sees it; it lives in memory and ends with the first user.
    pub async fn first_run_code(&self) -> Result<Option<&str>, ControlError> {
        Ok((!self.has_people().await?).then_some(self.inner.first_run_code.as_str()))
    }

    pub fn login_mode(&self) -> LoginMode {
        self.inner.login
    }

    /// Whether the server has finished starting.
    pub fn is_ready(&self) -> bool {
        self.inner.ready.load(Ordering::Acquire)
    }

    pub(crate) fn set_ready(&self) {
        self.inner.ready.store(true, Ordering::Release);
    }

    pub(crate) fn health_checks(&self) -> &[(String, HealthCheck)] {
        &self.inner.health
    }

    pub(crate) fn job_runner(&self, kind: &str) -> Option<JobRunner> {
        self.inner.jobs.get(kind).cloned()
    }

    /// Every kind of job somebody registered.
    pub(crate) fn job_kinds(&self) -> impl Iterator<Item = &'static str> {
        self.inner.jobs.keys().copied()
    }

    /// Whether this server serves the timetable (`TALLYKEEP_SCHEDULE=off` switches it off).
    pub fn serves_timetable(&self) -> bool {
        self.inner.serves_timetable
    }

    pub(crate) fn timetable(&self) -> &[TimetableEntry] {
        &self.inner.timetable
    }

    /// The whole control database, for what runs without a caller: jobs, timetable, health.
    pub(crate) fn system(&self, _for: System) -> &Control {
        &self.inner.control
    }
}

/// Says who reaches for the whole control database. Routes have no business here; `tests/it/house.rs` keeps it so.
#[derive(Debug, Clone, Copy)]
pub(crate) enum System {
    Jobs,
    Timetable,
    Health,
}

/// Collects what the server needs; the binary fills it.
pub struct AppBuilder {
    control: Control,
    accounts: Accounts,
    services: Services,
    limits: Limits,
    login: LoginMode,
    health: Vec<(String, HealthCheck)>,
    jobs: BTreeMap<&'static str, JobRunner>,
    timetable: Vec<TimetableEntry>,
    serves_timetable: bool,
}

impl AppBuilder {
    /// Puts in a value that route files find again by its type.
    #[must_use]
    pub fn with<T: Any + Send + Sync>(mut self, service: T) -> Self {
        self.services.insert(TypeId::of::<T>(), Arc::new(service));
        self
    }

    #[must_use]
    pub fn limits(mut self, limits: Limits) -> Self {
        self.limits = limits;
        self
    }

    #[must_use]
    pub fn login(mut self, login: LoginMode) -> Self {
        self.login = login;
        self
    }

    /// Registers a check that `/healthz` asks.
    #[must_use]
    pub fn health<F, Fut>(mut self, name: &str, check: F) -> Self
    where
        F: Fn(Arc<HealthContext>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<(), String>> + Send + 'static,
    {
        self.health.push((name.to_owned(), Arc::new(move |context| Box::pin(check(context)))));
        self
    }

    /// Says how jobs of a kind are done. A job of a kind that nobody registered fails with that reason.
    #[must_use]
    pub fn job<F, Fut>(mut self, kind: &'static str, run: F) -> Self
    where
        F: Fn(JobContext) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = JobOutcome> + Send + 'static,
    {
        self.jobs.insert(kind, Arc::new(move |context| Box::pin(run(context))));
        self
    }

    #[must_use]
    pub fn timetable(mut self, entries: impl IntoIterator<Item = TimetableEntry>) -> Self {
        self.timetable.extend(entries);
        self
    }

    /// Whether the server serves the timetable; on unless said otherwise.
    #[must_use]
    pub fn serves_timetable(mut self, serves: bool) -> Self {
        self.serves_timetable = serves;
        self
    }

    pub fn build(self) -> App {
        App {
            inner: Arc::new(Inner {
                control: self.control,
                rate: rate::Rate::new(self.accounts.config()),
                accounts: self.accounts,
                has_people: AtomicBool::new(false),
                first_run_code: new_secret()[..20].to_owned(),
                services: self.services,
                limits: self.limits,
                login: self.login,
                health: self.health,
                jobs: self.jobs,
                timetable: self.timetable,
                serves_timetable: self.serves_timetable,
                ready: AtomicBool::new(false),
            }),
        }
    }
}

impl App {
    /// The handle of a team, for jobs whose team was written down when they were queued.
    pub(crate) async fn team_of_job(&self, slug: &TeamSlug) -> Result<TeamControl, ControlError> {
        self.inner.control.team(slug).await
    }
}
