//! The built program on an installation of its own, and two teams in it whose data never share a word.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output, Stdio},
};

use serde_json::{Value, json};

/// Slug, and the word that only this team's data holds.
pub const TEAMS: [(&str, &str); 2] = [("alpha", "xqalphaqx"), ("beta", "xqbetaqx")];
pub const COMMUNITY: &str = "11111111-1111-4111-8111-111111111111";
const NOW: &str = "2026-06-20T12:00:00Z";

pub struct Installation {
    pub dir: tempfile::TempDir,
    pub database: Option<String>,
}

impl Installation {
    pub fn new(database: Option<String>) -> Self {
        Self { dir: tempfile::tempdir().expect("a folder"), database }
    }

    pub fn data_dir(&self) -> PathBuf {
        self.dir.path().join("data")
    }

    pub fn files(&self) -> &Path {
        self.dir.path()
    }

    /// Runs a command and waits for its end. Registries are a port that nobody listens on.
    pub fn run(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
        command.args(arguments).arg("--data-dir").arg(self.data_dir()).current_dir(self.dir.path());
        for (name, _) in
            std::env::vars().filter(|(name, _)| name.starts_with("TALLYKEEP_") || name.starts_with("COMMUNITY_"))
        {
            command.env_remove(name);
        }
        if let Some(url) = &self.database {
            command.env("TALLYKEEP_DATABASE", url);
        }
        for service in [
            "PYPISTATS",
            "CRATES",
            "NPM",
            "GITHUB",
            "HN",
            "DUCKDB_CORE",
            "DUCKDB_COMMUNITY",
            "LLM",
            "CRANLOGS",
            "PACKAGIST",
        ] {
            command.env(format!("COMMUNITY_METRICS_{service}_BASE_URL"), "http://127.0.0.1:1");
        }
        command
            .env("COMMUNITY_METRICS_RETRY_BASE_MS", "0")
            .env("COMMUNITY_METRICS_THROTTLE_MS", "0")
            .env("TALLYKEEP_NOW", NOW);
        command.stdin(Stdio::null()).output().expect("the program starts")
    }

    /// Runs a command that must succeed; its standard output.
    pub fn ok(&self, arguments: &[&str]) -> String {
        let output = self.run(arguments);
        let said = said(&output);
        assert!(output.status.success(), "{arguments:?}: {said}");
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    pub fn json(&self, arguments: &[&str]) -> Value {
        let all: Vec<_> = arguments.iter().copied().chain(["--json"]).collect();
        serde_json::from_str(&self.ok(&all)).expect("one JSON document")
    }

    fn write(&self, name: &str, content: &str) -> String {
        let path = self.dir.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, content).expect("written");
        path.display().to_string()
    }

    /// Two teams with the same ids and slugs in every domain.
    pub fn fill(&self) {
        for (slug, word) in TEAMS {
            self.ok(&["team", "add", slug, "--name", word]);
            self.ok(&["user", "add", &format!("admin@{word}.example")]);
            self.ok(&["team", "member", "add", slug, &format!("admin@{word}.example"), "--role", "admin"]);
            self.ok(&["team", "reader", "add", slug, COMMUNITY, &format!("admin@{word}.example")]);
            self.ok(&["token", "create", "--team", slug, "--scope", "read", "--name", word]);
            self.fill_repository(slug, word);
            self.fill_chat(slug, word);
            self.ok(&["packages", "bootstrap-tables", "--yes", "--team", slug]);
            let rows: String = (1..=40)
                .map(|ago| json!({"metric_id": "downloads:lance:python", "period_end": format!("2026-0{}-{:02}", if ago > 28 { 6 } else { 5 }, if ago > 28 { ago - 28 } else { ago }),
                    "value": 1000 + ago, "source_ref": word}).to_string() + "\n")
                .collect();
            let rows = self.write(&format!("{slug}/rows.jsonl"), &rows);
            self.ok(&["packages", "import-stats", "--file", &rows, "--window", "1d", "--team", slug]);
            self.ok(&["packages", "annotations", "add", "--day", "2026-06-01", "--text", word, "--team", slug]);
            self.ok(&[
                "packages",
                "add-evidence",
                "--title",
                word,
                "--url",
                &format!("https://{word}.example"),
                "--team",
                slug,
            ]);
        }
    }

