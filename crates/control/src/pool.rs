//! Opening the database, migrating it, and the handle that binds a team.

use std::{path::Path, sync::Arc};

use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use sqlx::{AnyPool, any::AnyPoolOptions};
use tallykeep_model::{Clock, Team, TeamSlug};

/// Why the control database could not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    #[error("could not open the control database at {at}: {source}")]
    Open { at: String, source: sqlx::Error },
    #[error("could not bring the control database up to date: {0}")]
    Migrate(#[from] sqlx::migrate::MigrateError),
    #[error("could not lock {at}: {source}")]
    Lock { at: String, source: std::io::Error },
    #[error("no team `{0}`")]
    NoTeam(TeamSlug),
    #[error("team `{0}` exists already")]
    TeamExists(TeamSlug),
    #[error("no user `{0}`")]
    NoPerson(String),
    #[error("user `{0}` exists already")]
    PersonExists(String),
    #[error("{what} is being done by {owner} since {since}")]
    Busy { what: String, owner: String, since: String },
    #[error("the control database holds a damaged {0}")]
    Damaged(String),
    #[error("control database: {0}")]
    Sql(#[from] sqlx::Error),
    #[error("control database: {0}")]
    Json(#[from] serde_json::Error),
}

/// The control database. Cheap to clone; every clone shares one pool.
#[derive(Clone)]
pub struct Control {
    pub(crate) pool: AnyPool,
    pub(crate) clock: Clock,
    /// Who this process is in leases and jobs.
    pub(crate) owner: Arc<str>,
}

/// The control database seen by one team. There is no way to name another team's rows through it.
#[derive(Clone)]
pub struct TeamControl {
    pub(crate) control: Control,
    pub(crate) team: Team,
}

/// What a path in a URL must not hold as it is.
const PATH: &AsciiSet = &CONTROLS.add(b' ').add(b'?').add(b'#').add(b'%');

impl Control {
    /// Opens `control.db` in the data dir (created when absent) and migrates it.
    pub async fn open(data_dir: &Path, clock: Clock) -> Result<Self, ControlError> {
        let file = data_dir.join("control.db");
        let display = file.display().to_string();
        let io = |source| ControlError::Lock { at: data_dir.display().to_string(), source };
        std::fs::create_dir_all(data_dir).map_err(io)?;
        let absolute = std::path::absolute(&file).map_err(io)?;
        let url = format!("sqlite://{}?mode=rwc", utf8_percent_encode(&absolute.to_string_lossy(), PATH));
        // sqlx does not lock SQLite migrations: two first starts would both create the tables (engine-notes, bend 6).
        let lock = std::fs::File::create(data_dir.join("migrate.lock")).map_err(io)?;
        // Waiting for another process must not hold up this one's other tasks.
        let waited = tokio::task::spawn_blocking(move || lock.lock().map(|()| lock)).await;
        let _lock = waited.map_err(std::io::Error::other).and_then(|locked| locked).map_err(io)?;
        own(&file).map_err(io)?;
        Self::connect(&url, &display, clock).await
    }

    /// Opens the database a URL names (`postgres://…` or `sqlite://…`) and migrates it.
    pub async fn open_url(url: &str, clock: Clock) -> Result<Self, ControlError> {
        let shown = url::Url::parse(url).map_or_else(
            |_| "the given URL".to_owned(),
            |u| format!("{}://{}{}", u.scheme(), u.host_str().unwrap_or(""), u.path()),
        );
        if let Some(file) = url.strip_prefix("sqlite://").and_then(|rest| rest.split('?').next()) {
            let file = percent_encoding::percent_decode_str(file).decode_utf8_lossy();
            own(Path::new(file.as_ref())).map_err(|source| ControlError::Lock { at: file.to_string(), source })?;
        }
        Self::connect(url, &shown, clock).await
    }

    async fn connect(url: &str, display: &str, clock: Clock) -> Result<Self, ControlError> {
        sqlx::any::install_default_drivers();
        let pool = AnyPoolOptions::new()
            .max_connections(4)
            // A file does not hang up: asking a connection whether it lives, each time before a query, doubles what a kept answer costs.
            .test_before_acquire(!url.starts_with("sqlite:"))
            .after_connect(|connection, _| {
                Box::pin(async move {
                    if connection.backend_name() == "SQLite" {
                        for pragma in [
                            "PRAGMA busy_timeout=10000",
                            "PRAGMA journal_mode=WAL",
                            "PRAGMA synchronous=FULL",
                            "PRAGMA foreign_keys=ON",
                        ] {
                            sqlx::query(pragma).execute(&mut *connection).await?;
                        }
                    }
                    Ok(())
                })
            })
            .connect(url)
            .await
            .map_err(|source| ControlError::Open { at: display.to_owned(), source })?;
        sqlx::migrate!("./migrations").run(&pool).await?;
        let control = Self { pool, clock, owner: crate::owner::name().into() };
        control.ensure_default_team().await?;
        Ok(control)
    }

    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// Who this process is in leases and jobs.
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// The handle of one team. Errors: `NoTeam`.
    pub async fn team(&self, slug: &TeamSlug) -> Result<TeamControl, ControlError> {
        let team = self.find_team(slug).await?.ok_or_else(|| ControlError::NoTeam(slug.clone()))?;
        Ok(self.for_team(team))
    }

    /// The handle of a team that was looked up before.
    pub fn for_team(&self, team: Team) -> TeamControl {
        TeamControl { control: self.clone(), team }
    }

    /// The next `n` positions of a named counter, bumped inside the caller's transaction so that position order is commit order.
    pub(crate) async fn take_positions(
        connection: &mut sqlx::AnyConnection,
        name: &str,
        n: i64,
    ) -> Result<i64, ControlError> {
        let row: (i64,) = sqlx::query_as(
            "insert into counter (name, n) values ($1, $2) on conflict (name) do update set n = counter.n + excluded.n returning n",
        )
        .bind(name)
        .bind(n)
        .fetch_one(connection)
        .await?;
        Ok(row.0 - n + 1)
    }
}

impl TeamControl {
    pub fn team(&self) -> &Team {
        &self.team
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    pub fn clock(&self) -> Clock {
        self.control.clock
    }
}

/// Makes the file, when it is not there yet, so that only its owner reads it: it holds password hashes and names. SQLite
/// gives the files beside it the same mode.
fn own(file: &Path) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.create(true).append(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(file).map(|_| ())
}
