import type { PackagesDashboard } from "../../api/packages";
import { StateGlyph } from "../../charts/StateGlyph";
import { parseDay } from "../../lib/days";
import { formatFull, formatMonth } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { DataTable } from "../../ui/DataTable";
import { monthColumns, monthValue } from "./figures";

/** The month totals as a table: the columns of the CSV in its order, newest last. */
export function MonthTable({ dashboard, height }: { dashboard: PackagesDashboard; height: number }) {
  const { t, locale } = useI18n();
  const columns = monthColumns(dashboard, t("packages.total"));
  const style = { locale };
  return (
    <DataTable
      caption={t("packages.months")}
      height={height}
      rows={dashboard.monthly_download_snapshots}
      rowKey={(row) => row.period_end}
      columns={[
        {
          id: "period",
          label: t("table.period"),
          start: true,
          sort: (row) => row.period_end,
          cell: (row) => (
            <time dateTime={row.period_end}>
              <StateGlyph
                state={
                  row.synthetic || row.state === "provisional"
                    ? "provisional"
                    : row.state === "restated"
                      ? "restated"
                      : "final"
                }
              />
              {formatMonth(parseDay(row.period_end)!, locale, "short")}
            </time>
          ),
        },
        ...columns.map((column) => ({
          id: column.csv,
          label: column.label,
          sort: (row: PackagesDashboard["monthly_download_snapshots"][number]) => monthValue(row, column, columns),
          cell: (row: PackagesDashboard["monthly_download_snapshots"][number]) => {
            const value = monthValue(row, column, columns);
            const text = value === null ? "–" : formatFull(value, "number", style);
            return column.kind === "total" ? <strong>{text}</strong> : text;
          },
        })),
      ]}
    />
  );
}
