import { useMemo, useRef, useState } from "react";
import { countryName, formatAxis, formatFull, formatPercent, type NumberStyle } from "../lib/format";
import { useI18n } from "../lib/i18n";
import "./charts.css";
import { classOf, mapClasses, rampStep } from "./mapClasses";
import { useECharts, useWidth } from "./useECharts";
import { WORLD, worldCodes } from "./worldGeometry";

/** Countries by value, Equal Earth. The list beside it says the same in words; arrow keys walk the countries by value. */
export default function WorldMap(props: {
  title: string;
  values: readonly { id: string; value: number }[];
  total: number | null;
  /** Values without a country, in words under the map; `null` when nobody knows. */
  unlocated: number | null;
  valueLabel: string;
  unlocatedText: (count: number) => string;
  uniform: boolean;
  zoom: number;
  height: number;
  selected: string | null;
  style: NumberStyle;
}) {
  const { t, locale } = useI18n();
  const outer = useRef<HTMLDivElement>(null);
  const width = useWidth(outer);
  const height = Math.max(160, Math.min(props.height, width * 0.56));
  const [cursor, setCursor] = useState<number | null>(null);
  const codes = useMemo(() => worldCodes(), []);
  const ranked = useMemo(
    () => props.values.filter((entry) => entry.value > 0).toSorted((a, b) => b.value - a.value),
    [props.values],
  );
  const classes = useMemo(() => mapClasses(ranked[0]?.value ?? 0), [ranked]);
  const current = cursor === null ? null : (ranked[cursor] ?? null);
  const outlined = current?.id ?? props.selected;

  const option = useMemo(() => {
    const values = new Map(ranked.map((entry) => [entry.id, entry.value]));
    return {
      animation: false,
      geo: {
        map: WORLD,
        aspectScale: 1,
        silent: true,
        roam: false,
        preserveAspect: true,
        left: 0,
        right: 0,
        top: 0,
        bottom: 0,
        itemStyle: { areaColor: "var(--m0)", borderColor: "var(--paper)", borderWidth: 0.6 },
        emphasis: { disabled: true },
        label: { show: false },
        regions: codes.map((code) => ({
          name: code,
          silent: true,
          itemStyle: {
            areaColor: `var(--m${classOf(values.get(code) ?? 0, classes, props.uniform)})`,
            ...(code === outlined ? { borderColor: "var(--accent)", borderWidth: 1.8 } : {}),
          },
        })),
      },
    };
  }, [ranked, classes, outlined, props.uniform, codes]);
  const size = useMemo(() => ({ width, height }), [width, height]);
  const box = useECharts(size, option);

  const countryAt = (event: React.PointerEvent<HTMLDivElement>): number | null => {
    const bounds = event.currentTarget.getBoundingClientRect();
    const code = hitTest(event.currentTarget, event.clientX - bounds.left, event.clientY - bounds.top);
    const index = code === null ? -1 : ranked.findIndex((entry) => entry.id === code);
    return index === -1 ? null : index;
  };
  const described = current && {
    name: countryName(current.id, locale),
    value: formatFull(current.value, "number", props.style),
    share: props.total ? formatPercent(current.value / props.total, locale) : "",
  };
  return (
    <div ref={outer}>
      <div
        className="map-box"
        role="group"
        aria-roledescription="map"
        aria-label={t("map.label", { title: props.title, count: ranked.length })}
        tabIndex={0}
        dir="ltr"
        style={{ height }}
        onPointerMove={(event) => setCursor(countryAt(event))}
        onPointerLeave={() => setCursor(null)}
        onBlur={() => setCursor(null)}
        onKeyDown={(event) => {
          const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
          if (step === undefined || ranked.length === 0) return;
          event.preventDefault();
          setCursor((old) => Math.min(ranked.length - 1, Math.max(0, old === null ? 0 : old + step)));
        }}
      >
        <div ref={box} style={size} />
        {described && (
          <div className="float chart-tooltip map-tooltip">
            <p className="tooltip-head">{described.name}</p>
            <p className="tooltip-value">{described.value}</p>
            <p className="tooltip-note">
              {props.valueLabel} {described.share && `· ${described.share}`}
            </p>
          </div>
        )}
        <div className="visually-hidden" aria-live="polite">
          {described ? `${described.name}: ${described.value} ${described.share}` : ""}
        </div>
      </div>
      <div className="map-legend">
        <ol>
          <li>
            <i className="m0" />
            {t("map.none")}
          </li>
          {props.uniform ? (
            <li>
              <i className="m3" />
              {t("map.some")}
            </li>
          ) : (
            classes.map((one, index) => (
              <li key={one.from}>
                <i className={`m${rampStep(index, classes.length)}`} />
                {one.to === null
                  ? `${formatAxis(one.from, "number", props.style)} +`
                  : `${compactEnd(one.from, props.style)}–${compactEnd(one.to, props.style)}`}
              </li>
            ))
          )}
        </ol>
        {props.unlocated !== null && props.unlocated > 0 && <p>{props.unlocatedText(props.unlocated)}</p>}
      </div>
    </div>
  );
}

/** 9,999 as the end of a class is "9.9k": never rounded up into the next class. */
function compactEnd(value: number, style: NumberStyle): string {
  if (value < 1000) return formatAxis(value, "number", style);
  const floored =
    value % 10 === 9
      ? Math.floor(value / 10 ** (Math.floor(Math.log10(value)) - 1)) * 10 ** (Math.floor(Math.log10(value)) - 1)
      : value;
  return new Intl.NumberFormat(style.locale, { notation: "compact", maximumFractionDigits: 1 })
    .format(floored)
    .replace("K", "k");
}

/** The country under a point, asked of the drawing's own paths in the order they were drawn. */
function hitTest(box: HTMLElement, x: number, y: number): string | null {
  const svg = box.querySelector("svg");
  if (!svg) return null;
  const codes = worldCodes();
  const paths = countryPaths(svg);
  const point = new DOMPoint(x, y);
  for (let index = 0; index < paths.length; index += 1) {
    const path = paths[index]!;
    const matrix = path.getCTM();
    if (matrix && path.isPointInFill(point.matrixTransform(matrix.inverse()))) return codes[index] ?? null;
  }
  return null;
}

function countryPaths(svg: SVGSVGElement): SVGPathElement[] {
  return [...svg.querySelectorAll<SVGPathElement>("path")].filter((path) =>
    (path.getAttribute("fill") ?? "").includes("--m"),
  );
}
