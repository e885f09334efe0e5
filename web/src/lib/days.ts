/**
 * Days as whole numbers since 1970-01-01, UTC. Arithmetic stays exact and no time zone can creep in;
 * ISO text appears only at the edges (the wire, the URL, the catalogue).
 */
export type Day = number;

export type Granularity = "day" | "week" | "month" | "quarter" | "year";

export const GRANULARITIES: readonly Granularity[] = ["day", "week", "month", "quarter", "year"];

/** Inclusive on both ends, as the dashboard's API and its date selector speak. */
export interface DayRange {
  start: Day;
  end: Day;
}

const MILLIS_PER_DAY = 86_400_000;

export function dayOf(year: number, month: number, day: number): Day {
  return Date.UTC(year, month - 1, day) / MILLIS_PER_DAY;
}

export function partsOf(day: Day): { year: number; month: number; day: number } {
  const date = new Date(day * MILLIS_PER_DAY);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}

/** `null` for anything that is not an existing calendar day written YYYY-MM-DD. */
export function parseDay(text: string | null | undefined): Day | null {
  const match = /^(\d{4})-(\d{2})-(\d{2})/.exec(text ?? "");
  if (!match) return null;
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const parsed = dayOf(year, month, day);
  const back = partsOf(parsed);
  return back.year === year && back.month === month && back.day === day ? parsed : null;
}

export function isoDay(day: Day): string {
  const { year, month, day: dayOfMonth } = partsOf(day);
  return `${String(year).padStart(4, "0")}-${String(month).padStart(2, "0")}-${String(dayOfMonth).padStart(2, "0")}`;
}

export function dayOfInstant(millis: number): Day {
  return Math.floor(millis / MILLIS_PER_DAY);
}

export function asDate(day: Day): Date {
  return new Date(day * MILLIS_PER_DAY);
}

export function yearOf(day: Day): number {
  return partsOf(day).year;
}

export function daysInMonth(year: number, month: number): number {
  return partsOf(dayOf(year, month + 1, 1) - 1).day;
}

/** Monday is 0, as weeks are keyed by their Monday. */
export function weekdayOf(day: Day): number {
  return (((day + 3) % 7) + 7) % 7;
}

/** The first day of the period `day` lies in. */
export function startOfPeriod(granularity: Granularity, day: Day): Day {
  const { year, month } = partsOf(day);
  switch (granularity) {
    case "day":
      return day;
    case "week":
      return day - weekdayOf(day);
    case "month":
      return dayOf(year, month, 1);
    case "quarter":
      return dayOf(year, month - ((month - 1) % 3), 1);
    case "year":
      return dayOf(year, 1, 1);
  }
}

/** The last day of the period `day` lies in. */
export function endOfPeriod(granularity: Granularity, day: Day): Day {
  return nextPeriod(granularity, startOfPeriod(granularity, day)) - 1;
}

/** The first day of the period after the one that starts at `start`. */
export function nextPeriod(granularity: Granularity, start: Day): Day {
  const { year, month } = partsOf(start);
  switch (granularity) {
    case "day":
      return start + 1;
    case "week":
      return start + 7;
    case "month":
      return dayOf(year, month + 1, 1);
    case "quarter":
      return dayOf(year, month + 3, 1);
    case "year":
      return dayOf(year + 1, 1, 1);
  }
}

/** The same calendar day some years away; Feb 29 becomes Feb 28 where the year has none. */
export function addYears(day: Day, years: number): Day {
  const parts = partsOf(day);
  const year = parts.year + years;
  return dayOf(year, parts.month, Math.min(parts.day, daysInMonth(year, parts.month)));
}

/** The same day of the month some months away, cut to the month's length. */
export function addMonths(day: Day, months: number): Day {
  const parts = partsOf(day);
  const first = partsOf(dayOf(parts.year, parts.month + months, 1));
  return dayOf(first.year, first.month, Math.min(parts.day, daysInMonth(first.year, first.month)));
}

export function lengthOf(range: DayRange): number {
  return range.end - range.start + 1;
}
