//! The peer: PostgreSQL with the same rows, sensible indexes and the straightforward SQL of each chart (spec/chat §4), on a private
//! server. Times are psql's own, without starting it; the tables were vacuumed, analysed and read once before.

use std::{fmt::Write as _, path::Path};

use tallykeep_testkit::postgres::Cluster;

use crate::{ENDPOINTS, FILTERS, Medians, Outcome, window};

const SCHEMA: &str = "
create table teams (id bigint primary key, slug text);
create table experiments (id bigint primary key, team_id bigint, name text, is_archived boolean, working_version_id bigint);
create table channels (id bigint primary key, team_id bigint, experiment_id bigint, platform text, deleted boolean);
create table participants (id bigint primary key, team_id bigint, name text, identifier text, platform text);
create table sessions (id bigint primary key, team_id bigint, experiment_id bigint, participant_id bigint, platform text, status text,
    created_at timestamptz, ended_at timestamptz);
create table messages (id bigint primary key, session_id bigint, type text, created_at timestamptz);
create table tags (id bigint primary key, team_id bigint, name text, category text);
create table tag_links (team_id bigint, tag_id bigint, target_kind text, target_id bigint);
create table traces (id bigint primary key, session_id bigint, experiment_id bigint, timestamp timestamptz, duration_ms bigint);
";

const INDEXES: &str = "
create index on sessions (team_id, experiment_id);
create index on sessions (participant_id);
create index on messages (created_at) include (session_id, type);
create index on messages (session_id, created_at) include (type);
create index on tag_links (tag_id, target_kind, target_id);
create index on tag_links (target_kind, target_id);
create index on traces (timestamp) include (session_id, duration_ms);
vacuum analyze;
select count(*) from messages; select count(*) from sessions; select count(*) from tag_links;
";

/// Asks PostgreSQL each chart and prints how many times longer it takes than ours.
pub fn compare(files: &Path, requests: usize, ours: &Medians) -> Outcome<()> {
    let settings = [
        ("shared_buffers", "1GB"),
        ("work_mem", "128MB"),
        ("maintenance_work_mem", "512MB"),
        ("effective_cache_size", "4GB"),
        ("random_page_cost", "1.1"),
        ("max_wal_size", "8GB"),
    ];
    let Some(cluster) = Cluster::start_with(&settings) else {
        println!("no peer: PostgreSQL is not installed (scripts/install-test-tools)");
        return Ok(());
    };
    let url = cluster.database("peer");
    println!("peer: {}", cluster.query(&url, "select version()").trim());
    let mut load = SCHEMA.to_owned();
    for table in
        ["teams", "experiments", "channels", "participants", "sessions", "messages", "tags", "tag_links", "traces"]
    {
        let file = files.join(format!("{table}.csv"));
        writeln!(load, "\\copy {table} from program 'cat {}' csv header", file.display())?;
    }
    cluster.execute(&url, &(load + INDEXES));
    println!("{:<24} {:>28} {:>28} {:>28}", "PostgreSQL p50 ms (ratio)", "no filter", "tag", "tag and bot");
    for endpoint in ENDPOINTS {
        let mut line = format!("{endpoint:<24}");
        for (filter, _) in FILTERS {
            let mut script = String::from("\\timing on\n");
            for request in 0..requests {
                let (start, end) = window(request)?;
                writeln!(script, "{}", sql(endpoint, filter, &start.to_string(), &end.tomorrow()?.to_string()))?;
            }
            let mut times: Vec<f64> = cluster
                .query(&url, &script)
                .lines()
                .filter_map(|line| line.strip_prefix("Time: ")?.split(' ').next()?.parse().ok())
                .collect();
            if times.len() != requests {
                return Err(format!("{endpoint}: {} of {requests} answers", times.len()).into());
            }
            times.sort_by(f64::total_cmp);
            let (theirs, own) = (times[times.len() / 2], ours[&(endpoint, filter)]);
            let _ = write!(line, " {:>28}", format!("{theirs:.0} ({:.0}x)", theirs / own.max(0.001)));
        }
        println!("{line}");
    }
    Ok(())
}

