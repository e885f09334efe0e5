import { type ReactNode, useMemo, useState } from "react";
import type { PackageItem, PackagesDashboard } from "../../api/packages";
import { Sparkline } from "../../charts/Sparkline";
import { StateKey } from "../../charts/StateGlyph";
import { TimeChart } from "../../charts/TimeChart";
import { TimeTable, timeFigureCsv } from "../../charts/TimeTable";
import { parseDay } from "../../lib/days";
import { fileName, saveFile } from "../../lib/download";
import { formatDayShort, formatFull, formatMonth, formatPercent } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { useQuery } from "../../lib/urlState";
import type { Point, TimeFigure } from "../../series/model";
import { Help, IconButton, Segmented } from "../../ui/controls";
import { DataTable } from "../../ui/DataTable";
import { Figure, FigureEmpty } from "../../ui/Figure";
import { ChangeText } from "../../ui/StatTile";
import {
  changeOver,
  downloadItems,
  extensionFigure,
  itemFigure,
  type MonthSplit,
  monthCsv,
  monthFigure,
  repositoryTitle,
  sdkTitle,
  starFigure,
} from "./figures";
import { MonthTable } from "./MonthTable";
import { WindowFigure } from "./WindowFigure";

/** "Charts and downloads": month totals, the window, a section per product, the extension, stars. */
export function ChartsTab({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t } = useI18n();
  const sections = dashboard.groups.filter((group) => group.items.some((item) => item.metric_family === "downloads"));
  return (
    <>
      <div className="grid">
        <div style={{ "--span": 11, "--span-tablet": 8 } as React.CSSProperties}>
          <MonthTotals dashboard={dashboard} />
        </div>
        <div style={{ "--span": 5, "--span-tablet": 8 } as React.CSSProperties}>
          <WindowFigure dashboard={dashboard} />
          <Coverage dashboard={dashboard} />
        </div>
      </div>
      {sections.map((group) => (
        <section key={group.product}>
          <div className="section-head">
            <h2 className="section-title">{group.title}</h2>
            <p className="caption">
              {dashboard.products?.find((one) => one.id === group.product)?.subtitle || t("packages.sectionNote")}
            </p>
          </div>
          <div className="cards">
            {downloadItems(dashboard, group.product).map((item) => (
              <DownloadCard key={item.metric_id} item={item} />
            ))}
          </div>
        </section>
      ))}
      <Extension dashboard={dashboard} />
      <Stars dashboard={dashboard} />
    </>
  );
}

const SPLITS: readonly MonthSplit[] = ["total", "product", "sdk"];

function MonthTotals({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const [query, write] = useQuery();
  const [asTable, setAsTable] = useState(false);
  const split = SPLITS.find((one) => one === query.get("months")) ?? "total";
  const figure = useMemo(
    () => withAnnotations(monthFigure(dashboard, split, t("packages.total")), dashboard),
    [dashboard, split, t],
  );
  const style = useMemo(() => ({ locale }), [locale]);
  const title = t("packages.months");
  const head = figure && lastWhole(figure.figure.total.points);
  return (
    <Figure
      title={title}
      subtitle={t("packages.monthsNote")}
      help={
        <Help about={title}>
          <p>{t("packages.monthsHelp")}</p>
        </Help>
      }
      controls={
        <>
          <Segmented
            label={t("chart.separately")}
            value={split}
            choices={SPLITS.map((id) => ({ id, label: t(`packages.split.${id}`) }))}
            onChange={(id) => write({ months: id === "total" ? null : id })}
          />
          <IconButton
            label={asTable ? t("chart.showPlot") : t("chart.showTable")}
            icon={asTable ? "chart" : "table"}
            pressed={asTable}
            onPress={() => setAsTable(!asTable)}
          />
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() =>
              saveFile(
                "monthly-download-snapshots.csv",
                monthCsv(dashboard, t("packages.total")),
                "text/csv;charset=utf-8",
              )
            }
          />
        </>
      }
      foot={<StateKey />}
    >
      {!figure || dashboard.monthly_download_snapshots.length < 2 ? (
        <FigureEmpty
          title={t("packages.tooFewTitle")}
          text={t("packages.tooFew")}
          command="tallykeep packages update-all"
        />
      ) : (
        <>
          {head && (
            <p className="headline">
              <data className="tile-number" value={head.value}>
                {formatFull(head.value, "number", style)}
              </data>
              <span className="caption">{formatMonth(figure.figure.buckets[head.index]!.start, locale)}</span>
              <MonthChange figure={figure.figure} index={head.index} />
            </p>
          )}
          {asTable ? (
            <MonthTable dashboard={dashboard} height={280} />
          ) : (
            <TimeChart
              figure={figure.figure}
              title={title}
              shape="line"
              stacked={split !== "total"}
              height={280}
              style={style}
              annotations={figure.annotations}
              legend="top"
            />
          )}
        </>
      )}
    </Figure>
  );
}

