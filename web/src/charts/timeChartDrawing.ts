import type { NumberStyle, ValueType } from "../lib/format";
import { formatAxis, formatShort, formatTile } from "../lib/format";
import type { Point, Series, TimeFigure } from "../series/model";
import { type Scale, scaleOf } from "../series/scale";
import {
  type AxisLabel,
  axisLabels,
  centreOf,
  type Frame,
  frameOf,
  heightOf,
  STRIP_GAP,
  STRIP_HEIGHT,
  slotWidth,
} from "./frame";
import { barFill, colorToken, diamond, hatch, line, rect, repeats, type Shape, text } from "./shapes";

export type ChartShape = "bar" | "line";

export interface DrawingRequest {
  figure: TimeFigure;
  shape: ChartShape;
  stacked: boolean;
  hidden: ReadonlySet<string>;
  focused: string | null;
  size: { width: number; height: number };
  locale: string;
  style: NumberStyle;
  words: { noData: string };
  annotations?: readonly { index: number; text: string }[];
  /** Lets a line start above zero (spec §16.6 y-min); stacks, bars and areas never do. */
  mayBreak?: boolean;
  /** The scale is the data's own minimum and maximum (trend cards). */
  ownEnds?: boolean;
}

export interface Drawing {
  frame: Frame;
  scale: Scale;
  labels: AxisLabel[];
  shapes: Shape[];
}

export function visibleSeries(figure: TimeFigure, hidden: ReadonlySet<string>): Series[] {
  return figure.series.filter((series) => !hidden.has(series.id));
}

/** Everything a time figure shows, as plain shapes. */
export function drawTimeChart(request: DrawingRequest): Drawing {
  const { figure, size, locale, style } = request;
  const shown = visibleSeries(figure, request.hidden);
  const stacked = request.stacked && shown.length > 1;
  const scale = timeScale(request, shown, stacked);
  const yLabels = scale.ticks.map((tick) =>
    scale.broken ? formatShort(tick, figure.valueType, style) : formatAxis(tick, figure.valueType, style),
  );
  const frame = frameOf(size, yLabels, figure.buckets.length);
  const labels = axisLabels(figure.buckets, figure.granularity, frame.width, locale);
  const shapes: Shape[] = [
    ...gridShapes(frame, scale, yLabels),
    ...missingShapes(frame, figure, request.words.noData),
    ...(figure.comparison && request.shape === "line" && (shown.length === 1 || stacked)
      ? comparisonLines(frame, scale, figure.comparison.values)
      : []),
    ...(request.shape === "bar"
      ? barShapes(frame, scale, shown, stacked, request)
      : lineShapes(frame, scale, shown, stacked, request)),
    // Across the pieces of a stack a tick would be read as one more piece; the cursor tells the old value there.
    ...(figure.comparison && request.shape === "bar" && shown.length === 1
      ? comparisonTicks(frame, scale, figure.comparison.values)
      : []),
    ...annotationShapes(frame, request.annotations ?? []),
    ...baselineShapes(frame, scale),
    ...stripShapes(frame, figure),
    ...labels.flatMap((label) => axisLabelShapes(frame, label)),
  ];
  return { frame, scale, labels, shapes };
}

function timeScale(request: DrawingRequest, shown: readonly Series[], stacked: boolean): Scale {
  const { figure } = request;
  const values: number[] = [];
  figure.buckets.forEach((_bucket, index) => {
    const known = shown
      .map((series) => series.points[index]?.value ?? null)
      .filter((value): value is number => value !== null);
    if (stacked) {
      values.push(known.filter((value) => value > 0).reduce((sum, value) => sum + value, 0));
      values.push(known.filter((value) => value < 0).reduce((sum, value) => sum + value, 0));
    } else values.push(...known);
    for (const series of stacked ? [] : shown) {
      const was = series.points[index]?.was;
      if (was !== undefined) values.push(was);
    }
    const compared = shown.length === 1 || stacked ? figure.comparison?.values[index] : null;
    if (compared !== null && compared !== undefined) values.push(compared);
  });
  const fromZero = request.shape === "bar" || stacked || !request.mayBreak;
  return scaleOf(values, {
    fromZero,
    whole: figure.valueType === "number" && values.every(Number.isInteger),
    ownEnds: request.ownEnds === true && !stacked,
    base: figure.valueType === "filesize" && request.style.binarySizes ? 1024 : 1000,
  });
}

