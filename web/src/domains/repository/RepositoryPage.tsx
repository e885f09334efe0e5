import { type ReactNode, useState } from "react";
import { type Key, Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { apiBase } from "../../api/client";
import type { Community, DashboardConfig, LayoutTab } from "../../api/types";
import { formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { useNarrow } from "../../lib/media";
import { presetRange } from "../../lib/ranges";
import { useQuery } from "../../lib/urlState";
import type { PaletteEntry } from "../../ui/CommandPalette";
import { ActionMenu, copyText } from "../../ui/controls";
import { Icon } from "../../ui/icons/Icon";
import { PageHead, Shell } from "../../ui/Shell";
import { BottomBar } from "./BottomBar";
import { ControlBar } from "./ControlBar";
import { DashboardBody } from "./DashboardBody";
import { DashboardSettings } from "./DashboardSwitch";
import { DisabledMessage, EmbeddedNote, type ReportState } from "./Notices";
import { downloadReport, REPORT_FORMATS, type ReportFormat } from "./report";
import { componentTitle, tabLabel } from "./titles";
import { useDashboard } from "./useDashboard";
import { maxHistoryYears, rangeQuery } from "./view";

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
  const tabs = config.layout?.tabs ?? [];
  const tab = tabs.find((one) => one.name === query.get("tab")) ?? tabs[0];
  const dashboard = useDashboard({ config, community, tab });
  const { page, choices } = dashboard;
  const { view, today, scope } = page;
  const testData = config.use_test_data === true;
  const enabled = config.dashboard_enabled !== false;
  const [report, setReport] = useState<ReportState>(null);
  const title = community
    ? community.metadata.title
    : (truthy(config.show_title) && config.title) || t("repository.title");
  const purpose =
    community?.metadata.description ??
    (truthy(config.show_description) && config.description ? config.description : null) ??
    (community ? null : t("repository.purpose"));

  const chooseTab = (name: string) =>
    write({ tab: name === tabs[0]?.name ? null : name, metric: null, split: null, shape: null, stack: null });
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
  const controls = <ControlBar page={page} choices={choices} />;
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
    <DashboardBody dashboard={dashboard} tab={tab} report={report} onCloseReport={() => setReport(null)} />
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
      {config.may_edit_layout && props.framed && (
        <a className="button" href={`${window.location.pathname.replace(/\/+$/, "")}/layout`}>
          <Icon name="grid" />
          <span>{t("layout.edit")}</span>
        </a>
      )}
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
      dates={choices.dates}
      comparisons={choices.comparisons}
      onComparison={choices.chooseComparison}
      bases={choices.bases}
      basis={view.basis}
      onBasis={choices.chooseBasis}
      granularities={choices.granularities}
      onGranularity={choices.chooseGranularity}
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

function paletteFigures(
  tabs: readonly LayoutTab[],
  t: ReturnType<typeof useI18n>["t"],
  locale: string,
  choose: (tab: string) => void,
): PaletteEntry[] {
  return tabs.flatMap((tab) =>
    tab.rows.flatMap((row) =>
      row.components.flatMap((component): PaletteEntry[] => {
        const label = componentTitle(component, t);
        if (label === null) return [];
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