/// The chart in one statement, for a half-open window.
fn sql(endpoint: &str, filter: &str, start: &str, end: &str) -> String {
    let tagged = "(select target_id from tag_links where tag_id = 1 and target_kind = 'chat' and team_id = 1
        union select tm.session_id from tag_links l join messages tm on tm.id = l.target_id
              where l.tag_id = 1 and l.target_kind = 'message' and l.team_id = 1)";
    let narrowed = match filter {
        "tag" => format!("and s.id in {tagged}"),
        "tag and bot" => format!("and s.id in {tagged} and s.experiment_id = 2"),
        _ => String::new(),
    };
    let people = match filter {
        "no filter" => String::new(),
        "tag" => format!("and exists (select 1 from sessions s where s.participant_id = p.id and s.id in {tagged})"),
        _ => format!(
            "and exists (select 1 from sessions s where s.participant_id = p.id and s.experiment_id = 2)
             and exists (select 1 from sessions s where s.participant_id = p.id and s.id in {tagged})"
        ),
    };
    let bots = if filter == "tag and bot" { "and e.id = 2" } else { "" };
    let counted = format!(
        "select s.* from sessions s where s.team_id = 1 and s.platform is distinct from 'evaluations' and s.status <> 'setup' {narrowed}"
    );
    let window = format!("m.created_at >= '{start}Z' and m.created_at < '{end}Z'");
    // Every turn of the window with its session.
    let turns = format!(
        "with s as ({counted}), m as (select m.id, m.session_id, m.type, m.created_at, s.participant_id, s.experiment_id, s.platform,
                s.created_at as began, s.ended_at
              from messages m join s on s.id = m.session_id where {window} and m.type in ('human', 'ai'))"
    );
    match endpoint {
        "overview" => format!(
            "{turns} select count(*), count(*) filter (where type = 'human'), count(distinct session_id), count(distinct experiment_id),
                count(distinct participant_id) filter (where type = 'human'), count(distinct session_id) filter (where ended_at is not null),
                (select count(*) from experiments e where e.team_id = 1 and not e.is_archived and e.working_version_id is null {bots}),
                (select count(*) from participants p where p.team_id = 1 and p.platform <> 'evaluations' {people})
             from m;"
        ),
        "active-participants" => format!(
            "{turns} select date_trunc('day', created_at, 'UTC'), count(distinct participant_id) from m where type = 'human' group by 1 order by 1;"
        ),
        "session-analytics" => format!(
            "{turns} select date_trunc('day', created_at, 'UTC'), count(distinct session_id),
                count(distinct participant_id) filter (where type = 'human') from m group by 1 order by 1;"
        ),
        "message-volume" => format!(
            "{turns} select date_trunc('day', created_at, 'UTC'), count(*) filter (where type = 'human'), count(*) filter (where type = 'ai')
             from m group by 1 order by 1;"
        ),
        "bot-performance" => format!(
            "{turns}, per as (select session_id, experiment_id, participant_id, began, ended_at, count(*) as n from m group by 1, 2, 3, 4, 5)
             select e.id, e.name, count(distinct per.participant_id), count(per.session_id), coalesce(sum(per.n), 0),
                avg(extract(epoch from per.ended_at - per.began) / 60), count(per.ended_at)::float / nullif(count(per.session_id), 0)
             from experiments e left join per on per.experiment_id = e.id
             where e.team_id = 1 and not e.is_archived and e.working_version_id is null {bots} group by 1, 2 order by 5 desc, 2 limit 10;"
        ),
        "user-engagement" => format!(
            "{turns}, w as (select participant_id, count(*) as n, count(distinct session_id) as sessions, count(distinct experiment_id) as bots,
                max(created_at) as last from m where type = 'human' group by 1),
             d as (select distinct session_id, extract(epoch from ended_at - began) / 60 as minutes from m where ended_at is not null)
             (select 'most', w.*, p.name from w join participants p on p.id = w.participant_id order by n desc, last desc limit 10)
             union all (select 'least', w.*, p.name from w join participants p on p.id = w.participant_id order by n, last desc limit 10)
             union all (select 'length', width_bucket(minutes, (select min(minutes) from d), (select max(minutes) from d) + 0.0001, 10), count(*), 0, 0, null, null
                from d group by 2);"
        ),
        "channel-breakdown" => format!(
            "{turns} select platform, count(distinct session_id), count(*), count(distinct participant_id), count(*) filter (where type = 'human')
             from m group by 1 order by 2 desc;"
        ),
        "tag-analytics" => format!(
            "with s as ({counted}) select t.category, t.name, count(*) from tag_links l join tags t on t.id = l.tag_id
                join messages m on m.id = l.target_id join s on s.id = m.session_id
             where l.team_id = 1 and l.target_kind = 'message' and t.category is distinct from 'experiment_version' and {window} group by 1, 2;"
        ),
        "average-response-time" => format!(
            "{turns}, a as (select distinct session_id from m)
             select date_trunc('day', t.timestamp, 'UTC'), round(avg(t.duration_ms) / 1000, 2) from traces t join a on a.session_id = t.session_id
             where t.timestamp >= '{start}Z' and t.timestamp < '{end}Z' group by 1 order by 1;"
        ),
        // Months with their people and how many came in two weeks or more; we answer more than this.
        _ => format!(
            "with s as ({counted}), w as (select date_trunc('month', date_trunc('week', m.created_at, 'UTC'), 'UTC') as month, s.participant_id,
                count(distinct date_trunc('week', m.created_at, 'UTC')) as weeks
              from messages m join s on s.id = m.session_id
              where m.type = 'human' and m.created_at >= '2025-12-01Z' and m.created_at < '2026-07-01Z' group by 1, 2)
             select month, count(*), count(*) filter (where weeks > 1) from w group by 1 order by 1;"
        ),
    }
}
