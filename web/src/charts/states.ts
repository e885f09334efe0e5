import { formatFull, type NumberStyle } from "../lib/format";
import type { Translate } from "../lib/i18n";
import type { Point, TimeFigure } from "../series/model";

/** What is special about a point, in words: "was 4,746, now 4,575", "20 of 30 days". Empty for a plain final point. */
export function describeState(point: Point, figure: Pick<TimeFigure, "valueType">, style: NumberStyle, t: Translate): string {
  const parts: string[] = [];
  if (point.state === "restated" && point.was !== undefined && point.value !== null) {
    parts.push(
      t("chart.was", {
        was: formatFull(point.was, figure.valueType, style),
        now: formatFull(point.value, figure.valueType, style),
      }),
    );
  }
  if (point.of > 1 && point.days < point.of && point.state !== "missing") parts.push(t("chart.daysOf", { days: point.days, of: point.of }));
  return parts.join(", ");
}
