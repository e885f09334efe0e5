//! The PostgreSQL database of Open Chat Studio (Django tables), read in one read-only snapshot.
//!
//! No statement here names `chat_chatmessage.content`, or any other column that holds what people wrote: a role that may not read
//! it can do the import (docs/chat.md lists the columns it needs).

mod rows;
mod shape;

pub use rows::{
    StudioChannel, StudioExperiment, StudioMessage, StudioParticipant, StudioSession, StudioTag, StudioTagLink,
    StudioTeam, StudioTrace, StudioUsage,
};

use sqlx::{
    AssertSqlSafe, Connection, PgConnection, Postgres,
    postgres::{PgConnectOptions, PgRow},
};

use super::ForeignError;
use shape::Shape;

/// A connection inside one read-only snapshot: every row read through it is as of [`OpenChatStudio::moment`].
pub struct OpenChatStudio {
    connection: PgConnection,
    shape: Shape,
    name: String,
    moment: i64,
}

/// Which rows of a table, in order of id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Page {
    /// Ids above this one.
    pub after: i64,
    /// Ids up to this one.
    pub until: i64,
    /// Only rows changed since this instant (microseconds), where the table says when a row changed.
    pub changed_since: Option<i64>,
    pub limit: i64,
}

impl Page {
    /// Everything after an id.
    pub fn after(after: i64, limit: i64) -> Self {
        Self { after, until: i64::MAX, changed_since: None, limit }
    }
}

impl OpenChatStudio {
    /// Connects, begins the snapshot and looks whether the tables are what they should be.
    ///
    /// Errors: `Address`, `Connect`, `Shape` naming the table and column that is missing.
    pub async fn open(url: &str) -> Result<Self, ForeignError> {
        let shown = shown(url);
        let address = url.starts_with("postgres://") || url.starts_with("postgresql://");
        let options: PgConnectOptions =
            url.parse().ok().filter(|_| address).ok_or_else(|| ForeignError::Address(shown.clone()))?;
        let fail = |source| ForeignError::Connect { at: shown.clone(), source };
        let mut connection = PgConnection::connect_with(&options).await.map_err(fail)?;
        // One snapshot for all tables: a session is there when its messages are. Read-only, whatever the role may do.
        for statement in ["begin transaction isolation level repeatable read read only", "set local time zone 'UTC'"] {
            sqlx::raw_sql(statement).execute(&mut connection).await.map_err(fail)?;
        }
        let (moment,): (i64,) = sqlx::query_as("select round(extract(epoch from now()) * 1000000)::bigint")
            .fetch_one(&mut connection)
            .await
            .map_err(fail)?;
        let columns: Vec<(String, String)> = sqlx::query_as(
            "select table_name::text, column_name::text from information_schema.columns
             where table_schema = any (current_schemas(false))",
        )
        .fetch_all(&mut connection)
        .await
        .map_err(fail)?;
        let shape = Shape::of(columns).map_err(|what| ForeignError::Shape { at: shown.clone(), what })?;
        Ok(Self { connection, shape, name: shown, moment })
    }

    /// `postgres://host:port/database`: no user, no password.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The snapshot's instant by the database's own clock, in microseconds.
    pub fn moment(&self) -> i64 {
        self.moment
    }

    /// Whether the database tracks usage and cost.
    pub fn has_usage(&self) -> bool {
        self.shape.usage.is_some()
    }

    /// Whether the database keeps traces.
    pub fn has_traces(&self) -> bool {
        self.shape.traces
    }

    /// Ends the snapshot.
    pub async fn close(self) {
        // Nothing was written: a connection that breaks now loses nothing.
        let _ = self.connection.close().await;
    }

    async fn page<R>(
        &mut self,
        table: &'static str,
        changed: Option<&str>,
        select: String,
        team: i64,
        page: Page,
    ) -> Result<Vec<R>, ForeignError>
    where
        R: for<'r> sqlx::FromRow<'r, PgRow> + Send + Unpin,
    {
        let since = match (page.changed_since, changed) {
            (Some(_), Some(column)) => format!("and {column} >= timestamptz 'epoch' + $5 * interval '1 microsecond'"),
            _ => "and $5::bigint is not null".to_owned(),
        };
        // Only names and pieces written in this module are put together; every value is bound.
        let statement = format!("{select} {since} order by 1 limit $4");
        sqlx::query_as::<Postgres, R>(AssertSqlSafe(statement))
            .bind(team)
            .bind(page.after)
            .bind(page.until)
            .bind(page.limit)
            .bind(page.changed_since.unwrap_or(0))
            .fetch_all(&mut self.connection)
            .await
            .map_err(|source| ForeignError::Read { at: self.name.clone(), table, source })
    }
}

/// The address without who and how: it goes into messages and bookmarks.
fn shown(url: &str) -> String {
    url::Url::parse(url).map_or_else(
        |_| "the given address".to_owned(),
        |url| {
            let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
            format!("postgres://{}{port}{}", url.host_str().unwrap_or(""), url.path())
        },
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_address_is_shown_without_its_password() {
        assert_eq!(super::shown("postgresql://ada:secret@db:5433/studio?sslmode=require"), "postgres://db:5433/studio");
        assert_eq!(super::shown("not an address"), "the given address");
    }
}
