-- What a change of numbers made old: the generation of a family, scope and year is the highest `n` of the rows that name it. `*` names every
-- family or scope, year 0 every year. Numbers come from one counter and never come back.
create table repository_generation (
    team_id bigint not null references team (id),
    family text not null,
    scope text not null,
    year bigint not null,
    n bigint not null,
    primary key (team_id, family, scope, year)
);

-- Kept answers: one query result of one scope and year, with everything in it. `settings` is the hash of what it was built with. `body` is
-- zstd; `size` and `digest` are of the JSON text.
create table repository_response (
    team_id bigint not null references team (id),
    cache_key text not null,
    community_id text not null,
    year bigint not null,
    stat text not null,
    date_basis text not null,
    generation bigint not null,
    settings text not null,
    coverage text not null,
    size bigint not null,
    digest text not null,
    body bytea not null,
    created_at bigint not null,
    expires_at bigint not null,
    primary key (team_id, cache_key)
);
create index repository_response_by_identity on repository_response (team_id, community_id, year);

-- Values that stand without a label in a kept answer: a label that comes late makes those answers old.
create table repository_unlabelled (
    team_id bigint not null references team (id),
    dimension text not null,
    value text not null,
    primary key (team_id, dimension, value)
);

-- Since when the ledger knows of a family's numbers of a scope: before that there is nothing to look back at.
create table repository_known_since (
    team_id bigint not null references team (id),
    family text not null,
    scope text not null,
    since bigint not null,
    primary key (team_id, family, scope)
);
