import { type Day, type Granularity, partsOf } from "../lib/days";
import { axisLabel } from "../lib/format";
import type { Bucket } from "../series/model";
import type { Scale } from "../series/scale";

/** Where things are, in pixels from the top left of the drawing. One place knows it: drawing, cursor and tooltip ask here. */
export interface Frame {
  left: number;
  top: number;
  width: number;
  height: number;
  count: number;
}

export const STRIP_GAP = 4;
export const STRIP_HEIGHT = 6;
export const AXIS_ROOM = STRIP_GAP + STRIP_HEIGHT + 6 + 32;

export function frameOf(
  size: { width: number; height: number },
  yLabels: readonly string[],
  count: number,
  endRoom = 8,
): Frame {
  const longest = Math.max(0, ...yLabels.map((label) => label.length));
  const left = Math.max(28, Math.ceil(longest * 6.4) + 10);
  return {
    left,
    top: 22,
    width: Math.max(20, size.width - left - endRoom),
    height: Math.max(40, size.height - 22 - AXIS_ROOM),
    count,
  };
}

export function slotWidth(frame: Frame): number {
  return frame.width / Math.max(1, frame.count);
}

export function centreOf(frame: Frame, index: number): number {
  return frame.left + (index + 0.5) * slotWidth(frame);
}

export function heightOf(frame: Frame, scale: Scale, value: number): number {
  return frame.top + frame.height * (1 - (value - scale.min) / (scale.max - scale.min));
}

/** The bucket under a horizontal position; clamped to the ends. */
export function indexAt(frame: Frame, x: number): number {
  return Math.min(frame.count - 1, Math.max(0, Math.floor((x - frame.left) / slotWidth(frame))));
}

export interface AxisLabel {
  index: number;
  lines: string[];
}

const STEPS: Record<Granularity, readonly number[]> = {
  day: [1, 2, 5, 7, 14, 28, 56, 91, 182, 365],
  week: [1, 2, 4, 8, 13, 26, 52, 104],
  month: [1, 2, 3, 6, 12, 24, 36],
  quarter: [1, 2, 4, 8, 12],
  year: [1, 2, 5, 10],
};

/** At most ten labels that do not touch, the first bucket always; a year only where it is new. */
export function axisLabels(
  buckets: readonly Bucket[],
  granularity: Granularity,
  width: number,
  locale: string,
): AxisLabel[] {
  const room = granularity === "day" || granularity === "week" ? 58 : 46;
  const most = Math.max(
    2,
    Math.min(buckets.length <= 13 && width / buckets.length >= 34 ? 13 : 9, Math.floor(width / room)),
  );
  const steps = STEPS[granularity];
  const step =
    steps.find((candidate) => Math.ceil(buckets.length / candidate) <= most) ?? Math.ceil(buckets.length / most);
  const labels: AxisLabel[] = [];
  let shownYear: number | null = null;
  for (let index = 0; index < buckets.length; index += step) {
    const start: Day = buckets[index]!.start;
    const { year } = partsOf(start);
    const own = buckets[index]!.axis;
    const [name] = (own ?? axisLabel(granularity, start, false, locale)).split("\n");
    const withYear = own === undefined && granularity !== "year" && year !== shownYear;
    labels.push({ index, lines: withYear ? [name!, String(year)] : [name!] });
    shownYear = year;
  }
  return labels;
}
