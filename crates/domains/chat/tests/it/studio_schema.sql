-- The tables of Open Chat Studio that hold what the import reads, in the shape its Django models give them, with the columns
-- beside them that it must never ask for.
create table teams_team (id bigint primary key, slug varchar(50) unique not null, name varchar(100) not null, created_at timestamptz, updated_at timestamptz);
create table experiments_experiment (
    id bigint primary key, team_id bigint not null references teams_team, name varchar(128) not null, prompt_text text not null default 'secret prompt',
    is_archived boolean not null default false, working_version_id bigint references experiments_experiment, version_number integer not null default 1);
create table bot_channels_experimentchannel (
    id bigint primary key, team_id bigint not null references teams_team, experiment_id bigint references experiments_experiment,
    name varchar(255) not null default '', platform varchar(32) not null, deleted boolean not null default false, extra_data jsonb not null default '{}');
create table experiments_participant (
    id bigint primary key, team_id bigint not null references teams_team, name varchar(255) not null default '', identifier varchar(320) not null,
    platform varchar(32) not null, created_at timestamptz not null, updated_at timestamptz not null, unique (team_id, platform, identifier));
create table chat_chat (id bigint primary key, team_id bigint not null references teams_team, name varchar(128) not null default '', metadata jsonb not null default '{}');
create table experiments_experimentsession (
    id bigint primary key, team_id bigint not null references teams_team, experiment_id bigint not null references experiments_experiment,
    participant_id bigint references experiments_participant, experiment_channel_id bigint references bot_channels_experimentchannel,
    chat_id bigint not null unique references chat_chat, platform varchar(128), status varchar(20) not null,
    created_at timestamptz not null, updated_at timestamptz not null, ended_at timestamptz);
create table chat_chatmessage (
    id bigint primary key, chat_id bigint not null references chat_chat, message_type varchar(10) not null, content text not null default 'what somebody wrote',
    metadata jsonb not null default '{}', created_at timestamptz not null, updated_at timestamptz not null);
create index on chat_chatmessage (chat_id);
create table annotations_tag (id bigint primary key, team_id bigint not null references teams_team, name varchar(100) not null, slug varchar(100) not null default '', category varchar(50) not null default '', is_system_tag boolean not null default false);
create table django_content_type (id integer primary key, app_label varchar(100) not null, model varchar(100) not null);
create table annotations_customtaggeditem (id bigint primary key, team_id bigint not null references teams_team, tag_id bigint not null references annotations_tag, content_type_id integer not null references django_content_type, object_id bigint not null);
create table trace_trace (
    id bigint primary key, team_id bigint not null references teams_team, session_id bigint references experiments_experimentsession,
    experiment_id bigint references experiments_experiment, "timestamp" timestamptz not null, duration integer, status varchar(16) not null, error text not null default '');
create table cost_tracking_usagerecord (
    id bigint primary key, team_id bigint not null references teams_team, "timestamp" timestamptz not null, source varchar(20) not null, service_kind varchar(32) not null,
    provider_type varchar(64) not null, model_name varchar(128) not null, quantity bigint, cost numeric(18, 8), confidence varchar(16) not null, price_rule_id bigint,
    experiment_id bigint, session_id bigint, participant_id bigint, trace_id bigint);
-- A role that may read exactly what docs/chat.md lists: no content, no prompt.
create role reader login;
grant select on teams_team, chat_chat, annotations_tag, annotations_customtaggeditem, django_content_type, cost_tracking_usagerecord to reader;
grant select (id, team_id, name, is_archived, working_version_id) on experiments_experiment to reader;
grant select (id, team_id, experiment_id, platform, deleted) on bot_channels_experimentchannel to reader;
grant select (id, team_id, name, identifier, platform, created_at) on experiments_participant to reader;
grant select (id, team_id, experiment_id, participant_id, experiment_channel_id, chat_id, platform, status, created_at, updated_at, ended_at) on experiments_experimentsession to reader;
grant select (id, chat_id, message_type, created_at, updated_at) on chat_chatmessage to reader;
grant select (id, team_id, session_id, experiment_id, "timestamp", duration, status) on trace_trace to reader;

-- Team acme of spec/chat §3; chats are the session's id plus 1,000. Team other has the same people and a bot, and one conversation.
insert into teams_team values (10, 'acme', 'Acme'), (11, 'other', 'Other');
insert into experiments_experiment (id, team_id, name, is_archived) values (1, 10, 'Helper', false), (2, 10, 'Seller', false), (3, 10, 'Old Bot', true), (4, 11, 'Lone', false);
insert into experiments_experiment (id, team_id, name, working_version_id) values (5, 10, 'Helper', 1);
insert into bot_channels_experimentchannel (id, team_id, experiment_id, platform) values (1, 10, null, 'web'), (2, 10, 1, 'telegram'), (3, 10, 3, 'telegram'), (4, 11, 4, 'web');
insert into experiments_participant values (1, 10, 'Ana', 'ana@x', 'web', '2026-06-01Z', '2026-06-01Z'), (2, 10, '', 'ben@x', 'telegram', '2026-06-01Z', '2026-06-01Z'),
    (3, 10, 'Cy', 'cy@x', 'web', '2026-06-01Z', '2026-06-01Z'), (4, 11, 'Ana', 'ana@x', 'web', '2026-06-01Z', '2026-06-01Z');
