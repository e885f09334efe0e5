//! A fresh installation in a temporary folder, and how tests import into it.

use std::{path::Path, sync::Arc};

use jiff::tz::TimeZone;
use serde_json::Value;
use tallykeep_chat::{
    charts::Chart,
    filter::Params,
    interchange::{ImportError, ImportOptions, ImportReport, import},
    service::{Chat, ChatConfig, ChatError},
};
use tallykeep_control::{Control, TeamControl};
use tallykeep_lake::Lake;
use tallykeep_model::Clock;
use tempfile::TempDir;

pub struct Installation {
    pub chat: Chat,
    folder: Arc<TempDir>,
}

impl Installation {
    pub async fn new() -> Self {
        Self::at("2026-06-15T12:00:00Z").await
    }

    pub async fn at(now: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let control = Control::open(folder.path(), Clock::Fixed(now.parse().unwrap())).await.unwrap();
        let lake = Lake::open(&folder.path().join("lake"), std::time::Duration::from_secs(60)).unwrap();
        Self { chat: Chat::new(control, lake, ChatConfig::default()), folder: Arc::new(folder) }
    }

    /// The same installation as another process has it.
    pub async fn reopened(&self) -> Self {
        let control = Control::open(self.folder.path(), self.chat.control().clock()).await.unwrap();
        let lake = Lake::open(&self.folder.path().join("lake"), std::time::Duration::from_secs(60)).unwrap();
        Self { chat: Chat::new(control, lake, ChatConfig::default()), folder: self.folder.clone() }
    }

    pub async fn team(&self, slug: &str) -> TeamControl {
        self.chat.control().team(&slug.parse().unwrap()).await.unwrap()
    }

    pub async fn import(&self, path: &Path) -> Result<ImportReport, ImportError> {
        self.import_as(path, None).await
    }

    pub async fn import_as(&self, path: &Path, team: Option<&str>) -> Result<ImportReport, ImportError> {
        let options = ImportOptions { team: team.map(|slug| slug.parse().unwrap()) };
        import(self.chat.control(), self.chat.lake(), path, &options, &mut |_| ()).await
    }

    pub async fn ask(&self, team: &str, chart: Chart, query: &str) -> Result<Value, ChatError> {
        let params: Params = crate::acme::params(query);
        Ok(self.chat.answer(&self.team(team).await, chart, &params, &TimeZone::UTC).await?.body)
    }
}

/// Writes the files of a `## name` sectioned text.
pub fn write_files(folder: &Path, text: &str) {
    for section in text.split("## ").skip(1) {
        let (name, lines) = section.split_once('\n').unwrap();
        let lines: Vec<&str> = lines.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        std::fs::write(folder.join(format!("{}.csv", name.trim())), lines.join("\n") + "\n").unwrap();
    }
}

pub const ACME: &str = "
## teams
id,slug
10,acme
## experiments
id,team_id,name,is_archived,working_version_id
1,10,Helper,false,
2,10,Seller,false,
3,10,Old Bot,true,
## channels
id,team_id,experiment_id,platform,deleted
1,10,,web,false
2,10,1,telegram,false
3,10,3,telegram,false
## participants
id,team_id,name,identifier,platform
1,10,Ana,ana@x,web
2,10,,ben@x,telegram
3,10,Cy,cy@x,web
## sessions
id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at
101,10,1,1,web,complete,2026-06-02T09:00:00Z,2026-06-02T09:30:00Z
102,10,1,2,telegram,active,2026-06-03T23:50:00Z,
103,10,2,1,web,complete,2026-06-09T10:00:00Z,2026-06-09T11:40:00Z
104,10,1,1,web,setup,2026-06-05T10:00:00Z,
105,10,1,3,evaluations,active,2026-06-05T10:00:00Z,
106,10,3,2,telegram,active,2026-06-10T08:00:00Z,
## messages
id,session_id,type,created_at
1,101,human,2026-06-02T09:00:00Z
2,101,ai,2026-06-02T09:01:00Z
3,101,system,2026-06-02T09:02:00Z
4,101,human,2026-06-02T09:20:00Z
5,102,human,2026-06-03T23:55:00Z
6,102,ai,2026-06-04T00:05:00Z
7,102,human,2026-06-15T00:00:00Z
8,103,ai,2026-06-09T10:00:00Z
9,103,human,2026-06-09T10:30:00Z
10,103,ai,2026-06-09T10:31:00Z
11,104,human,2026-06-05T10:00:00Z
12,105,human,2026-06-05T10:00:00Z
13,106,ai,2026-06-10T08:00:00Z
## tags
id,team_id,name,category
1,10,billing,
2,10,timeout,error
3,10,v2,experiment_version
## tag_links
team_id,tag_id,target_kind,target_id
10,1,message,1
10,1,message,4
10,2,message,9
10,3,message,1
10,1,chat,102
## traces
id,session_id,experiment_id,timestamp,duration_ms
1,101,1,2026-06-02T09:01:00Z,1200
2,101,1,2026-06-02T09:20:00Z,800
3,103,2,2026-06-09T10:31:00Z,3456
## usage
team_id,source,service_kind,provider_type,model_name,quantity,cost,confidence,experiment_id,session_id,participant_id,trace_id,priced,timestamp
10,chat,llm_input,openai,m-small,1000,0.10,exact,1,101,1,1,true,2026-06-02T09:01:00Z
10,chat,llm_output,openai,m-small,400,0.30,exact,1,101,1,2,true,2026-06-02T09:20:00Z
10,chat,llm_output,anthropic,m-big,200,0.50,estimated,2,103,1,3,true,2026-06-09T10:31:00Z
10,evaluation,llm_output,openai,m-small,800,0.25,exact,1,105,3,,true,2026-06-05T10:00:00Z
10,chat,llm_output,openai,m-small,500,0.40,exact,1,101,1,,true,2026-05-20T09:00:00Z
";
