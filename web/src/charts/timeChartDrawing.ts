import type { NumberStyle } from "../lib/format";
import { formatAxis, formatShort } from "../lib/format";
import type { Series, TimeFigure } from "../series/model";
import { type Scale, scaleOf } from "../series/scale";
import {
  annotationShapes,
  axisLabelShapes,
  baselineShapes,
  gridShapes,
  missingShapes,
  stripShapes,
} from "./axisShapes";
import { barShapes, comparisonTicks } from "./barShapes";
import { type AxisLabel, axisLabels, type Frame, frameOf } from "./frame";
import { comparisonLines, lineShapes } from "./lineShapes";
import type { Shape } from "./shapes";

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
