import { useMemo, useState } from "react";
import { ComparisonKey } from "../../charts/ComparisonKey";
import { StateKey } from "../../charts/StateGlyph";
import { TimeChart } from "../../charts/TimeChart";
import { TimeTable, timeFigureCsv } from "../../charts/TimeTable";
import type { ChartShape } from "../../charts/timeChartDrawing";
import { isoDay } from "../../lib/days";
import { fileName, saveFile } from "../../lib/download";
import { formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { useNarrow } from "../../lib/media";
import { comparisonRange } from "../../lib/ranges";
import { useQuery } from "../../lib/urlState";
import { breakDown, countsSeveralTimes } from "../../series/breakdown";
import { comparisonValues } from "../../series/compare";
import type { TimeFigure } from "../../series/model";
import { ChoiceMenu, Segmented } from "../../ui/controls";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";
import { FigureTools } from "../../ui/figureTools";
import type { ComponentSpec } from "./components";
import { drawnRange, useFamily, useRepositoryPage } from "./context";
import { configuredDimensions, DIMENSIONS, dimensionNamed, labelOf } from "./dimensions";
import { labelOfValue } from "./SingleStat";

const METRICS = {
  content: ["records", "uploaders", "dataVolume"],
  traffic: ["viewUniqueRecords", "downloadUniqueFiles", "dataVolume"],
} as const;

const DEFAULT_MAX_SERIES = 12;

/** The figure over time: metric buttons, "Separately", shape, stacked or overlapping, table, download. */
export function StatsChart({
  spec,
  props,
}: {
  spec: Extract<ComponentSpec, { kind: "chart" }>;
  props: Record<string, unknown>;
}) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const family = useFamily(spec.family);
  const narrow = useNarrow();
  const [query, write] = useQuery();
  const [asTable, setAsTable] = useState(false);
  const { data, view } = family;
  const kind = spec.family.endsWith("snapshot") ? "snapshot" : "delta";
  const height = typeof props.height === "number" ? props.height : 260;
  const maxSeries = typeof props.maxSeries === "number" ? props.maxSeries : DEFAULT_MAX_SERIES;

  const metrics: readonly string[] = METRICS[spec.subject];
  const metric = metrics.includes(query.get("metric") ?? "") ? query.get("metric")! : metrics[0]!;
  const filter = view.only ? dimensionNamed(view.only.dimension) : undefined;
  const { today, colorOf } = page;
  const offered = useMemo(() => offeredDimensions(props, page.config.ui_subcounts), [props, page.config.ui_subcounts]);
  const splits = useMemo(
    () => offered.filter((one) => data?.values(one, metric).some((series) => series.days.length > 0)),
    [offered, data, metric],
  );
  const split = filter ? undefined : splits.find((one) => one.name === query.get("split"));
  const shape: ChartShape = (query.get("shape") as ChartShape | null) ?? defaultShape(props, kind);
  const stacked =
    query.get("stack") === null
      ? shape === "bar" || defaultStacked(props, split?.name)
      : query.get("stack") === "stacked";

  const figure = useMemo<TimeFigure | null>(() => {
    if (!data) return null;
    const wireMetrics = metric === "uploaders" && kind === "snapshot" ? ["distinctUploaders", "uploaders"] : [metric];
    const global = filter
      ? data.values(filter, metric).find((one) => one.id === view.only!.id)
      : data.global(...wireMetrics);
    if (!global) return null;
    const range = drawnRange(view.range, view, data.coverage.first);
    const result = breakDown({
      global,
      values: split ? data.values(split, metric) : null,
      ...(split ? { dimension: split.name } : {}),
      range,
      granularity: view.granularity,
      kind,
      coverage: data.coverage,
      today,
      maxSeries,
      label: (series) => labelOf(split?.name ?? "", series, locale),
      otherLabel: (count) => (count > 0 ? t("breakdown.otherCount", { count }) : t("breakdown.other")),
      totalLabel: filter ? labelOfValue(filter.name, view.only!.id, locale) : t(`chart.all.${metric}`),
      colorOf: (id) => (split ? colorOf(split.name, id) : 0),
    });
    const frame = { kind, granularity: view.granularity, range, buckets: result.buckets } as const;
    const compared = comparisonValues(global, frame, view.comparison, data.coverage);
    const notes: string[] = [];
    if (split && countsSeveralTimes(split.name)) notes.push(t("note.severalPerRecord"));
    if (result.otherLeftOut) notes.push(t("note.otherLeftOut"));
    return {
      ...frame,
      valueType: metric === "dataVolume" ? "filesize" : "number",
      series: result.series,
      total: result.total,
      notes,
      ...(compared?.values.some((value) => value !== null)
        ? { comparison: { label: formatRange(comparisonRange(range, view.comparison)!, locale), ...compared } }
        : {}),
    };
  }, [data, filter, metric, split, view, kind, today, colorOf, maxSeries, locale, t]);

  const title =
    typeof props.title === "string" && props.title !== "" ? props.title : t(`chart.title.${spec.family}.${metric}`);
  const by = split ? t("chart.by", { dimension: t(`dimension.${split.name}`).toLowerCase() }) : "";
  const subtitle = [t(`chart.unit.${kind}`, { period: t(`per.${kind}.${view.granularity}`) }), by]
    .filter(Boolean)
    .join(", ");
  const value = figure?.total.rank ?? null;
  const download = () => {
    if (!figure) return;
    const name = fileName(
      "tallykeep",
      page.community?.slug ?? "global",
      spec.family,
      metric,
      split?.name ?? "",
      isoDay(figure.range.start),
      isoDay(figure.range.end),
    );
    saveFile(`${name}.csv`, timeFigureCsv(figure), "text/csv;charset=utf-8");
  };
  const controls = (
    <>
      <Segmented
        label={t("chart.metric")}
        value={metric}
        choices={metrics.map((id) => ({ id, label: t(`chart.metricShort.${kind}.${id}`) }))}
        onChange={(id) => write({ metric: id === metrics[0] ? null : id })}
      />
      <ChoiceMenu
        name={t("chart.separately")}
        value={split?.name ?? "none"}
        choices={[
          { id: "none", label: t("chart.undivided") },
          ...offered.map((one) => ({
            id: one.name,
            label: t(`dimension.${one.name}`),
            ...(filter
              ? { disabled: t("chart.notWithFilter") }
              : splits.includes(one)
                ? {}
                : { disabled: metric === "uploaders" ? t("chart.uploadersUndivided") : t("chart.noValues") }),
          })),
        ]}
        onChange={(id) => write({ split: id === "none" ? null : id })}
      />
      <Segmented
        label={t("chart.shape")}
        value={shape}
        choices={[
          { id: "bar", label: t("chart.bars") },
          { id: "line", label: t("chart.lines") },
        ]}
        onChange={(id) => write({ shape: id === defaultShape(props, kind) ? null : id })}
      />
      {split && (
        <Segmented
          label={t("chart.arrangement")}
          value={stacked ? "stacked" : "overlapping"}
          choices={[
            { id: "stacked", label: t("chart.stacked") },
            { id: "overlapping", label: t("chart.overlapping") },
          ]}
          onChange={(id) => write({ stack: id })}
        />
      )}
      <FigureTools asTable={asTable} onTable={setAsTable} onDownload={download} />
    </>
  );
  return (
    <Figure
      id={`figure-${spec.family}`}
      title={title}
      subtitle={subtitle}
      controls={controls}
      updating={family.updating}
      foot={
        <>
          <StateKey />
          <ComparisonKey figure={figure} shape={shape} stacked={stacked} />
          {figure?.notes.map((note) => (
            <span key={note}>{note}</span>
          ))}
          <button
            type="button"
            className="foot-link"
            onClick={() =>
              page.explain({
                words: `${spec.family}.${metric}`,
                family: spec.family,
                title,
                value,
                ...(split ? { dimension: split.name } : {}),
              })
            }
          >
            {t("explain.figure")}
          </button>
        </>
      }
    >
      {family.status === "loading" ? (
        <FigureLoading height={height} />
      ) : family.status === "failed" ? (
        <FigureError
          cause={t("error.cause", { cause: family.error?.message ?? "" })}
          still={t("error.others")}
          retry={family.retry}
        />
      ) : !figure || value === null ? (
        <FigureEmpty
          title={t("empty.rangeTitle")}
          text={t("empty.range", { range: formatRange(view.range, locale) })}
        />
      ) : asTable ? (
        <TimeTable figure={figure} title={title} style={page.style} height={height} />
      ) : (
        <TimeChart
          figure={figure}
          title={title}
          shape={shape}
          stacked={stacked}
          height={narrow ? Math.min(height, 260) : height}
          style={page.style}
          mayBreak={kind === "snapshot"}
          legendTitle={split ? t(`dimension.${split.name}`) : ""}
        />
      )}
    </Figure>
  );
}

