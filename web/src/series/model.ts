import type { Day, DayRange, Granularity } from "../lib/days";
import type { ValueType } from "../lib/format";

/**
 * What charts draw. They never fetch, and they never guess: a value that is not there is `null` with a state that says why.
 */
export type PointState = "final" | "provisional" | "restated" | "missing" | "open";

/** Whether values of a series add up over days (`delta`) or are the standing at a day's end (`snapshot`). */
export type Kind = "delta" | "snapshot";

/** One bucket of one series. */
export interface Point {
  /** `null` is missing, never zero. */
  value: number | null;
  state: PointState;
  /** The value a final point had before it was restated. */
  was?: number;
  /** Days of the bucket that carry data, and days it has. */
  days: number;
  of: number;
}

export interface Bucket {
  /** First day of the period, and its last (inclusive), uncut by the range. */
  start: Day;
  end: Day;
  /** Its name in full and on the axis, where it is no whole day: hours, classes of a histogram. */
  label?: string;
  axis?: string;
}

export interface Series {
  id: string;
  name: string;
  /** Longer form for tooltips where `name` is a short one. */
  longName?: string;
  /** 0 for c1 …; -1 for Other and comparisons. */
  color: number;
  /** The remainder: last in every list. */
  other?: boolean;
  /** What this series is ranked by: Σ of a delta, last value of a snapshot; `null` when nothing is known. */
  rank: number | null;
  points: Point[];
}

/** Everything one time figure needs: same buckets for all series, in drawing order with Other last. */
export interface TimeFigure {
  kind: Kind;
  valueType: ValueType;
  granularity: Granularity;
  range: DayRange;
  buckets: Bucket[];
  series: Series[];
  /** The whole scope, whatever the breakdown; carries the states of the ledger strip. */
  total: Series;
  /** The same buckets one period earlier; `null` where that period has no data. */
  comparison?: { label: string; values: (number | null)[]; buckets: Bucket[] };
  /** A remark the reader must have, e.g. that values may count twice. */
  notes: string[];
}
