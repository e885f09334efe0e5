import { describe, expect, it } from "vitest";
import { parseDay } from "./days";
import {
  axisLabel,
  countryName,
  formatAxis,
  formatDuration,
  formatFull,
  formatInstant,
  formatPercent,
  formatPeriod,
  formatRange,
  formatShort,
  formatTile,
} from "./format";

const en = { locale: "en" };
const day = (text: string) => parseDay(text)!;

describe("numbers", () => {
  it("shows tiles in full up to 999,999, then compact", () => {
    expect(formatTile(999_999, "number", en)).toEqual({ number: "999,999", unit: "" });
    expect(formatTile(1_861_220, "number", en)).toEqual({ number: "1.86M", unit: "" });
    expect(formatTile(1_234, "number", en, 999)).toEqual({ number: "1.2k", unit: "" });
  });

  it("writes sizes by base, one decimal, unit apart", () => {
    expect(formatTile(2_431_000_000_000, "filesize", en)).toEqual({ number: "2.4", unit: "TB" });
    expect(formatTile(1024 ** 3, "filesize", { locale: "en", binarySizes: true })).toEqual({
      number: "1",
      unit: "GiB",
    });
    expect(formatFull(512, "filesize", en)).toBe("512 B");
    expect(formatFull(999_960, "filesize", en)).toBe("1 MB");
    expect(formatFull(-1_500, "filesize", en)).toBe("−1.5 kB");
  });

  it("uses a true minus, the locale's separators and one decimal in percents", () => {
    expect(formatFull(-4_575, "number", en)).toBe("−4,575");
    expect(formatFull(4_575, "number", { locale: "de" })).toBe("4.575");
    expect(formatPercent(0.1456, "en")).toBe("14.6%");
  });

  it("keeps axes and bars short", () => {
    expect(formatAxis(500_000, "number", en)).toBe("500k");
    expect(formatAxis(6_000, "number", en)).toBe("6,000");
    expect(formatAxis(1_500_000, "number", en)).toBe("1.5M");
    expect(formatShort(256_260, "number", en)).toBe("256k");
    expect(formatShort(4_812, "number", en)).toBe("4,812");
  });

  it("writes durations as people say them", () => {
    expect(formatDuration(2_700, "en")).toBe("45m");
    expect(formatDuration(4_800, "en")).toBe("1h 20m");
  });
});

describe("dates (spec §16.10)", () => {
  it("names periods", () => {
    expect(formatPeriod("day", day("2024-01-15"), "en")).toBe("Jan 15, 2024");
    expect(formatPeriod("week", day("2024-01-15"), "en")).toBe("Jan 15 – 21, 2024");
    expect(formatPeriod("month", day("2024-01-15"), "en")).toBe("January 2024");
    expect(formatPeriod("quarter", day("2024-01-15"), "en")).toBe("Q1 2024");
    expect(formatPeriod("year", day("2024-01-15"), "en")).toBe("2024");
    expect(formatPeriod("month", day("2024-01-15"), "de")).toBe("Januar 2024");
  });

  it("drops nothing that is needed in a range", () => {
    expect(formatRange({ start: day("2025-12-01"), end: day("2026-11-20") }, "en")).toBe("Dec 1, 2025 – Nov 20, 2026");
  });

  it("puts the year under the first label and each January", () => {
    expect(axisLabel("month", day("2025-12-01"), true, "en")).toBe("Dec\n2025");
    expect(axisLabel("month", day("2026-01-01"), false, "en")).toBe("Jan\n2026");
    expect(axisLabel("month", day("2026-02-01"), false, "en")).toBe("Feb");
  });

  it("names the zone", () => {
    expect(formatInstant("2026-11-21T02:10:00Z", "en")).toBe("02:10 UTC");
  });
});

it("names countries in the page's language and keeps unknown codes", () => {
  expect(countryName("PT", "de")).toBe("Portugal");
  expect(countryName("DE", "en")).toBe("Germany");
  expect(countryName("imported", "en")).toBe("imported");
});
