import { describe, expect, it } from "vitest";
import type { WireSeries } from "../api/types";
import { isoDay, parseDay } from "../lib/days";
import { breakDown, listBreakdown, rankValues } from "./breakdown";
import { bucketsOf, foldIntoBuckets } from "./buckets";
import { changeAgainst, comparisonValues } from "./compare";
import { fillDaily, standingAt, sumOver } from "./fill";
import { type Coverage, mergeCoverage, mergeSeries, wireDay } from "./merge";
import type { Point } from "./model";
import { niceStep, scaleOf } from "./scale";

const day = (text: string) => parseDay(text)!;
const range = (start: string, end: string) => ({ start: day(start), end: day(end) });
const TODAY = day("2024-02-10");

function wire(id: string, year: number, data: [string, number][], extra: Partial<WireSeries> = {}): WireSeries {
  return { id, name: id, data, type: "line", valueType: "number", year, ...extra };
}
function one(id: string, data: Record<string, number>, extra: Partial<WireSeries> = {}) {
  const [series] = mergeSeries([[{ id, name: id, data: Object.entries(data), ...extra }]]);
  return series!;
}
const covered = (first: string, last: string, provisionalFrom: string | null = null): Coverage => ({
  first: day(first),
  last: day(last),
  provisionalFrom: provisionalFrom ? day(provisionalFrom) : null,
  asOf: null,
});
const ledger = (points: Point[]) =>
  points.map(
    (point) =>
      `${point.value ?? "-"} ${point.state}${point.was === undefined ? "" : ` was ${point.was}`} ${point.days}/${point.of}`,
  );

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

describe("folding into periods", () => {
  const deltas = one(
    "a",
    { "2024-01-30": 3, "2024-01-31": 4, "2024-02-01": 5, "2024-02-09": 1 },
    { states: [["2024-01-31", "restated", 6]] },
  );
  const january = range("2024-01-01", "2024-02-10");
  it("sums deltas, says what they were and which days they rest on", () => {
    const buckets = bucketsOf(january, "month");
    expect(
      ledger(foldIntoBuckets(deltas, january, buckets, "delta", covered("2024-01-29", "2024-02-10"), TODAY)),
    ).toEqual(["7 restated was 9 3/31", "6 open 10/29"]);
  });

  it("takes the last value of snapshots and only its own state", () => {
    const series = one("a", { "2024-01-05": 10, "2024-01-31": 12 }, { states: [["2024-01-05", "restated", 11]] });
    expect(
      ledger(
        foldIntoBuckets(
          series,
          january,
          bucketsOf(january, "month"),
          "snapshot",
          covered("2024-01-01", "2024-02-10"),
          TODAY,
        ),
      ),
    ).toEqual(["12 final 31/31", "12 open 10/29"]);
  });

  it("is missing without a covered day and provisional while days are outstanding", () => {
    const weeks = range("2024-01-01", "2024-01-21");
    const points = foldIntoBuckets(
      one("a", { "2024-01-10": 2 }),
      weeks,
      bucketsOf(weeks, "week"),
      "delta",
      covered("2024-01-08", "2024-01-18"),
      TODAY,
    );
    expect(ledger(points)).toEqual(["- missing 0/7", "2 final 7/7", "0 provisional 4/7"]);
  });

  it("a sum over part of a period is never drawn as a whole one", () => {
    const cut = range("2024-01-10", "2024-01-31");
    const points = foldIntoBuckets(
      one("a", { "2024-01-10": 2 }),
      cut,
      bucketsOf(cut, "month"),
      "delta",
      covered("2024-01-01", "2024-02-10"),
      TODAY,
    );
    expect(ledger(points)).toEqual(["2 open 22/31"]);
  });

  it("provisional days make their period provisional", () => {
    const days = range("2024-02-08", "2024-02-09");
    const points = foldIntoBuckets(
      deltas,
      days,
      bucketsOf(days, "day"),
      "delta",
      covered("2024-01-01", "2024-02-10", "2024-02-09"),
      TODAY,
    );
    expect(ledger(points)).toEqual(["0 final 1/1", "1 provisional 1/1"]);
  });
});

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

describe("scales", () => {
  it.each([
    [4812 * 1.1, 2000, 3],
    [388_290 * 1.1, 100_000, 5],
    [7, 2.5, 3],
    [0.9, 0.2, 5],
  ])("%f is cut by %f into %i", (span, step, count) => {
    expect(niceStep(span)).toBeCloseTo(step, 10);
    expect(Math.ceil(span / step)).toBe(count);
  });

  it("always has three to five cuts of 1, 2, 2.5 or 5", () => {
    for (let exponent = -2; exponent < 9; exponent += 1) {
      for (let value = 1; value < 10; value += 0.37) {
        const span = value * 10 ** exponent;
        const step = niceStep(span);
        const count = Math.ceil(span / step - 1e-9);
        expect(count, `${span}/${step}`).toBeGreaterThanOrEqual(3);
        expect(count, `${span}/${step}`).toBeLessThanOrEqual(5);
        const factor = step / 10 ** Math.floor(Math.log10(step) + 1e-9);
        expect(
          [1, 2, 2.5, 5].some((known) => Math.abs(known - factor) < 1e-6),
          `${step}`,
        ).toBe(true);
      }
    }
  });

  it("never cuts whole numbers into parts", () => {
    expect(scaleOf([1, 2], { fromZero: true }).ticks.every(Number.isInteger)).toBe(true);
    expect(scaleOf([0, 0], { fromZero: true }).ticks).toEqual([0, 1, 2, 3, 4]);
  });

  it("volumes start at zero; what may break shows its true ends", () => {
    expect(scaleOf([90, 100], { fromZero: true }).min).toBe(0);
    const broken = scaleOf([90, 100], { fromZero: false });
    expect(broken).toMatchObject({ broken: true, ticks: [90, 100], min: 88 });
    expect(scaleOf([0.5, 100], { fromZero: false }).broken).toBe(false);
  });

  it("goes below zero for removals", () => {
    const scale = scaleOf([-3, 5], { fromZero: true });
    expect(scale.min).toBeLessThanOrEqual(-3);
    expect(scale.ticks).toContain(0);
  });
});
