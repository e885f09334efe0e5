import type { Family } from "../../api/types";
import { countryName } from "../../lib/format";
import { localised } from "../../lib/i18n";
import type { DailySeries } from "../../series/merge";

/** A breakdown of the repository: its configured name (snake case), its wire name, and how a row of it is found elsewhere. */
export interface Dimension {
  name: string;
  wire: string;
  /** Family name in component names: `<subject>MultiDisplay…`. */
  subject: string;
  /** A facet of the repository's search, or a search field. */
  facet?: string;
  field?: string;
}

export const DIMENSIONS: readonly Dimension[] = [
  { name: "resource_types", wire: "resourceTypes", subject: "ResourceTypes", facet: "resource_type" },
  { name: "access_statuses", wire: "accessStatuses", subject: "AccessStatuses", facet: "access_status" },
  { name: "languages", wire: "languages", subject: "Languages", facet: "language" },
  { name: "subjects", wire: "subjects", subject: "Subjects", field: "metadata.subjects.id" },
  { name: "rights", wire: "rights", subject: "Rights", field: "metadata.rights.id" },
  { name: "affiliations", wire: "affiliations", subject: "Affiliations", field: "metadata.creators.affiliations.id" },
  { name: "funders", wire: "funders", subject: "Funders", field: "metadata.funding.funder.id" },
  { name: "periodicals", wire: "periodicals", subject: "Periodicals", field: "custom_fields.journal\\:journal.title" },
  { name: "publishers", wire: "publishers", subject: "Publishers", field: "metadata.publisher" },
  { name: "file_types", wire: "fileTypes", subject: "FileTypes", facet: "file_type" },
  { name: "countries", wire: "countries", subject: "Countries", field: "metadata.country.id" },
  { name: "referrers", wire: "referrers", subject: "Referrers", field: "metadata.referrer.id" },
  { name: "file_presence", wire: "filePresence", subject: "FilePresence" },
];

export function dimensionNamed(name: string): Dimension | undefined {
  return DIMENSIONS.find(
    (dimension) => dimension.name === name || dimension.wire === name || dimension.subject === name,
  );
}

/** `by_languages` and `languages` mean the same in a configuration. */
export function configuredDimensions(uiSubcounts: Record<string, unknown> | undefined): Set<string> {
  return new Set(Object.keys(uiSubcounts ?? {}).map((name) => name.replace(/^by_/, "")));
}

const DOWNLOAD_METRICS = new Set([
  "downloads",
  "downloadUniqueFiles",
  "dataVolume",
  "downloadVisitors",
  "downloadUniqueRecords",
  "downloadUniqueParents",
]);

/** Usage snapshots keep top lists by view and by download apart; everything else has the plain name. */
export function wireKeys(family: Family, dimension: Dimension, metric: string): string[] {
  if (family !== "usage-snapshot") return [dimension.wire];
  return [`${dimension.wire}${DOWNLOAD_METRICS.has(metric) ? "ByDownload" : "ByView"}`, dimension.wire];
}

/** The name a value goes by, and its long form where that is shortened. */
export function labelOf(dimension: string, series: DailySeries, locale: string): { name: string; longName?: string } {
  const given = localised(series.name, locale, series.id);
  switch (dimension) {
    case "countries":
      return { name: countryName(series.id, locale) };
    case "rights": {
      const name = shortLicence(series.id);
      return name === null ? { name: given } : { name, longName: given };
    }
    case "file_types":
      return { name: series.id.toUpperCase() };
    case "access_statuses":
    case "file_presence":
      return { name: given.replace(/[-_]/g, " ").replace(/^\p{L}/u, (letter) => letter.toUpperCase()) };
    default:
      return { name: given };
  }
}

/** `cc-by-4.0` → `CC-BY 4.0`; `null` where the full title is the best name there is. */
export function shortLicence(id: string): string | null {
  const creative = /^(cc(?:-(?:by|nc|nd|sa|pdm))*|cc0)(?:-(\d(?:\.\d)?)(-[a-z-]+)?)?$/i.exec(id);
  if (creative)
    return [creative[1]!.toUpperCase(), creative[2], creative[3]?.slice(1).toUpperCase()].filter(Boolean).join(" ");
  const known: [RegExp, (match: RegExpExecArray) => string][] = [
    [/^(mit|isc|unlicense|0bsd)$/i, (match) => match[1]!.toUpperCase()],
    [/^apache-?(\d(?:\.\d)?)$/i, (match) => `Apache ${match[1]}`],
    [
      /^(agpl|gpl|lgpl|mpl)-?(\d(?:\.\d)?)(.*)$/i,
      (match) => `${match[1]!.toUpperCase()} ${match[2]}${/later|\+/.test(match[3]!) ? "+" : ""}`,
    ],
    [/^bsd-(\d)-clause$/i, (match) => `BSD ${match[1]}-clause`],
  ];
  for (const [pattern, form] of known) {
    const match = pattern.exec(id);
    if (match) return form(match);
  }
  return null;
}

/**
 * Where a row leads on the repository's own pages (spec §16.6), or `null` without one. `search` is the page the rows of the
 * whole repository open, `records` the one of a community.
 */
export function rowHref(dimension: Dimension, id: string, base: string | null): string | null {
  if (!base) return null;
  const query = dimension.facet
    ? `q=&f=${dimension.facet}:${facetValue(dimension, id)}`
    : `q=${encodeURIComponent(`${dimension.field}:"${id.replaceAll('"', '\\"')}"`)}`;
  if (!dimension.facet && !dimension.field) return null;
  return `${base}${base.includes("?") ? "&" : "?"}${query}`;
}

/** Resource types nest: `publication-article` is `publication+inner:publication-article`. */
function facetValue(dimension: Dimension, id: string): string {
  const stem = id.split("-")[0]!;
  const value = encodeURIComponent(id);
  return dimension.name === "resource_types" && stem !== id ? `${encodeURIComponent(stem)}%2Binner:${value}` : value;
}
