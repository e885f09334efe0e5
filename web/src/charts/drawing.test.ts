import { describe, expect, it } from "vitest";
import { parseDay } from "../lib/days";
import { bucketsOf } from "../series/buckets";
import type { Point, Series, TimeFigure } from "../series/model";
import { axisLabels, centreOf, indexAt } from "./frame";
import { sideBySide } from "./lineShapes";
import { classOf, mapClasses } from "./mapClasses";
import { hatch } from "./shapes";
import { timeFigureCsv } from "./TimeTable";
import { type ChartShape, drawTimeChart } from "./timeChartDrawing";
import { ringsOf, worldCodes } from "./worldGeometry";

const range = { start: parseDay("2026-11-07")!, end: parseDay("2026-11-13")! };
const buckets = bucketsOf(range, "day");
const point = (value: number | null, state: Point["state"] = "final", was?: number): Point => ({
  value,
  state,
  days: 1,
  of: 1,
  ...(was === undefined ? {} : { was }),
});
/** The kit's own row: final, final, restated, missing, final, provisional, not over. */
const KIT = [
  point(42),
  point(45),
  point(47, "restated", 58),
  point(null, "missing"),
  point(58),
  point(61, "provisional"),
  point(34, "open"),
];

function figure(series: Series[] = [], points = KIT): TimeFigure {
  const total: Series = { id: "global", name: "All", color: 0, rank: 287, points };
  return {
    kind: "delta",
    valueType: "number",
    granularity: "day",
    range,
    buckets,
    series: series.length ? series : [total],
    total,
    notes: [],
  };
}
function draw(shape: ChartShape, given = figure(), more: Partial<Parameters<typeof drawTimeChart>[0]> = {}) {
  return drawTimeChart({
    figure: given,
    shape,
    stacked: false,
    hidden: new Set(),
    focused: null,
    size: { width: 700, height: 260 },
    locale: "en",
    style: { locale: "en" },
    words: { noData: "no data" },
    ...more,
  });
}
const names = (drawing: ReturnType<typeof draw>) => drawing.shapes.map((shape) => shape.name).filter(Boolean);
const count = (drawing: ReturnType<typeof draw>, name: string) => names(drawing).filter((one) => one === name).length;
const texts = (drawing: ReturnType<typeof draw>) =>
  drawing.shapes.filter((shape) => shape.type === "text").map((shape) => shape.style.text);

describe("states on bars", () => {
  const drawing = draw("bar");
  it("gives every state its own shape", () => {
    expect([
      count(drawing, "bar"),
      count(drawing, "bar-provisional"),
      count(drawing, "bar-open"),
      count(drawing, "open-outline"),
    ]).toEqual([4, 1, 1, 1]);
    expect(count(drawing, "was")).toBe(1);
    expect(count(drawing, "restated")).toBe(2);
    expect(texts(drawing)).toContain("no data");
  });

  it("the tick of a restated bar stands at its old value", () => {
    const was = drawing.shapes.find((shape) => shape.name === "was")!.shape as { y1: number };
    const { frame, scale } = drawing;
    expect(was.y1).toBeCloseTo(frame.top + frame.height * (1 - 58 / scale.max), 6);
  });

  it("draws nothing at all where data is missing, not a zero", () => {
    const x = centreOf(drawing.frame, 3);
    const bars = drawing.shapes
      .filter((shape) => shape.name?.startsWith("bar"))
      .map((shape) => shape.shape as { x: number; width: number });
    expect(bars.some((bar) => bar.x < x && bar.x + bar.width > x)).toBe(false);
  });

  it("has one ledger cell per bucket", () => {
    const cells = names(drawing).filter((name) => name!.startsWith("cell-"));
    expect(cells).toEqual([
      "cell-final",
      "cell-final",
      "cell-restated",
      "cell-missing",
      "cell-final",
      "cell-provisional",
      "cell-open",
    ]);
  });

  it("writes values on 13 bars or fewer", () => {
    expect(texts(drawing)).toEqual(expect.arrayContaining(["42", "45", "47", "58", "61", "34"]));
  });
});

describe("states on lines", () => {
  const drawing = draw("line");
  it("is dotted to provisional, dashed to what is not over, broken where nothing is", () => {
    expect(count(drawing, "line")).toBe(1);
    expect(count(drawing, "line-provisional")).toBe(1);
    expect(count(drawing, "line-open")).toBe(1);
    expect(count(drawing, "point-provisional")).toBe(1);
    expect(count(drawing, "point-open")).toBe(1);
    const solid = drawing.shapes.find((shape) => shape.name === "line")!.shape as { points: number[][] };
    expect(solid.points).toHaveLength(3);
  });

  it("marks the restated point with a diamond and a stem to the old value", () => {
    expect([count(drawing, "stem"), count(drawing, "was"), count(drawing, "restated")]).toEqual([1, 1, 2]);
  });

  it("an unfinished period has no area", () => {
    const xs = drawing.shapes
      .filter((shape) => shape.name === "area")
      .flatMap((shape) => (shape.shape as { points: number[][] }).points.map((one) => one[0]!));
    expect(Math.max(...xs)).toBeLessThan(centreOf(drawing.frame, 6));
  });
});

