-- What a source says of itself, to be laid beside our own figures: the totals of its records, the documents of its indices.
create table repository_reported (
    team_id bigint not null references team (id),
    source text not null,
    subject text not null,
    id text not null,
    figures text not null,
    reported_at bigint not null,
    primary key (team_id, source, subject, id)
);

-- A dashboard's layout as set here: of one community, of every community (`communities`), or of the whole repository (`global`).
create table repository_layout (
    team_id bigint not null references team (id),
    scope text not null,
    layout text not null,
    set_at bigint not null,
    set_by text not null,
    primary key (team_id, scope)
);
