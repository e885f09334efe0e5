-- Views and downloads of every work, all time, without robots. Works without usage are absent.
-- The table is the team's own (bound by TeamLake).
select
    coalesce(cast(parent_recid as varchar), cast(recid as varchar)) as work,
    sum(case when kind = 'view' then 1 else 0 end) as views,
    sum(case when kind = 'download' then 1 else 0 end) as downloads
from repository_usage_events
where not is_robot
group by 1
