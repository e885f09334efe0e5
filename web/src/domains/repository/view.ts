import type { DashboardConfig, DateBasis } from "../../api/types";
import {
  type Day,
  type DayRange,
  dayOfInstant,
  GRANULARITIES,
  type Granularity,
  isoDay,
  parseDay,
} from "../../lib/days";
import { type Comparison, expandRange, normalisePreset, type Preset, presetRange } from "../../lib/ranges";

/** Everything that decides what the page shows; all of it stands in the URL. */
export interface View {
  range: DayRange;
  preset: Preset;
  granularity: Granularity;
  comparison: Comparison;
  basis: DateBasis;
  /** One value of one dimension: `resource_types:dataset`. */
  only: { dimension: string; id: string } | null;
}

const DEFAULT_PRESETS: Record<Granularity, Preset> = {
  day: "30days",
  week: "yearToDate",
  month: "yearToDate",
  quarter: "yearToDate",
  year: "2years",
};

const BASES: readonly DateBasis[] = ["added", "created", "published"];
const COMPARISONS: readonly Comparison[] = ["none", "previousYear", "previousPeriod"];

function oneOf<T extends string>(choices: readonly T[], given: string | null | undefined): T | null {
  return choices.find((choice) => choice === given) ?? null;
}

export function maxHistoryYears(config: DashboardConfig): number {
  return config.max_history_years ?? 15;
}

/** The server's day; a frozen clock reaches the page through the configuration. */
export function todayOf(config: { now?: string | null }): Day {
  const frozen = config.now ? Date.parse(config.now) : Number.NaN;
  return dayOfInstant(Number.isNaN(frozen) ? Date.now() : frozen);
}

export function defaultPreset(config: DashboardConfig, granularity: Granularity): Preset {
  return normalisePreset(config.default_range_options?.[granularity] ?? DEFAULT_PRESETS[granularity]);
}

/** Reads the view from a query string. What is not understood falls back to the configured default, never to a wider one. */
export function viewFrom(query: URLSearchParams, config: DashboardConfig, today: Day): View {
  const granularity =
    oneOf(GRANULARITIES, query.get("by")) ?? oneOf(GRANULARITIES, config.default_granularity) ?? "day";
  const history = maxHistoryYears(config);
  const from = parseDay(query.get("from"));
  const to = parseDay(query.get("to"));
  const asked = query.get("range");
  let preset = asked ? normalisePreset(asked) : defaultPreset(config, granularity);
  let range = presetRange(preset, today, history);
  if (from !== null && to !== null && from <= to) {
    preset = "custom";
    range = { start: from, end: to };
  }
  if (!range) {
    preset = defaultPreset(config, granularity);
    range = presetRange(preset, today, history) ?? { start: today - 30, end: today };
  }
  const only = /^([a-z_]+):(.+)$/.exec(query.get("only") ?? "");
  return {
    range: preset === "custom" ? expandRange(range, granularity, today) : range,
    preset,
    granularity,
    comparison: oneOf(COMPARISONS, query.get("vs")) ?? "previousYear",
    basis: oneOf(BASES, query.get("basis")) ?? oneOf(BASES, config.default_record_start_basis) ?? "added",
    only: only ? { dimension: only[1]!, id: only[2]! } : null,
  };
}

/** The query parameters of a chosen range. */
export function rangeQuery(preset: Preset, range: DayRange): Record<string, string | null> {
  return preset === "custom"
    ? { range: null, from: isoDay(range.start), to: isoDay(range.end) }
    : { range: preset, from: null, to: null };
}

/**
 * Choosing a granularity widens the range to whole periods (spec §16.5) and then calls it custom; a range that is whole already
 * keeps its name.
 */
export function granularityQuery(view: View, granularity: Granularity, today: Day): Record<string, string | null> {
  const widened = expandRange(view.range, granularity, today);
  const same = widened.start === view.range.start && widened.end === view.range.end;
  return { by: granularity, ...(same ? {} : rangeQuery("custom", widened)) };
}
