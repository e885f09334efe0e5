import { useMemo } from "react";
import { Tab, TabList, TabPanel, Tabs } from "react-aria-components";
import { type PackagesDashboard, usePackagesDashboard } from "../../api/packages";
import { parseDay } from "../../lib/days";
import { saveFile } from "../../lib/download";
import { formatDay, formatInstantWithDay } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { useQuery } from "../../lib/urlState";
import type { PaletteEntry } from "../../ui/CommandPalette";
import { FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";
import { Icon } from "../../ui/icons/Icon";
import { PageHead, Shell } from "../../ui/Shell";
import { ChartsTab } from "./ChartsTab";
import { monthCsv } from "./figures";
import { GapsTab } from "./GapsTab";
import { InsightsTab } from "./InsightsTab";
import { ReportMenu, reportActions } from "./ReportMenu";
import "./packages.css";

const TABS = ["charts", "insights", "gaps"] as const;

/** `/packages`: downloads and stars of the configured products. */
export default function PackagesPage() {
  const { t, locale } = useI18n();
  const [query, write] = useQuery();
  const dashboard = usePackagesDashboard();
  const tab = TABS.find((one) => one === query.get("tab")) ?? "charts";
  const data = dashboard.data;
  const title =
    data?.project?.title || (data?.products?.length === 1 ? data.products[0]!.title : "") || t("nav.packages");
  const download = () =>
    data && saveFile("monthly-download-snapshots.csv", monthCsv(data, t("packages.total")), "text/csv;charset=utf-8");
  const entries: PaletteEntry[] = [
    ...TABS.map(
      (id): PaletteEntry => ({
        id: `packages-${id}`,
        kind: "figure",
        label: t(`packages.tab.${id}`),
        icon: "chart",
        run: () => write({ tab: id === "charts" ? null : id }),
      }),
    ),
    ...(data ? reportActions(data, t, locale) : []).map(
      (action): PaletteEntry => ({
        ...action,
        kind: "action",
        label: t("packages.reportAction", { report: action.label }),
        icon: "file",
      }),
    ),
  ];
  return (
    <Shell current="packages" entries={entries}>
      <PageHead
        crumbs={[{ label: t("nav.packages") }]}
        title={title}
        purpose={purposeOf(data?.project?.subtitle ?? "", t("packages.purpose"))}
        actions={
          data && (
            <>
              <ReportMenu dashboard={data} />
              <button type="button" className="button" onClick={download}>
                <Icon name="download" />
                {t("action.download")}
              </button>
            </>
          )
        }
      />
      {dashboard.isPending ? (
        <div style={{ marginTop: 24 }}>
          <FigureLoading height={360} />
        </div>
      ) : dashboard.isError ? (
        <div style={{ marginTop: 24 }}>
          <FigureError
            title={t("error.page")}
            cause={t("error.cause", { cause: dashboard.error.message })}
            retry={() => void dashboard.refetch()}
          />
        </div>
      ) : dashboard.data.groups.length === 0 ? (
        <div style={{ marginTop: 24 }}>
          <FigureEmpty
            title={t("packages.emptyTitle")}
            text={t("packages.empty")}
            command="tallykeep packages init"
            waiting={t("packages.waiting")}
          />
        </div>
      ) : (
        <Tabs selectedKey={tab} onSelectionChange={(key) => write({ tab: key === "charts" ? null : String(key) })}>
          <TabList className="tabs" aria-label={t("tabs.label")}>
            {TABS.map((id) => (
              <Tab key={id} id={id}>
                {t(`packages.tab.${id}`)}
                {id === "gaps" && gapCount(dashboard.data) > 0 && (
                  <span className="tab-count">{gapCount(dashboard.data)}</span>
                )}
              </Tab>
            ))}
          </TabList>
          <Freshness dashboard={dashboard.data} locale={locale} updating={dashboard.isFetching} />
          <TabPanel id="charts">
            <ChartsTab dashboard={dashboard.data} onGaps={() => write({ tab: "gaps" })} />
          </TabPanel>
          <TabPanel id="insights">
            <InsightsTab dashboard={dashboard.data} />
          </TabPanel>
          <TabPanel id="gaps">
            <GapsTab dashboard={dashboard.data} />
          </TabPanel>
        </Tabs>
      )}
    </Shell>
  );
}

/** The project's own line, then what downloads are, unless the project says so itself. */
function purposeOf(subtitle: string, whatDownloadsAre: string): string {
  return /not users/i.test(subtitle) ? subtitle : `${subtitle} ${whatDownloadsAre}`.trim();
}

export function gapCount(dashboard: PackagesDashboard): number {
  return dashboard.collection_gaps?.length ?? 0;
}

/** Days without news after which a source is called stale. */
export const STALE_AFTER_DAYS = 2;

function Freshness({
  dashboard,
  locale,
  updating,
}: {
  dashboard: PackagesDashboard;
  locale: string;
  updating: boolean;
}) {
  const { t } = useI18n();
  const newest = parseDay(dashboard.latest_completed_day ?? dashboard.last_30d_download_totals.window_end);
  const stale = useMemo(
    () =>
      dashboard.groups.flatMap((group) => group.items).filter((item) => (item.stale_days ?? 0) > STALE_AFTER_DAYS)
        .length,
    [dashboard],
  );
  return (
    <div className="phrase-row" style={{ marginTop: 12 }}>
      <p className="phrase">{t("packages.phrase")}</p>
      <p className={`watermark ${stale > 0 ? "stale" : ""}`} {...(updating ? { role: "status" } : {})}>
        <i aria-hidden="true" />
        {t("packages.computed", { time: formatInstantWithDay(dashboard.generated_at, locale) })}
        {newest !== null && ` · ${t("packages.newestDay", { day: formatDay(newest, locale) })}`}
        {stale > 0 && ` · ${t("packages.staleSources", { count: stale })}`}
      </p>
    </div>
  );
}
