-- The part of a kept answer that a page needs, zstd as well, cut by the layout that `layout` is the hash of. Empty: no part is kept.
alter table repository_response add column layout text not null default '';
alter table repository_response add column part bytea;
