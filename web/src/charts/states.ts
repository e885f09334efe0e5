import { formatFull, type NumberStyle } from "../lib/format";
import type { Translate } from "../lib/i18n";
import type { Point, PointState, TimeFigure } from "../series/model";

/** What is special about a point, in words: "was 4,746, now 4,575", "20 of 30 days". Empty for a plain final point. */
export function describeState(
  point: Point,
  figure: Pick<TimeFigure, "valueType">,
  style: NumberStyle,
  t: Translate,
): string {
  const parts: string[] = [];
  if (point.state === "restated" && point.was !== undefined && point.value !== null) {
    parts.push(
      t("chart.was", {
        was: formatFull(point.was, figure.valueType, style),
        now: formatFull(point.value, figure.valueType, style),
      }),
    );
  }
  if (point.of > 1 && point.days < point.of && point.state !== "missing")
    parts.push(t("chart.daysOf", { days: point.days, of: point.of }));
  return parts.join(", ");
}

/** The word of a bucket's state; a period that only the range cuts short is not called unfinished. */
export function stateWord(figure: TimeFigure, index: number, t: Translate): string {
  const { state } = figure.total.points[index]!;
  const cut =
    state === "open" &&
    figure.buckets[index]!.end <= figure.range.end &&
    figure.buckets[index]!.start < figure.range.start;
  return cut ? t("state.cut") : t(`state.${state}`);
}

/** The letter of a coverage strip: `f` final, `r` restated, `p` pending at the source, anything else missing. */
export function stripState(letter: string): PointState {
  return letter === "f" ? "final" : letter === "r" ? "restated" : letter === "p" ? "provisional" : "missing";
}
