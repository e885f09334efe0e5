import { useMemo, useState } from "react";
import type { PackagesDashboard } from "../../api/packages";
import { StateKey } from "../../charts/StateGlyph";
import { TimeChart } from "../../charts/TimeChart";
import { parseDay } from "../../lib/days";
import { saveFile } from "../../lib/download";
import { formatDay, formatFull, formatMonth } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { useQuery } from "../../lib/urlState";
import type { TimeFigure } from "../../series/model";
import { Help, Segmented } from "../../ui/controls";
import { Figure, FigureEmpty } from "../../ui/Figure";
import { FigureTools } from "../../ui/figureTools";
import { ChangeText } from "../../ui/StatTile";
import { lastWhole, type MonthSplit, monthCsv, monthFigure } from "./figures";
import { MonthTable } from "./MonthTable";

/** As tall as the window and the coverage beside it. */
const HEIGHT = 400;

const SPLITS: readonly MonthSplit[] = ["total", "product", "sdk"];

/** All downloads by whole month, together, by product or by SDK. */
export function MonthTotals({ dashboard }: { dashboard: PackagesDashboard }) {
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
          <FigureTools
            asTable={asTable}
            onTable={setAsTable}
            onDownload={() =>
              saveFile(
                "monthly-download-snapshots.csv",
                monthCsv(dashboard, t("packages.total")),
                "text/csv;charset=utf-8",
              )
            }
          />
        </>
      }
      foot={
        <>
          <StateKey />
          {figure?.figure.notes.map((count) => (
            <span key={count}>{t("packages.leadingLeftOut", { count: Number(count) })}</span>
          ))}
          <Annotations dashboard={dashboard} />
        </>
      }
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
            <MonthTable dashboard={dashboard} height={HEIGHT} />
          ) : (
            <TimeChart
              figure={figure.figure}
              title={title}
              shape="line"
              stacked={split !== "total"}
              height={HEIGHT}
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

/** The words of the dotted lines, with their days and where they can be read up. */
function Annotations({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const notes = (dashboard.annotations ?? []).filter((one) => parseDay(one.day) !== null);
  if (notes.length === 0) return null;
  return (
    <ul className="annotations" aria-label={t("packages.annotations")}>
      {notes.map((one) => (
        <li key={one.annotation_id}>
          <span>{formatDay(parseDay(one.day)!, locale)}</span>{" "}
          {/^https?:\/\//.test(one.url) ? (
            <a href={one.url} target="_blank" rel="noopener noreferrer">
              {one.text}
            </a>
          ) : (
            one.text
          )}
        </li>
      ))}
    </ul>
  );
}
