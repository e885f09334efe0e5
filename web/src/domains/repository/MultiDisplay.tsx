import { useMemo, useState } from "react";
import { apiBase } from "../../api/client";
import { BreakdownFigure, type BreakdownView } from "../../charts/BreakdownFigure";
import { csvText } from "../../lib/csv";
import { isoDay } from "../../lib/days";
import { fileName, saveFile } from "../../lib/download";
import { formatFull, formatPercent, formatRange } from "../../lib/format";
import { layoutTitle, useI18n } from "../../lib/i18n";
import { useNarrow } from "../../lib/media";
import { type BreakdownList, listBreakdown } from "../../series/breakdown";
import { IconButton, Segmented } from "../../ui/controls";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";
import { Icon } from "../../ui/icons/Icon";
import type { ComponentSpec } from "./components";
import { type RepositoryPage, useFamily, useRepositoryPage } from "./context";
import { dimensionNamed, labelOf, rowHref } from "./dimensions";
import { labelOfValue } from "./SingleStat";

const VIEWS: readonly BreakdownView[] = ["list", "bar", "pie"];

/** One breakdown of the page: list, bars or donut; folded to one row on narrow screens. */
export function MultiDisplay({
  spec,
  props,
  first: leads,
}: {
  spec: Extract<ComponentSpec, { kind: "breakdown" }>;
  props: Record<string, unknown>;
  first: boolean;
}) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const family = useFamily(spec.family);
  const narrow = useNarrow();
  const { data, view } = family;
  const { dimension, metric } = spec;
  const { colorOf } = page;
  const available = VIEWS.filter((one) => !Array.isArray(props.available_views) || props.available_views.includes(one));
  const [chosen, setChosen] = useState<BreakdownView>(defaultView(props, available));
  const [contributions, setContributions] = useState(false);
  const [open, setOpen] = useState(leads);
  const filterElsewhere =
    view.only && view.only.dimension !== dimension.name ? dimensionNamed(view.only.dimension) : undefined;

  const list = useMemo<BreakdownList | null>(() => {
    if (!data) return null;
    const values = data.values(dimension, metric);
    const extra = data.values(dimension, "contributions");
    return listBreakdown({
      dimension: dimension.name,
      values,
      global: data.global(metric),
      ...(extra.length > 0 ? { contributions: extra } : {}),
      range: view.range,
      kind: data.kind,
      coverage: data.coverage,
      pageSize: typeof props.pageSize === "number" ? props.pageSize : 10,
      hideOther: props.hideOtherInCharts === true,
      label: (series) => labelOf(dimension.name, series, locale),
      otherLabel: (count) => (count > 0 ? t("breakdown.otherCount", { count }) : t("breakdown.other")),
      colorOf: (id) => colorOf(dimension.name, id),
    });
  }, [data, dimension, metric, view, props, locale, t, colorOf]);

  const title = layoutTitle(props.title, `dimension.${dimension.name}`, t);
  const valueLabel = t(`column.${metric}`);
  const hasContributions =
    list?.rows.some((row) => row.contributions !== null && row.contributions !== undefined) ?? false;
  const first = list?.rows[0];
  if (narrow && !open) {
    return (
      <button type="button" className="folded" aria-expanded="false" onClick={() => setOpen(true)}>
        <span className="figure-title">{title}</span>
        <span className="end">
          {first
            ? `${first.name} ${first.share === null ? formatFull(first.value, "number", page.style) : formatPercent(first.share, locale)}`
            : "–"}
          <Icon name="down" />
        </span>
      </button>
    );
  }
  const subtitle =
    dimension.name === "affiliations"
      ? t("breakdown.affiliations")
      : list?.total != null
        ? t("breakdown.shareOf", { total: formatFull(list.total, "number", page.style), what: t(`noun.${metric}`) })
        : "";
  const controls = (
    <>
      {hasContributions && (
        <Segmented
          label={t("breakdown.counted")}
          value={contributions ? "contributions" : "records"}
          choices={[
            { id: "records", label: t("column.records") },
            { id: "contributions", label: t("breakdown.contributions") },
          ]}
          onChange={(id) => setContributions(id === "contributions")}
        />
      )}
      {available.length > 1 && (
        <Segmented
          label={t("breakdown.view")}
          value={chosen}
          choices={available.map((id) => ({ id, label: t(`breakdown.${id}`) }))}
          onChange={setChosen}
        />
      )}
      <IconButton
        label={t("chart.downloadCsv")}
        icon="download"
        onPress={() => list && downloadList(list, page, spec)}
      />
      {narrow && <IconButton label={t("action.fold")} icon="up" onPress={() => setOpen(false)} />}
    </>
  );
  const base = searchBase(page, dimension.name === "countries");
  return (
    <Figure
      title={title}
      subtitle={subtitle}
      controls={controls}
      updating={family.updating}
      foot={
        list &&
        list.rows.length > 0 && (
          <>
            <span>{footNote(list, t, locale, page)}</span>
            <button
              type="button"
              className="foot-link"
              onClick={() =>
                page.explain({
                  words: `${spec.family}.${metric}`,
                  family: spec.family,
                  title,
                  value: list.total,
                  dimension: dimension.name,
                })
              }
            >
              {t("explain.short")}
            </button>
          </>
        )
      }
    >
      {family.status === "loading" ? (
        <FigureLoading height={180} />
      ) : family.status === "failed" ? (
        <FigureError cause={t("error.cause", { cause: family.error?.message ?? "" })} retry={family.retry} />
      ) : filterElsewhere ? (
        <FigureEmpty
          title={t("filter.notHereTitle")}
          text={t("filter.notHere", {
            name: `${t(`dimension.${filterElsewhere.name}`)}: ${labelOfValue(filterElsewhere.name, view.only!.id, locale)}`,
          })}
        />
      ) : !list || list.rows.length === 0 ? (
        <FigureEmpty title={t("empty.listTitle")} text={t("empty.range", { range: formatRange(view.range, locale) })} />
      ) : (
        <BreakdownFigure
          list={list}
          view={chosen}
          title={title}
          valueLabel={valueLabel}
          valueType="number"
          style={page.style}
          contributions={contributions && hasContributions}
          links={{
            href: (row) => rowHref(dimension, row.id, base),
            filter: (row) => page.setOnly(dimension.name, view.only?.id === row.id ? null : row.id),
            filtered: view.only?.dimension === dimension.name ? view.only.id : null,
          }}
        />
      )}
    </Figure>
  );
}

