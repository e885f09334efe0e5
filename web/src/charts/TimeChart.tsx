import { useMemo, useRef, useState } from "react";
import { formatFull, formatPeriod, formatTile, type NumberStyle } from "../lib/format";
import { useI18n } from "../lib/i18n";
import type { Point, TimeFigure } from "../series/model";
import { ChartCursor } from "./ChartCursor";
import "./charts.css";
import { Legend } from "./Legend";
import { describeState, stateWord } from "./states";
import { type ChartShape, drawTimeChart, optionOf } from "./timeChartDrawing";
import { loadECharts, useECharts, useWidth } from "./useECharts";

// Fetched while the page asks for its numbers, so that neither waits for the other.
void loadECharts();

/** A figure over time: bars or lines, states by shape, the ledger strip under the axis. Takes a figure, fetches nothing. */
export function TimeChart(props: {
  figure: TimeFigure;
  title: string;
  shape: ChartShape;
  stacked: boolean;
  height: number;
  style: NumberStyle;
  mayBreak?: boolean;
  ownEnds?: boolean;
  legend?: "beside" | "top" | "none";
  legendTitle?: string;
  annotations?: readonly { index: number; text: string }[];
}) {
  const { figure, style } = props;
  const { t, locale } = useI18n();
  const outer = useRef<HTMLDivElement>(null);
  const fullWidth = useWidth(outer);
  const [hidden, setHidden] = useState<ReadonlySet<string>>(new Set());
  const [focused, setFocused] = useState<string | null>(null);
  const several = figure.series.length > 1;
  const wantsLegend = several && props.legend !== "none";
  const beside = wantsLegend && props.legend !== "top" && fullWidth >= 720;
  const width = beside ? fullWidth - 172 - 24 : fullWidth;
  const size = useMemo(() => ({ width: Math.max(0, width), height: props.height }), [width, props.height]);

  const drawing = useMemo(
    () =>
      size.width > 0
        ? drawTimeChart({
            figure,
            shape: props.shape,
            stacked: props.stacked,
            hidden,
            focused,
            size,
            locale,
            style,
            words: { noData: t("chart.noData") },
            annotations: props.annotations ?? [],
            mayBreak: props.mayBreak ?? false,
            ownEnds: props.ownEnds ?? false,
          })
        : null,
    [
      figure,
      props.shape,
      props.stacked,
      hidden,
      focused,
      size,
      locale,
      style,
      t,
      props.annotations,
      props.mayBreak,
      props.ownEnds,
    ],
  );
  const option = useMemo(() => (drawing ? optionOf(drawing.shapes) : null), [drawing]);
  const box = useECharts(size, option);

  const legend = wantsLegend && (
    <Legend
      figure={figure}
      style={style}
      hidden={hidden}
      layout={beside ? "table" : "row"}
      title={props.legendTitle ?? ""}
      onToggle={(id) =>
        setHidden((old) => {
          const next = new Set(old);
          if (!next.delete(id)) next.add(id);
          return next.size === figure.series.length ? new Set() : next;
        })
      }
      onFocus={setFocused}
    />
  );
  return (
    <div className={`time-chart ${beside ? "with-side" : ""}`} ref={outer}>
      {!beside && legend}
      <div className="time-chart-plot">
        <ChartCursor
          label={t("chart.label", { title: props.title, count: figure.buckets.length })}
          frame={drawing?.frame ?? null}
          size={size}
          tooltip={(index) => <Tooltip figure={figure} index={index} style={style} hidden={hidden} />}
          spoken={(index) => spokenBucket(figure, index, style, hidden, locale, t)}
        >
          <div ref={box} className="chart-box" style={size} />
        </ChartCursor>
      </div>
      {beside && legend}
    </div>
  );
}

function periodLabel(figure: TimeFigure, index: number, locale: string): string {
  const bucket = figure.buckets[index]!;
  return bucket.label ?? formatPeriod(figure.granularity, bucket.start, locale);
}

function comparedPeriod(figure: TimeFigure, index: number, locale: string): string {
  const bucket = figure.comparison?.buckets[index];
  return bucket ? formatPeriod(figure.granularity, bucket.start, locale) : (figure.comparison?.label ?? "");
}

function Tooltip({
  figure,
  index,
  style,
  hidden,
}: {
  figure: TimeFigure;
  index: number;
  style: NumberStyle;
  hidden: ReadonlySet<string>;
}) {
  const { t, locale } = useI18n();
  const total = figure.total.points[index]!;
  const several = figure.series.length > 1;
  const compared = figure.comparison?.values[index];
  return (
    <>
      <p className="tooltip-head">
        {periodLabel(figure, index, locale)} · {stateWord(figure, index, t)}
      </p>
      <p className="tooltip-value">
        {total.value === null ? t("chart.noData") : formatFull(total.value, figure.valueType, style)}
        {total.value !== null && figure.valueType === "filesize" && (
          <span className="tooltip-exact"> {t("chart.bytes", { count: total.value })}</span>
        )}
      </p>
      {several && (
        <ul className="tooltip-series">
          {figure.series
            .filter((series) => !hidden.has(series.id))
            .map((series) => (
              <li key={series.id}>
                <i className={`swatch s${series.color < 0 ? "o" : series.color % 8}`} />
                <span>{series.name}</span>
                <b>{pointText(series.points[index]!, figure, style)}</b>
              </li>
            ))}
        </ul>
      )}
      <p className="tooltip-note">{describeState(total, figure, style, t)}</p>
      {compared !== null && compared !== undefined && (
        <p className="tooltip-note">
          {comparedPeriod(figure, index, locale)}: {formatFull(compared, figure.valueType, style)}
        </p>
      )}
    </>
  );
}

function pointText(point: Point, figure: TimeFigure, style: NumberStyle): string {
  return point.value === null ? "–" : formatFull(point.value, figure.valueType, style);
}

function spokenBucket(
  figure: TimeFigure,
  index: number,
  style: NumberStyle,
  hidden: ReadonlySet<string>,
  locale: string,
  t: ReturnType<typeof useI18n>["t"],
): string {
  const total = figure.total.points[index]!;
  const parts = [
    `${periodLabel(figure, index, locale)}: ${total.value === null ? t("chart.noData") : formatFull(total.value, figure.valueType, style)}`,
    stateWord(figure, index, t),
    describeState(total, figure, style, t),
  ];
  if (figure.series.length > 1) {
    for (const series of figure.series) {
      if (!hidden.has(series.id)) parts.push(`${series.name} ${pointText(series.points[index]!, figure, style)}`);
    }
  }
  return parts.filter(Boolean).join(". ");
}

/** Short form for legends and tables. */
export function tileText(value: number | null, figure: TimeFigure, style: NumberStyle): string {
  if (value === null) return "–";
  const { number, unit } = formatTile(value, figure.valueType, style);
  return unit ? `${number} ${unit}` : number;
}
