-- Users, what they may do, how they sign in, and what was done. Secrets are kept only as hashes.

-- Mail addresses are stored in lower case; they are what people sign in with.
create table person (
    id bigint primary key,
    email text not null unique,
    name text not null,
    password text,
    instance_admin bigint not null default 0 check (instance_admin in (0, 1)),
    disabled bigint not null default 0 check (disabled in (0, 1)),
    -- `<issuer> <subject>` of the OpenID Connect provider, once signed in through it.
    external_id text unique,
    created_at bigint not null,
    signed_in_at bigint
);

create table membership (
    team_id bigint not null references team (id),
    person_id bigint not null references person (id),
    role text not null check (role in ('viewer', 'editor', 'admin')),
    created_at bigint not null,
    primary key (team_id, person_id)
);
create index membership_by_person on membership (person_id);

-- Who, beside editors and admins, may read a restricted community of a repository.
create table community_reader (
    team_id bigint not null references team (id),
    community_id text not null,
    person_id bigint not null references person (id),
    primary key (team_id, community_id, person_id)
);

create table api_token (
    id bigint primary key,
    team_id bigint not null references team (id),
    name text not null,
    hash text not null unique,
    scopes text not null,
    created_at bigint not null,
    created_by text not null,
    expires_at bigint,
    revoked_at bigint,
    used_at bigint
);
create index api_token_by_team on api_token (team_id);

create table web_session (
    id bigint primary key,
    hash text not null unique,
    person_id bigint not null references person (id),
    created_at bigint not null,
    seen_at bigint not null,
    address text not null,
    agent text not null
);
create index web_session_by_person on web_session (person_id);

-- Links that work once: a new password, a first password.
create table one_time_link (
    hash text primary key,
    person_id bigint not null references person (id),
    created_at bigint not null,
    expires_at bigint not null,
    used_at bigint
);
create index one_time_link_by_person on one_time_link (person_id);

-- Sign-ins through a provider that have left and not come back yet.
create table provider_flow (
    state_hash text primary key,
    nonce text not null,
    verifier text not null,
    next text not null,
    expires_at bigint not null
);

-- Wrong passwords per thing (address, account from an address); a row is gone after a success or a quiet spell.
create table throttle (
    name text primary key,
    failures bigint not null,
    since bigint not null,
    last_at bigint not null
);

-- What was done. Append-only; each row's hash covers the row and the hash before it, so a changed or missing row shows.
create table audit (
    id bigint primary key,
    at bigint not null,
    team text,
    actor text not null,
    actor_name text not null,
    action text not null,
    target text not null,
    address text not null,
    filter_hash text,
    row_count bigint,
    detail text not null,
    prev_hash text not null,
    hash text not null
);
create index audit_by_team on audit (team, id);
