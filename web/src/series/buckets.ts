import { type Day, type DayRange, endOfPeriod, type Granularity, nextPeriod, startOfPeriod } from "../lib/days";
import { fillDaily, isCovered } from "./fill";
import type { Coverage, DailySeries } from "./merge";
import type { Bucket, Kind, Point, PointState } from "./model";

/** The periods a range touches, oldest first. */
export function bucketsOf(range: DayRange, granularity: Granularity): Bucket[] {
  const buckets: Bucket[] = [];
  for (
    let start = startOfPeriod(granularity, range.start);
    start <= range.end;
    start = nextPeriod(granularity, start)
  ) {
    buckets.push({ start, end: endOfPeriod(granularity, start) });
  }
  return buckets;
}

/**
 * Daily values folded into periods: Σ for deltas, the last value for snapshots.
 *
 * A bucket is `open` while its period is not over, `missing` without a single covered day, `provisional` when a day it rests on
 * may still change or its last days have not arrived, `restated` when such a day was corrected (`was` is then the bucket's
 * value before the corrections). Days of the period outside `range` do not count, so a cut period says "11 of 30 days"; the
 * first sum of a range that starts inside a period is drawn as open too, for it is no whole period either.
 */
export function foldIntoBuckets(
  series: DailySeries,
  range: DayRange,
  buckets: readonly Bucket[],
  kind: Kind,
  coverage: Coverage,
  today: Day,
): Point[] {
  const daily = fillDaily(series, range, kind, coverage);
  return buckets.map((bucket) => {
    const from = Math.max(bucket.start, range.start);
    const to = Math.min(bucket.end, range.end);
    let value: number | null = null;
    let correction = 0;
    let restated = false;
    let provisional = false;
    let days = 0;
    for (let day = from; day <= to; day += 1) {
      const point = daily[day - range.start]!;
      if (point.value === null) continue;
      days += 1;
      if (kind === "delta") {
        value = (value ?? 0) + point.value;
        restated ||= point.state === "restated";
        provisional ||= point.state === "provisional";
        if (point.was !== undefined) correction += point.was - point.value;
      } else {
        value = point.value;
        restated = point.state === "restated";
        provisional = point.state === "provisional";
        correction = point.was === undefined ? 0 : point.was - point.value;
      }
    }
    const cut = kind === "delta" && coverage.first !== null && Math.max(bucket.start, coverage.first) < from;
    const state = bucketState({ value, restated, provisional, bucket, to, cut, coverage, today });
    const point: Point = { value, state, days, of: bucket.end - bucket.start + 1 };
    if (state === "restated" && value !== null) point.was = value + correction;
    return point;
  });
}

function bucketState(seen: {
  value: number | null;
  restated: boolean;
  provisional: boolean;
  bucket: Bucket;
  to: Day;
  /** The range leaves out days of the period that have data. */
  cut: boolean;
  coverage: Coverage;
  today: Day;
}): PointState {
  if (seen.bucket.end >= seen.today && seen.bucket.start <= seen.today) return "open";
  if (seen.bucket.start > seen.today) return "open";
  if (seen.value === null) return "missing";
  if (seen.cut) return "open";
  if (!isCovered(seen.to, seen.coverage) || seen.provisional) return "provisional";
  return seen.restated ? "restated" : "final";
}
