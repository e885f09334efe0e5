import type { Guidance, PackagesDashboard, Rollup, Signal } from "../../api/packages";
import { csvText } from "../../lib/csv";
import { parseDay } from "../../lib/days";
import { saveCsv } from "../../lib/download";
import { formatDay, formatFull, formatPercent, formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { IconButton } from "../../ui/controls";
import { type Column, DataTable, tableCsv } from "../../ui/DataTable";
import { Figure, FigureEmpty } from "../../ui/Figure";
import { sdkTitle, signalIdentity } from "./figures";

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
        <Movers movers={movers} dashboard={dashboard} />
      </div>
      <div className="grid">
        <Figure
          title={t("packages.insights")}
          subtitle={t("packages.insightsNote")}
          controls={
            signals.length > 0 && (
              <IconButton
                label={t("chart.downloadCsv")}
                icon="download"
                onPress={() => saveCsv("packages-insights", signalsCsv(dashboard, signals))}
              />
            )
          }
        >
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

/** "Driftwood DB NodeJS": the product and the SDK as the page calls them. */
function metricName(dashboard: PackagesDashboard, id: string): string {
  for (const group of dashboard.groups) {
    const item = group.items.find((one) => one.metric_id === id);
    if (item) return `${group.title} ${item.sdk ? sdkTitle(item.sdk) : item.display_name}`;
  }
  return id.split(":").slice(1).join(" · ");
}

function Movers({ movers, dashboard }: { movers: readonly Rollup[]; dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const columns: Column<Rollup>[] = [
    {
      id: "name",
      label: t("packages.metric"),
      start: true,
      cell: (row) => <span title={row.metric_id}>{metricName(dashboard, row.metric_id)}</span>,
      csv: (row) => row.metric_id,
    },
    {
      id: "value",
      label: t("packages.sevenDays"),
      cell: (row) => (row.current_value === null ? "–" : formatFull(row.current_value, "number", { locale })),
      csv: (row) => row.current_value,
      sort: (row) => row.current_value,
    },
    {
      id: "change",
      label: t("packages.change"),
      cell: (row) => <Signed percent={row.percent_change!} />,
      csv: (row) => Math.round(row.percent_change!),
      sort: (row) => Math.abs(row.percent_change!),
    },
  ];
  return (
    <Figure
      title={t("packages.movers")}
      subtitle={t("packages.moversNote")}
      controls={
        movers.length > 0 && (
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() => saveCsv("packages-movers", tableCsv(columns, movers))}
          />
        )
      }
    >
      {movers.length === 0 ? (
        <FigureEmpty
          title={t("packages.noMoversTitle")}
          text={t("packages.noMovers")}
          command="tallykeep packages derive-dashboard"
        />
      ) : (
        <DataTable caption={t("packages.movers")} rows={movers} rowKey={(row) => row.rollup_id} columns={columns} />
      )}
    </Figure>
  );
}

/** The insights as they stand on the page: what moved, when, and the words about it. */
export function signalsCsv(dashboard: PackagesDashboard, signals: readonly Signal[]): string {
  return csvText([
    ["type", "movement", "window_start", "window_end", "title", "why", "evidence"],
    ...signals.map((signal) => {
      const guidance = guidanceOf(dashboard, signal);
      return [
        signal.signal_type,
        guidance?.movement_assessment ?? "pending",
        signal.window_start,
        signal.window_end,
        guidance?.executive_summary ?? signal.title,
        guidance?.why_it_matters ?? signal.summary,
        signal.evidence_ids.join(" "),
      ];
    }),
  ]);
}

function guidanceOf(dashboard: PackagesDashboard, signal: Signal): Guidance | undefined {
  return dashboard.signal_guidance.find(
    (entry) =>
      entry.signal_id === signal.signal_id || signalIdentity(entry.signal_id) === signalIdentity(signal.signal_id),
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
  const guidance = guidanceOf(dashboard, signal);
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
  const words = (id: string, label: string, text: (row: Guidance) => string): Column<Guidance> => ({
    id,
    label,
    start: true,
    cell: text,
    csv: text,
  });
  const columns: Column<Guidance>[] = [
    {
      id: "date",
      label: t("packages.date"),
      start: true,
      cell: (row) => (parseDay(row.generated_at) === null ? "–" : formatDay(parseDay(row.generated_at)!, locale)),
      csv: (row) => row.generated_at.slice(0, 10),
      sort: (row) => row.generated_at,
    },
    words("movement", t("packages.movement"), (row) => row.movement_assessment),
    words("relevance", t("packages.relevance"), (row) => row.engineering_relevance),
    words("confidence", t("packages.confidence"), (row) => row.confidence),
    words("summary", t("packages.summary"), (row) => row.executive_summary),
  ];
  return (
    <Figure
      title={t("packages.guidance")}
      subtitle={t("packages.guidanceNote")}
      controls={
        <IconButton
          label={t("chart.downloadCsv")}
          icon="download"
          onPress={() => saveCsv("packages-guidance", tableCsv(columns, entries))}
        />
      }
    >
      <DataTable caption={t("packages.guidance")} rows={entries} rowKey={(row) => row.guidance_id} columns={columns} />
    </Figure>
  );
}
