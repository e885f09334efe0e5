import type { MetricCoverage, MonthRow, PackageItem, PackagePoint, PackagesDashboard } from "../../api/packages";
import { csvText } from "../../lib/csv";
import { type Day, parseDay, startOfPeriod } from "../../lib/days";
import { bucketsOf } from "../../series/buckets";
import type { Bucket, Point, PointState, Series, TimeFigure } from "../../series/model";

export type MonthSplit = "total" | "product" | "sdk";

/** SDK cards stand in this order; others follow by name. */
const SDK_ORDER = ["python", "nodejs", "rust"];

export function downloadItems(dashboard: PackagesDashboard, product?: string): PackageItem[] {
  return dashboard.groups
    .filter((group) => product === undefined || group.product === product)
    .flatMap((group) => group.items.filter((item) => item.metric_family === "downloads"))
    .sort((a, b) => sdkPlace(a) - sdkPlace(b) || (a.display_name < b.display_name ? -1 : 1));
}

function sdkPlace(item: PackageItem): number {
  const place = SDK_ORDER.indexOf(item.sdk ?? "");
  return place === -1 ? SDK_ORDER.length : place;
}

/** The name a download metric's column goes by, as the server builds it. */
export function columnOf(item: PackageItem): string {
  return item.sdk ?? item.source ?? "";
}

/** The columns of the month table: every `<product>_<sdk>`, each SDK, each product, the total; in the order of the CSV. */
export interface MonthColumn {
  key: string;
  /** Name in the CSV (spec/packages §13). */
  csv: string;
  label: string;
  kind: "part" | "sdk" | "product" | "total";
}

export function sdkTitle(sdk: string): string {
  const known: Record<string, string> = { python: "Python", nodejs: "NodeJS", rust: "Rust", npm: "npm", pypi: "PyPI" };
  return known[sdk] ?? sdk.replace(/^\p{L}/u, (letter) => letter.toUpperCase());
}

export function monthColumns(dashboard: PackagesDashboard, totalLabel: string): MonthColumn[] {
  const parts: MonthColumn[] = [];
  const sdks: MonthColumn[] = [];
  const products: MonthColumn[] = [];
  for (const group of dashboard.groups) {
    const items = downloadItems(dashboard, group.product);
    if (items.length > 0)
      products.push({ key: group.product, csv: `${group.product}_total`, label: group.title, kind: "product" });
    for (const item of items) {
      const sdk = columnOf(item);
      const key = `${group.product}_${sdk}`;
      if (!parts.some((column) => column.key === key))
        parts.push({ key, csv: key, label: `${group.title} ${sdkTitle(sdk)}`, kind: "part" });
      if (!sdks.some((column) => column.key === sdk))
        sdks.push({ key: sdk, csv: `${sdk}_total`, label: sdkTitle(sdk), kind: "sdk" });
    }
  }
  sdks.sort((a, b) => sdkPlace({ sdk: a.key } as PackageItem) - sdkPlace({ sdk: b.key } as PackageItem));
  return [...parts, ...sdks, ...products, { key: "total", csv: "total", label: totalLabel, kind: "total" }];
}

/** A month's number; `null` where none of its parts has a point, which the row names instead of leaving them zero. */
export function monthValue(row: MonthRow, column: MonthColumn, columns: readonly MonthColumn[]): number | null {
  const missing = new Set(row.missing ?? []);
  if (column.kind === "total") return row.total;
  const parts = columns.filter(
    (one) =>
      one.kind === "part" &&
      (column.kind === "part"
        ? one.key === column.key
        : column.kind === "product"
          ? one.key.startsWith(`${column.key}_`)
          : one.key.endsWith(`_${column.key}`)),
  );
  if (parts.length > 0 && parts.every((part) => missing.has(part.key))) return null;
  const value = row[column.key];
  return typeof value === "number" ? value : null;
}

export function monthCsv(dashboard: PackagesDashboard, totalLabel: string): string {
  const columns = monthColumns(dashboard, totalLabel);
  return csvText([
    ["period_end", ...columns.map((column) => column.csv)],
    ...dashboard.monthly_download_snapshots.map((row) => [
      row.period_end,
      ...columns.map((column) => monthValue(row, column, columns)),
    ]),
  ]);
}

