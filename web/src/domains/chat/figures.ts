import type { Dated } from "../../api/chat";
import { type Day, endOfPeriod, parseDay } from "../../lib/days";
import { formatDay, formatDayShort, type ValueType } from "../../lib/format";
import type { Bucket, Point, Series, TimeFigure } from "../../series/model";
import { granularityOf, type Step } from "./filters";

export interface Line<Row> {
  id: string;
  name: string;
  /** `null`: measured nothing there. */
  pick: (row: Row) => number | null;
}

/** The bucket an answer's `date` names: a day, or the instant a longer or shorter period begins at, in the viewer's zone. */
export function bucketAt(date: string, step: Step, locale: string): Bucket | null {
  const day = parseDay(date);
  if (day === null) return null;
  if (step !== "hourly") return { start: day, end: endOfPeriod(granularityOf(step), day) };
  const hour = /T(\d{2}:\d{2})/.exec(date)?.[1] ?? "00:00";
  return {
    start: day,
    end: day,
    label: `${formatDay(day, locale)}, ${hour}`,
    axis: hour === "00:00" ? formatDayShort(day, locale) : hour,
  };
}

/**
 * Rows of one answer as a figure over the buckets of `frame` (an answer filled with every bucket of the range). A row that is
 * absent is `null` unless `absentIsZero`: counting nothing is zero, measuring nothing is not.
 */
export function chatFigure<Row extends Dated>(request: {
  rows: readonly Row[];
  frame: readonly string[];
  lines: readonly Line<Row>[];
  total: Line<Row>;
  step: Step;
  today: Day;
  locale: string;
  valueType?: ValueType;
  absentIsZero: boolean;
}): TimeFigure | null {
  const byDate = new Map(request.rows.map((row) => [Date.parse(row.date) || row.date, row]));
  const dates = [...new Set([...request.frame, ...request.rows.map((row) => row.date)])].sort(
    (a, b) => (Date.parse(a) || 0) - (Date.parse(b) || 0),
  );
  const seen = new Set<number | string>();
  const placed = dates.flatMap((date) => {
    const key = Date.parse(date) || date;
    const bucket = bucketAt(date, request.step, request.locale);
    if (!bucket || seen.has(key)) return [];
    seen.add(key);
    return [{ bucket, row: byDate.get(key) }];
  });
  if (placed.length === 0) return null;
  const points = (line: Line<Row>): Point[] =>
    placed.map(({ bucket, row }, index) => {
      const running =
        request.step === "hourly"
          ? index === placed.length - 1 && bucket.start === request.today
          : bucket.start <= request.today && request.today <= bucket.end;
      const value = row ? line.pick(row) : request.absentIsZero ? 0 : null;
      const of = bucket.end - bucket.start + 1;
      const days = running ? Math.min(of, request.today - bucket.start + 1) : of;
      return {
        value,
        state: running ? "open" : value === null ? "missing" : "final",
        days: value === null ? 0 : days,
        of,
      };
    });
  const series = (line: Line<Row>, color: number): Series => {
    const own = points(line);
    return {
      id: line.id,
      name: line.name,
      color,
      rank: own.reduce((sum, point) => sum + (point.value ?? 0), 0),
      points: own,
    };
  };
  const total = series(request.total, 0);
  const buckets = placed.map((one) => one.bucket);
  return {
    kind: "delta",
    valueType: request.valueType ?? "number",
    granularity: granularityOf(request.step),
    range: { start: buckets[0]!.start, end: buckets.at(-1)!.start },
    buckets,
    series: request.lines.length > 1 ? request.lines.map(series) : [total],
    total,
    notes: [],
  };
}

/** Months, weeks or other classes side by side, each with the same lines; of `running` classes the last is not over. */
export function classesFigure<Row>(request: {
  rows: readonly Row[];
  label: (row: Row) => string;
  lines: readonly Line<Row>[];
  total: Line<Row>;
  running: boolean;
  valueType?: ValueType;
}): TimeFigure | null {
  const { rows } = request;
  if (rows.length === 0) return null;
  const buckets: Bucket[] = rows.map((row, index) => {
    const label = request.label(row);
    return { start: index, end: index, label, axis: label };
  });
  const series = (line: Line<Row>, color: number): Series => {
    const points = rows.map((row, index): Point => {
      const value = line.pick(row);
      const open = request.running && index === rows.length - 1;
      return {
        value,
        state: value === null ? "missing" : open ? "open" : "final",
        days: value === null ? 0 : 1,
        of: 1,
      };
    });
    return {
      id: line.id,
      name: line.name,
      color,
      rank: points.reduce((sum, point) => sum + (point.value ?? 0), 0),
      points,
    };
  };
  const total = series(request.total, 0);
  return {
    kind: "delta",
    valueType: request.valueType ?? "number",
    granularity: "day",
    range: { start: 0, end: rows.length - 1 },
    buckets,
    series: request.lines.length > 1 ? request.lines.map(series) : [total],
    total,
    notes: [],
  };
}

/** A histogram: bars of one colour whose buckets are classes, not days. */
export function histogramFigure(
  bins: readonly { label: string; count: number; bin_start: number; bin_end: number }[],
  name: string,
  locale: string,
): TimeFigure | null {
  if (bins.length === 0) return null;
  const whole = new Intl.NumberFormat(locale, { maximumFractionDigits: bins.at(-1)!.bin_end < 10 ? 1 : 0 });
  const buckets: Bucket[] = bins.map((bin, index) => ({
    start: index,
    end: index,
    label: bin.label,
    axis: `${whole.format(bin.bin_start)}–${whole.format(bin.bin_end)}`,
  }));
  const points = bins.map((bin): Point => ({ value: bin.count, state: "final", days: 1, of: 1 }));
  const total: Series = { id: "count", name, color: 0, rank: bins.reduce((sum, bin) => sum + bin.count, 0), points };
  return {
    kind: "delta",
    valueType: "number",
    granularity: "day",
    range: { start: 0, end: buckets.length - 1 },
    buckets,
    series: [total],
    total,
    notes: [],
  };
}

const STEPS: readonly [Intl.RelativeTimeFormatUnit, number][] = [
  ["day", 86_400],
  ["hour", 3_600],
  ["minute", 60],
];

/** "3 days ago", against the server's clock where it is known. */
export function relativeTime(iso: string, now: number, locale: string): string {
  const seconds = (Date.parse(iso) - now) / 1000;
  if (Number.isNaN(seconds)) return iso;
  const [unit, size] = STEPS.find(([, length]) => Math.abs(seconds) >= length) ?? (["minute", 60] as const);
  return new Intl.RelativeTimeFormat(locale, { numeric: "auto" }).format(Math.round(seconds / size), unit);
}
