import type { Point, Series } from "../series/model";
import type { Scale } from "../series/scale";
import { centreOf, type Frame, heightOf } from "./frame";
import { colorToken, diamond, line, repeats, type Shape } from "./shapes";
import type { DrawingRequest } from "./timeChartDrawing";

export function opacityOf(series: Series, focused: string | null): number {
  return focused === null || focused === series.id ? 1 : 0.25;
}

export function lineShapes(
  frame: Frame,
  scale: Scale,
  shown: readonly Series[],
  stacked: boolean,
  request: DrawingRequest,
): Shape[] {
  const shapes: Shape[] = [];
  const points = request.figure.buckets.length <= 31;
  let floor: (number | null)[] = request.figure.buckets.map(() => 0);
  const tops: { series: Series; values: (number | null)[] }[] = [];
  for (const series of shown) {
    const values = series.points.map((point, index) =>
      point.value === null ? null : stacked ? (floor[index] ?? 0) + point.value : point.value,
    );
    if (stacked) {
      shapes.push(...areaShapes(frame, scale, series, floor, values, 0.55 * opacityOf(series, request.focused)));
      floor = values.map((value, index) => value ?? floor[index] ?? null);
    } else if (shown.length === 1 && !scale.broken) {
      shapes.push(
        ...areaShapes(
          frame,
          scale,
          series,
          request.figure.buckets.map(() => Math.max(scale.min, 0)),
          values,
          0.12,
        ),
      );
    }
    tops.push({ series, values });
  }
  const heights = tops.map(({ values }) =>
    values.map((value) => (value === null ? null : heightOf(frame, scale, value))),
  );
  const seen = stacked ? heights : sideBySide(heights, frame.top + frame.height);
  tops.forEach(({ series }, index) => {
    shapes.push(...oneLine(frame, scale, series, seen[index]!, points, opacityOf(series, request.focused)));
  });
  return shapes;
}

/** Lines nearer than this, in pixels, hide each other. */
const TOO_NEAR = 1.6;
/** From the middle of one line to the middle of the next where they run together. */
const TRACK = 3;

/**
 * The heights at which lines are drawn so that none hides another: where several have the same value they run beside each other
 * like tracks, in the order of the series and around the true height, and never below the plot. Dashes would say "not due yet".
 *
 * `heights`: one list per line, one entry per bucket, `null` where it has no value.
 */
export function sideBySide(heights: readonly (readonly (number | null)[])[], bottom: number): (number | null)[][] {
  const seen = heights.map((one) => [...one]);
  const buckets = heights[0]?.length ?? 0;
  for (let index = 0; index < buckets; index += 1) {
    const known = heights
      .map((one, line) => ({ line, y: one[index] ?? null }))
      .filter((one): one is { line: number; y: number } => one.y !== null)
      .sort((a, b) => a.y - b.y || a.line - b.line);
    for (let start = 0; start < known.length; ) {
      let end = start + 1;
      while (end < known.length && known[end]!.y - known[start]!.y < TOO_NEAR) end += 1;
      const together = known.slice(start, end).sort((a, b) => a.line - b.line);
      const middle = together.reduce((sum, one) => sum + one.y, 0) / together.length;
      const lowest = middle + ((together.length - 1) / 2) * TRACK;
      const top = Math.min(lowest, Math.max(middle, bottom)) - (together.length - 1) * TRACK;
      if (together.length > 1)
        together.forEach((one, rank) => {
          seen[one.line]![index] = top + rank * TRACK;
        });
      start = end;
    }
  }
  return seen;
}

/** The filled part ends before an unfinished period: what is not over has no area. */
function areaShapes(
  frame: Frame,
  scale: Scale,
  series: Series,
  floor: readonly (number | null)[],
  values: readonly (number | null)[],
  opacity: number,
): Shape[] {
  const finished = values.map((value, index) => (series.points[index]!.state === "open" ? null : value));
  return runsOf(finished)
    .filter((run) => run.values.length > 1)
    .map((run) => {
      const upper = run.values.map((value, offset) => [
        centreOf(frame, run.from + offset),
        heightOf(frame, scale, value),
      ]);
      const lower = run.values.map((_value, offset) => [
        centreOf(frame, run.from + offset),
        heightOf(frame, scale, floor[run.from + offset] ?? 0),
      ]);
      return {
        type: "polygon" as const,
        shape: { points: [...upper, ...lower.reverse()] },
        style: { fill: colorToken(series.color), opacity },
        name: "area",
      };
    });
}

