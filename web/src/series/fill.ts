import type { Day, DayRange } from "../lib/days";
import type { Coverage, DailySeries } from "./merge";
import type { Kind, PointState } from "./model";

export interface DailyPoint {
  value: number | null;
  state: PointState;
  was?: number;
}

/** The newest value on or before `day`, by bisection; `null` before the first. */
export function lastValueAt(series: DailySeries, day: Day): number | null {
  let low = 0;
  let high = series.days.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (series.days[middle]! <= day) low = middle + 1;
    else high = middle;
  }
  return low === 0 ? null : series.values.get(series.days[low - 1]!)!;
}

export function isCovered(day: Day, coverage: Coverage): boolean {
  return coverage.first !== null && coverage.last !== null && day >= coverage.first && day <= coverage.last;
}

/**
 * One point per day of `range`.
 *
 * Inside the coverage an absent day is 0 for deltas; for snapshots it carries on the last value, also one from before the
 * range, and 0 where the series had none yet. Outside the coverage a day is missing: no data, never 0.
 */
export function fillDaily(series: DailySeries, range: DayRange, kind: Kind, coverage: Coverage): DailyPoint[] {
  const points: DailyPoint[] = [];
  let standing = kind === "snapshot" ? (lastValueAt(series, range.start - 1) ?? 0) : 0;
  for (let day = range.start; day <= range.end; day += 1) {
    const given = series.values.get(day);
    if (kind === "snapshot" && given !== undefined) standing = given;
    if (!isCovered(day, coverage)) {
      points.push({ value: null, state: "missing" });
      continue;
    }
    const mark = series.marks.get(day);
    const provisional = coverage.provisionalFrom !== null && day >= coverage.provisionalFrom;
    const point: DailyPoint = {
      value: kind === "snapshot" ? standing : (given ?? 0),
      state: mark?.state ?? (provisional ? "provisional" : "final"),
    };
    if (mark?.was !== undefined) point.was = mark.was;
    points.push(point);
  }
  return points;
}

/** Σ of a delta over the covered days of a range; `null` when none of its days is covered. */
export function sumOver(series: DailySeries, range: DayRange, coverage: Coverage): number | null {
  const window = coveredPart(range, coverage);
  if (!window) return null;
  let sum = 0;
  for (const day of series.days) {
    if (day > window.end) break;
    if (day >= window.start) sum += series.values.get(day)!;
  }
  return sum;
}

/** The standing of a snapshot at the end of a range (or at the last covered day before it); `null` without coverage. */
export function standingAt(series: DailySeries, day: Day, coverage: Coverage): number | null {
  if (coverage.first === null || coverage.last === null || day < coverage.first) return null;
  return lastValueAt(series, Math.min(day, coverage.last)) ?? 0;
}

/** The part of a range for which data exists. */
export function coveredPart(range: DayRange, coverage: Coverage): DayRange | null {
  if (coverage.first === null || coverage.last === null) return null;
  const start = Math.max(range.start, coverage.first);
  const end = Math.min(range.end, coverage.last);
  return end < start ? null : { start, end };
}