function lastWhole(points: readonly Point[]): { index: number; value: number } | null {
  for (let index = points.length - 1; index >= 0; index -= 1) {
    const point = points[index]!;
    if (point.state !== "open" && point.value !== null) return { index, value: point.value };
  }
  return null;
}

/** Against the month before; nothing where that month is missing. */
function MonthChange({ figure, index }: { figure: TimeFigure; index: number }) {
  const { t, locale } = useI18n();
  const now = figure.total.points[index]?.value ?? null;
  const before = figure.total.points[index - 1]?.value ?? null;
  if (now === null || before === null) return null;
  const start = figure.buckets[index - 1]!;
  return (
    <span className="tile-change">
      <ChangeText
        change={{ before, difference: now - before, relative: before ? (now - before) / before : null, range: start }}
        words={t("packages.onMonth", { month: formatMonth(start.start, locale, "short") })}
        valueType="number"
        style={{ locale }}
        locale={locale}
      />
    </span>
  );
}

/** Annotations of days become marks on the bucket they lie in. */
function withAnnotations(figure: TimeFigure | null, dashboard: PackagesDashboard) {
  if (!figure) return null;
  const annotations = (dashboard.annotations ?? []).flatMap((one) => {
    const day = parseDay(one.day);
    const index = day === null ? -1 : figure.buckets.findIndex((bucket) => bucket.start <= day && day <= bucket.end);
    return index === -1 ? [] : [{ index, text: one.text }];
  });
  return { figure, annotations };
}

function registryOf(item: PackageItem): string {
  const names: Record<string, string> = {
    pypistats: "PyPI",
    npm: "npm",
    crates: "crates.io",
    "crates.io": "crates.io",
    github: "GitHub",
    duckdb: "DuckDB",
  };
  const source = item.source ?? "";
  return names[source] ?? source;
}

