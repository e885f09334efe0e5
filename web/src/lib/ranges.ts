import {
  addYears,
  type Day,
  type DayRange,
  dayOf,
  daysInMonth,
  endOfPeriod,
  type Granularity,
  lengthOf,
  parseDay,
  partsOf,
  startOfPeriod,
} from "./days";

/** What a preset button is called in configuration and in the URL (spec §16.5). */
export type Preset = string;

const SHARED_MONTHS = ["yearToDate", "1months", "3months", "6months", "12months", "allTime", "custom"];

/** The presets on offer per granularity, in the order they are listed. */
export const PRESETS: Record<Granularity, readonly Preset[]> = {
  day: ["yearToDate", "7days", "30days", "90days", "6months", "1year", "allTime", "custom"],
  week: ["yearToDate", "1weeks", "2weeks", "4weeks", "8weeks", "12weeks", "24weeks", "allTime", "custom"],
  month: SHARED_MONTHS,
  quarter: [
    "yearToDate",
    "currentQuarter",
    "previousQuarter",
    "2quarters",
    "3quarters",
    "4quarters",
    "allTime",
    "custom",
  ],
  year: ["currentYear", "previousYear", "2years", "3years", "4years", "5years", "allTime", "custom"],
};

/** One key per preset; shown beside it and answered while the menu is open. */
export const PRESET_KEYS: Record<string, string> = {
  yearToDate: "y",
  currentYear: "y",
  previousYear: "p",
  currentQuarter: "c",
  previousQuarter: "p",
  "7days": "w",
  "30days": "t",
  "90days": "9",
  "6months": "6",
  "1year": "l",
  "1weeks": "1",
  "2weeks": "2",
  "4weeks": "4",
  "8weeks": "8",
  "12weeks": "w",
  "24weeks": "h",
  "1months": "1",
  "3months": "3",
  "12months": "l",
  "2quarters": "2",
  "3quarters": "3",
  "4quarters": "4",
  "2years": "2",
  "3years": "3",
  "4years": "4",
  "5years": "5",
  allTime: "a",
  custom: "c",
};

const WORDS: Record<string, string> = {
  month: "1months",
  week: "1weeks",
  quarter: "currentQuarter",
  year: "currentYear",
};

/** Configured names vary ("12months", "1month"); one spelling goes on. */
export function normalisePreset(name: string): Preset {
  const match = /^(\d+)(day|week|month|quarter|year)s?$/.exec(name);
  if (!match) return WORDS[name] ?? name;
  const [, count, unit] = match;
  if (unit === "year" && count === "1") return "1year";
  return `${count}${unit}s`;
}

/**
 * The days a preset stands for (spec §16.5), never older than `maxHistoryYears`.
 *
 * Returns `null` for `custom` and for names nobody knows: the caller keeps the range it has.
 */
export function presetRange(name: Preset, today: Day, maxHistoryYears: number): DayRange | null {
  const { year, month } = partsOf(today);
  const oldest = dayOf(year - maxHistoryYears, 1, 1);
  const range = uncutPresetRange(normalisePreset(name), today, year, month, oldest);
  if (!range) return null;
  return { start: Math.max(range.start, oldest), end: range.end };
}

function uncutPresetRange(name: Preset, today: Day, year: number, month: number, oldest: Day): DayRange | null {
  switch (name) {
    case "yearToDate":
    case "currentYear":
      return { start: dayOf(year, 1, 1), end: today };
    case "previousYear":
      return { start: dayOf(year - 1, 1, 1), end: dayOf(year - 1, 12, 31) };
    case "currentQuarter":
      return { start: startOfPeriod("quarter", today), end: endOfPeriod("quarter", today) };
    case "previousQuarter": {
      const lastDay = startOfPeriod("quarter", today) - 1;
      return { start: startOfPeriod("quarter", lastDay), end: lastDay };
    }
    case "1year":
      return { start: addYears(today, -1), end: today };
    case "allTime":
      return { start: oldest, end: today };
  }
  const match = /^(\d+)(days|weeks|months|quarters|years)$/.exec(name);
  if (!match) return null;
  const count = Number(match[1]);
  switch (match[2]) {
    case "days":
      return { start: today - count, end: today };
    case "weeks":
      return { start: today - 7 * count, end: today };
    case "months":
      return { start: dayOf(year, month - (count - 1), 1), end: today };
    case "quarters": {
      const quarter = partsOf(startOfPeriod("quarter", today));
      return { start: dayOf(quarter.year, quarter.month - 3 * (count - 1), 1), end: today };
    }
    default:
      return { start: dayOf(year - count, 1, 1), end: today };
  }
}