function stateOf(point: { state?: string | undefined; synthetic?: boolean | undefined }): PointState {
  if (point.synthetic) return "provisional";
  return point.state === "provisional" || point.state === "restated" || point.state === "missing"
    ? point.state
    : "final";
}

/** The running month's sum over all download metrics, or `null` where no metric has days of it. */
function runningMonth(items: readonly PackageItem[]): { start: Day; value: number; days: number; of: number } | null {
  const running = items.map((item) => item.running_month).filter((point): point is PackagePoint => Boolean(point));
  const end = running.length > 0 ? parseDay(running[0]!.period_end) : null;
  if (end === null) return null;
  return {
    start: startOfPeriod("month", end),
    value: running.reduce((sum, point) => sum + point.value, 0),
    days: Math.max(...running.map((point) => point.days_present ?? 0)),
    of: running[0]!.days_expected ?? 0,
  };
}

const MISSING_POINT = { value: null, state: "missing", days: 0 } as const;

/**
 * Months from the first on which at least half of the packages counted: a sum over one of eight packages at the beginning is no
 * beginning, and a line from it would tell of a rise that never was. The table and the file keep all months.
 */
function comparableMonths(rows: ReadonlyMap<Day, MonthRow>): Day[] {
  const starts = [...rows.keys()].sort((a, b) => a - b);
  const first = starts.findIndex((start) => {
    const { metrics_present, metrics_expected } = rows.get(start)!;
    return metrics_present === undefined || !metrics_expected || metrics_present * 2 >= metrics_expected;
  });
  return first === -1 ? starts : starts.slice(first);
}

/** Months of all packages, together or by product or SDK; months without a row are missing. The last bucket is the running month. */
export function monthFigure(dashboard: PackagesDashboard, split: MonthSplit, totalLabel: string): TimeFigure | null {
  const rows = new Map(
    dashboard.monthly_download_snapshots.map((row) => [startOfPeriod("month", parseDay(row.period_end)!), row]),
  );
  const starts = comparableMonths(rows);
  if (starts.length === 0) return null;
  const running = runningMonth(downloadItems(dashboard));
  const last = Math.max(starts.at(-1)!, running?.start ?? 0);
  const range = { start: starts[0]!, end: last };
  const buckets = bucketsOf(range, "month");
  const columns = monthColumns(dashboard, totalLabel);
  const pointsOf = (column: MonthColumn): Point[] =>
    buckets.map((bucket) => {
      const row = rows.get(bucket.start);
      const of = bucket.end - bucket.start + 1;
      if (row) {
        const value = monthValue(row, column, columns);
        if (value === null) return { ...MISSING_POINT, of };
        const whole = (row.days_present ?? 0) >= (row.days_expected ?? 0);
        const partial = column.kind === "total" && (row.metrics_present ?? 0) < (row.metrics_expected ?? 0);
        const state = stateOf(row);
        const point: Point = {
          value,
          // A sum to which some packages have not come yet may still grow.
          state: partial && state === "final" ? "provisional" : state,
          days: whole ? of : Math.round((of * (row.days_present ?? 0)) / (row.days_expected || 1)),
          of,
        };
        if (column.kind === "total" && row.was !== undefined) point.was = row.was;
        // Only the total says what it was; its parts are plain.
        else if (point.state === "restated") point.state = "final";
        return point;
      }
      if (running?.start === bucket.start) {
        const items = runningItems(dashboard, column);
        const part = runningMonth(items);
        return part
          ? { value: part.value, state: "open", days: part.days, of }
          : { ...MISSING_POINT, state: "open", of };
      }
      return { ...MISSING_POINT, of };
    });
  const total = series(columns.at(-1)!, pointsOf(columns.at(-1)!), 0);
  const parts =
    split === "total"
      ? []
      : columns
          .filter((column) => column.kind === split)
          .map((column, index) => series(column, pointsOf(column), index));
  parts.sort((a, b) => (b.rank ?? 0) - (a.rank ?? 0));
  parts.forEach((part, index) => {
    part.color = index;
  });
  return {
    kind: "delta",
    valueType: "number",
    granularity: "month",
    range,
    buckets,
    series: parts.length > 1 ? parts : [total],
    total,
    notes: rows.size > starts.length ? [String(rows.size - starts.length)] : [],
  };
}

