import { formatShort } from "../lib/format";
import type { Point, Series } from "../series/model";
import type { Scale } from "../series/scale";
import { centreOf, type Frame, heightOf, slotWidth } from "./frame";
import { opacityOf } from "./lineShapes";
import { barFill, colorToken, diamond, hatch, line, rect, repeats, type Shape, text } from "./shapes";
import type { DrawingRequest } from "./timeChartDrawing";

export function barWidth(frame: Frame): number {
  const slot = slotWidth(frame);
  return Math.max(1, Math.min(slot - (slot > 4 ? 2 : 0.5), slot * 0.62));
}

export function barShapes(
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

/** A grey tick at the old height, edged with paper so that it shows on every colour. */
export function comparisonTicks(frame: Frame, scale: Scale, values: readonly (number | null)[]): Shape[] {
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
