//! Rows as the application keeps them, page by page in order of id. Instants are microseconds UTC, money is 1/100,000,000.

use sqlx::FromRow;

use super::{ForeignError, OpenChatStudio, Page};

#[derive(Debug, Clone, FromRow)]
pub struct StudioTeam {
    pub id: i64,
    pub slug: String,
    pub name: String,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioExperiment {
    pub id: i64,
    pub name: String,
    pub is_archived: bool,
    pub working_version_id: Option<i64>,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioChannel {
    pub id: i64,
    pub experiment_id: Option<i64>,
    pub platform: String,
    pub deleted: bool,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioParticipant {
    pub id: i64,
    pub name: String,
    pub identifier: String,
    pub platform: String,
    pub created_at: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioSession {
    pub id: i64,
    pub experiment_id: i64,
    pub participant_id: Option<i64>,
    pub platform: Option<String>,
    pub status: String,
    pub created_at: i64,
    pub ended_at: Option<i64>,
}

/// `session_id` is absent when the chat has no session.
#[derive(Debug, Clone, FromRow)]
pub struct StudioMessage {
    pub id: i64,
    pub session_id: Option<i64>,
    pub message_type: String,
    pub created_at: i64,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioTag {
    pub id: i64,
    pub name: String,
    pub category: String,
}

/// A tag on a message (`target_kind` = `message`) or on a session's chat (`chat`; `target_id` is the session then).
#[derive(Debug, Clone, FromRow)]
pub struct StudioTagLink {
    pub id: i64,
    pub tag_id: i64,
    pub target_kind: String,
    pub target_id: i64,
    /// Tag and target belong to the link's own team.
    pub own: bool,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioTrace {
    pub id: i64,
    pub session_id: i64,
    pub experiment_id: Option<i64>,
    pub timestamp: i64,
    pub duration_ms: Option<i64>,
    pub status: String,
}

#[derive(Debug, Clone, FromRow)]
pub struct StudioUsage {
    pub id: i64,
    pub timestamp: i64,
    pub source: String,
    pub service_kind: String,
    pub provider_type: String,
    pub model_name: String,
    pub quantity: Option<i64>,
    pub cost: Option<i64>,
    pub confidence: String,
    pub priced: bool,
    pub experiment_id: Option<i64>,
    pub session_id: Option<i64>,
    pub participant_id: Option<i64>,
    pub trace_id: Option<i64>,
}

/// An instant of a column as microseconds; exact, whatever PostgreSQL makes of `extract`.
fn micros(column: &str) -> String {
    format!("(round(extract(epoch from {column}) * 1000000))::bigint")
}

impl OpenChatStudio {
    /// Every team, by slug.
    pub async fn teams(&mut self) -> Result<Vec<StudioTeam>, ForeignError> {
        sqlx::query_as("select id::bigint as id, slug::text as slug, name::text as name from teams_team order by slug")
            .fetch_all(&mut self.connection)
            .await
            .map_err(|source| ForeignError::Read { at: self.name.clone(), table: "teams_team", source })
    }

    pub async fn experiments(&mut self, team: i64, page: Page) -> Result<Vec<StudioExperiment>, ForeignError> {
        let select =
            "select id::bigint as id, name::text as name, is_archived, working_version_id::bigint as working_version_id
             from experiments_experiment where team_id = $1 and id > $2 and id <= $3";
        self.page("experiments_experiment", None, select.to_owned(), team, page).await
    }

    pub async fn channels(&mut self, team: i64, page: Page) -> Result<Vec<StudioChannel>, ForeignError> {
        let table = self.shape.channels;
        let select = format!(
            "select id::bigint as id, experiment_id::bigint as experiment_id, platform::text as platform, deleted
             from {table} where team_id = $1 and id > $2 and id <= $3"
        );
        self.page(table, None, select, team, page).await
    }

    pub async fn participants(&mut self, team: i64, page: Page) -> Result<Vec<StudioParticipant>, ForeignError> {
        let select = format!(
            "select id::bigint as id, coalesce(name, '')::text as name, identifier::text as identifier,
                    platform::text as platform, {} as created_at
             from experiments_participant where team_id = $1 and id > $2 and id <= $3",
            micros("created_at")
        );
        self.page("experiments_participant", None, select, team, page).await
    }

    pub async fn tags(&mut self, team: i64, page: Page) -> Result<Vec<StudioTag>, ForeignError> {
        let category = if self.shape.tag_category { "coalesce(category, '')" } else { "''" };
        let select = format!(
            "select id::bigint as id, name::text as name, {category}::text as category
             from annotations_tag where team_id = $1 and id > $2 and id <= $3"
        );
        self.page("annotations_tag", None, select, team, page).await
    }

    pub async fn sessions(&mut self, team: i64, page: Page) -> Result<Vec<StudioSession>, ForeignError> {
        let channels = self.shape.channels;
        let platform = if self.shape.session_platform { "s.platform" } else { "c.platform" };
        let select = format!(
            "select s.id::bigint as id, s.experiment_id::bigint as experiment_id, s.participant_id::bigint as participant_id,
                    {platform}::text as platform, s.status::text as status, {} as created_at, {} as ended_at
             from experiments_experimentsession s left join {channels} c on c.id = s.experiment_channel_id
             where s.team_id = $1 and s.id > $2 and s.id <= $3",
            micros("s.created_at"),
            micros("s.ended_at")
        );
        self.page("experiments_experimentsession", Some("s.updated_at"), select, team, page).await
    }

    pub async fn messages(&mut self, team: i64, page: Page) -> Result<Vec<StudioMessage>, ForeignError> {
        let select = format!(
            "select m.id::bigint as id, s.id::bigint as session_id, m.message_type::text as message_type, {} as created_at
             from chat_chatmessage m join chat_chat c on c.id = m.chat_id
                  left join experiments_experimentsession s on s.chat_id = c.id
             where c.team_id = $1 and m.id > $2 and m.id <= $3",
            micros("m.created_at")
        );
        self.page("chat_chatmessage", Some("m.updated_at"), select, team, page).await
    }

    pub async fn tag_links(&mut self, team: i64, page: Page) -> Result<Vec<StudioTagLink>, ForeignError> {
        let select = "select l.id::bigint as id, l.tag_id::bigint as tag_id,
                    case when k.model = 'chatmessage' then 'message' else 'chat' end as target_kind,
                    coalesce(m.id, s.id)::bigint as target_id,
                    (t.team_id = l.team_id and coalesce(mc.team_id, s.team_id) = l.team_id) as own
             from annotations_customtaggeditem l
                  join django_content_type k on k.id = l.content_type_id
                       and k.app_label = 'chat' and k.model in ('chatmessage', 'chat')
                  join annotations_tag t on t.id = l.tag_id
                  left join chat_chatmessage m on k.model = 'chatmessage' and m.id = l.object_id
                  left join chat_chat mc on mc.id = m.chat_id
                  left join experiments_experimentsession s on k.model = 'chat' and s.chat_id = l.object_id
             where l.team_id = $1 and l.id > $2 and l.id <= $3 and coalesce(m.id, s.id) is not null";
        self.page("annotations_customtaggeditem", None, select.to_owned(), team, page).await
    }

    /// Turns of bots; those of no session are left out, nobody could count them.
    pub async fn traces(&mut self, team: i64, page: Page) -> Result<Vec<StudioTrace>, ForeignError> {
        let select = format!(
            "select id::bigint as id, session_id::bigint as session_id, experiment_id::bigint as experiment_id,
                    {} as timestamp, round(duration)::bigint as duration_ms, coalesce(status, '')::text as status
             from trace_trace where team_id = $1 and id > $2 and id <= $3 and session_id is not null",
            micros("\"timestamp\"")
        );
        self.page("trace_trace", Some("\"timestamp\""), select, team, page).await
    }

    pub async fn usage(&mut self, team: i64, page: Page) -> Result<Vec<StudioUsage>, ForeignError> {
        let Some(shape) = &self.shape.usage else { return Ok(Vec::new()) };
        let (table, priced) = (shape.table, shape.priced);
        let select = format!(
            "select u.id::bigint as id, {} as timestamp, u.source::text as source, u.service_kind::text as service_kind,
                    coalesce(u.provider_type, '')::text as provider_type, coalesce(u.model_name, '')::text as model_name,
                    round(u.quantity)::bigint as quantity, round(u.cost * 100000000)::bigint as cost,
                    u.confidence::text as confidence, ({priced}) as priced,
                    u.experiment_id::bigint as experiment_id, u.session_id::bigint as session_id,
                    u.participant_id::bigint as participant_id, u.trace_id::bigint as trace_id
             from {table} u where u.team_id = $1 and u.id > $2 and u.id <= $3",
            micros("u.\"timestamp\"")
        );
        self.page(table, Some("u.\"timestamp\""), select, team, page).await
    }
}
