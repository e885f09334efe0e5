import { specOf } from "../components";

/** How one property of a component is edited. */
export type PropField =
  | { name: string; kind: "text" }
  | { name: string; kind: "number"; min: number; max: number; step?: number }
  | { name: string; kind: "flag" }
  | { name: string; kind: "choice"; choices: readonly string[] }
  | { name: string; kind: "choices"; choices: readonly string[] };

const WIDTHS: readonly PropField[] = [{ name: "tablet", kind: "number", min: 1, max: 16 }];
const TITLE: PropField = { name: "title", kind: "text" };
const HEIGHT: PropField = { name: "height", kind: "number", min: 100, max: 2000, step: 20 };
const PAGE_SIZE: PropField = { name: "pageSize", kind: "number", min: 1, max: 100 };
const VIEWS = ["list", "bar", "pie"];

/** The properties our components read; every other one is edited as JSON. */
export function propFields(component: string, props: Record<string, unknown> = {}): readonly PropField[] {
  switch (specOf(component, props)?.kind) {
    case "stat":
      return [TITLE, ...WIDTHS];
    case "chart":
      return [
        TITLE,
        HEIGHT,
        { name: "maxSeries", kind: "number", min: 1, max: 50 },
        { name: "chartType", kind: "choice", choices: ["bar", "line"] },
        ...WIDTHS,
      ];
    case "breakdown":
      return [
        TITLE,
        PAGE_SIZE,
        { name: "default_view", kind: "choice", choices: VIEWS },
        { name: "available_views", kind: "choices", choices: VIEWS },
        { name: "hideOtherInCharts", kind: "flag" },
        ...WIDTHS,
      ];
    case "works":
      return [TITLE, PAGE_SIZE, ...WIDTHS];
    case "map":
      return [
        TITLE,
        HEIGHT,
        { name: "metric", kind: "choice", choices: ["views", "downloads", "visitors", "dataVolume"] },
        { name: "zoom", kind: "number", min: 1, max: 20, step: 0.1 },
        { name: "useSnapshot", kind: "flag" },
        { name: "uniformColorMode", kind: "flag" },
        ...WIDTHS,
      ];
    case "table":
      return [TITLE, PAGE_SIZE, ...WIDTHS];
    default:
      return [];
  }
}

export type Group = "stats" | "charts" | "records" | "views" | "downloads" | "others" | "custom";

/** The components one may choose, in groups; what the configuration adds stands first. */
export function groupsOf(names: readonly string[], custom: readonly string[]): [Group, string[]][] {
  const groups: Record<Group, string[]> = {
    custom: [...custom],
    stats: [],
    charts: [],
    records: [],
    views: [],
    downloads: [],
    others: [],
  };
  for (const name of names.filter((one) => !custom.includes(one))) {
    const spec = specOf(name);
    if (spec?.kind === "stat") groups.stats.push(name);
    else if (spec?.kind === "chart" || spec?.kind === "map") groups.charts.push(name);
    else if (spec?.kind === "breakdown")
      groups[spec.metric === "records" ? "records" : spec.metric === "viewUniqueRecords" ? "views" : "downloads"].push(
        name,
      );
    else groups.others.push(name);
  }
  return (Object.entries(groups) as [Group, string[]][]).filter(([, members]) => members.length > 0);
}
