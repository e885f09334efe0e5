import { csvText } from "../lib/csv";
import { isoDay } from "../lib/days";
import { formatFull, formatPeriod, type NumberStyle } from "../lib/format";
import { useI18n } from "../lib/i18n";
import type { Point, TimeFigure } from "../series/model";
import { DataTable } from "../ui/DataTable";
import { StateGlyph } from "./StateGlyph";
import { describeState } from "./states";

/** The same figure as a table of equal height: same buckets, same series, same order. */
export function TimeTable(props: { figure: TimeFigure; title: string; style: NumberStyle; height: number }) {
  const { t, locale } = useI18n();
  const { figure, style } = props;
  const several = figure.series.length > 1;
  const rows = figure.buckets.map((bucket, index) => ({ bucket, index }));
  const show = (point: Point) => (point.value === null ? "–" : formatFull(point.value, figure.valueType, style));
  return (
    <DataTable
      caption={props.title}
      height={props.height}
      rows={rows}
      rowKey={(row) => String(row.index)}
      columns={[
        {
          id: "period",
          label: t("table.period"),
          start: true,
          cell: (row) => row.bucket.label ?? formatPeriod(figure.granularity, row.bucket.start, locale),
          sort: (row) => row.index,
        },
        {
          id: "total",
          label: figure.total.name,
          cell: (row) => {
            const point = figure.total.points[row.index]!;
            return (
              <>
                <StateGlyph state={point.state} />
                <strong title={describeState(point, figure, style, t)}>{show(point)}</strong>
              </>
            );
          },
          sort: (row) => figure.total.points[row.index]!.value,
        },
        ...(several ? figure.series : []).map((series) => ({
          id: series.id,
          label: series.name,
          cell: (row: { index: number }) => show(series.points[row.index]!),
          sort: (row: { index: number }) => series.points[row.index]!.value,
        })),
        ...(figure.comparison
          ? [
              {
                id: "comparison",
                label: figure.comparison.label,
                cell: (row: { index: number }) => {
                  const value = figure.comparison!.values[row.index] ?? null;
                  return (
                    <span className="muted">{value === null ? "–" : formatFull(value, figure.valueType, style)}</span>
                  );
                },
                sort: (row: { index: number }) => figure.comparison!.values[row.index] ?? null,
              },
            ]
          : []),
      ]}
    />
  );
}

/** One row per bucket and series in drawing order; missing values are empty cells, never zeros. */
export function timeFigureCsv(figure: TimeFigure): string {
  const rows: (string | number | null)[][] = [
    ["period_start", "period_end", "id", "label", "value", "state", "was", "days", "of_days"],
  ];
  for (const series of figure.series.length > 1 ? [...figure.series, figure.total] : [figure.total]) {
    figure.buckets.forEach((bucket, index) => {
      const point = series.points[index]!;
      rows.push([
        isoDay(bucket.start),
        isoDay(bucket.end),
        series.id,
        series.name,
        point.value,
        point.state,
        point.was ?? null,
        point.days,
        point.of,
      ]);
    });
  }
  return csvText(rows);
}