    fn fill_repository(&self, slug: &str, word: &str) {
        let record = json!({"id": "R1", "parent": {"id": "P1", "access": {"owned_by": {"user": word}}, "communities": {"ids": [COMMUNITY]}},
            "created": "2026-06-01T09:00:00Z", "updated": "2026-06-01T09:00:00Z", "is_published": true, "is_deleted": false,
            "access": {"status": "open"}, "files": {"enabled": true, "entries": [{"key": "a.pdf", "ext": "pdf", "size": 1000, "file_id": "f1"}]},
            "metadata": {"title": word, "publication_date": "2026", "publisher": word, "resource_type": {"id": word, "title": {"en": word}}}});
        let records = self.write(&format!("{slug}/records.ndjson"), &format!("{record}\n"));
        let community =
            json!({"id": COMMUNITY, "slug": "c1", "created": "2026-01-01T00:00:00Z", "metadata": {"title": word}});
        let communities = self.write(&format!("{slug}/communities.ndjson"), &format!("{community}\n"));
        let added = |to: &str| json!({"record_id": "R1", "community_id": to, "event_type": "added", "event_date": "2026-06-01T10:00:00"});
        let events =
            self.write(&format!("{slug}/events.ndjson"), &format!("{}\n{}\n", added("global"), added(COMMUNITY)));
        self.ok(&[
            "import",
            "repository",
            "--records",
            &records,
            "--communities",
            &communities,
            "--community-events",
            &events,
            "--team",
            slug,
        ]);
        self.ok(&["community-stats", "aggregate", "--eager", "--team", slug]);
    }

    fn fill_chat(&self, slug: &str, word: &str) {
        for (name, content) in [
            ("teams", format!("id,slug\n10,{slug}\n")),
            ("experiments", format!("id,team_id,name,is_archived,working_version_id\n1,10,Bot {word},false,\n")),
            ("channels", "id,team_id,experiment_id,platform,deleted\n1,10,,web,false\n".to_owned()),
            ("participants", format!("id,team_id,name,identifier,platform\n1,10,Ana {word},ana@{word}.example,web\n")),
            ("sessions", "id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at\n101,10,1,1,web,complete,2026-06-02T09:00:00Z,2026-06-02T09:30:00Z\n".to_owned()),
            ("messages", "id,session_id,type,created_at\n1,101,human,2026-06-02T09:00:00Z\n2,101,ai,2026-06-02T09:01:00Z\n".to_owned()),
        ] {
            self.write(&format!("{slug}/chat/{name}.csv"), &content);
        }
        let folder = self.dir.path().join(slug).join("chat").display().to_string();
        self.ok(&["import", "chat", &folder, "--team", slug]);
    }

    /// What every reading command says of a team, and which files its tables have.
    pub fn state_of(&self, slug: &str) -> Vec<String> {
        let mut state: Vec<String> = [
            &["team", "member", "list", slug][..],
            &["team", "reader", "list", slug],
            &["token", "list", "--team", slug],
            &["audit", "--of-team", slug],
            &["community-stats", "status", "--team", slug],
            &["community-stats", "read", "--start-date", "2026-06-01", "--end-date", "2026-06-10", "--team", slug],
            &["packages", "debug", "all", "--team", slug],
            &["packages", "export-stats", "--team", slug],
            &["packages", "annotations", "list", "--team", slug],
            &["packages", "debug", "evidence", "--team", slug],
        ]
        .iter()
        .map(|arguments| format!("{arguments:?}: {}", self.ok(arguments)))
        .collect();
        state.extend(self.lake_of(slug));
        state
    }

    /// The files of a team's tables, with their sizes.
    pub fn lake_of(&self, slug: &str) -> Vec<String> {
        let (mut found, mut folders) = (Vec::new(), vec![self.data_dir().join("lake").join(slug)]);
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(&folder).expect("a folder").flatten() {
                match entry.metadata().expect("there") {
                    kind if kind.is_dir() => folders.push(entry.path()),
                    file => found.push(format!("{} {}", entry.path().display(), file.len())),
                }
            }
        }
        found.sort();
        found
    }
}

/// Both of what a command printed.
pub fn said(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}