/** One package: the last full month in large type, its months as a line with its own true scale. */
function DownloadCard({ item }: { item: PackageItem }) {
  const { t, locale } = useI18n();
  const [asTable, setAsTable] = useState(false);
  const style = useMemo(() => ({ locale }), [locale]);
  const figure = useMemo(() => itemFigure(item), [item]);
  const title = item.sdk ? sdkTitle(item.sdk) : item.display_name;
  const head = figure && lastWhole(figure.total.points);
  const covered = item.coverage;
  return (
    <Figure
      title={title}
      label={`${title}, ${item.subject} (${registryOf(item)})`}
      level={3}
      light
      subtitle={
        <code>
          {registryOf(item) && `${registryOf(item)} · `}
          {item.subject}
        </code>
      }
      controls={
        <>
          <IconButton
            label={asTable ? t("chart.showPlot") : t("chart.showTable")}
            icon={asTable ? "chart" : "table"}
            pressed={asTable}
            onPress={() => setAsTable(!asTable)}
          />
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() =>
              figure &&
              saveFile(`${fileName("downloads", item.metric_id)}.csv`, timeFigureCsv(figure), "text/csv;charset=utf-8")
            }
          />
        </>
      }
      foot={
        <span>
          {item.latest_value === null ? t("packages.noFullMonth") : t("packages.lastFullMonth")}
          {covered &&
            covered.days_present < covered.days_expected &&
            ` · ${t("packages.incomplete", { days: covered.days_present, of: covered.days_expected })}`}
          {(item.stale_days ?? 0) > 2 && ` · ${t("packages.stale", { count: item.stale_days! })}`}
        </span>
      }
    >
      <p className="headline card-number">
        <data className="tile-number" {...(item.latest_value === null ? {} : { value: item.latest_value })}>
          {item.latest_value === null ? "N/A" : formatFull(item.latest_value, "number", style)}
        </data>
        {figure && head && <MonthPercent figure={figure} index={head.index} />}
      </p>
      {!figure || item.sparkline.length < 2 ? (
        <p className="caption">{t("packages.fewPoints")}</p>
      ) : asTable ? (
        <TimeTable figure={figure} title={title} style={style} height={180} />
      ) : (
        <TimeChart
          figure={figure}
          title={`${title}, ${item.subject}`}
          shape="line"
          stacked={false}
          height={180}
          style={style}
          ownEnds
          legend="none"
        />
      )}
    </Figure>
  );
}

function MonthPercent({ figure, index }: { figure: TimeFigure; index: number }) {
  const { t, locale } = useI18n();
  const now = figure.total.points[index]?.value ?? null;
  const before = figure.total.points[index - 1]?.value ?? null;
  if (now === null || !before) return null;
  const change = (now - before) / before;
  return (
    <span className="tile-change">
      <span className="arrow" aria-hidden="true">
        {change >= 0 ? "▲" : "▼"}
      </span>{" "}
      <span className="visually-hidden">{t(change >= 0 ? "change.up" : "change.down")} </span>
      <strong>{formatPercent(Math.abs(change), locale)}</strong>
    </span>
  );
}

