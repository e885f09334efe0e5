import { describe, expect, it } from "vitest";
import { bucketsOf, foldIntoBuckets } from "./buckets";
import { covered, ledger, one, range, TODAY } from "./testLedger";

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
