-- What a process was about to write elsewhere, noted before it did. Whoever comes after a dead process finds here what it may have
-- left half-said. `number` orders the notes of a name.
create table intent (
    team_id bigint not null references team (id),
    name text not null,
    number bigint not null,
    payload text not null,
    noted_at bigint not null,
    primary key (team_id, name, number)
);
