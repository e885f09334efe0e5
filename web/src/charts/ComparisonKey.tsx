import { useI18n } from "../lib/i18n";
import type { TimeFigure } from "../series/model";
import type { ChartShape } from "./timeChartDrawing";

/** What the grey ticks or the grey line of a figure are: the same buckets of the period compared with. */
export function ComparisonKey({
  figure,
  shape,
  stacked,
}: {
  figure: TimeFigure | null;
  shape: ChartShape;
  stacked: boolean;
}) {
  const { t } = useI18n();
  if (!figure?.comparison || (figure.series.length > 1 && !(stacked && shape === "line"))) return null;
  return (
    <span className="comparison-key">
      <i className={shape} aria-hidden="true" />
      {t("chart.comparedTo", { range: figure.comparison.label })}
    </span>
  );
}
