import { isoDay } from "../../lib/days";
import { formatDay, formatFull, formatInstantWithDay, formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { comparisonRange } from "../../lib/ranges";
import { countsSeveralTimes } from "../../series/breakdown";
import { CommandLine } from "../../ui/controls";
import { SidePanel } from "../../ui/Sheet";
import { type ExplainRequest, useRepositoryPage } from "./context";

/** What a number means, for whom and when it was counted, which of its days are not final, and the line that asks for it again. */
export function ExplainPanel({ request, onClose }: { request: ExplainRequest; onClose: () => void }) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const state = page.families[request.family];
  const { view } = state;
  const snapshot = request.family.endsWith("snapshot");
  const coverage = state.data?.coverage;
  const metric = request.words.split(".").at(-1)!;
  const filesize = metric === "dataVolume";
  const series = state.data?.global(metric);
  const restated = series
    ? [...series.marks]
        .filter(([day, mark]) => mark.state === "restated" && day >= view.range.start && day <= view.range.end)
        .sort(([a], [b]) => b - a)
    : [];
  const earlier = comparisonRange(view.range, view.comparison);
  const query = request.family.startsWith("record")
    ? `community-${request.family}-${view.basis}`
    : `community-${request.family}`;
  return (
    <SidePanel title={t("explain.title")} open onOpenChange={(open) => !open && onClose()}>
      <div className="explain">
        <h2 className="section-title">{request.title}</h2>
        {request.value !== null && (
          <p className="tile-number">
            <data value={request.value}>{formatFull(request.value, filesize ? "filesize" : "number", page.style)}</data>
          </p>
        )}
        <p>{t(`metric.${request.words}.help`)}</p>
        <dl>
          <dt>{t("explain.countedFor")}</dt>
          <dd>
            {page.community?.metadata.title ?? t("explain.wholeRepository")}
            {request.family.startsWith("record") &&
              `, ${t("controls.basis").toLowerCase()} ${t(`basis.${view.basis}`)}`}
          </dd>
          {view.only && (
            <>
              <dt>{t("explain.filters")}</dt>
              <dd>
                {t("filter.is", { field: t(`dimension.${view.only.dimension}`) })} {view.only.id}
              </dd>
            </>
          )}
          <dt>{t("explain.days")}</dt>
          <dd>
            {snapshot ? t("stat.asOf", { day: formatDay(view.range.end, locale) }) : formatRange(view.range, locale)},
            UTC
          </dd>
          {earlier && (
            <>
              <dt>{t("explain.comparedWith")}</dt>
              <dd>{formatRange(earlier, locale)}</dd>
            </>
          )}
          <dt>{t("explain.addsUp")}</dt>
          <dd>
            {t(
              snapshot
                ? "explain.snapshot"
                : metric === "uploaders" || metric.includes("nique")
                  ? "explain.dailyDistinct"
                  : "explain.delta",
            )}
            {request.dimension && countsSeveralTimes(request.dimension) ? ` ${t("note.severalPerRecord")}` : ""}
          </dd>
          {coverage?.first != null && coverage.last !== null && (
            <>
              <dt>{t("explain.coverage")}</dt>
              <dd>{formatRange({ start: coverage.first, end: coverage.last }, locale)}</dd>
            </>
          )}
          {coverage?.provisionalFrom != null && (
            <>
              <dt>{t("state.provisional")}</dt>
              <dd>{t("explain.provisionalFrom", { day: formatDay(coverage.provisionalFrom, locale) })}</dd>
            </>
          )}
          {coverage?.asOf && (
            <>
              <dt>{t("explain.countedAt")}</dt>
              <dd>{formatInstantWithDay(coverage.asOf, locale)}</dd>
            </>
          )}
        </dl>
        {restated.length > 0 && (
          <>
            <h3>{t("explain.restated")}</h3>
            <ul>
              {restated.slice(0, 20).map(([day, mark]) => (
                <li key={day}>
                  {formatDay(day, locale)}:{" "}
                  {mark.was === undefined
                    ? t("state.restated")
                    : t("chart.was", {
                        was: formatFull(mark.was, filesize ? "filesize" : "number", page.style),
                        now: formatFull(series!.values.get(day) ?? 0, filesize ? "filesize" : "number", page.style),
                      })}
                </li>
              ))}
            </ul>
          </>
        )}
        <h3>{t("explain.askAgain")}</h3>
        <CommandLine
          command={`tallykeep community-stats read --community-id ${page.scope.community} --query-type ${query} --start-date ${isoDay(view.range.start)} --end-date ${isoDay(view.range.end)}`}
        />
      </div>
    </SidePanel>
  );
}
