-- How far the import from another program's database got, per team and kind of row.
create table chat_bookmark (
    team_id bigint not null references team (id),
    -- Which database, without its credentials.
    source text not null,
    kind text not null,
    -- Every row up to this id was read.
    last_id bigint not null,
    -- ... as it was at this instant of the source's own clock, or later.
    seen_at bigint not null,
    primary key (team_id, source, kind)
);