/** Solid between final points, dotted to a provisional one, dashed to one whose period is not over. */
function oneLine(
  frame: Frame,
  scale: Scale,
  series: Series,
  /** Where the line runs, in pixels. */
  heights: readonly (number | null)[],
  allPoints: boolean,
  opacity: number,
): Shape[] {
  const stroke = colorToken(series.color);
  const shapes: Shape[] = [];
  const at = (index: number): [number, number] => [centreOf(frame, index), heights[index]!];
  let solid: [number, number][] = [];
  const flush = () => {
    if (solid.length > 1) {
      const dash = repeats(series.color) ? { lineDash: [7, 2] } : {};
      shapes.push({
        type: "polyline",
        shape: { points: solid },
        style: { stroke, lineWidth: 1.8, fill: "none", opacity, lineJoin: "round", ...dash },
        name: "line",
      });
    }
    solid = [];
  };
  series.points.forEach((point, index) => {
    if (heights[index] === null) {
      flush();
      return;
    }
    const previous = index > 0 && heights[index - 1] !== null ? series.points[index - 1]! : null;
    const kind =
      point.state === "open"
        ? "open"
        : point.state === "provisional" || previous?.state === "provisional"
          ? "provisional"
          : "solid";
    if (kind === "solid" || !previous) {
      if (solid.length === 0 && previous) solid.push(at(index - 1));
      solid.push(at(index));
      return;
    }
    flush();
    shapes.push({
      type: "polyline",
      shape: { points: [at(index - 1), at(index)] },
      style: { stroke, lineWidth: 1.8, fill: "none", opacity, lineDash: kind === "open" ? [5, 4] : [1.5, 3] },
      name: `line-${kind}`,
    });
  });
  flush();
  series.points.forEach((point, index) => {
    if (heights[index] === null) return;
    shapes.push(...pointShapes(at(index), point, scale, frame, stroke, allPoints || isLone(heights, index), opacity));
  });
  return shapes;
}

function isLone(values: readonly (number | null)[], index: number): boolean {
  return (values[index - 1] ?? null) === null && (values[index + 1] ?? null) === null;
}

function pointShapes(
  at: [number, number],
  point: Point,
  scale: Scale,
  frame: Frame,
  stroke: string,
  withPoint: boolean,
  opacity: number,
): Shape[] {
  const [x, y] = at;
  if (point.state === "restated") {
    const shapes: Shape[] = [];
    if (point.was !== undefined) {
      const old = heightOf(frame, scale, Math.min(Math.max(point.was, scale.min), scale.max));
      shapes.push(line(x, y, x, old, { stroke: "var(--accent)", lineWidth: 1.2, opacity }, "stem"));
      shapes.push(line(x - 4, old, x + 4, old, { stroke: "var(--accent)", lineWidth: 1.6, opacity }, "was"));
    }
    return [...shapes, diamond(x, y, 4)];
  }
  if (point.state === "provisional" || point.state === "open") {
    return [
      {
        type: "circle",
        shape: { cx: x, cy: y, r: 3 },
        style: { fill: "var(--paper)", stroke, lineWidth: 1.6, opacity },
        name: `point-${point.state}`,
      },
    ];
  }
  return withPoint
    ? [{ type: "circle", shape: { cx: x, cy: y, r: 2.4 }, style: { fill: stroke, opacity }, name: "point" }]
    : [];
}

export function comparisonLines(frame: Frame, scale: Scale, values: readonly (number | null)[]): Shape[] {
  const style = { stroke: "var(--comp)", lineWidth: 1.25, fill: "none" };
  return runsOf(values).map((run) => polyline(frame, scale, run, style, "comparison"));
}

interface Run {
  from: number;
  values: number[];
}

/** Stretches without gaps. */
function runsOf(values: readonly (number | null)[]): Run[] {
  const runs: Run[] = [];
  values.forEach((value, index) => {
    if (value === null) return;
    const last = runs.at(-1);
    if (last && last.from + last.values.length === index) last.values.push(value);
    else runs.push({ from: index, values: [value] });
  });
  return runs;
}

function polyline(frame: Frame, scale: Scale, run: Run, style: Record<string, unknown>, name: string): Shape {
  const points = run.values.map((value, offset) => [centreOf(frame, run.from + offset), heightOf(frame, scale, value)]);
  return { type: "polyline", shape: { points }, style, name };
}
