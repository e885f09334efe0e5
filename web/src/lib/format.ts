import { asDate, type Day, type DayRange, endOfPeriod, type Granularity, partsOf, yearOf } from "./days";

/** What a number counts in; decides how it is written, never how it is added. */
export type ValueType = "number" | "filesize" | "percent" | "seconds" | "money";

export interface NumberStyle {
  locale: string;
  /** 1024 instead of 1000 for sizes (`display_binary_sizes`). */
  binarySizes?: boolean;
  currency?: string;
}

export const MISSING = "–";

const DECIMAL_UNITS = ["bytes", "kB", "MB", "GB", "TB", "PB"];
const BINARY_UNITS = ["bytes", "KiB", "MiB", "GiB", "TiB", "PiB"];

function cached<Options extends object, Format>(make: (locale: string, options: Options) => Format) {
  const formats = new Map<string, Format>();
  return (locale: string, options: Options): Format => {
    const key = `${locale}|${JSON.stringify(options)}`;
    let format = formats.get(key);
    if (!format) {
      format = make(locale, options);
      formats.set(key, format);
    }
    return format;
  };
}

const numberFormat = cached(
  (locale: string, options: Intl.NumberFormatOptions) => new Intl.NumberFormat(locale, options),
);
const dateFormat = cached(
  (locale: string, options: Intl.DateTimeFormatOptions) =>
    new Intl.DateTimeFormat(locale, { timeZone: "UTC", ...options }),
);

/** A true minus sign, as tables of figures have it. */
function withTrueMinus(text: string): string {
  return text.replace(/^(\p{Cf}?)-/u, "$1−");
}

/** Always in full: tables, tooltips and what a tile shows on hover. */
export function formatFull(value: number, type: ValueType, style: NumberStyle): string {
  switch (type) {
    case "filesize": {
      const { number, unit } = splitSize(value, style);
      return `${number} ${unit}`;
    }
    case "percent":
      return formatPercent(value, style.locale);
    case "seconds":
      return formatDuration(value, style.locale);
    case "money":
      return withTrueMinus(
        numberFormat(style.locale, { style: "currency", currency: style.currency ?? "USD" }).format(value),
      );
    default:
      return withTrueMinus(
        numberFormat(style.locale, { maximumFractionDigits: Number.isInteger(value) ? 0 : 1 }).format(value),
      );
  }
}

/** The tile's form: the number and, apart, its smaller unit. Full up to `fullUpTo`, compact above. */
export function formatTile(
  value: number,
  type: ValueType,
  style: NumberStyle,
  fullUpTo = 999_999,
): { number: string; unit: string } {
  if (type === "filesize") return splitSize(value, style);
  if (type !== "number" || Math.abs(value) <= fullUpTo) return { number: formatFull(value, type, style), unit: "" };
  return { number: compact(value, style.locale, fullUpTo < 10_000 ? 1 : 2), unit: "" };
}

/** On bars, where room is short: full up to 9,999, then three digits. */
export function formatShort(value: number, type: ValueType, style: NumberStyle): string {
  if (type !== "number" || Math.abs(value) < 10_000) return formatFull(value, type, style);
  const text = numberFormat(style.locale, { notation: "compact", maximumSignificantDigits: 3 }).format(value);
  return withTrueMinus(style.locale.startsWith("en") ? text.replace("K", "k") : text);
}

/** Axis labels: `500k`, `1.5M`, `40 GB`; shortest exact form. */
export function formatAxis(value: number, type: ValueType, style: NumberStyle): string {
  if (type === "filesize") return value === 0 ? "0" : formatFull(value, type, style);
  if (type === "money")
    return numberFormat(style.locale, {
      style: "currency",
      currency: style.currency ?? "USD",
      maximumFractionDigits: Number.isInteger(value) ? 0 : 2,
    }).format(value);
  if (type === "seconds") return `${numberFormat(style.locale, { maximumFractionDigits: 2 }).format(value)} s`;
  if (type === "percent") return formatPercent(value, style.locale, 0);
  if (Math.abs(value) < 10_000)
    return withTrueMinus(numberFormat(style.locale, { maximumFractionDigits: 2 }).format(value));
  return compact(value, style.locale, 2);
}

function compact(value: number, locale: string, decimals: number): string {
  const text = numberFormat(locale, { notation: "compact", maximumFractionDigits: decimals }).format(value);
  return withTrueMinus(locale.startsWith("en") ? text.replace("K", "k") : text);
}