function gridShapes(frame: Frame, scale: Scale, labels: readonly string[]): Shape[] {
  return scale.ticks.flatMap((tick, index) => {
    const y = Math.round(heightOf(frame, scale, tick)) + 0.5;
    return [
      line(frame.left, y, frame.left + frame.width, y, { stroke: "var(--line)", lineWidth: 1 }, "grid"),
      text(labels[index]!, frame.left - 8, y, { align: "right" }),
    ];
  });
}

function baselineShapes(frame: Frame, scale: Scale): Shape[] {
  const y = Math.round(heightOf(frame, scale, scale.broken ? scale.min : Math.max(0, scale.min))) + 0.5;
  const stroke = { stroke: "var(--ink3)", lineWidth: 1 };
  if (!scale.broken) return [line(frame.left, y, frame.left + frame.width, y, stroke, "baseline")];
  // A zigzag says that the scale does not start at zero.
  const x = frame.left;
  return [
    {
      type: "polyline",
      shape: {
        points: [
          [x, y],
          [x + 6, y],
          [x + 8, y - 6],
          [x + 11, y + 6],
          [x + 13, y],
          [x + frame.width, y],
        ],
      },
      style: { ...stroke, fill: "none" },
      name: "broken-baseline",
    },
  ];
}

/** A run of buckets without data is a hatched band with words, never a zero. */
function missingShapes(frame: Frame, figure: TimeFigure, noData: string): Shape[] {
  const shapes: Shape[] = [];
  const slot = slotWidth(frame);
  const points = figure.total.points;
  for (let start = 0; start < points.length; start += 1) {
    if (points[start]!.state !== "missing") continue;
    let end = start;
    while (points[end + 1]?.state === "missing") end += 1;
    const x = frame.left + start * slot;
    const width = (end - start + 1) * slot;
    shapes.push(hatch(x, frame.top, width, frame.height, 7, { stroke: "var(--line2)", lineWidth: 1 }, "down"));
    const centre = x + width / 2;
    const bottom = frame.top + frame.height - 10;
    if (width >= 48) shapes.push(text(noData, centre, bottom, { fill: "var(--ink2)", halo: true }));
    else if (width >= 6) {
      shapes.push({
        type: "path",
        shape: { pathData: `M${centre - 3} ${bottom - 3}l6 6M${centre + 3} ${bottom - 3}l-6 6` },
        style: { stroke: "var(--ink2)", lineWidth: 1.4, fill: "none" },
        name: "no-data",
      });
    }
    start = end;
  }
  return shapes;
}

function comparisonLines(frame: Frame, scale: Scale, values: readonly (number | null)[]): Shape[] {
  const style = { stroke: "var(--comp)", lineWidth: 1.25, fill: "none" };
  return runsOf(values).map((run) => polyline(frame, scale, run, style, "comparison"));
}

