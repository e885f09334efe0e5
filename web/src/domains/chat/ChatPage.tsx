import { useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useState } from "react";
import { type ChatOverview, chatPath, exportChart, useChat, useFilterOptions, usePresets } from "../../api/chat";
import { apiBase } from "../../api/client";
import { dayOfInstant, parseDay } from "../../lib/days";
import { saveFile } from "../../lib/download";
import { useI18n } from "../../lib/i18n";
import { useQuery } from "../../lib/urlState";
import { ActionMenu } from "../../ui/controls";
import { FigureEmpty, FigureLoading } from "../../ui/Figure";
import { Icon } from "../../ui/icons/Icon";
import { PageHead, Shell } from "../../ui/Shell";
import { BotTable } from "./BotTable";
import { ChatCharts } from "./ChatCharts";
import { ChatTiles } from "./ChatTiles";
import { ClientForm } from "./ClientForm";
import { CostFigure, WHOLE_HEIGHT } from "./CostFigure";
import { EngagementViewsFigure } from "./EngagementViewsFigure";
import { FilterBar } from "./FilterBar";
import { apiQuery, earlierQuery, filterData, filterFrom, pageQuery } from "./filters";
import { People, Tags } from "./People";
import { SearchBar } from "./SearchBar";
import "./chat.css";

const DEBOUNCE_MS = 500;
const EXPORTS = [
  "overview",
  "session_analytics",
  "message_volume",
  "bot_performance",
  "user_engagement",
  "channel_breakdown",
  "tag_analytics",
] as const;

/** `/a/{team}/dashboard/`: how the team's bots are talked to. */
export default function ChatPage() {
  const { t } = useI18n();
  const [query] = useQuery();
  const search = query.toString();
  const filter = useMemo(() => filterFrom(new URLSearchParams(search)), [search]);
  const options = useFilterOptions("", filter.values.participants);
  const presets = usePresets();
  const today = parseDay(options.data?.today) ?? dayOfInstant(Date.now());
  const wanted = apiQuery(filter, today);
  const asked = useDebounced(wanted, DEBOUNCE_MS);
  const earlier = useDebounced(earlierQuery(filter, today), DEBOUNCE_MS);
  const live = useLive(asked);
  const [problem, setProblem] = useState<string | null>(null);

  // A page opened without a question shows the reader's default one.
  useEffect(() => {
    const preset = presets.data?.find((one) => one.is_default);
    if (preset && window.location.search === "") replaceQuery(pageQuery(preset.filter_data));
  }, [presets.data]);

  const download = (chart: string, format: string) => {
    setProblem(null);
    exportChart(chart, format, filterData(filter))
      .then(({ name, blob }) => saveFile(name, blob, blob.type))
      .catch((cause: Error) => setProblem(t("report.failed", { cause: cause.message })));
  };
  const ready = asked !== null && options.data !== undefined;
  // The tiles ask first of all; what is wrong with a search is wrong for every widget alike, and is said once, at its field.
  const overview = useChat<ChatOverview>("overview", asked ?? "", ready);
  const searchProblem =
    overview.isError && (filter.expression || filter.saved.length > 0) ? overview.error.message : null;
  return (
    <Shell current="chat">
      <PageHead
        crumbs={[{ label: t("nav.chat") }]}
        title={t("nav.chatbots")}
        purpose={
          options.data ? (
            t("chat.purpose", { count: options.data.experiments.length, channels: options.data.channels.length })
          ) : (
            // As long as what will stand there.
            <span className="unsaid">{t("chat.purpose", { count: 10, channels: 10 })}</span>
          )
        }
        actions={
          <ActionMenu
            label={t("action.download")}
            icon="download"
            heading={t("chat.exportHeading")}
            actions={EXPORTS.map((chart) => ({
              id: chart,
              label: t(`chat.export.${chart}`),
              run: () => download(chart, "csv"),
            }))}
          />
        }
      />
      <FilterBar
        filter={filter}
        options={options.data}
        today={today}
        presets={presets.data ?? null}
        onPresets={() => void presets.refetch()}
        live={live}
        replace={replaceQuery}
      />
      <SearchBar filter={filter} replace={replaceQuery} problem={searchProblem} />
      {problem && (
        <p className="notice bad" role="alert">
          <Icon name="warning" />
          {problem}
        </p>
      )}
      {options.data && !options.data.has_data ? (
        <FigureEmpty
          title={t("chat.emptyTitle")}
          text={t("chat.empty")}
          command={`tallykeep import chat ./export --team ${apiBase().replace("/a/", "") || "default"}`}
          waiting={t("chat.waiting")}
        />
      ) : asked === null && wanted === null ? (
        <FigureEmpty title={t("chat.unfinishedTitle")} text={t("chat.unfinished")} />
      ) : (
        <div className="rows">
          <ChatTiles query={asked ?? ""} earlier={earlier ?? ""} enabled={ready} filter={filter} today={today} />
          {options.data ? (
            <>
              {options.data.cost_tracking && (
                <CostFigure query={asked ?? ""} enabled={ready} filter={filter} today={today} />
              )}
              <ChatCharts query={asked ?? ""} enabled={ready} filter={filter} today={today} />
              <BotTable query={asked ?? ""} enabled={ready} />
              <div className="grid">
                <People query={asked ?? ""} enabled={ready} />
                <People query={asked ?? ""} enabled={ready} least />
                <Tags
                  query={asked ?? ""}
                  enabled={ready}
                  options={options.data}
                  filter={filter}
                  replace={replaceQuery}
                />
              </div>
              <EngagementViewsFigure query={asked ?? ""} enabled={ready} today={today} />
            </>
          ) : (
            // Whether costs stand before the charts is not known yet: what follows the tiles waits for it.
            <FigureLoading height={WHOLE_HEIGHT} />
          )}
        </div>
      )}
      <ClientForm filter={filter} options={options.data} today={today} />
    </Shell>
  );
}

/** The whole query string anew, as one step of the browser's history. */
export function replaceQuery(query: URLSearchParams): void {
  const url = new URL(window.location.href);
  const kept = ["lang", "theme", "dir"]
    .filter((name) => url.searchParams.has(name))
    .map((name) => [name, url.searchParams.get(name)!]);
  url.search = new URLSearchParams([...query, ...kept] as [string, string][]).toString();
  window.history.pushState(null, "", url);
  window.dispatchEvent(new Event("tallykeep:url"));
}

function useDebounced<T>(value: T, millis: number): T {
  const [held, setHeld] = useState(value);
  useEffect(() => {
    const timer = setTimeout(() => setHeld(value), millis);
    return () => clearTimeout(timer);
  }, [value, millis]);
  return held;
}

export type Live = { state: "off" } | { state: "on"; at: number };

/** Listens for news of the current question; each one makes the widgets ask again. The first only says that the line stands. */
function useLive(query: string | null): Live {
  const client = useQueryClient();
  const [live, setLive] = useState<Live>({ state: "off" });
  useEffect(() => {
    if (query === null || typeof EventSource === "undefined") return;
    let first = true;
    const source = new EventSource(chatPath(`api/live/?${query}&charts=overview`));
    source.addEventListener("changes", () => {
      setLive({ state: "on", at: Date.now() });
      if (!first) void client.invalidateQueries({ queryKey: ["chat"] });
      first = false;
    });
    source.onerror = () => setLive({ state: "off" });
    return () => source.close();
  }, [query, client]);
  return live;
}