insert into chat_chat (id, team_id) select s + 1000, 10 from generate_series(101, 106) s;
insert into chat_chat (id, team_id) values (1107, 11), (1999, 10);
insert into experiments_experimentsession
select id, 10, bot, person, channel, id + 1000, platform, status, made::timestamptz, coalesce(done, made)::timestamptz, done::timestamptz
from (values
    (101, 1, 1, 1, 'web', 'complete', '2026-06-02T09:00Z', '2026-06-02T09:30Z'),
    (102, 1, 2, 2, 'telegram', 'active', '2026-06-03T23:50Z', null),
    (103, 2, 1, 1, 'web', 'complete', '2026-06-09T10:00Z', '2026-06-09T11:40Z'),
    (104, 1, 1, 1, 'web', 'setup', '2026-06-05T10:00Z', null),
    (105, 1, 3, 1, 'evaluations', 'active', '2026-06-05T10:00Z', null),
    (106, 3, 2, 3, 'telegram', 'active', '2026-06-10T08:00Z', null)) as s (id, bot, person, channel, platform, status, made, done);
insert into experiments_experimentsession values (107, 11, 4, 4, 4, 1107, 'web', 'active', '2026-06-05T10:00Z', '2026-06-05T10:00Z', null);
insert into chat_chatmessage (id, chat_id, message_type, created_at, updated_at)
select id, session + 1000, kind, at::timestamptz, at::timestamptz
from (values (1, 101, 'human', '2026-06-02T09:00Z'), (2, 101, 'ai', '2026-06-02T09:01Z'), (3, 101, 'system', '2026-06-02T09:02Z'),
    (4, 101, 'human', '2026-06-02T09:20Z'), (5, 102, 'human', '2026-06-03T23:55Z'), (6, 102, 'ai', '2026-06-04T00:05Z'),
    (7, 102, 'human', '2026-06-15T00:00Z'), (8, 103, 'ai', '2026-06-09T10:00Z'), (9, 103, 'human', '2026-06-09T10:30Z'),
    (10, 103, 'ai', '2026-06-09T10:31Z'), (11, 104, 'human', '2026-06-05T10:00Z'), (12, 105, 'human', '2026-06-05T10:00Z'),
    (13, 106, 'ai', '2026-06-10T08:00Z'), (14, 107, 'human', '2026-06-05T10:00:00.000001Z')) as m (id, session, kind, at);
insert into annotations_tag (id, team_id, name, category) values (1, 10, 'billing', ''), (2, 10, 'timeout', 'error'), (3, 10, 'v2', 'experiment_version'), (4, 11, 'billing', '');
insert into django_content_type values (7, 'chat', 'chatmessage'), (8, 'chat', 'chat'), (9, 'experiments', 'experiment');
insert into annotations_customtaggeditem values (1, 10, 1, 7, 1), (2, 10, 1, 7, 4), (3, 10, 2, 7, 9), (4, 10, 3, 7, 1), (5, 10, 1, 8, 1102),
    -- A tag of a bot is none of ours; one across teams is kept and never counted; the target of the last one is gone.
    (6, 10, 1, 9, 1), (7, 11, 1, 7, 2), (8, 10, 4, 7, 5), (9, 10, 1, 7, 777);
insert into trace_trace (id, team_id, session_id, experiment_id, "timestamp", duration, status) values (1, 10, 101, 1, '2026-06-02T09:01Z', 1200, 'success'),
    (2, 10, 101, 1, '2026-06-02T09:20Z', 800, 'success'), (3, 10, 103, 2, '2026-06-09T10:31Z', 3456, 'error'), (4, 10, null, 1, '2026-06-09T10:31Z', 1, 'success'),
    (5, 10, 103, 2, '2026-06-15T11:59Z', null, 'pending');
insert into cost_tracking_usagerecord values
    (1, 10, '2026-06-02T09:01Z', 'chat', 'llm_input', 'openai', 'm-small', 1000, 0.10, 'exact', 1, 1, 101, 1, 1),
    (2, 10, '2026-06-02T09:20Z', 'chat', 'llm_output', 'openai', 'm-small', 400, 0.30, 'exact', 1, 1, 101, 1, 2),
    (3, 10, '2026-06-09T10:31Z', 'chat', 'llm_output', 'anthropic', 'm-big', 200, 0.50, 'estimated', 2, 2, 103, 1, 3),
    (4, 10, '2026-06-05T10:00Z', 'evaluation', 'llm_output', 'openai', 'm-small', 800, 0.25, 'exact', 1, 1, 105, 3, 4),
    (5, 10, '2026-05-20T09:00Z', 'chat', 'llm_output', 'openai', 'm-small', 500, 0.40, 'exact', 1, 1, 101, 1, null),
    (6, 10, '2026-05-20T09:00Z', 'chat', 'llm_output', 'openai', 'm-new', 500, null, 'exact', null, 1, 101, 1, null);
