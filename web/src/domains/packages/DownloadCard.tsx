import { useMemo, useState } from "react";
import type { PackageItem } from "../../api/packages";
import { TimeChart } from "../../charts/TimeChart";
import { TimeTable, timeFigureCsv } from "../../charts/TimeTable";
import { fileName, saveFile } from "../../lib/download";
import { formatFull, formatPercent } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import type { TimeFigure } from "../../series/model";
import { Figure } from "../../ui/Figure";
import { FigureTools } from "../../ui/figureTools";
import { itemFigure, lastWhole, registryOf, sdkTitle } from "./figures";

/** One package: the last full month in large type, its months as a line with its own true scale. */
export function DownloadCard({ item }: { item: PackageItem }) {
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
        <FigureTools
          asTable={asTable}
          onTable={setAsTable}
          onDownload={() =>
            figure &&
            saveFile(`${fileName("downloads", item.metric_id)}.csv`, timeFigureCsv(figure), "text/csv;charset=utf-8")
          }
        />
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
