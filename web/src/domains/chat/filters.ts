import type { Day, DayRange, Granularity } from "../../lib/days";
import { isoDay, parseDay } from "../../lib/days";

export const DATE_RANGES = ["7", "30", "90", "365", "custom"] as const;
export type DateRangeName = (typeof DATE_RANGES)[number];
export const STEPS = ["hourly", "daily", "weekly", "monthly"] as const;
export type Step = (typeof STEPS)[number];
export const FIELDS = ["experiments", "channels", "participants", "tags"] as const;
export type Field = (typeof FIELDS)[number];

/** What is filtered; stands in the URL under the API's own names, so that a link is a question. */
export interface ChatFilter {
  range: DateRangeName;
  start: string;
  end: string;
  step: Step;
  values: Record<Field, string[]>;
  /** A search expression; empty: none. */
  expression: string;
  /** Names of saved searches. */
  saved: string[];
}

export function filterFrom(query: URLSearchParams): ChatFilter {
  const pick = <T extends string>(choices: readonly T[], given: string | null, fallback: T) =>
    choices.find((one) => one === given) ?? fallback;
  const list = (name: string) =>
    query
      .getAll(name)
      .flatMap((part) => part.split(","))
      .filter(Boolean);
  return {
    range: pick(DATE_RANGES, query.get("date_range"), "30"),
    start: query.get("start_date") ?? "",
    end: query.get("end_date") ?? "",
    step: pick(STEPS, query.get("granularity"), "daily"),
    values: {
      experiments: list("experiments"),
      channels: list("channels"),
      participants: list("participants"),
      tags: list("tags"),
    },
    expression: query.get("q") ?? "",
    // A name may hold a comma.
    saved: query.getAll("saved").filter(Boolean),
  };
}

/** The days of a filter, both included; `null` while a custom range is unfinished or reversed. */
export function daysOf(filter: ChatFilter, today: Day): DayRange | null {
  if (filter.range !== "custom") return { start: today - Number(filter.range), end: today };
  const [start, end] = [parseDay(filter.start), parseDay(filter.end)];
  return start !== null && end !== null && start <= end ? { start, end } : null;
}

function withLists(query: URLSearchParams, filter: ChatFilter): URLSearchParams {
  for (const field of FIELDS) for (const value of filter.values[field]) query.append(field, value);
  if (filter.expression) query.append("q", filter.expression);
  for (const name of filter.saved) query.append("saved", name);
  return query;
}

/** The filter as the API reads it; `null` while it cannot be asked. */
export function apiQuery(filter: ChatFilter, today: Day): string | null {
  const days = daysOf(filter, today);
  if (!days) return null;
  const query = new URLSearchParams({ date_range: filter.range, granularity: filter.step });
  if (filter.range === "custom") {
    query.set("start_date", isoDay(days.start));
    query.set("end_date", isoDay(days.end));
  }
  return withLists(query, filter).toString();
}

/** The same question for as many days just before. */
export function earlierQuery(filter: ChatFilter, today: Day): string | null {
  const days = daysOf(filter, today);
  if (!days) return null;
  const length = days.end - days.start + 1;
  const query = new URLSearchParams({
    date_range: "custom",
    granularity: filter.step,
    start_date: isoDay(days.start - length),
    end_date: isoDay(days.start - 1),
  });
  return withLists(query, filter).toString();
}

/** What a preset keeps and an export is given: the API's names and lists. */
export function filterData(filter: ChatFilter): Record<string, unknown> {
  return {
    date_range: filter.range,
    ...(filter.range === "custom" ? { start_date: filter.start, end_date: filter.end } : {}),
    granularity: filter.step,
    ...Object.fromEntries(
      FIELDS.filter((field) => filter.values[field].length > 0).map((field) => [field, filter.values[field]]),
    ),
    ...(filter.expression ? { q: filter.expression } : {}),
    ...(filter.saved.length > 0 ? { saved: filter.saved } : {}),
  };
}

/** The page's query of a kept filter; unknown keys are dropped. */
export function pageQuery(data: Record<string, unknown>): URLSearchParams {
  const query = new URLSearchParams();
  for (const name of ["date_range", "start_date", "end_date", "granularity", ...FIELDS, "q", "saved"]) {
    const value = data[name];
    for (const one of Array.isArray(value) ? value : [value]) {
      if (typeof one === "string" && one !== "") query.append(name, one);
      else if (typeof one === "number") query.append(name, String(one));
    }
  }
  return query;
}

export function granularityOf(step: Step): Granularity {
  return step === "weekly" ? "week" : step === "monthly" ? "month" : "day";
}