/** The breakdowns a chart offers: what the layout names, as far as the site allows it. */
function offeredDimensions(props: Record<string, unknown>, uiSubcounts: Record<string, unknown> | undefined) {
  const allowed = configuredDimensions(uiSubcounts);
  const wished = props.display_subcounts;
  const names = Array.isArray(wished)
    ? new Set(wished.map(String))
    : wished && typeof wished === "object"
      ? new Set(Object.keys(wished))
      : null;
  return DIMENSIONS.filter((one) => {
    if (one.name === "file_presence") return names?.has("file_presence") ?? false;
    return (
      (allowed.size === 0 || allowed.has(one.name)) &&
      (names === null || names.has(one.name) || names.has(`by_${one.name}`))
    );
  });
}

function defaultShape(props: Record<string, unknown>, kind: "delta" | "snapshot"): ChartShape {
  return props.chartType === "bar" || props.chartType === "line" ? props.chartType : kind === "delta" ? "line" : "bar";
}

/** `defaultLineDisplay` of the breakdown, then of the chart, then overlapping. */
function defaultStacked(props: Record<string, unknown>, split: string | undefined): boolean {
  const subcounts = props.display_subcounts as Record<string, { defaultLineDisplay?: string }> | undefined;
  const own = split && !Array.isArray(subcounts) ? subcounts?.[split]?.defaultLineDisplay : undefined;
  return (own ?? props.defaultLineDisplay) === "stacked";
}
