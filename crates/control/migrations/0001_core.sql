-- Plain SQL that SQLite and PostgreSQL both take: TEXT, BIGINT (microseconds UTC, booleans as 0/1), DOUBLE PRECISION, BYTEA.
-- Days are ISO text. Ids are given by us, never by the database.

create table team (
    id bigint primary key,
    slug text not null unique,
    name text not null,
    created_at bigint not null,
    settings text not null default '{}'
);

-- One row per thing only one process may do at a time. A dead owner's row is free once lease_until has passed.
create table lease (
    name text primary key,
    owner text not null,
    what text not null,
    taken_at bigint not null,
    lease_until bigint not null
);

-- Work with progress and history: what ran, for whom, how far it is, how it ended.
create table job (
    id text primary key,
    team_id bigint not null references team (id),
    kind text not null,
    args text not null,
    state text not null check (state in ('queued', 'running', 'done', 'failed', 'cancelled')),
    owner text,
    lease_until bigint not null default 0,
    created_at bigint not null,
    started_at bigint,
    ended_at bigint,
    heartbeat_at bigint,
    cancel_requested bigint not null default 0 check (cancel_requested in (0, 1)),
    done_steps bigint not null default 0,
    all_steps bigint,
    step text,
    result text,
    error text
);
create index job_by_state on job (state, created_at);
create index job_by_kind on job (team_id, kind, created_at);

-- How far a job got, per team and scope (Invenio's "bookmark").
create table watermark (
    team_id bigint not null references team (id),
    name text not null,
    scope text not null,
    position text not null,
    updated_at bigint not null,
    primary key (team_id, name, scope)
);

-- A small counter bumped in the transaction that uses it, so that position order is commit order.
create table counter (
    name text primary key,
    n bigint not null
);

-- Days of a rollup family whose facts changed since they were last rolled up. `seq` orders the changes.
create table dirty_day (
    team_id bigint not null references team (id),
    family text not null,
    day text not null,
    seq bigint not null,
    reason text not null,
    primary key (team_id, family, day)
);

-- What a rollup family covers, per scope: every day of [first_day, last_day] is known, zero days included.
-- Days from provisional_from on were rolled up before they were over. dirty_seq: changes up to it are included.
create table coverage (
    team_id bigint not null references team (id),
    family text not null,
    scope text not null,
    first_day text not null,
    last_day text not null,
    provisional_from text not null,
    dirty_seq bigint not null,
    run_id text not null,
    updated_at bigint not null,
    primary key (team_id, family, scope)
);

-- The ledger: a final number that changed, what it was, what it is, when, why, and in which run.
create table restatement (
    team_id bigint not null references team (id),
    id bigint not null,
    family text not null,
    scope text not null,
    day text not null,
    dimension text not null,
    value text not null,
    measure text not null,
    old double precision,
    new double precision,
    at bigint not null,
    reason text not null,
    run_id text not null,
    primary key (team_id, id)
);
create index restatement_by_day on restatement (team_id, family, scope, day);
