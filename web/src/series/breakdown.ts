import type { Day, DayRange, Granularity } from "../lib/days";
import { bucketsOf, foldIntoBuckets } from "./buckets";
import { coveredPart, lastValueAt, standingAt, sumOver } from "./fill";
import type { Coverage, DailySeries } from "./merge";
import type { Bucket, Kind, Point, Series } from "./model";

export const OTHER_ID = "other";

/** Ids that are no real value of their dimension and are set aside before ranking (spec §16.6). */
export const SPECIAL_IDS: Record<string, readonly string[]> = {
  publishers: ["unknown"],
  countries: ["imported"],
};

/** Dimensions of which one record may carry several values, so that values do not add up to the whole. */
const SEVERAL_PER_RECORD = new Set(["languages", "subjects", "rights", "affiliations", "funders", "file_types"]);

export function countsSeveralTimes(dimension: string): boolean {
  return SEVERAL_PER_RECORD.has(dimension);
}

/** A dimension's value, ranked: what a breakdown list shows in one row. */
export interface RankedValue {
  id: string;
  series: DailySeries;
  value: number;
}

/** Σ over the range for deltas, the standing at its end for snapshots. */
export function valueOver(series: DailySeries, range: DayRange, kind: Kind, coverage: Coverage): number | null {
  return kind === "delta" ? sumOver(series, range, coverage) : standingAt(series, range.end, coverage);
}

/** Largest first; equal values by id, so the order never depends on the order of arrival. */
export function rankValues(
  series: readonly DailySeries[],
  range: DayRange,
  kind: Kind,
  coverage: Coverage,
  special: readonly string[] = [],
): RankedValue[] {
  const ranked: RankedValue[] = [];
  for (const one of series) {
    if (special.includes(one.id)) continue;
    const value = valueOver(one, range, kind, coverage);
    if (value !== null && !isAllZero(one, range, kind, coverage)) ranked.push({ id: one.id, series: one, value });
  }
  return ranked.sort((a, b) => b.value - a.value || (a.id < b.id ? -1 : a.id > b.id ? 1 : 0));
}

function isAllZero(series: DailySeries, range: DayRange, kind: Kind, coverage: Coverage): boolean {
  const window = coveredPart(range, coverage);
  if (!window) return true;
  if (kind === "snapshot" && (lastValueAt(series, window.start) ?? 0) !== 0) return false;
  return !series.days.some((day) => day >= window.start && day <= window.end && series.values.get(day) !== 0);
}

/** The sum of several daily series: the members of Other, or the special values. */
function valuesSubtracted(total: Point, parts: readonly Point[]): number | null {
  if (total.value === null) return null;
  let rest = total.value;
  for (const part of parts) rest -= part.value ?? 0;
  return rest;
}

export interface TimeBreakdown {
  buckets: Bucket[];
  series: Series[];
  total: Series;
  /** Values of the dimension that Other stands for, as far as they were sent. */
  othersCounted: number;
  /** True where Other would be negative, because values count several times; it is then left out. */
  otherLeftOut: boolean;
}

export interface BreakdownRequest {
  global: DailySeries;
  /** The values of the dimension, or none for the undivided figure. */
  values: readonly DailySeries[] | null;
  dimension?: string;
  range: DayRange;
  granularity: Granularity;
  kind: Kind;
  coverage: Coverage;
  today: Day;
  maxSeries: number;
  label: (series: DailySeries) => { name: string; longName?: string };
  otherLabel: (count: number) => string;
  totalLabel: string;
  /** Colour index by id, shared by all figures of a page. */
  colorOf: (id: string) => number;
}

/**
 * The series of a time figure (spec §16.6): cut to the range, all-zero values dropped, special ids set aside, ranked, the first
 * `maxSeries` kept and the rest of the whole scope shown as Other = global − special ids − visible, last in the list.
 */
