import type { PackagesDashboard } from "../../api/packages";
import { parseDay } from "../../lib/days";
import { formatDay } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { DataTable } from "../../ui/DataTable";
import { Figure, FigureEmpty } from "../../ui/Figure";

/** Days on which collection failed rather than demand, and how complete each metric is. */
export function GapsTab({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const gaps = dashboard.collection_gaps ?? [];
  const items = dashboard.groups.flatMap((group) => group.items.map((item) => ({ ...item, group: group.title })));
  return (
    <div className="rows">
      <div className="grid">
        <Figure title={t("packages.gaps")} subtitle={t("packages.gapsNote")}>
          {gaps.length === 0 ? (
            <FigureEmpty
              title={t("packages.noGapsTitle")}
              text={t("packages.noGaps")}
              command="tallykeep packages gaps"
            />
          ) : (
            <DataTable
              caption={t("packages.gaps")}
              rows={gaps}
              rowKey={(gap) => `${gap.day}${gap.kind}`}
              sortBy="day"
              pageSize={25}
              columns={[
                {
                  id: "day",
                  label: t("granularity.day"),
                  start: true,
                  cell: (gap) => (parseDay(gap.day) === null ? gap.day : formatDay(parseDay(gap.day)!, locale)),
                  sort: (gap) => gap.day,
                },
                {
                  id: "kind",
                  label: t("packages.kind"),
                  start: true,
                  cell: (gap) => t(gap.kind === "collection_gap" ? "packages.collectionGap" : "packages.sourceOutage"),
                },
                { id: "sources", label: t("packages.sources"), start: true, cell: (gap) => gap.sources.join(", ") },
                {
                  id: "metrics",
                  label: t("packages.metrics"),
                  cell: (gap) => <span title={gap.metrics.join(", ")}>{gap.metrics.length}</span>,
                  sort: (gap) => gap.metrics.length,
                },
              ]}
            />
          )}
        </Figure>
      </div>
      <div className="grid">
        <Figure title={t("packages.completeness")} subtitle={t("packages.completenessNote")}>
          <DataTable
            caption={t("packages.completeness")}
            rows={items}
            rowKey={(item) => item.metric_id}
            pageSize={50}
            columns={[
              {
                id: "metric",
                label: t("packages.metric"),
                start: true,
                cell: (item) => <code>{item.metric_id}</code>,
                sort: (item) => item.metric_id,
              },
              {
                id: "product",
                label: t("packages.product"),
                start: true,
                cell: (item) => item.group,
                sort: (item) => item.group,
              },
              {
                id: "stale",
                label: t("packages.staleDays"),
                cell: (item) => item.stale_days ?? "–",
                sort: (item) => item.stale_days ?? null,
              },
              {
                id: "coverage",
                label: t("packages.days"),
                cell: (item) =>
                  item.coverage
                    ? t("chart.daysOf", { days: item.coverage.days_present, of: item.coverage.days_expected })
                    : "–",
                sort: (item) =>
                  item.coverage ? item.coverage.days_present / Math.max(1, item.coverage.days_expected) : null,
              },
            ]}
          />
        </Figure>
      </div>
    </div>
  );
}