/**
 * The whole periods a range touches: choosing a coarser granularity never cuts a bar in half. An end that is today stays
 * today, because the period it lies in is not over and says so itself.
 */
export function expandRange(range: DayRange, granularity: Granularity, today: Day): DayRange {
  const start = startOfPeriod(granularity, range.start);
  const end = endOfPeriod(granularity, range.end);
  return { start, end: end > today ? Math.max(range.end, Math.min(end, today)) : end };
}

/** The preset whose days are exactly these, or `custom`. */
export function presetOf(range: DayRange, granularity: Granularity, today: Day, maxHistoryYears: number): Preset {
  for (const name of PRESETS[granularity]) {
    const candidate = presetRange(name, today, maxHistoryYears);
    if (candidate && candidate.start === range.start && candidate.end === range.end) return name;
  }
  return "custom";
}

export type Comparison = "none" | "previousYear" | "previousPeriod";

/** The days a range is compared with. The period before has the same length and touches it. */
export function comparisonRange(range: DayRange, comparison: Comparison): DayRange | null {
  switch (comparison) {
    case "none":
      return null;
    case "previousYear":
      return { start: addYears(range.start, -1), end: addYears(range.end, -1) };
    case "previousPeriod":
      return { start: range.start - lengthOf(range), end: range.start - 1 };
  }
}

/** The range one step earlier or later: whole months and years move as such, anything else by its length. */
export function shiftRange(range: DayRange, granularity: Granularity, direction: -1 | 1): DayRange {
  const first = partsOf(range.start);
  const afterEnd = partsOf(range.end + 1);
  const wholeMonths = first.day === 1 && afterEnd.day === 1;
  if (wholeMonths && granularity !== "day" && granularity !== "week") {
    const months = (afterEnd.year - first.year) * 12 + (afterEnd.month - first.month);
    const start = dayOf(first.year, first.month + direction * months, 1);
    return { start, end: dayOf(first.year, first.month + (direction + 1) * months, 1) - 1 };
  }
  const length = lengthOf(range);
  return { start: range.start + direction * length, end: range.end + direction * length };
}

export type RangeProblem = "unfinished" | "year" | "month" | "day" | "order" | "format";

/** Checks the two ends of a custom range as text; every refusal has its reason. */
export function checkCustomRange(from: string, to: string): DayRange | RangeProblem {
  const start = checkDay(from);
  if (typeof start === "string") return start;
  const end = checkDay(to);
  if (typeof end === "string") return end;
  return end < start ? "order" : { start, end };
}

function checkDay(text: string): Day | RangeProblem {
  if (text.trim() === "") return "unfinished";
  const match = /^(\d{4})-(\d{1,2})-(\d{1,2})$/.exec(text.trim());
  if (!match) return "format";
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  if (year < 1900 || year > 2100) return "year";
  if (month < 1 || month > 12) return "month";
  if (day < 1 || day > daysInMonth(year, month)) return "day";
  return dayOf(year, month, day);
}

const ENGLISH_MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/**
 * What a typed range means: `last 90d`, `since march`, `Q2 2026`, `2025`, `nov 2026`, `2026-01-05 to 2026-02-01`.
 *
 * Month names are understood in English and in the page's language. Returns `null` when nothing fits.
 */
