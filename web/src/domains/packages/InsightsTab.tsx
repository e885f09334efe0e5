import type { Guidance, PackagesDashboard, Rollup, Signal } from "../../api/packages";
import { parseDay } from "../../lib/days";
import { formatDay, formatFull, formatPercent, formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { DataTable } from "../../ui/DataTable";
import { Figure, FigureEmpty } from "../../ui/Figure";
import { signalIdentity } from "./figures";

const MOST_MOVERS = 6;
const MOST_SIGNALS = 5;

/** What moved in seven days, and what it may mean. */
export function InsightsTab({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t } = useI18n();
  const movers = moversOf(dashboard);
  const signals = dashboard.signal_candidates.slice(0, MOST_SIGNALS);
  return (
    <div className="rows">
      <div className="grid">
        <Movers movers={movers} />
      </div>
      <div className="grid">
        <Figure title={t("packages.insights")} subtitle={t("packages.insightsNote")}>
          {signals.length === 0 ? (
            <FigureEmpty
              title={t("packages.noSignalsTitle")}
              text={t("packages.noSignals")}
              command="tallykeep packages derive-dashboard"
            />
          ) : (
            <ol className="signals">
              {signals.map((signal) => (
                <li key={signal.signal_id}>
                  <SignalBlock signal={signal} dashboard={dashboard} />
                </li>
              ))}
            </ol>
          )}
        </Figure>
      </div>
      {dashboard.signal_guidance.length > 0 && (
        <div className="grid">
          <GuidanceTable entries={dashboard.signal_guidance.slice(0, 20)} />
        </div>
      )}
    </div>
  );
}

function moversOf(dashboard: PackagesDashboard): Rollup[] {
  const all = dashboard.movers ?? dashboard.metric_rollups;
  return all
    .filter(
      (rollup) => rollup.window === "7d" && rollup.metric_family === "downloads" && rollup.percent_change !== null,
    )
    .sort((a, b) => Math.abs(b.percent_change!) - Math.abs(a.percent_change!))
    .slice(0, MOST_MOVERS);
}

function Movers({ movers }: { movers: readonly Rollup[] }) {
  const { t, locale } = useI18n();
  return (
    <Figure title={t("packages.movers")} subtitle={t("packages.moversNote")}>
      {movers.length === 0 ? (
        <FigureEmpty
          title={t("packages.noMoversTitle")}
          text={t("packages.noMovers")}
          command="tallykeep packages derive-dashboard"
        />
      ) : (
        <DataTable
          caption={t("packages.movers")}
          rows={movers}
          rowKey={(row) => row.rollup_id}
          columns={[
            {
              id: "name",
              label: t("packages.metric"),
              start: true,
              cell: (row) => row.metric_id.split(":").slice(1).join(" · "),
            },
            {
              id: "value",
              label: t("packages.sevenDays"),
              cell: (row) => (row.current_value === null ? "–" : formatFull(row.current_value, "number", { locale })),
              sort: (row) => row.current_value,
            },
            {
              id: "change",
              label: t("packages.change"),
              cell: (row) => <Signed percent={row.percent_change!} />,
              sort: (row) => Math.abs(row.percent_change!),
            },
          ]}
        />
      )}
    </Figure>
  );
}

function Signed({ percent }: { percent: number }) {
  const { t, locale } = useI18n();
  return (
    <>
      <span className="arrow" aria-hidden="true">
        {percent >= 0 ? "▲" : "▼"}
      </span>{" "}
      <span className="visually-hidden">{t(percent >= 0 ? "change.up" : "change.down")} </span>
      <strong>{formatPercent(Math.abs(Math.round(percent)) / 100, locale, 0)}</strong>
    </>
  );
}

function SignalBlock({ signal, dashboard }: { signal: Signal; dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const guidance = dashboard.signal_guidance.find(
    (entry) =>
      entry.signal_id === signal.signal_id || signalIdentity(entry.signal_id) === signalIdentity(signal.signal_id),
  );
  const cited = new Set([...signal.evidence_ids, ...(guidance?.citations ?? []).map((citation) => citation.source_id)]);
  const evidence = dashboard.recent_evidence.filter((item) => cited.has(item.evidence_id)).slice(0, 3);
  const [start, end] = [parseDay(signal.window_start), parseDay(signal.window_end)];
  const steps = (guidance?.recommended_next_steps ?? []).filter((step) => step.trim() !== "").slice(0, 4);
  const facts = (guidance?.citations ?? []).filter((citation) => citation.fact?.trim()).slice(0, 3);
  return (
    <article className="signal">
      <p className="caption">
        {signal.signal_type.replaceAll("_", " ")} · {guidance?.movement_assessment ?? t("packages.pending")}
        {start !== null && end !== null && ` · ${formatRange({ start, end }, locale)}`}
      </p>
      <h3 className="figure-title">{guidance?.executive_summary ?? signal.title}</h3>
      <p>{guidance?.why_it_matters ?? signal.summary}</p>
      {steps.length > 0 && (
        <>
          <h4>{t("packages.nextSteps")}</h4>
          <ul className="plain-list">
            {steps.map((step) => (
              <li key={step}>{step}</li>
            ))}
          </ul>
        </>
      )}
      {facts.length > 0 && (
        <>
          <h4>{t("packages.facts")}</h4>
          <ul className="plain-list">
            {facts.map((citation) => (
              <li key={`${citation.source_id}${citation.fact}`}>{citation.fact}</li>
            ))}
          </ul>
        </>
      )}
      {evidence.length > 0 && (
        <>
          <h4>{t("packages.evidence")}</h4>
          <ul className="plain-list">
            {evidence.map((item) => (
              <li key={item.evidence_id}>
                {/^https?:\/\//.test(item.url) ? (
                  <a href={item.url} target="_blank" rel="noopener noreferrer">
                    {item.title}
                  </a>
                ) : (
                  item.title
                )}{" "}
                <span className="caption">
                  {parseDay(item.occurred_at) === null ? "" : formatDay(parseDay(item.occurred_at)!, locale)}
                </span>
              </li>
            ))}
          </ul>
        </>
      )}
    </article>
  );
}

function GuidanceTable({ entries }: { entries: readonly Guidance[] }) {
  const { t, locale } = useI18n();
  return (
    <Figure title={t("packages.guidance")} subtitle={t("packages.guidanceNote")}>
      <DataTable
        caption={t("packages.guidance")}
        rows={entries}
        rowKey={(row) => row.guidance_id}
        columns={[
          {
            id: "date",
            label: t("packages.date"),
            start: true,
            cell: (row) => (parseDay(row.generated_at) === null ? "–" : formatDay(parseDay(row.generated_at)!, locale)),
            sort: (row) => row.generated_at,
          },
          { id: "movement", label: t("packages.movement"), start: true, cell: (row) => row.movement_assessment },
          { id: "relevance", label: t("packages.relevance"), start: true, cell: (row) => row.engineering_relevance },
          { id: "confidence", label: t("packages.confidence"), start: true, cell: (row) => row.confidence },
          { id: "summary", label: t("packages.summary"), start: true, cell: (row) => row.executive_summary },
        ]}
      />
    </Figure>
  );
}
