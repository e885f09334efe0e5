import type { Day } from "../../lib/days";
import { formatDayShort, formatInstant } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import type { FamilyState } from "./context";

/** How far the numbers are complete, and when they were counted; what is on its way; what could not be asked. */
export function Watermark({ states, today }: { states: readonly FamilyState[]; today: Day }) {
  const { t, locale } = useI18n();
  const ready = states.filter((state) => state.data !== null);
  if (ready.length === 0) return null;
  if (ready.some((state) => state.updating))
    return (
      <p className="watermark stale" role="status">
        {mark()}
        {t("watermark.updating")}
      </p>
    );
  const savedAt = Math.min(...ready.map((state) => state.data!.savedAt));
  if (ready.some((state) => state.unchecked)) {
    return (
      <p className="watermark failed" role="status">
        {mark()}
        {t("watermark.unchecked", { time: formatInstant(new Date(savedAt).toISOString(), locale) })}
      </p>
    );
  }
  const completes = ready.map((state) => completeTo(state)).filter((day): day is Day => day !== null);
  if (completes.length === 0) return null;
  const day = Math.min(...completes);
  const asOf = ready
    .map((state) => state.data!.coverage.asOf)
    .filter((text): text is string => text !== null)
    .sort()[0];
  const time = formatInstant(asOf ?? new Date(savedAt).toISOString(), locale);
  const late = today - 1 - day;
  return (
    <p className={`watermark ${late > 1 ? "stale" : ""}`}>
      {mark()}
      {t("watermark.complete", { day: formatDayShort(day, locale), time })}
      {late > 1 && ` · ${t("watermark.late", { count: late })}`}
    </p>
  );
}

function mark() {
  return <i aria-hidden="true" />;
}

/** The last day whose numbers no longer change by themselves. */
function completeTo(state: FamilyState): Day | null {
  const { last, provisionalFrom } = state.data!.coverage;
  if (last === null) return null;
  return provisionalFrom === null ? last : Math.min(last, provisionalFrom - 1);
}