function defaultView(props: Record<string, unknown>, available: readonly BreakdownView[]): BreakdownView {
  return available.find((one) => one === props.default_view) ?? available[0] ?? "list";
}

function footNote(
  list: BreakdownList,
  t: ReturnType<typeof useI18n>["t"],
  locale: string,
  page: RepositoryPage,
): string {
  if (list.otherAsText) {
    const other = list.rows.find((row) => row.other);
    if (other)
      return t("breakdown.otherNotDrawn", {
        value: formatFull(other.value, "number", page.style),
        share: other.share === null ? "" : formatPercent(other.share, locale),
      });
  }
  return list.sharesMayPass ? t("note.sharesPass") : t("note.countsOnce");
}

/** The repository's own search where it is configured; a community's rows open its records. */
export function searchBase(page: RepositoryPage, always: boolean): string | null {
  const { links } = page.config;
  if (!page.community || always) return links?.search ?? null;
  if (links?.records) return links.records;
  const own = page.community.links?.self_html;
  const isOurs =
    !own ||
    own.startsWith(`${apiBase()}/communities/`) ||
    new URL(own, window.location.href).origin === window.location.origin;
  return links?.search === undefined && isOurs ? null : own ? `${own}/records` : null;
}

function downloadList(list: BreakdownList, page: RepositoryPage, spec: Extract<ComponentSpec, { kind: "breakdown" }>) {
  const rows = list.rows.flatMap((row) => [row, ...(row.members ?? [])]);
  const text = csvText([
    ["id", "label", spec.metric, "share", "contributions"],
    ...rows.map((row) => [row.id, row.longName ?? row.name, row.value, row.share, row.contributions ?? null]),
  ]);
  const { range } = page.view;
  saveFile(
    `${fileName("tallykeep", page.community?.slug ?? "global", spec.family, spec.dimension.name, isoDay(range.start), isoDay(range.end))}.csv`,
    text,
    "text/csv;charset=utf-8",
  );
}
