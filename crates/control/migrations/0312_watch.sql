-- What watchdogs found: one row per series, the last time it left its usual band.
create table watch_alert (
    team_id bigint not null references team (id),
    series text not null,
    message text not null,
    since text not null,
    opened_at bigint not null,
    closed_at bigint,
    -- Receivers that got it: JSON list.
    told text not null,
    primary key (team_id, series)
);
