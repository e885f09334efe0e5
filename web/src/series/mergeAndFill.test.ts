import { describe, expect, it } from "vitest";
import { isoDay } from "../lib/days";
import { fillDaily } from "./fill";
import { mergeCoverage, mergeSeries, wireDay } from "./merge";
import { covered, one, range, wire } from "./testLedger";

describe("merging yearly answers", () => {
  it("needs the year for MM-DD and takes full days as they are", () => {
    expect(isoDay(wireDay("01-12", 2024)!)).toBe("2024-01-12");
    expect(wireDay("01-12", undefined)).toBeNull();
    expect(wireDay("02-29", 2023)).toBeNull();
    expect(isoDay(wireDay("2024-01-12", undefined)!)).toBe("2024-01-12");
  });

  it("joins by id, newest order and name first", () => {
    const merged = mergeSeries([
      [wire("old", 2023, [["12-31", 1]]), wire("a", 2023, [["12-31", 5]])],
      [wire("a", 2024, [["01-01", 7]], { name: { en: "A" } })],
    ]);
    expect(merged.map((series) => series.id)).toEqual(["a", "old"]);
    expect(merged[0]!.name).toEqual({ en: "A" });
    expect(merged[0]!.days.map(isoDay)).toEqual(["2023-12-31", "2024-01-01"]);
  });

  it("trusts coverage where it is given and vouches only for points seen where it is not", () => {
    const given = mergeCoverage([
      [
        wire("global", 2024, [], {
          coverage: {
            first: "2023-05-01",
            last: "2024-02-10",
            provisional_from: "2024-02-10",
            as_of: "2024-02-10T02:00:00Z",
          },
        }),
      ],
    ]);
    expect([isoDay(given.first!), isoDay(given.last!), isoDay(given.provisionalFrom!)]).toEqual([
      "2023-05-01",
      "2024-02-10",
      "2024-02-10",
    ]);
    const guessed = mergeCoverage([
      [
        wire("global", 2024, [
          ["01-03", 1],
          ["01-09", 2],
        ]),
      ],
    ]);
    expect([isoDay(guessed.first!), isoDay(guessed.last!)]).toEqual(["2024-01-03", "2024-01-09"]);
    expect(mergeCoverage([]).first).toBeNull();
  });
});

describe("filling days", () => {
  const coverage = covered("2024-01-02", "2024-01-05");
  it("absent inside the coverage is 0 for deltas, outside it is missing", () => {
    const points = fillDaily(one("a", { "2024-01-03": 4 }), range("2024-01-01", "2024-01-06"), "delta", coverage);
    expect(points.map((point) => point.value)).toEqual([null, 0, 4, 0, 0, null]);
    expect(points[0]!.state).toBe("missing");
  });

  it("snapshots carry on from the last value before the range", () => {
    const series = one("a", { "2023-12-30": 10, "2024-01-04": 12 });
    const points = fillDaily(series, range("2024-01-02", "2024-01-06"), "snapshot", coverage);
    expect(points.map((point) => point.value)).toEqual([10, 10, 12, 12, null]);
  });

  it("snapshots are 0 before a value was ever there", () => {
    expect(
      fillDaily(one("a", { "2024-01-04": 2 }), range("2024-01-02", "2024-01-04"), "snapshot", coverage).map(
        (point) => point.value,
      ),
    ).toEqual([0, 0, 2]);
  });
});