describe("stacks", () => {
  const parts: Series[] = [
    { id: "a", name: "A", color: 0, rank: 10, points: buckets.map(() => point(30)) },
    { id: "other", name: "Other", color: -1, other: true, rank: 5, points: buckets.map(() => point(10)) },
  ];
  it("adds up, the largest at the baseline and Other on top", () => {
    const drawing = draw(
      "bar",
      figure(
        parts,
        buckets.map(() => point(40)),
      ),
      { stacked: true },
    );
    const bars = drawing.shapes
      .filter((shape) => shape.name === "bar")
      .map((shape) => shape.shape as { y: number; height: number });
    expect(bars[0]!.y).toBeGreaterThan(bars[1]!.y);
    expect(drawing.scale.max).toBeGreaterThanOrEqual(40);
  });

  it("a hidden series leaves the scale and the drawing", () => {
    const drawing = draw(
      "bar",
      figure(
        parts,
        buckets.map(() => point(40)),
      ),
      { stacked: true, hidden: new Set(["a"]) },
    );
    expect(count(drawing, "bar")).toBe(7);
    expect(drawing.scale.max).toBeLessThan(30);
  });
});

describe("the comparison", () => {
  const compared = { ...figure(), comparison: { label: "2025", values: [1, 2, null, 4, 5, 6, 7], buckets } };
  it("is ticks on bars and lines with gaps behind lines", () => {
    expect(count(draw("bar", compared), "comparison")).toBe(6);
    expect(count(draw("line", compared), "comparison")).toBe(2);
  });
});

describe("the axis", () => {
  it("labels the first bucket, at most ten or thirteen, and a year only when it is new", () => {
    const year = bucketsOf({ start: parseDay("2025-12-01")!, end: parseDay("2026-11-20")! }, "month");
    const labels = axisLabels(year, "month", 900, "en");
    expect(labels.map((label) => label.lines.join(" "))).toEqual([
      "Dec 2025",
      "Jan 2026",
      "Feb",
      "Mar",
      "Apr",
      "May",
      "Jun",
      "Jul",
      "Aug",
      "Sep",
      "Oct",
      "Nov",
    ]);
    const days = bucketsOf({ start: parseDay("2026-01-01")!, end: parseDay("2026-11-20")! }, "day");
    expect(axisLabels(days, "day", 900, "en").length).toBeLessThanOrEqual(10);
    expect(axisLabels(year, "month", 280, "en").length).toBeLessThanOrEqual(6);
  });

  it("finds the bucket under a position and keeps to the ends", () => {
    const { frame } = draw("bar");
    expect(indexAt(frame, centreOf(frame, 4))).toBe(4);
    expect([indexAt(frame, -50), indexAt(frame, 5000)]).toEqual([0, 6]);
  });

  it("above 92 buckets the strip shows only what is not final", () => {
    const many = bucketsOf({ start: parseDay("2026-01-01")!, end: parseDay("2026-07-01")! }, "day");
    const points = many.map((_bucket, index) => point(5, index > 175 ? "provisional" : "final"));
    const total: Series = { id: "global", name: "All", color: 0, rank: 1, points };
    const drawing = draw("line", { ...figure(), buckets: many, series: [total], total });
    expect(names(drawing).filter((name) => name!.startsWith("cell-"))).toEqual(["cell-provisional"]);
  });
});

it("hatches stay inside their rectangle", () => {
  const { pathData } = hatch(10, 20, 30, 12, 5, {}).shape as { pathData: string };
  const numbers = [...pathData.matchAll(/[ML](-?[\d.]+) (-?[\d.]+)/g)].map(
    (match) => [Number(match[1]), Number(match[2])] as const,
  );
  expect(numbers.length).toBeGreaterThan(4);
  for (const [x, y] of numbers) {
    expect(x).toBeGreaterThanOrEqual(10);
    expect(x).toBeLessThanOrEqual(40);
    expect(y).toBeGreaterThanOrEqual(20);
    expect(y).toBeLessThanOrEqual(32);
  }
});

describe("notes on days", () => {
  const notes = (...given: [number, string][]) =>
    draw("line", figure(), { annotations: given.map(([index, text]) => ({ index, text })) })
      .shapes.filter((shape) => shape.type === "text" && given.some(([, text]) => shape.style.text === text))
      .map((shape) => shape.style as { text: string; x: number; y: number; textAlign: string });
  const span = (note: { text: string; x: number; textAlign: string }) => {
    const width = note.text.length * 6;
    return note.textAlign === "left" ? [note.x, note.x + width] : [note.x - width, note.x];
  };

  it("never run over the ends of the plot, and never into each other", () => {
    const drawn = notes([4, "Collector was down for three days"], [5, "A talk at a conference"], [6, "Version 2.0"]);
    expect(drawn).toHaveLength(3);
    for (const note of drawn) {
      const [from, to] = span(note);
      expect(from).toBeGreaterThanOrEqual(0);
      expect(to).toBeLessThanOrEqual(700);
      for (const other of drawn) {
        if (other === note || other.y !== note.y) continue;
        const [start, end] = span(other);
        expect(to! <= start! || from! >= end!).toBe(true);
      }
    }
  });

  it("keep their line where no row is left for their words", () => {
    const crowd = Array.from({ length: 6 }, (_, index): [number, string] => [3, `note number ${index} of a crowd`]);
    const drawing = draw("line", figure(), { annotations: crowd.map(([index, text]) => ({ index, text })) });
    expect(count(drawing, "annotation")).toBe(6);
    expect(notes(...crowd).length).toBeLessThan(6);
  });
});

