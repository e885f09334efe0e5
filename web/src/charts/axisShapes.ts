import type { Point, TimeFigure } from "../series/model";
import type { Scale } from "../series/scale";
import { barWidth } from "./barShapes";
import { type AxisLabel, centreOf, type Frame, heightOf, STRIP_GAP, STRIP_HEIGHT, slotWidth } from "./frame";
import { diamond, hatch, line, rect, type Shape, text } from "./shapes";

export function gridShapes(frame: Frame, scale: Scale, labels: readonly string[]): Shape[] {
  return scale.ticks.flatMap((tick, index) => {
    const y = Math.round(heightOf(frame, scale, tick)) + 0.5;
    return [
      line(frame.left, y, frame.left + frame.width, y, { stroke: "var(--line)", lineWidth: 1 }, "grid"),
      text(labels[index]!, frame.left - 8, y, { align: "right" }),
    ];
  });
}

export function baselineShapes(frame: Frame, scale: Scale): Shape[] {
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
export function missingShapes(frame: Frame, figure: TimeFigure, noData: string): Shape[] {
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
export function stripShapes(frame: Frame, figure: TimeFigure): Shape[] {
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

export function axisLabelShapes(frame: Frame, label: AxisLabel): Shape[] {
  const y = frame.top + frame.height + STRIP_GAP + STRIP_HEIGHT + 12;
  const half = Math.max(...label.lines.map((one) => one.length)) * 3.2;
  const x = Math.min(frame.left + frame.width + 8 - half, Math.max(half, centreOf(frame, label.index)));
  return label.lines.map((content, row) =>
    text(content, x, y + row * 13, { fill: row === 0 ? "var(--ink2)" : "var(--ink3)" }),
  );
}
