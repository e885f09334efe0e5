import { describe, expect, it } from "vitest";
import { breakDown, listBreakdown, rankValues } from "./breakdown";
import { covered, one, range, TODAY } from "./testLedger";

describe("ranking and Other", () => {
  const coverage = covered("2024-01-01", "2024-01-31");
  const whole = range("2024-01-01", "2024-01-31");
  const labels = {
    label: (series: { id: string }) => ({ name: series.id }),
    otherLabel: (count: number) => `Other (${count})`,
    colorOf: () => 0,
  };
  const values = [
    one("b", { "2024-01-02": 4 }),
    one("a", { "2024-01-02": 4 }),
    one("unknown", { "2024-01-02": 30 }),
    one("c", { "2024-01-03": 1 }),
    one("zero", { "2024-01-02": 0 }),
  ];
  const global = one("global", { "2024-01-02": 45, "2024-01-03": 1 });
  const base = {
    ...labels,
    global,
    range: whole,
    granularity: "month" as const,
    kind: "delta" as const,
    coverage,
    today: TODAY,
    totalLabel: "All",
  };

  it("ranks by value, equal values by id, without special and all-zero ones", () => {
    expect(rankValues(values, whole, "delta", coverage, ["unknown"]).map((entry) => entry.id)).toEqual(["a", "b", "c"]);
  });

  it("Other is the whole minus special ids minus the visible, last in the list", () => {
    const result = breakDown({ ...base, values, dimension: "publishers", maxSeries: 2 });
    expect(result.series.map((series) => [series.name, series.rank])).toEqual([
      ["a", 4],
      ["b", 4],
      ["Other (1)", 8],
    ]);
    expect(result.series.at(-1)!.other).toBe(true);
  });

  it("leaves Other out where values overlap so far that it would be negative", () => {
    const overlapping = [one("x", { "2024-01-02": 40 }), one("y", { "2024-01-02": 40 })];
    const result = breakDown({ ...base, values: overlapping, dimension: "subjects", maxSeries: 12 });
    expect(result.otherLeftOut).toBe(true);
    expect(result.series.map((series) => series.id)).toEqual(["x", "y"]);
  });

  it("lists: Other of overlapping values is the sum of the rest, and shares may pass 100 %", () => {
    const many = [one("x", { "2024-01-02": 40 }), one("y", { "2024-01-02": 40 }), one("z", { "2024-01-02": 6 })];
    const list = listBreakdown({
      ...labels,
      dimension: "subjects",
      values: many,
      global,
      range: whole,
      kind: "delta",
      coverage,
      pageSize: 2,
    });
    expect(list.rows.map((row) => [row.name, row.value])).toEqual([
      ["x", 40],
      ["y", 40],
      ["Other (1)", 6],
    ]);
    expect(list.rows.at(-1)!.members!.map((row) => row.id)).toEqual(["z"]);
    expect(list.sharesMayPass).toBe(true);
  });

  it("lists: an Other above the largest row has no bar, above 30 % it leaves the drawing when asked", () => {
    const list = listBreakdown({
      ...labels,
      dimension: "publishers",
      values,
      global,
      range: whole,
      kind: "delta",
      coverage,
      pageSize: 1,
      hideOther: true,
    });
    expect([list.otherHasNoBar, list.rows.at(-1)!.value]).toEqual([true, 12]);
    expect(list.otherAsText).toBe(false);
    const hidden = listBreakdown({
      ...labels,
      dimension: "resource_types",
      values,
      global,
      range: whole,
      kind: "delta",
      coverage,
      pageSize: 1,
      hideOther: true,
    });
    expect(hidden.otherAsText).toBe(true);
  });
});
