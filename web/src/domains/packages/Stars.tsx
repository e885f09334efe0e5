import { type ReactNode, useMemo, useState } from "react";
import type { PackagesDashboard } from "../../api/packages";
import { Sparkline } from "../../charts/Sparkline";
import { TimeChart } from "../../charts/TimeChart";
import { TimeTable, timeFigureCsv } from "../../charts/TimeTable";
import { fileName, saveFile } from "../../lib/download";
import { formatFull } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import type { Point } from "../../series/model";
import { IconButton } from "../../ui/controls";
import { Figure } from "../../ui/Figure";
import { ChangeText } from "../../ui/StatTile";
import { changeOver, repositoryTitle, starFigure } from "./figures";

/** Stars of every repository, and their sum. */
export function Stars({ dashboard }: { dashboard: PackagesDashboard }) {
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
  const [asTable, setAsTable] = useState(false);
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
          {open && (
            <IconButton
              label={asTable ? t("chart.showPlot") : t("chart.showTable")}
              icon="table"
              pressed={asTable}
              onPress={() => setAsTable(!asTable)}
            />
          )}
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
      {open && figure && asTable && <TimeTable figure={figure} title={props.title} style={style} height={180} />}
      {open && figure && !asTable && (
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
