-- Reports that were handed out or could not be, and addresses that unsubscribed.
create table report_delivery (
    team_id bigint not null references team (id),
    id bigint not null,
    report text not null,
    -- A community's id where a report has several scopes; else empty.
    scope text not null,
    -- 2026-02, 2026-W10.
    period text not null,
    channel text not null check (channel in ('mail', 'folder', 'webhook')),
    receiver text not null,
    at bigint not null,
    -- Why it did not arrive; null when it did.
    error text,
    sent_by text not null,
    primary key (team_id, id)
);
create index report_delivery_by_period on report_delivery (team_id, report, period);

create table report_unsubscribed (
    team_id bigint not null references team (id),
    report text not null,
    address text not null,
    at bigint not null,
    primary key (team_id, report, address)
);
