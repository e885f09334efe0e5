-- A community's dashboard switch as set here; the document's own flag holds where there is no row.
create table repository_dashboard (
    team_id bigint not null references team (id),
    community_id text not null,
    enabled bigint not null check (enabled in (0, 1)),
    set_at bigint not null,
    primary key (team_id, community_id)
);

-- What people read for a value of a breakdown.
create table repository_label (
    team_id bigint not null references team (id),
    dimension text not null,
    value text not null,
    label text not null,
    primary key (team_id, dimension, value)
);