/** A grey tick at the old height, edged with paper so that it shows on every colour. */
function comparisonTicks(frame: Frame, scale: Scale, values: readonly (number | null)[]): Shape[] {
  const half = barWidth(frame) / 2 + 3;
  return values.flatMap((value, index) => {
    if (value === null) return [];
    const y = heightOf(frame, scale, value);
    const x = centreOf(frame, index);
    return [
      line(x - half, y, x + half, y, { stroke: "var(--paper)", lineWidth: 4 }, "comparison-edge"),
      line(x - half, y, x + half, y, { stroke: "var(--comp)", lineWidth: 2 }, "comparison"),
    ];
  });
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

export function barWidth(frame: Frame): number {
  const slot = slotWidth(frame);
  return Math.max(1, Math.min(slot - (slot > 4 ? 2 : 0.5), slot * 0.62));
}

function opacityOf(series: Series, focused: string | null): number {
  return focused === null || focused === series.id ? 1 : 0.25;
}

function barShapes(
  frame: Frame,
  scale: Scale,
  shown: readonly Series[],
  stacked: boolean,
  request: DrawingRequest,
): Shape[] {
  const shapes: Shape[] = [];
  const whole = barWidth(frame);
  const groups = stacked ? 1 : Math.max(1, shown.length);
  const width = whole / groups;
  const zero = Math.max(scale.min, 0);
  const gap = stacked && whole > 3 ? 1 : 0;
  request.figure.buckets.forEach((_bucket, index) => {
    const left = centreOf(frame, index) - whole / 2;
    let up = zero;
    let down = zero;
    shown.forEach((series, position) => {
      const point = series.points[index];
      if (!point || point.value === null) return;
      const base = stacked ? (point.value >= 0 ? up : down) : zero;
      const top = base + point.value;
      if (stacked && point.value >= 0) up = top;
      else if (stacked) down = top;
      const y1 = heightOf(frame, scale, Math.max(base, top));
      const y2 = heightOf(frame, scale, Math.min(base, top));
      const height = Math.max(0, y2 - y1 - (y2 - y1 > 2 ? gap : 0));
      const x = left + (stacked ? 0 : position * width);
      shapes.push(
        ...barPiece(
          x,
          y1 + (y2 - y1 > 2 ? gap : 0),
          Math.max(0.5, width - (groups > 1 ? 0.5 : 0)),
          height,
          series,
          point,
          opacityOf(series, request.focused),
        ),
      );
    });
    const total = stacked || shown.length !== 1 ? request.figure.total.points[index] : shown[0]?.points[index];
    const height = stacked ? up : Math.max(zero, ...shown.map((series) => series.points[index]?.value ?? zero));
    if (total)
      shapes.push(...barFinish(frame, scale, index, left, whole, height, total, stacked || shown.length === 1));
    shapes.push(...barValue(frame, scale, index, height, total, shown.length, request));
  });
  return shapes;
}

function barPiece(
  x: number,
  y: number,
  width: number,
  height: number,
  series: Series,
  point: Point,
  opacity: number,
): Shape[] {
  const fill = colorToken(series.color);
  const shapes: Shape[] = [];
  if (point.state === "open") {
    shapes.push(rect(x, y, width, height, { fill, opacity: 0.38 * opacity }, "bar-open"));
  } else if (point.state === "provisional") {
    shapes.push(
      rect(x, y, width, height, { fill, fillOpacity: 0.16, stroke: fill, lineWidth: 1, opacity }, "bar-provisional"),
    );
    shapes.push(hatch(x, y, width, height, 5, { stroke: fill, lineWidth: 2, opacity }));
  } else {
    shapes.push(rect(x, y, width, height, { fill: barFill(series.color), opacity }, "bar"));
  }
  if (repeats(series.color) && width > 4 && height > 4) {
    shapes.push(hatch(x, y, width, height, 4, { stroke: "var(--paper)", lineWidth: 1, opacity: 0.7 }));
  }
  return shapes;
}

/** The outline of an unfinished bar; the diamond and the old height of a restated one. */
function barFinish(
  frame: Frame,
  scale: Scale,
  index: number,
  left: number,
  width: number,
  height: number,
  total: Point,
  outlined: boolean,
): Shape[] {
  const y = heightOf(frame, scale, height);
  const bottom = heightOf(frame, scale, Math.max(scale.min, 0));
  if (total.state === "open" && total.value !== null && outlined) {
    return [
      rect(
        left,
        y,
        width,
        Math.max(0, bottom - y),
        { fill: "none", stroke: "var(--ink3)", lineWidth: 1, lineDash: [3, 2] },
        "open-outline",
      ),
    ];
  }
  if (total.state !== "restated") return [];
  const old = total.was === undefined ? null : heightOf(frame, scale, Math.min(total.was, scale.max));
  const x = centreOf(frame, index);
  const shapes: Shape[] = [];
  if (old !== null)
    shapes.push(line(left - 4, old, left + width + 4, old, { stroke: "var(--accent)", lineWidth: 1.6 }, "was"));
  if (old !== null && Math.abs(old - y) > 1)
    shapes.push(line(x, old, x, y, { stroke: "var(--accent)", lineWidth: 1.2 }, "stem"));
  shapes.push(diamond(x, Math.min(y, old ?? y) - 8, 4));
  return shapes;
}

/** Values stand on the bars while they are few enough to be read. */
function barValue(
  frame: Frame,
  scale: Scale,
  index: number,
  height: number,
  total: Point | undefined,
  count: number,
  request: DrawingRequest,
): Shape[] {
  const { figure } = request;
  if (!total || total.value === null || figure.buckets.length > 13 || (count > 1 && !request.stacked)) return [];
  const value = request.hidden.size > 0 && count > 1 ? height : total.value;
  const label = formatShort(value, figure.valueType, request.style);
  // All bars say their value or none does: a few labels among many would look like the only values.
  const longest = Math.max(
    ...figure.total.points.map((point) =>
      point.value === null ? 0 : formatShort(point.value, figure.valueType, request.style).length,
    ),
  );
  if (Math.max(label.length, longest) * 6.4 > slotWidth(frame) + 6) return [];
  const raised = total.state === "restated" ? 14 : 0;
  const highest = total.was === undefined ? height : Math.max(height, Math.min(total.was, scale.max));
  const y = Math.max(8, heightOf(frame, scale, Math.max(highest, 0)) - 9 - raised);
  return [text(label, centreOf(frame, index), y, { fill: "var(--ink2)", halo: true })];
}

function lineShapes(
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
  for (const { series, values } of tops) {
    shapes.push(...oneLine(frame, scale, series, values, points, opacityOf(series, request.focused)));
  }
  return shapes;
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
  values: readonly (number | null)[],
  allPoints: boolean,
  opacity: number,
): Shape[] {
  const stroke = colorToken(series.color);
  const shapes: Shape[] = [];
  const at = (index: number): [number, number] => [centreOf(frame, index), heightOf(frame, scale, values[index]!)];
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
    if (values[index] === null) {
      flush();
      return;
    }
    const previous = index > 0 && values[index - 1] !== null ? series.points[index - 1]! : null;
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
    if (values[index] === null) return;
    shapes.push(...pointShapes(at(index), point, scale, frame, stroke, allPoints || isLone(values, index), opacity));
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

const ANNOTATION_ROWS = 4;
const ANNOTATION_LETTER = 6;

/**
 * A dotted rubric line with its words. Words that would run over the right end stand before their line, and words that would
 * meet others go one row lower; where no row is free the line stands alone, and the list under the figure has the words.
 */
export function annotationShapes(frame: Frame, annotations: readonly { index: number; text: string }[]): Shape[] {
  const taken: [number, number][][] = Array.from({ length: ANNOTATION_ROWS }, () => []);
  return annotations.flatMap((annotation) => {
    const x = centreOf(frame, annotation.index);
    const width = annotation.text.length * ANNOTATION_LETTER + 8;
    const fitsRight = x + width <= frame.left + frame.width;
    const [from, to] = fitsRight ? [x, x + width] : [x - width, x];
    const row = taken.findIndex((spans) => spans.every(([start, end]) => to <= start || from >= end));
    const shapes = [
      line(
        x,
        frame.top,
        x,
        frame.top + frame.height,
        { stroke: "var(--accent)", lineWidth: 1, lineDash: [1, 3] },
        "annotation",
      ),
    ];
    if (row === -1 || from < frame.left) return shapes;
    taken[row]!.push([from, to]);
    const style = { align: fitsRight ? "left" : "right", fill: "var(--ink2)", halo: true } as const;
    return [...shapes, text(annotation.text, fitsRight ? x + 4 : x - 4, frame.top + 4 + row * 14, style)];
  });
}

/** One cell per bucket; above 92 buckets only the runs that are not final. */
function stripShapes(frame: Frame, figure: TimeFigure): Shape[] {
  const shapes: Shape[] = [];
  const slot = slotWidth(frame);
  const y = frame.top + frame.height + STRIP_GAP;
  const points = figure.total.points;
  const dense = points.length > 92;
  for (let index = 0; index < points.length; index += 1) {
    const state = points[index]!.state;
    let end = index;
    if (dense) {
      while (points[end + 1]?.state === state) end += 1;
      if (state === "final") {
        index = end;
        continue;
      }
    }
    const gap = dense ? 0 : Math.min(2, slot * 0.15);
    const x = frame.left + index * slot + gap / 2;
    const width = Math.max(dense ? 3 : 1, (end - index + 1) * slot - gap);
    const narrowed = !dense && slot > 40 ? Math.min(width, barWidth(frame) * 0.86) : width;
    shapes.push(...stripCell(x + (width - narrowed) / 2, y, narrowed, state));
    index = end;
  }
  return shapes;
}

function stripCell(x: number, y: number, width: number, state: Point["state"]): Shape[] {
  const height = STRIP_HEIGHT;
  const outline = { fill: "none", stroke: "var(--ink3)", lineWidth: 1 };
  switch (state) {
    case "final":
      return [rect(x, y, width, height, { fill: "var(--line2)" }, "cell-final")];
    case "restated":
      return [
        rect(x, y, width, height, { fill: "var(--line2)" }, "cell-restated"),
        diamond(x + width / 2, y + height / 2, 4),
      ];
    case "provisional":
      return [rect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1, outline, "cell-provisional")];
    case "open":
      return [
        rect(x + 0.5, y + 0.5, Math.max(1, width - 1), height - 1, { ...outline, lineDash: [2, 1.5] }, "cell-open"),
      ];
    case "missing":
      return [
        { ...hatch(x, y, width, height, 5, { stroke: "var(--ink3)", lineWidth: 1 }, "down"), name: "cell-missing" },
      ];
  }
}

function axisLabelShapes(frame: Frame, label: AxisLabel): Shape[] {
  const y = frame.top + frame.height + STRIP_GAP + STRIP_HEIGHT + 12;
  const half = Math.max(...label.lines.map((one) => one.length)) * 3.2;
  const x = Math.min(frame.left + frame.width + 8 - half, Math.max(half, centreOf(frame, label.index)));
  return label.lines.map((content, row) =>
    text(content, x, y + row * 13, { fill: row === 0 ? "var(--ink2)" : "var(--ink3)" }),
  );
}

/** The shapes as one ECharts custom series over the whole box. */
export function optionOf(shapes: readonly Shape[]): object {
  return {
    animation: false,
    grid: { left: 0, top: 0, right: 0, bottom: 0 },
    xAxis: { type: "value", show: false, min: 0, max: 1 },
    yAxis: { type: "value", show: false, min: 0, max: 1 },
    series: [
      {
        type: "custom",
        silent: true,
        clip: false,
        data: [[0, 0]],
        renderItem: () => ({
          type: "group",
          children: shapes.map(({ name: _name, ...shape }) => ({ ...shape, silent: true })),
        }),
      },
    ],
  };
}

export function valueLabel(value: number | null, type: ValueType, style: NumberStyle): string {
  if (value === null) return "–";
  const { number, unit } = formatTile(value, type, style);
  return unit ? `${number} ${unit}` : number;
}
