import type { Family, LayoutTab } from "../../api/types";
import { formatDayLong, formatRange } from "../../lib/format";
import { localised, useI18n } from "../../lib/i18n";
import { familiesOf } from "./components";
import { type FamilyState, RepositoryProvider } from "./context";
import { ExplainPanel } from "./ExplainPanel";
import { LayoutRows } from "./LayoutRows";
import { Notices, type ReportState } from "./Notices";
import type { Dashboard } from "./useDashboard";
import type { View } from "./view";
import { Watermark } from "./Watermark";

/** A tab's figures under its phrase: on the page of statistics and in the preview of a layout. */
export function DashboardBody(props: {
  dashboard: Dashboard;
  tab: LayoutTab | undefined;
  report: ReportState;
  onCloseReport: () => void;
  /** Names a frame of ours draws nothing for are told instead of left out. */
  outlined?: boolean;
}) {
  const { t, locale } = useI18n();
  const { page, states, explained, explain } = props.dashboard;
  const { tab } = props;
  return (
    <RepositoryProvider value={page}>
      <Notices config={page.config} states={states} report={props.report} onClose={props.onCloseReport} />
      <div className="phrase-row">
        <p className="phrase">{tab && phraseOf(tab, page.view, page.families, locale, t)}</p>
        <Watermark states={states} today={page.today} />
      </div>
      {tab && <LayoutRows tab={tab} outlined={props.outlined === true} />}
      {explained && <ExplainPanel request={explained} onClose={() => explain(null)} />}
    </RepositoryProvider>
  );
}

/** The tab's phrase with the day of the numbers (cumulative tabs) or the days they cover. */
function phraseOf(
  tab: LayoutTab,
  view: View,
  states: Record<Family, FamilyState>,
  locale: string,
  t: ReturnType<typeof useI18n>["t"],
): string {
  const families = [...familiesOf(tab)];
  const cumulative = families.length > 0 && families.every((family) => family.endsWith("snapshot"));
  const lasts = families
    .map((family) => states[family].data?.coverage.last ?? null)
    .filter((day): day is number => day !== null);
  const end = cumulative && lasts.length > 0 ? Math.min(view.range.end, Math.max(...lasts)) : view.range.end;
  const known = t(cumulative ? "phrase.cumulative" : "phrase.activity");
  const phrase =
    locale.startsWith("en") || typeof tab.date_range_phrase !== "string"
      ? localised(tab.date_range_phrase, locale, known)
      : known;
  return `${phrase} ${cumulative ? formatDayLong(end, locale) : formatRange(view.range, locale)}`;
}
