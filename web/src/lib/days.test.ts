import { describe, expect, it } from "vitest";
import {
  addMonths,
  addYears,
  dayOf,
  endOfPeriod,
  isoDay,
  nextPeriod,
  parseDay,
  startOfPeriod,
  weekdayOf,
} from "./days";

const day = (text: string) => parseDay(text)!;

describe("days", () => {
  it("reads existing days and refuses others", () => {
    expect(isoDay(day("2024-02-29"))).toBe("2024-02-29");
    expect(parseDay("2023-02-29")).toBeNull();
    expect(parseDay("2024-13-01")).toBeNull();
    expect(parseDay("yesterday")).toBeNull();
    expect(parseDay(null)).toBeNull();
  });

  it("keys weeks by their Monday, also before 1970", () => {
    expect(weekdayOf(day("2026-11-23"))).toBe(0);
    expect(isoDay(startOfPeriod("week", day("2026-11-22")))).toBe("2026-11-16");
    expect(isoDay(startOfPeriod("week", day("1969-12-31")))).toBe("1969-12-29");
  });

  it("knows the ends of every period", () => {
    expect(isoDay(endOfPeriod("month", day("2024-02-10")))).toBe("2024-02-29");
    expect(isoDay(endOfPeriod("quarter", day("2026-11-21")))).toBe("2026-12-31");
    expect(isoDay(endOfPeriod("year", day("2026-11-21")))).toBe("2026-12-31");
    expect(isoDay(nextPeriod("quarter", day("2026-10-01")))).toBe("2027-01-01");
  });

  it("moves by months and years without leaving the month", () => {
    expect(isoDay(addMonths(day("2026-03-31"), -1))).toBe("2026-02-28");
    expect(isoDay(addYears(day("2024-02-29"), 1))).toBe("2025-02-28");
    expect(dayOf(1970, 1, 1)).toBe(0);
  });
});
