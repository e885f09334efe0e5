import { formatDayShort, formatTile, type NumberStyle } from "../lib/format";
import { useI18n } from "../lib/i18n";
import type { TimeFigure } from "../series/model";

/** Names the series in drawing order, Other last; toggles them, and brings one forward on hover or focus. */
export function Legend(props: {
  figure: TimeFigure;
  style: NumberStyle;
  hidden: ReadonlySet<string>;
  layout: "table" | "row";
  title: string;
  onToggle: (id: string) => void;
  onFocus: (id: string | null) => void;
}) {
  const { t, locale } = useI18n();
  const { figure, style, hidden } = props;
  const value = (rank: number | null) => {
    if (rank === null) return "–";
    const { number, unit } = formatTile(rank, figure.valueType, style);
    return unit ? `${number} ${unit}` : number;
  };
  const summary = figure.kind === "snapshot" ? formatDayShort(figure.range.end, locale) : t("chart.inRange");
  return (
    <div className={`legend ${props.layout}`}>
      {props.layout === "table" && (
        <p className="legend-head">
          <span>{props.title}</span>
          <span>{summary}</span>
        </p>
      )}
      <ul>
        {figure.series.map((series) => (
          <li key={series.id}>
            <button
              type="button"
              aria-pressed={!hidden.has(series.id)}
              title={series.longName ?? series.name}
              onClick={() => props.onToggle(series.id)}
              onPointerEnter={() => props.onFocus(series.id)}
              onPointerLeave={() => props.onFocus(null)}
              onFocus={() => props.onFocus(series.id)}
              onBlur={() => props.onFocus(null)}
            >
              <i
                className={`swatch s${series.color < 0 ? "o" : series.color % 8} ${series.color >= 8 ? "striped" : ""}`}
              />
              <span className="legend-name">{series.name}</span>
              {props.layout === "table" && <b>{value(series.rank)}</b>}
            </button>
          </li>
        ))}
      </ul>
      {props.layout === "table" && (
        <p className="legend-total">
          <span>{figure.total.name}</span>
          <b>{value(figure.total.rank)}</b>
        </p>
      )}
    </div>
  );
}
