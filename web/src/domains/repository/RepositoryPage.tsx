import { type ReactNode, useMemo, useRef, useState } from "react";
import { type Key, Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { apiBase } from "../../api/client";
import type { Community, DashboardConfig, DateBasis, Family, LayoutTab } from "../../api/types";
import { GRANULARITIES, type Granularity, isoDay } from "../../lib/days";
import { formatDayLong, formatRange } from "../../lib/format";
import { localised, useI18n } from "../../lib/i18n";
import { useNarrow } from "../../lib/media";
import type { Comparison } from "../../lib/ranges";
import { presetRange } from "../../lib/ranges";
import { useQuery } from "../../lib/urlState";
import type { PaletteEntry } from "../../ui/CommandPalette";
import { ActionMenu, ChoiceMenu, copyText } from "../../ui/controls";
import { DateRange } from "../../ui/DateRange";
import { Icon } from "../../ui/icons/Icon";
import { PageHead, Shell } from "../../ui/Shell";
import { BottomBar } from "./BottomBar";
import { familiesOf, specOf } from "./components";
import {
  colorBook,
  type ExplainRequest,
  type FamilyState,
  type RepositoryPage as Page,
  RepositoryProvider,
  useFamilyState,
} from "./context";
import { DashboardSettings } from "./DashboardSwitch";
import { dimensionNamed } from "./dimensions";
import { ExplainPanel } from "./ExplainPanel";
import { LayoutRows } from "./LayoutRows";
import { DisabledMessage, EmbeddedNote, Notices, type ReportState } from "./Notices";
import { downloadReport, REPORT_FORMATS, type ReportFormat } from "./report";
import { labelOfValue } from "./SingleStat";
import { defaultPreset, granularityQuery, maxHistoryYears, rangeQuery, todayOf, type View, viewFrom } from "./view";
import { Watermark } from "./Watermark";

const FAMILIES: readonly Family[] = ["record-snapshot", "record-delta", "usage-snapshot", "usage-delta"];
const TAB_ICONS: Record<string, string> = {
  content: "pie",
  contributions: "users",
  traffic: "globe",
  usage: "download",
};

/** The statistics of the whole repository or of one community: `/stats`, `/communities/{id}/stats`. */
export function RepositoryPage(props: { config: DashboardConfig; community: Community | null; framed: boolean }) {
  const { t, locale } = useI18n();
  const { config, community } = props;
  const [query, write] = useQuery();
  const narrow = useNarrow();
  const today = useMemo(() => todayOf(config), [config]);
  const search = query.toString();
  const view = useMemo(() => viewFrom(new URLSearchParams(search), config, today), [search, config, today]);
  const tabs = config.layout?.tabs ?? [];
  const tab = tabs.find((one) => one.name === query.get("tab")) ?? tabs[0];
  const team = config.team ?? (apiBase().replace("/a/", "") || "default");
  const testData = config.use_test_data === true;
  const compress = config.client_cache_compression_enabled === true;
  const scope = useMemo(
    () => ({ community: community?.id ?? "global", team, compress, ...(testData ? { testDay: isoDay(today) } : {}) }),
    [community?.id, team, compress, testData, today],
  );
  const enabled = config.dashboard_enabled !== false;
  const wanted = enabled ? familiesOf(tab) : new Set<Family>();
  const states = {
    "record-snapshot": useFamilyState(scope, "record-snapshot", wanted.has("record-snapshot"), view),
    "record-delta": useFamilyState(scope, "record-delta", wanted.has("record-delta"), view),
    "usage-snapshot": useFamilyState(scope, "usage-snapshot", wanted.has("usage-snapshot"), view),
    "usage-delta": useFamilyState(scope, "usage-delta", wanted.has("usage-delta"), view),
  } satisfies Record<Family, FamilyState>;
  const colors = useRef<ReturnType<typeof colorBook> | null>(null);
  colors.current ??= colorBook();
  const [explained, setExplained] = useState<ExplainRequest | null>(null);
  const [report, setReport] = useState<ReportState>(null);
  const style = useMemo(
    () => ({ locale, binarySizes: config.display_binary_sizes === true }),
    [locale, config.display_binary_sizes],
  );

  const page: Page = {
    config,
    community,
    scope,
    view,
    today,
    style,
    families: states,
    colorOf: colors.current,
    explain: setExplained,
    setOnly: (dimension, id) => write({ only: id === null ? null : `${dimension}:${id}` }),
  };
  const active = FAMILIES.filter((family) => wanted.has(family)).map((family) => states[family]);
  const title = community
    ? community.metadata.title
    : (truthy(config.show_title) && config.title) || t("repository.title");
  const purpose =
    community?.metadata.description ??
    (truthy(config.show_description) && config.description ? config.description : null) ??
    (community ? null : t("repository.purpose"));

  const chooseTab = (name: string) =>
    write({ tab: name === tabs[0]?.name ? null : name, metric: null, split: null, shape: null, stack: null });
  const chooseGranularity = (granularity: Granularity) => {
    const keepsPreset = !query.get("from") && !query.get("range") && defaultPreset(config, granularity) === view.preset;
    write(keepsPreset ? { by: granularity } : granularityQuery(view, granularity, today));
  };
  const runReport = (format: ReportFormat) => {
    setReport({ running: format });
    downloadReport(format, scope, view.basis, view.range)
      .then((file) => setReport({ done: t("report.saved", { file }) }))
      .catch((cause: Error) =>
        setReport({
          problem: t("report.failed", { cause: cause.message === "network" ? t("error.network") : cause.message }),
        }),
      );
  };
  // The server's own files hold real numbers, which a page of invented ones must not pass on.
  const reportActions = REPORT_FORMATS.filter((format) => format === "json" || !testData).map((format) => ({
    id: format,
    label: t(`report.${format}`),
    run: () => runReport(format),
  }));
  const clearRange = () => write({ range: null, from: null, to: null });
  const dateProps = {
    value: { preset: view.preset, range: view.range },
    granularity: view.granularity,
    today,
    maxHistoryYears: maxHistoryYears(config),
    comparison: view.comparison,
    onChange: (choice: { preset: string; range: View["range"] }) => write(rangeQuery(choice.preset, choice.range)),
    onClear: clearRange,
  };
  const granularityChoices = GRANULARITIES.map((id) => ({ id, label: t(`granularity.${id}`) }));
  const comparisonChoices = (["previousYear", "previousPeriod", "none"] as const).map((id) => ({
    id,
    label: t(`comparison.${id}`),
  }));
  const basisChoices = (["added", "created", "published"] as const).map((id) => ({ id, label: t(`basis.${id}`) }));
  const recordTab = [...wanted].some((family) => family.startsWith("record"));

  const controls = (
    <div className="control-bar" role="toolbar" aria-label={t("controls.label")}>
      <DateRange {...dateProps} />
      <ChoiceMenu<Granularity>
        name={t("controls.granularity")}
        quietName
        value={view.granularity}
        choices={granularityChoices}
        onChange={chooseGranularity}
      />
      <ChoiceMenu<Comparison>
        name={t("controls.versus")}
        value={view.comparison}
        choices={comparisonChoices}
        onChange={(id) => write({ vs: id === "previousYear" ? null : id })}
      />
      {recordTab && (
        <ChoiceMenu<DateBasis>
          name={t("controls.basis")}
          value={view.basis}
          choices={basisChoices}
          onChange={(id) => write({ basis: id === (config.default_record_start_basis ?? "added") ? null : id })}
        />
      )}
      <FilterChip page={page} />
    </div>
  );
  const entries: PaletteEntry[] = [
    ...paletteFigures(tabs, t, locale, chooseTab),
    ...reportActions.map(
      (action): PaletteEntry => ({
        id: `report-${action.id}`,
        kind: "action",
        label: t("report.action", { format: action.label }),
        icon: "download",
        run: action.run,
      }),
    ),
    ...(["yearToDate", "30days", "12months", "allTime"] as const).map(
      (preset): PaletteEntry => ({
        id: `preset-${preset}`,
        kind: "action",
        label: t("date.show", { preset: t(`preset.${preset}`) }),
        icon: "calendar",
        run: () => write(rangeQuery(preset, presetRange(preset, today, maxHistoryYears(config))!)),
      }),
    ),
  ];

  const body = !enabled ? (
    <DisabledMessage config={config} community={community} />
  ) : (
    <RepositoryProvider value={page}>
      <Notices config={config} states={active} report={report} onClose={() => setReport(null)} />
      <div className="phrase-row">
        <p className="phrase">{tab && phraseOf(tab, view, states, locale, t)}</p>
        <Watermark states={active} today={today} />
      </div>
      {tab && <LayoutRows tab={tab} />}
      {explained && <ExplainPanel request={explained} onClose={() => setExplained(null)} />}
    </RepositoryProvider>
  );
  const actions = enabled && (
    <>
      <ShareButton />
      <ActionMenu
        label={t("action.download")}
        icon="download"
        heading={t("report.heading", { range: formatRange(view.range, locale) })}
        actions={reportActions}
      />
      {community && <DashboardSettings config={config} community={community} />}
      {config.links?.help && (
        <a className="button" href={config.links.help}>
          <Icon name="help" />
          <span>{t("action.help")}</span>
        </a>
      )}
    </>
  );
  const head = (
    <PageHead
      crumbs={[
        { label: t("nav.repository"), href: `${apiBase()}/stats` },
        ...(community ? [{ label: t("nav.communities"), href: `${apiBase()}/stats` }] : []),
      ]}
      title={title}
      purpose={purpose}
      actions={actions}
    />
  );
  const tabList = (
    <TabList className="tabs" aria-label={t("tabs.label")}>
      {tabs.map((one) => (
        <Tab key={one.name} id={one.name}>
          {tabLabel(one, locale, t)}
        </Tab>
      ))}
    </TabList>
  );
  const panels = (before: ReactNode) =>
    tabs.map((one) => (
      <TabPanel key={one.name} id={one.name} style={{ outline: "none" }}>
        {before}
        {body}
      </TabPanel>
    ));
  const selection = {
    selectedKey: tab?.name ?? "",
    onSelectionChange: (key: Key) => chooseTab(String(key)),
  };
  const bottomBar = narrow && enabled && (
    <BottomBar
      tabs={tabs.map((one) => ({
        id: one.name,
        label: tabLabel(one, locale, t),
        icon: TAB_ICONS[one.name] ?? "chart",
      }))}
      tab={tab?.name ?? ""}
      onTab={chooseTab}
      dates={dateProps}
      comparisons={comparisonChoices}
      onComparison={(id) => write({ vs: id === "previousYear" ? null : id })}
      bases={recordTab ? basisChoices : []}
      basis={view.basis}
      onBasis={(id) => write({ basis: id === "added" ? null : id })}
      granularities={granularityChoices}
      onGranularity={chooseGranularity}
      reports={reportActions}
    />
  );
  if (!props.framed) {
    // Inside somebody else's page: title, tabs and controls stand in a column of their own (spec §16.3).
    if (!enabled || tabs.length === 0)
      return (
        <div className="embedded">
          <aside>{head}</aside>
          <main>{body}</main>
        </div>
      );
    return (
      <Tabs
        {...selection}
        className={`embedded ${bottomBar ? "has-bottom-bar" : ""}`}
        orientation={narrow ? "horizontal" : "vertical"}
      >
        <aside>
          {head}
          {tabList}
          {controls}
          <EmbeddedNote />
        </aside>
        <main>{panels(null)}</main>
        {bottomBar}
      </Tabs>
    );
  }
  const current = community ? `community:${community.id}` : "repository";
  return (
    <Shell current={current} entries={entries} bottomBar={bottomBar}>
      {head}
      {tabs.length > 0 ? (
        <Tabs {...selection}>
          {tabList}
          {panels(!narrow && enabled && controls)}
        </Tabs>
      ) : (
        body
      )}
    </Shell>
  );
}

function truthy(value: unknown): boolean {
  return value === true || (typeof value === "string" && ["true", "1"].includes(value.toLowerCase()));
}

function tabLabel(tab: LayoutTab, locale: string, t: ReturnType<typeof useI18n>["t"]): string {
  const known = t(`tab.${tab.name}`);
  // A label in one language only gets the catalogue's words where it is the default's own.
  if (typeof tab.label === "string" && known !== `tab.${tab.name}`)
    return !locale.startsWith("en") || tab.label.toLowerCase() === known.toLowerCase() ? known : tab.label;
  return localised(tab.label, locale, tab.name);
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

function paletteFigures(
  tabs: readonly LayoutTab[],
  t: ReturnType<typeof useI18n>["t"],
  locale: string,
  choose: (tab: string) => void,
): PaletteEntry[] {
  return tabs.flatMap((tab) =>
    tab.rows.flatMap((row) =>
      row.components.flatMap((component): PaletteEntry[] => {
        const spec = specOf(component.component, component.props);
        if (!spec) return [];
        const given = component.props?.title;
        const label =
          typeof given === "string" && given !== ""
            ? given
            : spec.kind === "stat"
              ? t(`stat.${spec.words}`)
              : spec.kind === "chart"
                ? t(`chart.title.${spec.family}.${spec.subject === "content" ? "records" : "viewUniqueRecords"}`)
                : spec.kind === "breakdown"
                  ? t(`dimension.${spec.dimension.name}`)
                  : spec.kind === "works"
                    ? t(spec.sort === "mostviewed" ? "works.viewed" : "works.downloaded")
                    : t("map.title");
        return [
          {
            id: `${tab.name}-${component.component}`,
            kind: "figure",
            label,
            context: tabLabel(tab, locale, t),
            icon: "chart",
            run: () => choose(tab.name),
          },
        ];
      }),
    ),
  );
}

function FilterChip({ page }: { page: Page }) {
  const { t, locale } = useI18n();
  const { only } = page.view;
  if (!only) return null;
  const dimension = dimensionNamed(only.dimension);
  const name = dimension ? t(`dimension.${dimension.name}`) : only.dimension;
  return (
    <span className="chip">
      <span>
        {t("filter.is", { field: name })} <b>{labelOfValue(only.dimension, only.id, locale)}</b>
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={t("filter.remove", { field: name })}
        onClick={() => page.setOnly(only.dimension, null)}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}

function ShareButton() {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  return (
    <button
      type="button"
      className="button"
      onClick={() =>
        void copyText(window.location.href).then((done) => {
          setCopied(done);
          setTimeout(() => setCopied(false), 2500);
        })
      }
    >
      <Icon name={copied ? "check" : "share"} />
      <span aria-live="polite">{copied ? t("action.linkCopied") : t("action.share")}</span>
    </button>
  );
}
