-- Since when an upstream says that a metric's package or repository does not exist, and who was told of an alert (JSON list).
alter table packages_attempt add column not_found_since bigint;
alter table packages_alert add column told text not null default '[]';
