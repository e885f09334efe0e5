import type { LayoutComponent, LayoutTab } from "../../api/types";
import { localised, type Translate } from "../../lib/i18n";
import { specOf } from "./components";
import { dimensionNamed } from "./dimensions";

/** What a tab is called in the page's language. */
export function tabLabel(tab: LayoutTab, locale: string, t: Translate): string {
  const known = t(`tab.${tab.name}`);
  // A label in one language only gets the catalogue's words where it is the default's own.
  if (typeof tab.label === "string" && known !== `tab.${tab.name}`)
    return !locale.startsWith("en") || tab.label.toLowerCase() === known.toLowerCase() ? known : tab.label;
  return localised(tab.label, locale, tab.name);
}

/** What a component is called: its own title, else the words of what it shows; `null` for names nobody knows. */
export function componentTitle(component: LayoutComponent, t: Translate): string | null {
  const spec = specOf(component.component, component.props);
  if (!spec) return null;
  const given = component.props?.title;
  if (typeof given === "string" && given !== "") return given;
  switch (spec.kind) {
    case "stat":
      return t(`stat.${spec.words}`);
    case "chart":
      return t(`chart.title.${spec.family}.${spec.subject === "content" ? "records" : "viewUniqueRecords"}`);
    case "breakdown":
      return t(`dimension.${spec.dimension.name}`);
    case "works":
      return t(spec.sort === "mostviewed" ? "works.viewed" : "works.downloaded");
    case "table":
      return t(`dimension.${dimensionNamed(String(component.props?.subcount ?? "resource_types"))?.name}`);
    case "map":
      return t("map.title");
  }
}