export function breakDown(request: BreakdownRequest): TimeBreakdown {
  const { global, values, range, granularity, kind, coverage, today } = request;
  const buckets = bucketsOf(range, granularity);
  const fold = (series: DailySeries) => foldIntoBuckets(series, range, buckets, kind, coverage, today);
  const total: Series = {
    id: "global",
    name: request.totalLabel,
    color: 0,
    rank: valueOver(global, range, kind, coverage),
    points: fold(global),
  };
  if (!values) return { buckets, series: [total], total, othersCounted: 0, otherLeftOut: false };

  const special = SPECIAL_IDS[request.dimension ?? ""] ?? [];
  const ranked = rankValues(values, range, kind, coverage, special);
  const visible = ranked.slice(0, request.maxSeries);
  const othersCounted = ranked.length - visible.length;
  const series: Series[] = visible.map((entry) => ({
    id: entry.id,
    ...request.label(entry.series),
    color: request.colorOf(entry.id),
    rank: entry.value,
    points: fold(entry.series),
  }));
  const specialPoints = values.filter((one) => special.includes(one.id)).map(fold);
  const otherPoints = total.points.map((point, index): Point => {
    const parts = [...series.map((one) => one.points[index]!), ...specialPoints.map((points) => points[index]!)];
    const { was: _was, ...rest } = point;
    return { ...rest, value: valuesSubtracted(point, parts) };
  });
  const known = otherPoints.map((point) => point.value).filter((value): value is number => value !== null);
  const rank = kind === "delta" ? known.reduce((sum, value) => sum + value, 0) : (known.at(-1) ?? 0);
  const negative = kind === "delta" ? rank < 0 : known.some((value) => value < 0);
  const nothing = known.every((value) => value === 0);
  if (!nothing && !negative) {
    series.push({
      id: OTHER_ID,
      name: request.otherLabel(othersCounted),
      color: -1,
      other: true,
      rank,
      points: otherPoints,
    });
  }
  return { buckets, series, total, othersCounted, otherLeftOut: negative };
}

export interface BreakdownRow {
  id: string;
  name: string;
  longName?: string;
  value: number;
  /** Part of the whole scope's value of the same metric and range; `null` where that is 0. */
  share: number | null;
  other?: boolean;
  /** The rows Other unfolds to. */
  members?: BreakdownRow[];
  /** Contributions beside records (affiliations). */
  contributions?: number | null;
  color: number;
}

export interface BreakdownList {
  rows: BreakdownRow[];
  total: number | null;
  /** Values count several times, so shares may add up to more than 100 %. */
  sharesMayPass: boolean;
  /** Other would be longer than the largest row, so it is drawn without its bar. */
  otherHasNoBar: boolean;
  /** Spec §16.6: Other is above 30 % and the layout asks to take it out of the drawing. */
  otherAsText: boolean;
}

/**
 * One breakdown as rows: the first `pageSize` values, then Other. Other is what is left of the whole where values exclude each
 * other, and the sum of the remaining values where one record may carry several. Zero values are hidden.
 */
export function listBreakdown(request: {
  dimension: string;
  values: readonly DailySeries[];
  global: DailySeries | undefined;
  contributions?: readonly DailySeries[];
  range: DayRange;
  kind: Kind;
  coverage: Coverage;
  pageSize: number;
  hideOther?: boolean;
  label: (series: DailySeries) => { name: string; longName?: string };
  otherLabel: (count: number) => string;
  colorOf: (id: string) => number;
}): BreakdownList {
  const { dimension, range, kind, coverage } = request;
  const special = SPECIAL_IDS[dimension] ?? [];
  const ranked = rankValues(request.values, range, kind, coverage, special).filter((entry) => entry.value !== 0);
  const total = request.global ? valueOver(request.global, range, kind, coverage) : null;
  const contributions = new Map(
    (request.contributions ?? []).map((one) => [one.id, valueOver(one, range, kind, coverage)]),
  );
  const row = (entry: RankedValue): BreakdownRow => ({
    id: entry.id,
    ...request.label(entry.series),
    value: entry.value,
    share: total ? entry.value / total : null,
    contributions: contributions.get(entry.id) ?? null,
    color: request.colorOf(entry.id),
  });
  const visible = ranked.slice(0, request.pageSize).map(row);
  const members = ranked.slice(request.pageSize).map(row);
  const several = countsSeveralTimes(dimension);
  const specialSum = request.values
    .filter((one) => special.includes(one.id))
    .reduce((sum, one) => sum + (valueOver(one, range, kind, coverage) ?? 0), 0);
  const rest =
    several || total === null
      ? members.reduce((sum, member) => sum + member.value, 0)
      : total - specialSum - visible.reduce((sum, entry) => sum + entry.value, 0);
  const share = total && rest > 0 ? rest / total : null;
  const otherAsText = Boolean(request.hideOther) && (share ?? 0) > 0.3;
  const rows = [...visible];
  if (rest > 0)
    rows.push({
      id: OTHER_ID,
      name: request.otherLabel(members.length),
      value: rest,
      share,
      other: true,
      members,
      color: -1,
    });
  const largest = visible[0]?.value ?? 0;
  return { rows, total, sharesMayPass: several, otherHasNoBar: rest > largest, otherAsText };
}
