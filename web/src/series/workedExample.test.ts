import { describe, expect, it } from "vitest";
import { breakDown, listBreakdown } from "./breakdown";
import { bucketsOf, foldIntoBuckets } from "./buckets";
import { standingAt, sumOver } from "./fill";
import { mergeSeries } from "./merge";
import { covered, day, range, TODAY, wire } from "./testLedger";

describe("the worked example of spec §3", () => {
  // C1, basis added: 01-12 +3, 01-13 −1, 01-14 −1; snapshot 3, 2, 1; files 3/3500, 1/2000, 1/2000.
  const coverage = covered("2024-01-12", "2024-01-14");
  const delta = mergeSeries([
    [
      wire("global", 2024, [
        ["01-12", 3],
        ["01-13", -1],
        ["01-14", -1],
      ]),
    ],
  ])[0]!;
  const snapshot = mergeSeries([
    [
      wire("global", 2024, [
        ["01-12", 3],
        ["01-13", 2],
        ["01-14", 1],
      ]),
    ],
  ])[0]!;
  const volume = mergeSeries([
    [
      wire(
        "global",
        2024,
        [
          ["01-12", 3500],
          ["01-13", 2000],
          ["01-14", 2000],
        ],
        { valueType: "filesize" },
      ),
    ],
  ])[0]!;
  const presence = mergeSeries([
    [
      wire("metadata_only", 2024, [
        ["01-12", 1],
        ["01-13", 0],
        ["01-14", -1],
      ]),
      wire("with_files", 2024, [
        ["01-12", 2],
        ["01-13", -1],
        ["01-14", 0],
      ]),
    ],
  ]);
  const types = mergeSeries([
    [
      wire("dataset", 2024, [
        ["01-12", 2],
        ["01-13", 1],
        ["01-14", 1],
      ]),
      wire("publication-article", 2024, [
        ["01-12", 1],
        ["01-13", 1],
        ["01-14", 0],
      ]),
    ],
  ]);
  const whole = range("2024-01-01", "2024-01-31");

  it("tiles: records left, records held, bytes held", () => {
    expect(sumOver(delta, whole, coverage)).toBe(1);
    expect(standingAt(snapshot, day("2024-01-31"), coverage)).toBe(1);
    expect(standingAt(snapshot, day("2024-01-12"), coverage)).toBe(3);
    expect(standingAt(snapshot, day("2024-01-11"), coverage)).toBeNull();
    expect(standingAt(volume, day("2024-01-13"), coverage)).toBe(2000);
  });

  it("days before the first and after the last are missing, never zero", () => {
    const window = range("2024-01-11", "2024-01-15");
    expect(
      foldIntoBuckets(delta, window, bucketsOf(window, "day"), "delta", coverage, TODAY).map((point) => point.value),
    ).toEqual([null, 3, -1, -1, null]);
  });

  it("file presence adds up to the whole, so there is no Other", () => {
    const result = breakDown(request(presence, delta, "file_presence", "delta"));
    expect(result.series.map((series) => [series.id, series.rank])).toEqual([
      ["with_files", 1],
      ["metadata_only", 0],
    ]);
  });

  it("resource types: shares of the standing, zeros hidden in lists", () => {
    const list = listBreakdown({
      ...labels,
      dimension: "resource_types",
      values: types,
      global: snapshot,
      range: range("2024-01-12", "2024-01-13"),
      kind: "snapshot",
      coverage,
      pageSize: 10,
    });
    expect(list.rows.map((row) => [row.id, row.value, row.share])).toEqual([
      ["dataset", 1, 0.5],
      ["publication-article", 1, 0.5],
    ]);
    const later = listBreakdown({
      ...labels,
      dimension: "resource_types",
      values: types,
      global: snapshot,
      range: whole,
      kind: "snapshot",
      coverage,
      pageSize: 10,
    });
    expect(later.rows.map((row) => [row.id, row.value, row.share])).toEqual([["dataset", 1, 1]]);
  });

  const labels = {
    label: (series: { id: string }) => ({ name: series.id }),
    otherLabel: (count: number) => `Other (${count})`,
    colorOf: () => 0,
  };
  function request(values: typeof presence, global: typeof delta, dimension: string, kind: "delta" | "snapshot") {
    return {
      ...labels,
      global,
      values,
      dimension,
      range: whole,
      granularity: "day" as const,
      kind,
      coverage,
      today: TODAY,
      maxSeries: 12,
      totalLabel: "All",
    };
  }
});
