import { useMemo, useState } from "react";
import type { PackagesDashboard } from "../../api/packages";
import { TimeChart } from "../../charts/TimeChart";
import { TimeTable, timeFigureCsv } from "../../charts/TimeTable";
import { saveFile } from "../../lib/download";
import { formatFull } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { Figure } from "../../ui/Figure";
import { FigureTools } from "../../ui/figureTools";
import { extensionFigure } from "./figures";

/** Downloads of the DuckDB extension by month; hidden without data. */
export function Extension({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const [asTable, setAsTable] = useState(false);
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
          <FigureTools
            asTable={asTable}
            onTable={setAsTable}
            onDownload={() =>
              saveFile("duckdb-extension-downloads.csv", timeFigureCsv(figure), "text/csv;charset=utf-8")
            }
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
        {asTable ? (
          <TimeTable figure={figure} title={title} style={style} height={200} />
        ) : (
          <TimeChart
            figure={figure}
            title={title}
            shape="line"
            stacked={false}
            height={200}
            style={style}
            legend="top"
          />
        )}
      </Figure>
    </section>
  );
}