it("values stand on all bars or on none", () => {
  const label = (width: number, values: number[]) => {
    const points = values.map((value) => point(value));
    const drawing = draw("bar", figure([], points), { size: { width, height: 260 } });
    const words = values.map((value) => value.toLocaleString("en"));
    return drawing.shapes.filter((shape) => shape.type === "text" && words.includes(String(shape.style.text))).length;
  };
  const values = [875, 931, 997, 1069, 1122, 1174, 1228];
  expect(label(700, values)).toBe(7);
  // Three letters would fit here, five do not.
  expect(label(230, values)).toBe(0);
});

it("the period compared with is ticks on single bars and nothing across a stack", () => {
  const parts = ["a", "b"].map((id, color): Series => ({ id, name: id, color, rank: 1, points: KIT }));
  const comparison = { label: "before", values: KIT.map(() => 20), buckets };
  expect(count(draw("bar", { ...figure(), comparison }), "comparison")).toBe(7);
  expect(count(draw("bar", { ...figure(parts), comparison }, { stacked: true }), "comparison")).toBe(0);
  expect(count(draw("line", { ...figure(), comparison }), "comparison")).toBe(1);
});

describe("the map", () => {
  it("classes by powers of ten, the highest open", () => {
    expect(mapClasses(412_208)).toEqual([
      { from: 1, to: 99 },
      { from: 100, to: 999 },
      { from: 1000, to: 9999 },
      { from: 10_000, to: 99_999 },
      { from: 100_000, to: null },
    ]);
    const classes = mapClasses(412_208);
    expect([0, 1, 99, 100, 9999, 100_000].map((value) => classOf(value, classes, false))).toEqual([0, 1, 1, 2, 3, 5]);
    expect([classOf(0, classes, true), classOf(7, classes, true)]).toEqual([0, 3]);
  });

  it("knows countries by alpha-2 code, without Antarctica", () => {
    const codes = worldCodes();
    expect(codes).toEqual(expect.arrayContaining(["US", "PT", "DE", "ZA", "XK"]));
    expect(codes).not.toContain("AQ");
    expect(codes.length).toBeGreaterThan(170);
    expect(ringsOf("M0,0L1,0L1,1ZM5,5L6,5L6,6Z")).toHaveLength(2);
  });
});

it("the CSV of a figure keeps missing values empty and says the state", () => {
  const lines = timeFigureCsv(figure()).trim().split("\r\n");
  expect(lines[0]).toBe("period_start,period_end,id,label,value,state,was,days,of_days");
  expect(lines[3]).toBe("2026-11-09,2026-11-09,global,All,47,restated,58,1,1");
  expect(lines[4]).toBe("2026-11-10,2026-11-10,global,All,,missing,,1,1");
});

describe("lines of equal value", () => {
  it("run beside each other around the true height, in the order of the series, and part where the values do", () => {
    const [first, second, third] = sideBySide(
      [
        [50, 40, 90],
        [50, 40.5, 20],
        [80, 41, null],
      ],
      100,
    );
    expect([first![0], second![0], third![0]]).toEqual([48.5, 51.5, 80]);
    expect([first![1], second![1], third![1]].map((y) => Number(y!.toFixed(2)))).toEqual([37.5, 40.5, 43.5]);
    expect([first![2], second![2], third![2]]).toEqual([90, 20, null]);
  });

  it("stay above the baseline", () => {
    expect(sideBySide([[100], [100]], 100)).toEqual([[97], [100]]);
  });

  it("are both drawn, and never at the same height", () => {
    const same = [0, 3, 3, 5, 5, 4, 4].map((value) => point(value));
    const two = (["a", "b"] as const).map((id, color): Series => ({ id, name: id, color, rank: 1, points: same }));
    const drawn = draw("line", figure(two)).shapes.filter((shape) => shape.name === "line");
    expect(drawn).toHaveLength(2);
    const [upper, lower] = drawn.map((shape) => (shape.shape as { points: [number, number][] }).points);
    expect(upper!.map((at, index) => Number((lower![index]![1] - at[1]).toFixed(2)))).toEqual(Array(7).fill(3));
    expect(new Set(drawn.map((shape) => (shape.style as { stroke: string }).stroke)).size).toBe(2);
    expect(drawn.every((shape) => !("lineDash" in (shape.style as object)))).toBe(true);
  });
});
