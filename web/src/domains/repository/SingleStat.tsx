import { useMemo } from "react";
import { formatDayLong, formatDayShort, formatRange } from "../../lib/format";
import { layoutTitle, useI18n } from "../../lib/i18n";
import { bucketsOf, foldIntoBuckets } from "../../series/buckets";
import { changeAgainst } from "../../series/compare";
import { standingAt, sumOver } from "../../series/fill";
import { StatTile, type TileState } from "../../ui/StatTile";
import type { ComponentSpec } from "./components";
import { drawnRange, useFamily, useRepositoryPage } from "./context";
import { dimensionNamed, labelOf } from "./dimensions";

/** One number of the page: a sum over the range, or the standing at its end. */
export function SingleStat({ spec, title }: { spec: Extract<ComponentSpec, { kind: "stat" }>; title?: string }) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const family = useFamily(spec.family);
  const { data, view } = family;
  const kind = spec.family.endsWith("snapshot") ? "snapshot" : "delta";
  const filter = view.only && dimensionNamed(view.only.dimension);

  const figure = useMemo(() => {
    if (!data) return null;
    const series = filter
      ? data.values(filter, spec.metrics.at(-1)!).find((one) => one.id === view.only!.id)
      : data.global(...spec.metrics);
    const notSplit = Boolean(filter) && data.values(filter!, spec.metrics.at(-1)!).length === 0;
    if (!series) return { value: null, notSplit, change: null, points: [] };
    const value =
      kind === "delta" ? sumOver(series, view.range, data.coverage) : standingAt(series, view.range.end, data.coverage);
    const range = drawnRange(view.range, view, data.coverage.first);
    const points = foldIntoBuckets(series, range, bucketsOf(range, view.granularity), kind, data.coverage, page.today);
    return { value, notSplit, change: changeAgainst(series, view.range, view.comparison, kind, data.coverage), points };
  }, [data, filter, spec, view, kind, page.today]);

  const label = layoutTitle(title, `stat.${spec.words}`, t);
  const end = data?.coverage.last == null ? view.range.end : Math.min(view.range.end, data.coverage.last);
  const state: TileState =
    family.status === "loading"
      ? "loading"
      : family.status === "failed"
        ? "failed"
        : family.updating
          ? "updating"
          : figure?.value == null
            ? "empty"
            : "ready";
  const scope =
    kind === "delta"
      ? t("stat.from", { range: formatRange(view.range, locale) })
      : t("stat.asOf", { day: formatDayLong(end, locale) });
  const changeWords = t(`change.${view.comparison}.${kind}`);
  const filterName = filter && view.only ? labelOfValue(filter.name, view.only.id, locale) : "";
  return (
    <StatTile
      label={label}
      help={
        <>
          <p>{t(`metric.${spec.words}.help`)}</p>
          <p className="caption">{scope}</p>
        </>
      }
      state={state}
      value={figure?.value ?? null}
      valueType={spec.metrics.includes("dataVolume") ? "filesize" : "number"}
      style={page.style}
      scope={scope}
      change={figure?.change ?? null}
      changeWords={
        figure?.change?.days ? `${changeWords}, ${t("change.firstDays", { count: figure.change.days })}` : changeWords
      }
      spark={figure?.points ?? []}
      note={
        figure?.value == null
          ? figure?.notSplit
            ? t("filter.notSplit", { name: filterName })
            : t("tile.noDataUntil", { day: formatDayShort(view.range.end, locale) })
          : kind === "delta" && spec.metrics.includes("uploaders")
            ? t("stat.sumOfDays")
            : undefined
      }
      retry={family.retry}
    />
  );
}

export function labelOfValue(dimension: string, id: string, locale: string): string {
  return labelOf(
    dimension,
    { id, name: id, valueType: "number", values: new Map(), marks: new Map(), days: [] },
    locale,
  ).name;
}
