import type { Family, LayoutTab } from "../../api/types";
import { DIMENSIONS, type Dimension } from "./dimensions";

/** What a layout may name, read from the name alone (spec §16.2). Unknown names draw nothing. */
export type ComponentSpec =
  | { kind: "stat"; family: Family; metrics: string[]; words: string }
  | { kind: "chart"; family: Family; subject: "content" | "traffic" }
  | { kind: "breakdown"; family: Family; dimension: Dimension; metric: string }
  | { kind: "works"; sort: "mostviewed" | "mostdownloaded" }
  | { kind: "map"; family: Family }
  | { kind: "table"; family: Family };

const STATS: Record<string, { content: boolean; metric: string }> = {
  RecordCount: { content: true, metric: "records" },
  Uploaders: { content: true, metric: "uploaders" },
  DataVolume: { content: true, metric: "dataVolume" },
  Views: { content: false, metric: "viewUniqueRecords" },
  Downloads: { content: false, metric: "downloadUniqueFiles" },
  Traffic: { content: false, metric: "dataVolume" },
};

export function specOf(name: string, props: Record<string, unknown> = {}): ComponentSpec | null {
  const stat = /^SingleStat(RecordCount|Uploaders|DataVolume|Views|Downloads|Traffic)(Cumulative)?$/.exec(name);
  if (stat) {
    const { content, metric } = STATS[stat[1]!]!;
    const family: Family = `${content ? "record" : "usage"}-${stat[2] ? "snapshot" : "delta"}`;
    const metrics = metric === "uploaders" && stat[2] ? ["distinctUploaders", "uploaders"] : [metric];
    return { kind: "stat", family, metrics, words: `${family}.${metric}` };
  }
  const chart = /^(Content|Traffic)StatsChart(Cumulative)?$/.exec(name);
  if (chart) {
    const content = chart[1] === "Content";
    return {
      kind: "chart",
      family: `${content ? "record" : "usage"}-${chart[2] ? "snapshot" : "delta"}`,
      subject: content ? "content" : "traffic",
    };
  }
  const works = /^Most(Viewed|Downloaded)Records(?:MultiDisplay)?$/.exec(name);
  if (works) return { kind: "works", sort: works[1] === "Viewed" ? "mostviewed" : "mostdownloaded" };
  if (name === "StatsMap")
    return { kind: "map", family: props.useSnapshot === false ? "usage-delta" : "usage-snapshot" };
  if (name === "StatsTable") return { kind: "table", family: "record-snapshot" };
  const list = /^(\w+?)MultiDisplay(Views|Downloads)?(Delta)?$/.exec(name);
  const dimension = list && DIMENSIONS.find((one) => one.subject === list[1]);
  if (!list || !dimension) return null;
  const period = list[3] ? "delta" : "snapshot";
  if (!list[2]) return { kind: "breakdown", family: `record-${period}`, dimension, metric: "records" };
  return {
    kind: "breakdown",
    family: `usage-${period}`,
    dimension,
    metric: list[2] === "Views" ? "viewUniqueRecords" : "downloadUniqueFiles",
  };
}

/** The families a tab needs; nothing else is fetched for it. */
export function familiesOf(tab: LayoutTab | undefined): Set<Family> {
  const families = new Set<Family>();
  for (const row of tab?.rows ?? []) {
    for (const component of row.components) {
      const spec = specOf(component.component, component.props);
      if (spec && spec.kind !== "works") families.add(spec.family);
    }
  }
  return families;
}