function splitSize(value: number, style: NumberStyle): { number: string; unit: string } {
  const base = style.binarySizes ? 1024 : 1000;
  const units = style.binarySizes ? BINARY_UNITS : DECIMAL_UNITS;
  let index = 0;
  let size = Math.abs(value);
  while (size >= base && index < units.length - 1) {
    size /= base;
    index += 1;
  }
  // 999.96 would print as 1,000.0 of the smaller unit.
  if (Number(size.toFixed(1)) >= base && index < units.length - 1) {
    size /= base;
    index += 1;
  }
  const decimals = index === 0 ? 0 : 1;
  const number = numberFormat(style.locale, { maximumFractionDigits: decimals }).format(Math.sign(value) * size);
  const unit = index === 0 ? "B" : units[index]!;
  return { number: withTrueMinus(number), unit };
}

/** `part` of 1, one decimal. */
export function formatPercent(part: number, locale: string, decimals = 1): string {
  return withTrueMinus(
    numberFormat(locale, { style: "percent", minimumFractionDigits: decimals, maximumFractionDigits: decimals }).format(
      part,
    ),
  );
}

/** `12 s`, `45m`, `1h 20m`. */
export function formatDuration(seconds: number, locale: string): string {
  if (Math.abs(seconds) < 60) return `${numberFormat(locale, { maximumFractionDigits: 1 }).format(seconds)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes}m`;
  const rest = minutes % 60;
  return rest === 0 ? `${Math.floor(minutes / 60)}h` : `${Math.floor(minutes / 60)}h ${rest}m`;
}

export function formatDay(day: Day, locale: string): string {
  return dateFormat(locale, { year: "numeric", month: "short", day: "numeric" }).format(asDate(day));
}

export function formatDayLong(day: Day, locale: string): string {
  return dateFormat(locale, { year: "numeric", month: "long", day: "numeric" }).format(asDate(day));
}

/** Without the year, for places whose whole figure shares it. */
export function formatDayShort(day: Day, locale: string): string {
  return dateFormat(locale, { month: "short", day: "numeric" }).format(asDate(day));
}

export function formatMonth(day: Day, locale: string, width: "long" | "short" = "long"): string {
  return dateFormat(locale, { year: "numeric", month: width }).format(asDate(day));
}

export function formatWeekday(day: Day, locale: string): string {
  return dateFormat(locale, { weekday: "short" }).format(asDate(day));
}

/** One period in full: "Jan 15, 2024", "Jan 15 – 21, 2024", "January 2024", "Q1 2024", "2024". */
export function formatPeriod(granularity: Granularity, start: Day, locale: string): string {
  const { year, month } = partsOf(start);
  switch (granularity) {
    case "day":
      return formatDay(start, locale);
    case "week":
      return formatRange({ start, end: endOfPeriod("week", start) }, locale);
    case "month":
      return formatMonth(start, locale);
    case "quarter":
      return `Q${Math.ceil(month / 3)} ${year}`;
    case "year":
      return String(year);
  }
}

export function formatRange(range: DayRange, locale: string): string {
  if (range.start === range.end) return formatDay(range.start, locale);
  const format = dateFormat(locale, { year: "numeric", month: "short", day: "numeric" });
  return format.formatRange(asDate(range.start), asDate(range.end)).replace(/[\u2009\u202f]/g, " ");
}

/** A period on the axis. The year stands under the first label and under each January only. */
export function axisLabel(granularity: Granularity, start: Day, first: boolean, locale: string): string {
  const { year, month } = partsOf(start);
  const shownYear = numberFormat(locale, { useGrouping: false }).format(year);
  switch (granularity) {
    case "day":
    case "week":
      return first ? `${formatDayShort(start, locale)}\n${shownYear}` : formatDayShort(start, locale);
    case "month": {
      const name = dateFormat(locale, { month: "short" }).format(asDate(start));
      return first || month === 1 ? `${name}\n${shownYear}` : name;
    }
    case "quarter":
      return first || month === 1 ? `Q${Math.ceil(month / 3)}\n${shownYear}` : `Q${Math.ceil(month / 3)}`;
    case "year":
      return shownYear;
  }
}

/** 24 hours, the zone always named. */
export function formatInstant(iso: string, locale: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const time = dateFormat(locale, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(date);
  return `${time} UTC`;
}

export function formatInstantWithDay(iso: string, locale: string): string {
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  const day = dateFormat(locale, { year: "numeric", month: "short", day: "numeric" }).format(date);
  return `${day}, ${formatInstant(iso, locale)}`;
}

/** The name of a country from its ISO alpha-2 code, in the page's language; the code itself when nobody knows it. */
export function countryName(code: string, locale: string): string {
  if (!/^[A-Za-z]{2}$/.test(code)) return code;
  try {
    return new Intl.DisplayNames([locale], { type: "region" }).of(code.toUpperCase()) ?? code;
  } catch {
    return code;
  }
}

export function shareYear(range: DayRange): boolean {
  return yearOf(range.start) === yearOf(range.end);
}
