-- Packages: what was observed (metrics, stats, history, revisions), what is derived from it, and what collectors remember.
-- The names and columns of spec/packages §2 under a `packages_` prefix, per team.

create table packages_metric (
    team_id bigint not null references team (id),
    metric_id text not null,
    metric_family text not null,
    product text not null,
    subject text not null,
    sdk text,
    source text not null,
    value_kind text not null,
    unit text not null,
    is_active bigint not null check (is_active in (0, 1)),
    display_name text not null,
    created_at bigint not null,
    -- Place in the catalogue; imported metrics come after it.
    position bigint not null,
    -- catalogue: from the configuration. imported: came with a file. retired: was in the catalogue once; its rows are kept.
    origin text not null check (origin in ('catalogue', 'imported', 'retired')),
    primary key (team_id, metric_id)
);

create table packages_stat (
    team_id bigint not null references team (id),
    metric_id text not null,
    period_start text not null,
    period_end text not null,
    observed_at bigint not null,
    value bigint not null,
    provenance text not null,
    source_window text not null,
    ingestion_run_id text not null,
    source_ref text not null,
    -- When the key was first stored, for reads "as known on".
    first_written_at bigint not null,
    primary key (team_id, metric_id, period_end)
);

-- Every value that was replaced: what it was, what it became, when, and by which run.
create table packages_revision (
    team_id bigint not null references team (id),
    id bigint not null,
    metric_id text not null,
    period_end text not null,
    old_value bigint not null,
    new_value bigint not null,
    old_window text not null,
    new_window text not null,
    old_provenance text not null,
    new_provenance text not null,
    old_run_id text not null,
    new_run_id text not null,
    changed_at bigint not null,
    primary key (team_id, id)
);
create index packages_revision_by_day on packages_revision (team_id, metric_id, period_end, changed_at);

create table packages_history (
    team_id bigint not null references team (id),
    ingestion_run_id text not null,
    job_name text not null,
    started_at bigint not null,
    finished_at bigint,
    status text not null check (status in ('running', 'success', 'partial', 'failed', 'abandoned')),
    rows_inserted bigint not null,
    rows_updated bigint not null,
    error_summary text,
    -- Pending days, gaps and outcomes per metric: JSON.
    details text,
    owner text,
    primary key (team_id, ingestion_run_id)
);
create index packages_history_by_job on packages_history (team_id, job_name, started_at);

-- The observations of one metric and year again, packed, written in the transaction that writes the rows: what reading uses.
-- `generation` orders the changes of a team, so a reader fetches only what changed since it last looked.
create table packages_block (
    team_id bigint not null references team (id),
    metric_id text not null,
    year bigint not null,
    generation bigint not null,
    packed bytea not null,
    primary key (team_id, metric_id, year)
);
create index packages_block_by_generation on packages_block (team_id, generation);

-- Per team: the configuration jobs last ran with, the generation of its blocks, and when everything was dropped last (epoch).
create table packages_team (
    team_id bigint not null references team (id),
    config text,
    generation bigint not null,
    epoch bigint not null,
    primary key (team_id)
);

create table packages_rollup (
    team_id bigint not null references team (id),
    rollup_id text not null,
    position bigint not null,
    document text not null,
    primary key (team_id, rollup_id)
);

create table packages_signal (
    team_id bigint not null references team (id),
    signal_id text not null,
    position bigint not null,
    score double precision not null,
    document text not null,
    primary key (team_id, signal_id)
);

create table packages_guidance (
    team_id bigint not null references team (id),
    guidance_id text not null,
    signal_id text not null,
    generated_at bigint not null,
    document text not null,
    primary key (team_id, guidance_id)
);

create table packages_evidence (
    team_id bigint not null references team (id),
    evidence_id text not null,
    source_type text not null,
    occurred_at bigint not null,
    document text not null,
    primary key (team_id, evidence_id)
);
create index packages_evidence_by_time on packages_evidence (team_id, occurred_at);

create table packages_duckdb_month (
    team_id bigint not null references team (id),
    extension text not null,
    month_start text not null,
    month_label text not null,
    core_downloads bigint not null,
    community_downloads bigint not null,
    total_downloads bigint not null,
    is_partial_month bigint not null check (is_partial_month in (0, 1)),
    latest_source_update_at bigint not null,
    weeks_present bigint not null,
    weeks_expected bigint not null,
    primary key (team_id, extension, month_start)
);

-- Notes on charts: a release, a post, an outage. `metric_id` and `product` are empty when the note is about everything.
create table packages_annotation (
    team_id bigint not null references team (id),
    annotation_id text not null,
    day text not null,
    text text not null,
    url text not null,
    kind text not null,
    product text not null,
    metric_id text not null,
    author text not null,
    created_at bigint not null,
    primary key (team_id, annotation_id)
);

-- What collectors remember of an upstream address: validators and the body they belong to.
create table packages_http (
    team_id bigint not null references team (id),
    url text not null,
    etag text,
    last_modified text,
    body bytea not null,
    stored_at bigint not null,
    primary key (team_id, url)
);

-- Finished steps of a resumable backfill. `backfill` names it and its window; a step is one metric and chunk.
create table packages_step (
    team_id bigint not null references team (id),
    backfill text not null,
    step text not null,
    finished_at bigint not null,
    details text not null,
    primary key (team_id, backfill, step)
);

-- What the last attempts at a metric came to. Days are ISO text, lists JSON.
create table packages_attempt (
    team_id bigint not null references team (id),
    metric_id text not null,
    attempted_at bigint not null,
    succeeded_at bigint,
    outcome text not null,
    message text,
    pending text not null,
    gaps text not null,
    try_again_at bigint,
    primary key (team_id, metric_id)
);

-- Alerts that are open or were, by what they are about.
create table packages_alert (
    team_id bigint not null references team (id),
    alert_key text not null,
    kind text not null,
    message text not null,
    opened_at bigint not null,
    closed_at bigint,
    sent_at bigint,
    send_error text,
    primary key (team_id, alert_key)
);
