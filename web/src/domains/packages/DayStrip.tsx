import { parseDay } from "../../lib/days";
import { formatDayShort } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import type { PointState } from "../../series/model";

const CELL = 3;

/** One cell per day, oldest first, ending with `latest`; in words for those who do not see it. */
export function DayStrip({ states, latest }: { states: readonly PointState[]; latest: string }) {
  const { t, locale } = useI18n();
  const end = parseDay(latest);
  const missing = states.filter((state) => state === "missing").length;
  const dayOf = (index: number) => (end === null ? "" : formatDayShort(end - (states.length - 1 - index), locale));
  return (
    <svg
      className="day-strip"
      width={states.length * CELL}
      height={8}
      viewBox={`0 0 ${states.length * CELL} 8`}
      role="img"
      aria-label={t("packages.daysPart", { days: states.length - missing, of: states.length })}
    >
      {states.map((state, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: a strip's cells are its days in order
        <g key={index} transform={`translate(${index * CELL} 0)`}>
          <title>{`${dayOf(index)}: ${t(`state.${state}`)}`}</title>
          {(state === "final" || state === "restated") && (
            <rect y="1" width={CELL - 1} height="6" fill="var(--line2)" />
          )}
          {state === "restated" && <path d="M1 1.2 2.6 4 1 6.8 -0.6 4Z" fill="var(--accent)" />}
          {state === "provisional" && (
            <rect x="0.5" y="1.5" width={CELL - 2} height="5" fill="none" stroke="var(--ink3)" />
          )}
          {state === "missing" && <path d="M0 6.5 2 1.5" stroke="var(--ink2)" fill="none" />}
        </g>
      ))}
    </svg>
  );
}
