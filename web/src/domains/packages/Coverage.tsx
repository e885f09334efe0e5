import { type MetricCoverage, usePackagesCoverage } from "../../api/packages";
import { stripState } from "../../charts/states";
import { parseDay } from "../../lib/days";
import { saveCsv } from "../../lib/download";
import { formatDayShort } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { IconButton } from "../../ui/controls";
import { type Column, DataTable, tableCsv } from "../../ui/DataTable";
import { Figure, FigureError, FigureLoading } from "../../ui/Figure";
import { DayStrip } from "./DayStrip";
import { registryOf } from "./figures";

/** Which days every source has delivered lately: one cell a day, the state told by shape. */
export function Coverage({ onGaps }: { onGaps: () => void }) {
  const { t, locale } = useI18n();
  const coverage = usePackagesCoverage();
  const columns: Column<MetricCoverage>[] = [
    {
      id: "name",
      label: t("packages.source"),
      start: true,
      cell: (row) => (
        <span className="source-name" title={row.metric_id}>
          {registryOf(row)} {row.subject.split("/").at(-1)}
        </span>
      ),
      csv: (row) => `${registryOf(row)} ${row.subject.split("/").at(-1)}`,
    },
    {
      id: "newest",
      label: t("packages.newest"),
      cell: (row) => (parseDay(row.newest_day) === null ? "–" : formatDayShort(parseDay(row.newest_day)!, locale)),
      csv: (row) => row.newest_day,
      sort: (row) => row.newest_day ?? "",
    },
    {
      id: "days",
      label: t("packages.lastDays", { count: 30 }),
      cell: (row) => <DayStrip states={[...row.strip].map(stripState)} latest={coverage.data!.latest_completed_day} />,
      csv: (row) => [...row.strip].filter((letter) => letter === "f" || letter === "r").length,
    },
  ];
  const open = coverage.data?.open_gaps ?? 0;
  return (
    <Figure
      title={t("packages.coverage")}
      className="coverage"
      controls={
        coverage.data && (
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() => saveCsv("packages-coverage", tableCsv(columns, coverage.data.metrics))}
          />
        )
      }
      foot={
        open > 0 && (
          <button type="button" className="foot-link" onClick={onGaps}>
            {t("packages.openGaps", { count: open })}
          </button>
        )
      }
    >
      {coverage.isPending ? (
        <FigureLoading height={160} />
      ) : coverage.isError ? (
        <FigureError
          cause={t("error.cause", { cause: coverage.error.message })}
          retry={() => void coverage.refetch()}
        />
      ) : (
        <DataTable
          caption={t("packages.coverage")}
          rows={coverage.data.metrics}
          rowKey={(row) => row.metric_id}
          pageSize={8}
          columns={columns}
        />
      )}
    </Figure>
  );
}