export function parseRangeText(text: string, today: Day, locale: string): DayRange | null {
  const input = text.trim().toLowerCase().replace(/\s+/g, " ");
  if (input === "") return null;
  if (/^(today|heute)$/.test(input)) return { start: today, end: today };
  if (/^(yesterday|gestern)$/.test(input)) return { start: today - 1, end: today - 1 };

  const last =
    /^(?:last|past|letzten?|letzte)? ?(\d{1,4}) ?(d|days?|tagen?|w|weeks?|wochen?|mo|months?|monaten?|y|years?|jahren?)$/.exec(
      input,
    );
  if (last) return lastUnits(Number(last[1]), last[2]!, today);

  const split = /^(.+?) (?:to|until|bis|–|-|\.\.) (.+)$/.exec(input) ?? /^(.+?)(?:–|\.\.)(.+)$/.exec(input);
  if (split) {
    const from = parsePeriod(split[1]!.trim(), today, locale);
    const to = parsePeriod(split[2]!.trim(), today, locale);
    if (!from || !to || to.end < from.start) return null;
    return { start: from.start, end: to.end };
  }
  const since = /^(?:since|from|seit|ab) (.+)$/.exec(input);
  if (since) {
    const from = parsePeriod(since[1]!, today, locale);
    return from && from.start <= today ? { start: from.start, end: today } : null;
  }
  const period = parsePeriod(input, today, locale);
  return period && period.start <= today ? { start: period.start, end: Math.min(period.end, today) } : null;
}

function lastUnits(count: number, unit: string, today: Day): DayRange | null {
  if (count < 1) return null;
  if (/^(d|t)/.test(unit)) return { start: today - count + 1, end: today };
  if (unit.startsWith("w")) return { start: today - 7 * count + 1, end: today };
  const { year, month } = partsOf(today);
  if (unit.startsWith("m")) return { start: dayOf(year, month - (count - 1), 1), end: today };
  return { start: dayOf(year - (count - 1), 1, 1), end: today };
}

/** A named period: a day, a month with or without its year, a quarter, a year. Without a year it is the latest past one. */
function parsePeriod(text: string, today: Day, locale: string): DayRange | null {
  const thisYear = partsOf(today).year;
  const iso = /^\d{4}-\d{1,2}-\d{1,2}$/.test(text) ? checkDay(text) : null;
  if (typeof iso === "number") return { start: iso, end: iso };
  const isoMonth = /^(\d{4})-(\d{1,2})$/.exec(text);
  if (isoMonth) return monthRange(Number(isoMonth[1]), Number(isoMonth[2]));
  const year = /^(\d{4})$/.exec(text);
  if (year)
    return yearInReach(Number(year[1]))
      ? { start: dayOf(Number(year[1]), 1, 1), end: dayOf(Number(year[1]), 12, 31) }
      : null;
  const quarter = /^q([1-4])(?: ?(\d{4}))?$/.exec(text);
  if (quarter) {
    const month = (Number(quarter[1]) - 1) * 3 + 1;
    const wanted = quarter[2] ? Number(quarter[2]) : dayOf(thisYear, month, 1) > today ? thisYear - 1 : thisYear;
    return { start: dayOf(wanted, month, 1), end: dayOf(wanted, month + 3, 1) - 1 };
  }
  const named = /^(?:(\d{1,2})\.? )?([\p{L}.]+)(?: (\d{1,2})(?!\d))?(?:,? (\d{4}))?$/u.exec(text);
  if (!named) return null;
  const month = monthNumber(named[2]!, locale);
  if (month === null) return null;
  const dayText = named[1] ?? named[3];
  const firstGuess = dayOf(thisYear, month, dayText ? Number(dayText) : 1);
  const wanted = named[4] ? Number(named[4]) : firstGuess > today ? thisYear - 1 : thisYear;
  if (!dayText) return monthRange(wanted, month);
  const day = parseDay(`${wanted}-${String(month).padStart(2, "0")}-${dayText.padStart(2, "0")}`);
  return day === null ? null : { start: day, end: day };
}

function yearInReach(year: number): boolean {
  return year >= 1900 && year <= 2100;
}

function monthRange(year: number, month: number): DayRange | null {
  if (!yearInReach(year) || month < 1 || month > 12) return null;
  return { start: dayOf(year, month, 1), end: dayOf(year, month + 1, 1) - 1 };
}

function monthNumber(word: string, locale: string): number | null {
  const clean = word.replace(/\.$/, "");
  if (clean.length < 3) return null;
  for (let month = 1; month <= 12; month += 1) {
    const local = new Intl.DateTimeFormat(locale, { month: "long", timeZone: "UTC" })
      .format(new Date(Date.UTC(2026, month - 1, 1)))
      .toLowerCase();
    const english = ENGLISH_MONTHS[month - 1]!;
    if (
      local.startsWith(clean) ||
      (clean.startsWith(english) &&
        "january february march april may june july august september october november december"
          .split(" ")
          [month - 1]!.startsWith(clean))
    )
      return month;
  }
  return null;
}
