import { lazy, Suspense, useMemo, useState } from "react";
import { csvText } from "../../lib/csv";
import { isoDay } from "../../lib/days";
import { fileName, saveFile } from "../../lib/download";
import { countryName, formatFull, formatPercent, formatRange } from "../../lib/format";
import { layoutTitle, useI18n } from "../../lib/i18n";
import { rankValues, valueOver } from "../../series/breakdown";
import { Segmented } from "../../ui/controls";
import { DataTable } from "../../ui/DataTable";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";
import { FigureTools } from "../../ui/figureTools";
import type { ComponentSpec } from "./components";
import { useFamily, useRepositoryPage } from "./context";
import { dimensionNamed } from "./dimensions";

const WorldMap = lazy(() => import("../../charts/WorldMap"));
const METRICS = ["viewUniqueRecords", "downloadUniqueFiles"] as const;

/** Where readers are: the map, the same as a table, and what has no country in words. */
export function MapFigure({
  spec,
  props,
}: {
  spec: Extract<ComponentSpec, { kind: "map" }>;
  props: Record<string, unknown>;
}) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const family = useFamily(spec.family);
  const { data, view } = family;
  const [metric, setMetric] = useState<(typeof METRICS)[number]>(
    props.metric === "downloads" ? "downloadUniqueFiles" : "viewUniqueRecords",
  );
  const [asTable, setAsTable] = useState(false);
  const [uniform, setUniform] = useState(props.uniformColorMode === true);
  const countries = dimensionNamed("countries")!;
  const height = typeof props.height === "number" ? props.height : 400;

  const figure = useMemo(() => {
    if (!data) return null;
    const ranked = rankValues(data.values(countries, metric), view.range, data.kind, data.coverage, ["imported"]);
    const values = ranked.map((entry) => ({ id: entry.id, value: entry.value })).filter((entry) => entry.value > 0);
    const global = data.global(metric);
    const total = global ? valueOver(global, view.range, data.kind, data.coverage) : null;
    const located = values.reduce((sum, entry) => sum + entry.value, 0);
    // A snapshot keeps its largest countries only, so the remainder may lie anywhere; only complete lists name it.
    const complete = data.kind === "delta" || values.length < 20;
    return { values, total, rest: total === null ? null : total - located, complete };
  }, [data, countries, metric, view]);

  const title = layoutTitle(props.title, "map.title", t);
  const filtered = view.only && view.only.dimension !== "countries";
  return (
    <Figure
      title={title}
      subtitle={t(data?.kind === "snapshot" ? "map.subtitleSnapshot" : "map.subtitleDelta", {
        what: t(`column.${metric}`),
      })}
      updating={family.updating}
      controls={
        <>
          <Segmented
            label={t("chart.metric")}
            value={metric}
            choices={METRICS.map((id) => ({ id, label: t(`column.${id}`) }))}
            onChange={setMetric}
          />
          {!asTable && (
            <Segmented
              label={t("map.shading")}
              value={uniform ? "uniform" : "byNumber"}
              choices={(["byNumber", "uniform"] as const).map((id) => ({ id, label: t(`map.${id}`) }))}
              onChange={(id) => setUniform(id === "uniform")}
            />
          )}
          <FigureTools
            asTable={asTable}
            onTable={setAsTable}
            onDownload={() =>
              figure &&
              saveFile(
                `${fileName("tallykeep", page.community?.slug ?? "global", "countries", metric, isoDay(view.range.end))}.csv`,
                csvText([
                  ["country", "label", metric],
                  ...figure.values.map((entry) => [entry.id, countryName(entry.id, locale), entry.value]),
                ]),
                "text/csv;charset=utf-8",
              )
            }
            drawn={{ label: t("map.showMap"), icon: "globe" }}
          />
        </>
      }
      foot={<span>{t("map.caveat")}</span>}
    >
      {family.status === "loading" ? (
        <FigureLoading height={height} />
      ) : family.status === "failed" ? (
        <FigureError cause={t("error.cause", { cause: family.error?.message ?? "" })} retry={family.retry} />
      ) : filtered ? (
        <FigureEmpty
          title={t("filter.notHereTitle")}
          text={t("filter.notHere", { name: t(`dimension.${view.only!.dimension}`) })}
        />
      ) : !figure || figure.values.length === 0 ? (
        <FigureEmpty title={t("empty.listTitle")} text={t("empty.range", { range: formatRange(view.range, locale) })} />
      ) : asTable ? (
        <DataTable
          caption={title}
          height={height}
          rows={figure.values}
          rowKey={(row) => row.id}
          sortBy="value"
          columns={[
            {
              id: "country",
              label: t("dimension.countries"),
              start: true,
              cell: (row) => countryName(row.id, locale),
              sort: (row) => countryName(row.id, locale),
            },
            {
              id: "value",
              label: t(`column.${metric}`),
              cell: (row) => formatFull(row.value, "number", page.style),
              sort: (row) => row.value,
            },
            {
              id: "share",
              label: t("breakdown.share"),
              cell: (row) => (figure.total ? formatPercent(row.value / figure.total, locale) : "–"),
            },
          ]}
        />
      ) : (
        <Suspense fallback={<FigureLoading height={height} />}>
          <WorldMap
            title={title}
            values={figure.values}
            total={figure.total}
            unlocated={figure.rest}
            valueLabel={t(`column.${metric}`)}
            unlocatedText={(count) =>
              t(figure.complete ? "map.unlocated" : "map.elsewhere", { count, what: t(`noun.${metric}`) })
            }
            uniform={uniform}
            zoom={typeof props.zoom === "number" ? props.zoom : 1}
            height={height}
            selected={view.only?.dimension === "countries" ? view.only.id : null}
            style={page.style}
          />
        </Suspense>
      )}
    </Figure>
  );
}
