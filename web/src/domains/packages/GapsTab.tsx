import { type PackageItem, type PackagesDashboard, usePackagesCoverage } from "../../api/packages";
import { isoDay, parseDay } from "../../lib/days";
import { saveCsv } from "../../lib/download";
import { formatDay, formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { CommandLine, IconButton } from "../../ui/controls";
import { type Column, DataTable, tableCsv } from "../../ui/DataTable";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";
import { type MissingRun, missingRuns, registryOf } from "./figures";

type Gap = NonNullable<PackagesDashboard["collection_gaps"]>[number];
type Item = PackageItem & { group: string };

/** What is missing and until when it can still be had, days on which collecting failed rather than demand, and how complete each metric is. */
export function GapsTab({ dashboard }: { dashboard: PackagesDashboard }) {
  return (
    <div className="rows">
      <div className="grid">
        <Missing />
      </div>
      <div className="grid">
        <CollectionGaps gaps={dashboard.collection_gaps ?? []} />
      </div>
      <div className="grid">
        <Completeness
          items={dashboard.groups.flatMap((group) => group.items.map((item) => ({ ...item, group: group.title })))}
        />
      </div>
    </div>
  );
}

function CsvButton({ name, text }: { name: string; text: () => string }) {
  const { t } = useI18n();
  return <IconButton label={t("chart.downloadCsv")} icon="download" onPress={() => saveCsv(name, text())} />;
}

function Missing() {
  const { t, locale } = useI18n();
  const coverage = usePackagesCoverage();
  const runs = coverage.data ? missingRuns(coverage.data.metrics) : [];
  const title = t("packages.missing");
  const fate = (run: MissingRun) =>
    !run.deliverable
      ? t("packages.lost")
      : run.until === null
        ? t("packages.canBeHad")
        : t("packages.canBeHadUntil", { day: formatDay(parseDay(run.until)!, locale) });
  const columns: Column<MissingRun>[] = [
    {
      id: "source",
      label: t("packages.source"),
      start: true,
      cell: (run) => `${registryOf(run)} ${run.subject}`,
      csv: (run) => run.metric_id,
      sort: (run) => run.metric_id,
    },
    {
      id: "days",
      label: t("packages.days"),
      start: true,
      cell: (run) => formatRange({ start: run.start, end: run.end }, locale),
      csv: (run) => `${isoDay(run.start)}/${isoDay(run.end)}`,
      sort: (run) => run.start,
    },
    {
      id: "count",
      label: t("packages.dayCount"),
      cell: (run) => run.end - run.start + 1,
      csv: (run) => run.end - run.start + 1,
      sort: (run) => run.end - run.start + 1,
    },
    {
      id: "known",
      label: t("packages.whatWeKnow"),
      start: true,
      cell: (run) => (
        <>
          {fate(run)}
          {run.soon && <strong> {t("packages.soonLost")}</strong>}
        </>
      ),
      csv: (run) => fate(run),
    },
  ];
  return (
    <Figure
      title={title}
      subtitle={t("packages.missingNote")}
      controls={runs.length > 0 && <CsvButton name="packages-missing-days" text={() => tableCsv(columns, runs)} />}
      foot={runs.some((run) => run.deliverable) && <CommandLine command="tallykeep packages daily-refresh" />}
    >
      {coverage.isPending ? (
        <FigureLoading height={120} />
      ) : coverage.isError ? (
        <FigureError
          cause={t("error.cause", { cause: coverage.error.message })}
          still={t("error.others")}
          retry={() => void coverage.refetch()}
        />
      ) : runs.length === 0 ? (
        <FigureEmpty title={t("packages.nothingMissingTitle")} text={t("packages.nothingMissing")} />
      ) : (
        <DataTable
          caption={title}
          rows={runs}
          rowKey={(run) => `${run.metric_id} ${run.start}`}
          pageSize={25}
          columns={columns}
        />
      )}
    </Figure>
  );
}

function CollectionGaps({ gaps }: { gaps: readonly Gap[] }) {
  const { t, locale } = useI18n();
  const kind = (gap: Gap) => t(gap.kind === "collection_gap" ? "packages.collectionGap" : "packages.sourceOutage");
  const columns: Column<Gap>[] = [
    {
      id: "day",
      label: t("granularity.day"),
      start: true,
      cell: (gap) => (parseDay(gap.day) === null ? gap.day : formatDay(parseDay(gap.day)!, locale)),
      csv: (gap) => gap.day,
      sort: (gap) => gap.day,
    },
    { id: "kind", label: t("packages.kind"), start: true, cell: kind, csv: kind },
    {
      id: "sources",
      label: t("packages.sources"),
      start: true,
      cell: (gap) => gap.sources.map((source) => registryOf({ source })).join(", "),
      csv: (gap) => gap.sources.join(" "),
    },
    {
      id: "metrics",
      label: t("packages.metrics"),
      cell: (gap) => <span title={gap.metrics.join(", ")}>{gap.metrics.length}</span>,
      csv: (gap) => gap.metrics.length,
      sort: (gap) => gap.metrics.length,
    },
  ];
  return (
    <Figure
      title={t("packages.gaps")}
      subtitle={t("packages.gapsNote")}
      controls={gaps.length > 0 && <CsvButton name="packages-collection-gaps" text={() => tableCsv(columns, gaps)} />}
    >
      {gaps.length === 0 ? (
        <FigureEmpty title={t("packages.noGapsTitle")} text={t("packages.noGaps")} command="tallykeep packages gaps" />
      ) : (
        <DataTable
          caption={t("packages.gaps")}
          rows={gaps}
          rowKey={(gap) => `${gap.day}${gap.kind}`}
          sortBy="day"
          pageSize={25}
          columns={columns}
        />
      )}
    </Figure>
  );
}

function Completeness({ items }: { items: readonly Item[] }) {
  const { t } = useI18n();
  const columns: Column<Item>[] = [
    {
      id: "metric",
      label: t("packages.metric"),
      start: true,
      cell: (item) => <code>{item.metric_id}</code>,
      csv: (item) => item.metric_id,
      sort: (item) => item.metric_id,
    },
    {
      id: "product",
      label: t("packages.product"),
      start: true,
      cell: (item) => item.group,
      csv: (item) => item.group,
      sort: (item) => item.group,
    },
    {
      id: "stale",
      label: t("packages.staleDays"),
      cell: (item) => item.stale_days ?? "–",
      csv: (item) => item.stale_days ?? null,
      sort: (item) => item.stale_days ?? null,
    },
    {
      id: "coverage",
      label: t("packages.days"),
      cell: (item) =>
        item.coverage ? t("chart.daysOf", { days: item.coverage.days_present, of: item.coverage.days_expected }) : "–",
      csv: (item) => (item.coverage ? `${item.coverage.days_present}/${item.coverage.days_expected}` : null),
      sort: (item) => (item.coverage ? item.coverage.days_present / Math.max(1, item.coverage.days_expected) : null),
    },
  ];
  return (
    <Figure
      title={t("packages.completeness")}
      subtitle={t("packages.completenessNote")}
      controls={<CsvButton name="packages-completeness" text={() => tableCsv(columns, items)} />}
    >
      <DataTable
        caption={t("packages.completeness")}
        rows={items}
        rowKey={(item) => item.metric_id}
        pageSize={50}
        columns={columns}
      />
    </Figure>
  );
}
