-- Chat. Teams, presets and answers; conversations themselves lie in the lake.

-- Which team an id in interchange files means. Two sources may use the same id for different teams.
create table chat_source_team (
    source_id bigint not null,
    team_id bigint not null references team (id),
    primary key (source_id, team_id)
);

-- How far a team's chat data got: rows of the lake up to `published` may be read; `taken` numbers writes.
create table chat_state (
    team_id bigint primary key references team (id),
    taken bigint not null default 0,
    published bigint not null default 0
);

create table chat_preset (
    id bigint primary key,
    team_id bigint not null references team (id),
    owner text not null,
    name text not null,
    data text not null,
    is_default bigint not null check (is_default in (0, 1)),
    created_at bigint not null,
    updated_at bigint not null,
    unique (team_id, owner, name)
);
create unique index chat_preset_default on chat_preset (team_id, owner) where is_default = 1;

-- Answers, served while they have not expired and are about the data as it is.
create table chat_cache (
    team_id bigint not null references team (id),
    cache_key text not null,
    shape bigint not null,
    generation bigint not null,
    data text not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (team_id, cache_key)
);
create index chat_cache_expiry on chat_cache (expires_at);

create table chat_snapshot (
    team_id bigint not null references team (id),
    day text not null,
    data text not null,
    updated_at bigint not null,
    primary key (team_id, day)
);

create table chat_expression (
    id bigint primary key,
    team_id bigint not null references team (id),
    name text not null,
    expression text not null,
    created_by text not null,
    updated_at bigint not null,
    unique (team_id, name)
);
