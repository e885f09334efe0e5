import { describe, expect, it } from "vitest";
import { type DayRange, isoDay, parseDay } from "./days";
import {
  checkCustomRange,
  comparisonRange,
  expandRange,
  normalisePreset,
  PRESETS,
  parseRangeText,
  presetOf,
  presetRange,
  shiftRange,
} from "./ranges";

const day = (text: string) => parseDay(text)!;
const range = (start: string, end: string): DayRange => ({ start: day(start), end: day(end) });
const show = (given: DayRange | null) => given && `${isoDay(given.start)}..${isoDay(given.end)}`;
const TODAY = day("2026-11-21");

describe("presets (spec §16.5)", () => {
  it.each([
    ["yearToDate", "2026-01-01..2026-11-21"],
    ["7days", "2026-11-14..2026-11-21"],
    ["90days", "2026-08-23..2026-11-21"],
    ["1weeks", "2026-11-14..2026-11-21"],
    ["12weeks", "2026-08-29..2026-11-21"],
    ["1months", "2026-11-01..2026-11-21"],
    ["6months", "2026-06-01..2026-11-21"],
    ["12months", "2025-12-01..2026-11-21"],
    ["1year", "2025-11-21..2026-11-21"],
    ["currentQuarter", "2026-10-01..2026-12-31"],
    ["previousQuarter", "2026-07-01..2026-09-30"],
    ["4quarters", "2026-01-01..2026-11-21"],
    ["currentYear", "2026-01-01..2026-11-21"],
    ["previousYear", "2025-01-01..2025-12-31"],
    ["2years", "2024-01-01..2026-11-21"],
    ["allTime", "2011-01-01..2026-11-21"],
  ])("%s is %s", (name, expected) => {
    expect(show(presetRange(name, TODAY, 15))).toBe(expected);
  });

  it("previousQuarter works in the first quarter too", () => {
    expect(show(presetRange("previousQuarter", day("2026-02-03"), 15))).toBe("2025-10-01..2025-12-31");
  });

  it("is never older than the history allows", () => {
    expect(show(presetRange("5years", TODAY, 3))).toBe("2023-01-01..2026-11-21");
  });

  it("offers only names it can compute, and reads configured spellings", () => {
    for (const names of Object.values(PRESETS)) {
      for (const name of names) expect(name === "custom" || presetRange(name, TODAY, 15) !== null, name).toBe(true);
    }
    expect(normalisePreset("12month")).toBe("12months");
    expect(normalisePreset("month")).toBe("1months");
    expect(presetRange("sometime", TODAY, 15)).toBeNull();
  });

  it("names a range by the preset it equals", () => {
    expect(presetOf(range("2025-12-01", "2026-11-21"), "month", TODAY, 15)).toBe("12months");
    expect(presetOf(range("2025-12-02", "2026-11-21"), "month", TODAY, 15)).toBe("custom");
  });
});

describe("other ranges", () => {
  it("expands to whole periods but not into the future", () => {
    expect(show(expandRange(range("2026-03-10", "2026-05-20"), "month", TODAY))).toBe("2026-03-01..2026-05-31");
    expect(show(expandRange(range("2026-03-10", "2026-11-21"), "quarter", TODAY))).toBe("2026-01-01..2026-11-21");
    expect(show(expandRange(range("2026-10-01", "2026-12-31"), "quarter", TODAY))).toBe("2026-10-01..2026-12-31");
  });

  it("compares with the year before or with as many days before", () => {
    expect(show(comparisonRange(range("2026-01-01", "2026-11-21"), "previousYear"))).toBe("2025-01-01..2025-11-21");
    expect(show(comparisonRange(range("2026-11-08", "2026-11-21"), "previousPeriod"))).toBe("2026-10-25..2026-11-07");
    expect(comparisonRange(range("2026-11-08", "2026-11-21"), "none")).toBeNull();
  });

  it("steps by whole months where it holds whole months", () => {
    expect(show(shiftRange(range("2026-02-01", "2026-02-28"), "month", 1))).toBe("2026-03-01..2026-03-31");
    expect(show(shiftRange(range("2026-01-01", "2026-03-31"), "quarter", -1))).toBe("2025-10-01..2025-12-31");
    expect(show(shiftRange(range("2026-11-08", "2026-11-21"), "day", -1))).toBe("2026-10-25..2026-11-07");
  });

  it("refuses custom ranges with the reason", () => {
    expect(checkCustomRange("", "2026-01-01")).toBe("unfinished");
    expect(checkCustomRange("2026-1-x", "2026-01-01")).toBe("format");
    expect(checkCustomRange("1899-01-01", "2026-01-01")).toBe("year");
    expect(checkCustomRange("2026-13-01", "2026-01-01")).toBe("month");
    expect(checkCustomRange("2026-02-29", "2026-03-01")).toBe("day");
    expect(checkCustomRange("2026-03-02", "2026-03-01")).toBe("order");
    expect(show(checkCustomRange("2026-3-1", "2026-03-01") as DayRange)).toBe("2026-03-01..2026-03-01");
  });
});

describe("typed ranges", () => {
  it.each([
    ["last 90d", "2026-08-24..2026-11-21"],
    ["90 days", "2026-08-24..2026-11-21"],
    ["last 3 months", "2026-09-01..2026-11-21"],
    ["since nov 7", "2026-11-07..2026-11-21"],
    ["since March", "2026-03-01..2026-11-21"],
    ["Q2 2026", "2026-04-01..2026-06-30"],
    ["Q4", "2026-10-01..2026-11-21"],
    ["2025", "2025-01-01..2025-12-31"],
    ["december", "2025-12-01..2025-12-31"],
    ["nov 2025", "2025-11-01..2025-11-30"],
    ["2026-01-05 to 2026-02-01", "2026-01-05..2026-02-01"],
    ["jan 2026 – mar 2026", "2026-01-01..2026-03-31"],
    ["today", "2026-11-21..2026-11-21"],
  ])("%s is %s", (text, expected) => {
    expect(show(parseRangeText(text, TODAY, "en"))).toBe(expected);
  });

  it("understands the page's language beside English", () => {
    expect(show(parseRangeText("seit märz", TODAY, "de"))).toBe("2026-03-01..2026-11-21");
    expect(show(parseRangeText("letzte 90 tage", TODAY, "de"))).toBe("2026-08-24..2026-11-21");
  });

  it.each(["", "soon", "2026-02-30", "next year", "mar 2026 to jan 2026", "since 2027"])("%s is nothing", (text) => {
    expect(parseRangeText(text, TODAY, "en")).toBeNull();
  });
});