function runningItems(dashboard: PackagesDashboard, column: MonthColumn): PackageItem[] {
  if (column.kind === "total") return downloadItems(dashboard);
  if (column.kind === "product") return downloadItems(dashboard, column.key);
  return dashboard.groups.flatMap((group) =>
    downloadItems(dashboard, group.product).filter((item) =>
      column.kind === "sdk" ? columnOf(item) === column.key : `${group.product}_${columnOf(item)}` === column.key,
    ),
  );
}

/** Ranked by the last whole month, the number in large type. */
function series(column: MonthColumn, points: Point[], color: number): Series {
  const whole = points.filter((point) => point.state !== "open" && point.value !== null);
  return { id: column.key, name: column.label, color, rank: whole.at(-1)?.value ?? null, points };
}

/** One package's months with its running month. */
export function itemFigure(item: PackageItem): TimeFigure | null {
  const points = item.running_month ? [...item.sparkline, { ...item.running_month, open: true }] : item.sparkline;
  const byMonth = new Map(points.map((point) => [startOfPeriod("month", parseDay(point.period_end)!), point]));
  const starts = [...byMonth.keys()].sort((a, b) => a - b);
  if (starts.length === 0) return null;
  const range = { start: starts[0]!, end: starts.at(-1)! };
  const buckets = bucketsOf(range, "month");
  return oneSeries(item.metric_id, item.display_name, range, buckets, (bucket) => {
    const point = byMonth.get(bucket.start);
    const of = bucket.end - bucket.start + 1;
    if (!point) return { ...MISSING_POINT, of };
    const built: Point = {
      value: point.value,
      state: "open" in point ? "open" : stateOf(point),
      days: point.days_present ?? of,
      of: point.days_expected ?? of,
    };
    if (built.state === "restated" && point.was !== undefined) built.was = point.was;
    return built;
  });
}

function oneSeries(
  id: string,
  name: string,
  range: TimeFigure["range"],
  buckets: Bucket[],
  pointAt: (bucket: Bucket) => Point,
  granularity: TimeFigure["granularity"] = "month",
  kind: TimeFigure["kind"] = "delta",
): TimeFigure {
  const points = buckets.map(pointAt);
  const whole = points.filter((point) => point.state !== "open" && point.value !== null);
  const total: Series = { id, name, color: 0, rank: whole.at(-1)?.value ?? null, points };
  return { kind, valueType: "number", granularity, range, buckets, series: [total], total, notes: [] };
}

/** Stars by day; a day nobody observed lies on the line between its neighbours and is provisional. */
export function starFigure(id: string, name: string, points: readonly PackagePoint[]): TimeFigure | null {
  const byDay = new Map(points.map((point) => [parseDay(point.period_end)!, point]));
  const days = [...byDay.keys()].sort((a, b) => a - b);
  if (days.length === 0) return null;
  const range = { start: days[0]!, end: days.at(-1)! };
  return oneSeries(
    id,
    name,
    range,
    bucketsOf(range, "day"),
    (bucket) => {
      const point = byDay.get(bucket.start);
      if (!point) return { ...MISSING_POINT, of: 1 };
      const built: Point = {
        value: point.value,
        state: point.interpolated ? "provisional" : stateOf(point),
        days: 1,
        of: 1,
      };
      if (built.state === "restated" && point.was !== undefined) built.was = point.was;
      return built;
    },
    "day",
    "snapshot",
  );
}