/** Which days each source has delivered lately. */
function Coverage({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const newest = parseDay(dashboard.latest_completed_day ?? dashboard.last_30d_download_totals.window_end);
  const items = dashboard.groups.flatMap((group) => group.items);
  return (
    <div className="coverage">
      <h3 className="figure-title">{t("packages.coverage")}</h3>
      <DataTable
        caption={t("packages.coverage")}
        rows={items}
        rowKey={(item) => item.metric_id}
        pageSize={8}
        columns={[
          {
            id: "name",
            label: t("packages.source"),
            start: true,
            cell: (item) => (
              <span
                className="source-name"
                title={item.metric_id}
              >{`${registryOf(item)} ${item.subject.split("/").at(-1)}`}</span>
            ),
          },
          {
            id: "newest",
            label: t("packages.newest"),
            cell: (item) =>
              newest === null || item.stale_days === null || item.stale_days === undefined
                ? "–"
                : formatDayShort(newest - item.stale_days, locale),
            sort: (item) => -(item.stale_days ?? 9999),
          },
          {
            id: "days",
            label: t("packages.days"),
            cell: (item) =>
              item.coverage
                ? t("packages.daysPart", { days: item.coverage.days_present, of: item.coverage.days_expected })
                : "–",
            sort: (item) =>
              item.coverage ? item.coverage.days_present / Math.max(1, item.coverage.days_expected) : null,
          },
        ]}
      />
    </div>
  );
}

function Extension({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const style = useMemo(() => ({ locale }), [locale]);
  const figure = useMemo(
    () =>
      extensionFigure(dashboard, {
        core: t("packages.core"),
        community: t("packages.community"),
        total: t("packages.total"),
      }),
    [dashboard, t],
  );
  const newest = dashboard.duckdb_lance_extension_downloads.at(-1);
  if (!figure || !newest) return null;
  const title = t("packages.extension");
  return (
    <section>
      <div className="section-head">
        <h2 className="section-title">{title}</h2>
        <p className="caption">{t("packages.extensionNote")}</p>
      </div>
      <Figure
        title={newest.month_label}
        level={3}
        light
        subtitle={newest.is_partial_month ? t("packages.runningMonth") : t("packages.lastFullMonth")}
        controls={
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() => saveFile("duckdb-extension-downloads.csv", timeFigureCsv(figure), "text/csv;charset=utf-8")}
          />
        }
      >
        <p className="headline card-number">
          <data className="tile-number" value={newest.total_downloads}>
            {formatFull(newest.total_downloads, "number", style)}
          </data>
          <span className="caption">
            {t("packages.community")} {formatFull(newest.community_downloads, "number", style)} · {t("packages.core")}{" "}
            {formatFull(newest.core_downloads, "number", style)}
          </span>
        </p>
        <TimeChart figure={figure} title={title} shape="line" stacked={false} height={200} style={style} legend="top" />
      </Figure>
    </section>
  );
}

function Stars({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t } = useI18n();
  const items = dashboard.groups.flatMap((group) => group.items.filter((item) => item.metric_family === "stars"));
  if (items.length === 0 && dashboard.total_stars === null) return null;
  return (
    <section>
      <div className="section-head">
        <h2 className="section-title">{t("packages.stars")}</h2>
        <p className="caption">{t("packages.starsNote")}</p>
      </div>
      <div className="cards four">
        {dashboard.total_stars !== null && (
          <StarCard
            id="stars:total:github"
            title={t("packages.totalStars")}
            subtitle={t("packages.repositories", { count: items.length })}
            value={dashboard.total_stars}
            points={dashboard.total_stars_sparkline}
          />
        )}
        {items.map((item) => (
          <StarCard
            key={item.metric_id}
            id={item.metric_id}
            title={repositoryTitle(item.subject)}
            subtitle={item.subject}
            value={item.latest_value}
            points={item.sparkline}
          />
        ))}
      </div>
    </section>
  );
}

function StarCard(props: {
  id: string;
  title: string;
  subtitle: ReactNode;
  value: number | null;
  points: PackagesDashboard["total_stars_sparkline"];
}) {
  const { t, locale } = useI18n();
  const [open, setOpen] = useState(false);
  const style = useMemo(() => ({ locale }), [locale]);
  const figure = useMemo(() => starFigure(props.id, props.title, props.points), [props.id, props.title, props.points]);
  const change = changeOver(props.points, 30);
  return (
    <Figure
      title={props.title}
      label={`${props.title}, ${t("packages.stars")}`}
      level={3}
      light
      className="star-card"
      subtitle={props.subtitle}
      controls={
        <>
          <IconButton label={t("packages.showHistory")} icon="chart" pressed={open} onPress={() => setOpen(!open)} />
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() =>
              figure && saveFile(`${fileName("stars", props.id)}.csv`, timeFigureCsv(figure), "text/csv;charset=utf-8")
            }
          />
        </>
      }
    >
      <div className="tile-row">
        <div>
          <data className="star-number" {...(props.value === null ? {} : { value: props.value })}>
            {props.value === null ? "N/A" : formatFull(props.value, "number", style)}
          </data>
          <p className="tile-change">
            {change === null ? (
              ""
            ) : (
              <ChangeText
                change={{ before: null, difference: change, relative: null, range: { start: 0, end: 0 } }}
                words={t("packages.in30Days")}
                valueType="number"
                style={style}
                locale={locale}
              />
            )}
          </p>
        </div>
        {figure && !open && (
          <div className="tile-spark">
            <Sparkline points={thinned(figure.total.points)} />
          </div>
        )}
      </div>
      {open && figure && (
        <TimeChart
          figure={figure}
          title={props.title}
          shape="line"
          stacked={false}
          height={180}
          style={style}
          ownEnds
          legend="none"
        />
      )}
    </Figure>
  );
}

/** A sparkline of two years needs no more points than it has pixels. */
function thinned(points: readonly Point[]): Point[] {
  const step = Math.max(1, Math.ceil(points.length / 100));
  return points.filter((_point, index) => index % step === 0 || index === points.length - 1);
}
