-- What a thousand tokens cost, from one instant to another. Costs are worked out from these once, when a record comes in.
create table chat_price_rule (
    id bigint primary key,
    team_id bigint not null references team (id),
    provider text not null,
    model text not null,
    service_kind text not null,
    -- In 1/100,000,000 of the currency per 1,000 tokens.
    per_thousand bigint not null check (per_thousand >= 0),
    valid_from bigint not null,
    -- The first instant it is no longer valid at; null: until further notice.
    valid_to bigint check (valid_to is null or valid_to > valid_from)
);
create index chat_price_rule_of_model on chat_price_rule (team_id, provider, model, service_kind, valid_from);