/** Core and community downloads of the extension on one scale. */
export function extensionFigure(
  dashboard: PackagesDashboard,
  words: { core: string; community: string; total: string },
): TimeFigure | null {
  const months = new Map(
    dashboard.duckdb_lance_extension_downloads.map((month) => [
      startOfPeriod("month", parseDay(month.month_start)!),
      month,
    ]),
  );
  const starts = [...months.keys()].sort((a, b) => a - b);
  if (starts.length === 0) return null;
  const range = { start: starts[0]!, end: starts.at(-1)! };
  const buckets = bucketsOf(range, "month");
  const build = (
    id: "core_downloads" | "community_downloads" | "total_downloads",
    name: string,
    color: number,
  ): Series => {
    const points = buckets.map((bucket): Point => {
      const month = months.get(bucket.start);
      const of = bucket.end - bucket.start + 1;
      if (!month) return { ...MISSING_POINT, of };
      return {
        value: month[id],
        state: month.is_partial_month ? "open" : "final",
        days: month.is_partial_month ? Math.min(of - 1, 7 * (month.weeks_present ?? 1)) : of,
        of,
      };
    });
    return { id, name, color, rank: points.at(-1)!.value, points };
  };
  return {
    kind: "delta",
    valueType: "number",
    granularity: "month",
    range,
    buckets,
    series: [build("community_downloads", words.community, 0), build("core_downloads", words.core, 1)],
    total: build("total_downloads", words.total, 0),
    notes: [],
  };
}

/** `owner/lance-graph` → `Lance Graph`. */
export function repositoryTitle(subject: string): string {
  return (subject.split("/").at(-1) ?? subject)
    .split(/[-_]/)
    .filter(Boolean)
    .map((word) => word[0]!.toUpperCase() + word.slice(1))
    .join(" ");
}

/** The change over the last `days` of a daily line. */
export function changeOver(points: readonly PackagePoint[], days: number): number | null {
  const last = points.at(-1);
  const before = last && points.find((point) => parseDay(point.period_end) === parseDay(last.period_end)! - days);
  return last && before ? last.value - before.value : null;
}

/** The identity a signal keeps while its window moves: its type and everything after the two dates. */
export function signalIdentity(id: string): string {
  const [type, _start, _end, ...rest] = id.split(":");
  return `${type}:${rest.join(":")}`;
}

/** The name a source goes by. */
export function registryOf(item: { source?: string }): string {
  const names: Record<string, string> = {
    pypistats: "PyPI",
    npm: "npm",
    cratesio: "crates.io",
    crates: "crates.io",
    cranlogs: "CRAN",
    packagist: "Packagist",
    github: "GitHub",
    duckdb: "DuckDB",
  };
  const source = item.source ?? "";
  return names[source] ?? source;
}

/** The newest month that is over and has a number. */
export function lastWhole(points: readonly Point[]): { index: number; value: number } | null {
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const point = points[index]!;
    if (point.state !== "open" && point.value !== null) return { index, value: point.value };
  }
  return null;
}

/** A run of days that one source has not delivered, and whether and until when it still can. */
export interface MissingRun {
  metric_id: string;
  source: string;
  subject: string;
  start: Day;
  end: Day;
  deliverable: boolean;
  until: string | null;
  /** Lost within two weeks when nobody asks. */
  soon: boolean;
}

/** Missing days as runs: neighbours with the same fate belong together. What can still be had comes first, the most urgent on top. */
export function missingRuns(metrics: readonly MetricCoverage[]): MissingRun[] {
  const runs: MissingRun[] = [];
  for (const metric of metrics) {
    const soon = new Set(metric.leaving_soon);
    let last: MissingRun | null = null;
    for (const { day: text, deliverable, until } of metric.missing) {
      const day = parseDay(text);
      if (day === null) continue;
      if (last && day === last.end + 1 && deliverable === last.deliverable) {
        last.end = day;
        last.soon ||= soon.has(text);
        continue;
      }
      last = {
        metric_id: metric.metric_id,
        source: metric.source,
        subject: metric.subject,
        start: day,
        end: day,
        deliverable,
        until,
        soon: soon.has(text),
      };
      runs.push(last);
    }
  }
  return runs.sort(
    (a, b) =>
      Number(b.deliverable) - Number(a.deliverable) || (a.until ?? "9").localeCompare(b.until ?? "9") || b.end - a.end,
  );
}
