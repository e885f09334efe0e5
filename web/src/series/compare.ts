import { type DayRange, lengthOf } from "../lib/days";
import { type Comparison, comparisonRange } from "../lib/ranges";
import { bucketsOf, foldIntoBuckets } from "./buckets";
import { coveredPart, standingAt, sumOver } from "./fill";
import type { Coverage, DailySeries } from "./merge";
import type { Bucket, Kind, TimeFigure } from "./model";

/** A tile's number beside the one a period earlier. */
export interface Change {
  /** `null`: the earlier period has no data, so there is nothing to compare with. */
  before: number | null;
  difference: number | null;
  /** Part of the earlier value; `null` where that is 0 ("new"). */
  relative: number | null;
  /** Days actually compared on both sides, when the period is not over. */
  days?: number;
  /** The days the comparison value is from. */
  range: DayRange;
}

/**
 * A delta compares sums over equally many days: an unfinished range is compared with just as much of the earlier one. A
 * snapshot compares its standing with the standing at the earlier end; "the period before" is the day before the range.
 */
export function changeAgainst(
  series: DailySeries,
  range: DayRange,
  comparison: Comparison,
  kind: Kind,
  coverage: Coverage,
): Change | null {
  const earlier = comparisonRange(range, comparison);
  const window = coveredPart(range, coverage);
  if (!earlier || !window) return null;
  const cut = { start: earlier.start, end: earlier.end - (range.end - window.end) };
  const now = kind === "delta" ? sumOver(series, range, coverage) : standingAt(series, range.end, coverage);
  const wholeEarlierCovered =
    coverage.first !== null && (kind === "snapshot" ? cut.end >= coverage.first : cut.start >= coverage.first);
  const before = !wholeEarlierCovered
    ? null
    : kind === "delta"
      ? sumOver(series, cut, coverage)
      : standingAt(series, cut.end, coverage);
  const difference = now !== null && before !== null ? now - before : null;
  const change: Change = {
    before,
    difference,
    relative: difference !== null && before ? difference / before : null,
    range: cut,
  };
  if (kind === "delta" && window.end < range.end) change.days = lengthOf({ start: range.start, end: window.end });
  return change;
}

/** The earlier period's buckets and values, by position on the buckets of a figure; `null` where it has no data. */
export function comparisonValues(
  series: DailySeries,
  figure: Pick<TimeFigure, "range" | "granularity" | "kind" | "buckets">,
  comparison: Comparison,
  coverage: Coverage,
): { buckets: Bucket[]; values: (number | null)[] } | null {
  const earlier = comparisonRange(figure.range, comparison);
  if (!earlier) return null;
  const buckets = bucketsOf(earlier, figure.granularity);
  const points = foldIntoBuckets(series, earlier, buckets, figure.kind, coverage, Number.POSITIVE_INFINITY);
  return { buckets, values: figure.buckets.map((_bucket, index) => points[index]?.value ?? null) };
}
