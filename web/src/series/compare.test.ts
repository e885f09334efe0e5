import { describe, expect, it } from "vitest";
import { isoDay } from "../lib/days";
import { bucketsOf } from "./buckets";
import { changeAgainst, comparisonValues } from "./compare";
import { covered, one, range } from "./testLedger";

describe("comparison", () => {
  const series = one("global", { "2023-01-10": 10, "2023-01-20": 5, "2024-01-10": 12, "2024-01-20": 100 });
  it("an unfinished range is compared with just as many days", () => {
    const change = changeAgainst(
      series,
      range("2024-01-01", "2024-01-31"),
      "previousYear",
      "delta",
      covered("2023-01-01", "2024-01-15"),
    );
    expect(change).toMatchObject({ before: 10, difference: 2, relative: 0.2, days: 15 });
  });

  it("compares nothing with days that have no data", () => {
    const change = changeAgainst(
      series,
      range("2024-01-01", "2024-01-31"),
      "previousYear",
      "delta",
      covered("2023-01-05", "2024-01-31"),
    );
    expect(change).toMatchObject({ before: null, difference: null, relative: null });
  });

  it("standing against standing, new where it was nothing", () => {
    const held = one("global", { "2024-01-03": 7 });
    const change = changeAgainst(
      held,
      range("2024-01-02", "2024-01-05"),
      "previousPeriod",
      "snapshot",
      covered("2024-01-01", "2024-01-31"),
    );
    expect(change).toMatchObject({ before: 0, difference: 7, relative: null });
  });

  it("puts the earlier values on the same buckets", () => {
    const now = range("2024-01-01", "2024-02-29");
    const compared = comparisonValues(
      series,
      { range: now, granularity: "month", kind: "delta", buckets: bucketsOf(now, "month") },
      "previousYear",
      covered("2023-01-01", "2024-02-10"),
    )!;
    expect(compared.values).toEqual([15, 0]);
    expect(compared.buckets.map((bucket) => isoDay(bucket.start))).toEqual(["2023-01-01", "2023-02-01"]);
  });
});
