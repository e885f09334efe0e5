import type { CSSProperties } from "react";
import type { LayoutComponent, LayoutTab } from "../../api/types";
import { useI18n } from "../../lib/i18n";
import { specOf } from "./components";
import { MapFigure } from "./MapFigure";
import { MostUsedWorks } from "./MostUsedWorks";
import { MultiDisplay } from "./MultiDisplay";
import { SingleStat } from "./SingleStat";
import { StatsChart } from "./StatsChart";
import { StatsTable } from "./StatsTable";

/** The rows of a tab as the layout names them; a name nobody knows draws nothing, or its outline where that is asked for. */
export function LayoutRows({ tab, outlined }: { tab: LayoutTab; outlined: boolean }) {
  const firstList = tab.rows
    .flatMap((row) => row.components)
    .find((one) => specOf(one.component)?.kind === "breakdown");
  return (
    <div className="rows">
      {tab.rows.map((row, number) => {
        const stats = row.components.filter((one) => specOf(one.component)?.kind === "stat").length;
        let seen = 0;
        // Rows of controls that stand elsewhere in our frame hold nothing to draw.
        if (!outlined && !row.components.some((one) => specOf(one.component, one.props))) return null;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: names repeat in drafts, and rows have no other identity
          <div key={number} className="grid">
            {row.components.map((component, place) => {
              const spec = specOf(component.component, component.props);
              if (!spec && !outlined) return null;
              const isStat = spec?.kind === "stat";
              if (isStat) seen += 1;
              const half = isStat && (stats % 2 === 0 || seen > 1);
              return (
                <div
                  // biome-ignore lint/suspicious/noArrayIndexKey: a figure starts with its properties: other ones, another figure
                  key={`${place} ${JSON.stringify(component)}`}
                  className={half ? "half-on-narrow" : ""}
                  style={spanOf(component, isStat)}
                >
                  {spec ? (
                    <Drawn component={component} first={component === firstList} />
                  ) : (
                    <Outline name={component.component} />
                  )}
                </div>
              );
            })}
          </div>
        );
      })}
    </div>
  );
}

/** `width` of 16 columns; on tablets half of it, tiles two by two, unless the layout says otherwise. */
function spanOf(component: LayoutComponent, isStat: boolean): CSSProperties {
  const width = component.width ?? 16;
  const given = component.tablet ?? (component.props?.tablet as number | undefined);
  const tablet = given ? Math.ceil(given / 2) : isStat ? 4 : width >= 11 ? 8 : Math.max(4, Math.ceil(width / 2));
  return { "--span": width, "--span-tablet": Math.min(8, tablet) } as CSSProperties;
}

/** Where a page that knows this component would draw it. */
function Outline({ name }: { name: string }) {
  const { t } = useI18n();
  return (
    <div className="figure-empty">
      <p className="figure-title">{name}</p>
      <p>{t("layout.notOurs")}</p>
    </div>
  );
}

function Drawn({ component, first }: { component: LayoutComponent; first: boolean }) {
  const props = component.props ?? {};
  const spec = specOf(component.component, props);
  switch (spec?.kind) {
    case "stat":
      return <SingleStat spec={spec} {...(typeof props.title === "string" ? { title: props.title } : {})} />;
    case "chart":
      return <StatsChart spec={spec} props={props} />;
    case "breakdown":
      return <MultiDisplay spec={spec} props={props} first={first} />;
    case "works":
      return <MostUsedWorks spec={spec} props={props} />;
    case "map":
      return <MapFigure spec={spec} props={props} />;
    case "table":
      return <StatsTable spec={spec} props={props} />;
    default:
      return null;
  }
}
