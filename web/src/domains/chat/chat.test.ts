import { describe, expect, it } from "vitest";
import type { BotRow } from "../../api/chat";
import { reasonsOf } from "../../api/client";
import { parseDay } from "../../lib/days";
import { pagesAround, shareOfLargest } from "./BotTable";
import { channelList, sessionLines } from "./ChatCharts";
import { p95Figure, partsList } from "./CostParts";
import { bucketAt, chatFigure, classesFigure, histogramFigure, relativeTime } from "./figures";
import { apiQuery, daysOf, earlierQuery, filterData, filterFrom, pageQuery } from "./filters";
import { tagRows } from "./People";

const TODAY = parseDay("2026-06-10")!;
const filter = (query: string) => filterFrom(new URLSearchParams(query));

describe("filters in the URL", () => {
  it("reads repeated and comma-joined lists and falls back to 30 days, daily", () => {
    expect(filter("experiments=1&experiments=2,3&tags=4")).toMatchObject({
      range: "30",
      step: "daily",
      values: { experiments: ["1", "2", "3"], tags: ["4"], channels: [] },
    });
    expect(filter("date_range=400&granularity=yearly")).toMatchObject({ range: "30", step: "daily" });
  });

  it("N days reach from today − N to today; the days before are as many", () => {
    expect(daysOf(filter("date_range=7"), TODAY)).toEqual({ start: TODAY - 7, end: TODAY });
    expect(apiQuery(filter("date_range=7&channels=web"), TODAY)).toBe("date_range=7&granularity=daily&channels=web");
    expect(earlierQuery(filter("date_range=7&channels=web"), TODAY)).toBe(
      "date_range=custom&granularity=daily&start_date=2026-05-26&end_date=2026-06-02&channels=web",
    );
  });

  it("an unfinished or reversed range is no question", () => {
    for (const query of [
      "date_range=custom",
      "date_range=custom&start_date=2026-06-01",
      "date_range=custom&start_date=2026-06-09&end_date=2026-06-01",
    ])
      expect(apiQuery(filter(query), TODAY)).toBeNull();
  });

  it("what a preset keeps comes back as the same page", () => {
    const query =
      "date_range=custom&start_date=2026-06-01&end_date=2026-06-09&granularity=weekly&experiments=1&experiments=2";
    expect(pageQuery(filterData(filter(query))).toString()).toBe(query);
    expect(pageQuery({ experiments: [1], date_range: 7, nonsense: "x", tags: null }).toString()).toBe(
      "date_range=7&experiments=1",
    );
  });
});

describe("the worked example of spec/chat §4", () => {
  const totals = [
    ["2026-06-02", 2, 1],
    ["2026-06-03", 1, 0],
    ["2026-06-04", 0, 1],
    ["2026-06-09", 1, 2],
    ["2026-06-10", 0, 1],
  ].map(([date, human, ai]) => ({
    date: String(date),
    human_messages: Number(human),
    ai_messages: Number(ai),
    total_messages: Number(human) + Number(ai),
  }));
  const request = { step: "daily" as const, today: TODAY, locale: "en" };
  const total = { id: "t", name: "All", pick: (row: (typeof totals)[number]) => row.total_messages };

  it("daily messages: human and AI add up, today is open", () => {
    const lines = [
      { id: "ai", name: "AI", pick: (row: (typeof totals)[number]) => row.ai_messages },
      { id: "human", name: "Human", pick: (row: (typeof totals)[number]) => row.human_messages },
    ];
    const figure = chatFigure({ ...request, rows: totals, frame: [], lines, total, absentIsZero: true })!;
    expect(figure.series.map((series) => series.points.map((point) => point.value))).toEqual([
      [1, 0, 1, 2, 1],
      [2, 1, 0, 1, 0],
    ]);
    expect(figure.total.points.map((point) => `${point.value} ${point.state}`)).toEqual([
      "3 final",
      "1 final",
      "1 final",
      "3 final",
      "1 open",
    ]);
  });

  it("response times exist only where something was measured", () => {
    const times = [
      { date: "2026-06-02", avg_response_time_sec: 1 },
      { date: "2026-06-09", avg_response_time_sec: 3.46 },
    ];
    const figure = chatFigure({
      ...request,
      rows: times,
      frame: totals.map((row) => row.date),
      lines: [],
      total: { id: "s", name: "s", pick: (row) => row.avg_response_time_sec },
      valueType: "seconds",
      absentIsZero: false,
    })!;
    expect(figure.total.points.map((point) => point.value)).toEqual([1, null, null, 3.46, null]);
    expect(figure.total.points.map((point) => point.state)).toEqual(["final", "missing", "missing", "final", "open"]);
  });

  it("weeks and hours are named by their instants, whatever the spelling of UTC", () => {
    expect(bucketAt("2026-06-01T00:00:00+00:00", "weekly", "en")).toEqual({
      start: parseDay("2026-06-01")!,
      end: parseDay("2026-06-07")!,
    });
    expect(bucketAt("2026-06-02T09:00:00+02:00", "hourly", "en")).toMatchObject({
      label: "Jun 2, 2026, 09:00",
      axis: "09:00",
    });
    const spelled = [{ date: "2026-06-01T00:00:00Z", total_messages: 5 }];
    const figure = chatFigure({
      ...request,
      step: "weekly",
      rows: spelled,
      frame: ["2026-06-01T00:00:00+00:00"],
      lines: [],
      total: { id: "t", name: "t", pick: (row) => row.total_messages },
      absentIsZero: true,
    })!;
    expect(figure.total.points.map((point) => point.value)).toEqual([5]);
  });

  it("session lengths: bins add up to the sessions", () => {
    const bins = Array.from({ length: 10 }, (_, index) => ({
      bin_start: 30 + 7 * index,
      bin_end: 37 + 7 * index,
      count: index === 0 || index === 9 ? 1 : 0,
      label: `${30 + 7 * index}.0-${37 + 7 * index}.0 min`,
    }));
    const figure = histogramFigure(bins, "sessions", "en")!;
    expect(figure.total.rank).toBe(2);
    expect(figure.buckets[0]).toMatchObject({ axis: "30–37" });
    expect(histogramFigure([], "sessions", "en")).toBeNull();
  });

  it("channels: shares of all sessions", () => {
    const list = channelList({
      platforms: [
        { platform: "telegram", sessions: 2 },
        { platform: "web", sessions: 2 },
        { platform: "api", sessions: 0 },
      ],
      totals: { sessions: 4 },
    });
    expect(list.rows.map((row) => [row.name, row.value, row.share])).toEqual([
      ["Telegram", 2, 0.5],
      ["Web", 2, 0.5],
    ]);
  });

  it("tags: links on messages and sessions together", () => {
    expect(
      tagRows({
        tag_categories: { "User Defined": { billing: 2 }, Error: { timeout: 1 } },
        total_tagged_messages: 3,
        tagged_sessions: { "User Defined": { billing: 1 } },
      }),
    ).toEqual([
      { category: "User Defined", name: "billing", count: 3 },
      { category: "Error", name: "timeout", count: 1 },
    ]);
    expect(tagRows(undefined)).toEqual([]);
  });
});

it("the pager shows first, current ± 1 and last", () => {
  expect(pagesAround(5, 9)).toEqual([1, 4, 5, 6, 9]);
  expect(pagesAround(1, 2)).toEqual([1, 2]);
});

it("says when, in the page's words", () => {
  const now = Date.parse("2026-06-10T12:00:00Z");
  expect(relativeTime("2026-06-07T12:00:00Z", now, "en")).toBe("3 days ago");
  expect(relativeTime("2026-06-10T10:00:00Z", now, "de")).toBe("vor 2 Stunden");
});

describe("what was asked for beside the first figures", () => {
  it("a search is part of the address, of the question and of what a preset keeps", () => {
    const query = 'date_range=90&granularity=daily&q=tag+%3D+"billing"&saved=Long%2C+talks&saved=Other';
    expect(filter(query)).toMatchObject({ expression: 'tag = "billing"', saved: ["Long, talks", "Other"] });
    const asked = new URLSearchParams(apiQuery(filter(query), TODAY)!);
    expect([asked.get("q"), asked.getAll("saved")]).toEqual(['tag = "billing"', ["Long, talks", "Other"]]);
    expect(pageQuery(filterData(filter(query))).toString()).toBe(asked.toString());
  });

  it("what the server says of each field is said to the reader", () => {
    expect(reasonsOf({ q: ["at character 12: `fax` is not a platform"] })).toBe(
      "q: at character 12: `fax` is not a platform",
    );
    expect(reasonsOf({ __all__: ["the start is after the end"], limit: ["too large"] })).toBe(
      "the start is after the end; limit: too large",
    );
    expect(reasonsOf(undefined)).toBeNull();
  });

  it("sessions and the people in them stand on one another as bars, sessions alone as a line", () => {
    const data = {
      sessions: [
        { date: "2026-06-02", active_sessions: 3 },
        { date: "2026-06-03", active_sessions: 1 },
      ],
      participants: [
        { date: "2026-06-02", active_participants: 2 },
        { date: "2026-06-03", active_participants: 0 },
      ],
    };
    const t = ((key: string) => key) as never;
    const base = { step: "daily" as const, today: TODAY, locale: "en", frame: [], absentIsZero: true };
    const bars = chatFigure({ ...base, ...sessionLines(data, "bars", t) })!;
    expect(bars.series.map((one) => one.points.map((point) => point.value))).toEqual([
      [3, 1],
      [2, 0],
    ]);
    expect(bars.total.points.map((point) => point.value)).toEqual([5, 1]);
    const line = chatFigure({ ...base, ...sessionLines(data, "line", t) })!;
    expect(line.series.map((one) => one.points.map((point) => point.value))).toEqual([[3, 1]]);
  });

  it("each bot's bar is its part of the largest, a completion rate of the whole", () => {
    const row = (messages: number, completion_rate: number) => ({ messages, completion_rate }) as BotRow;
    const rows = [row(5, 0.5), row(0, 0.25), row(4, 0)];
    expect(rows.map((one) => shareOfLargest(rows, one, "messages"))).toEqual(["100%", "0%", "80%"]);
    expect(rows.map((one) => shareOfLargest(rows, one, "completion_rate"))).toEqual(["50%", "25%", "0%"]);
    expect(shareOfLargest([row(0, 0)], row(0, 0), "messages")).toBe("0%");
  });

  it("parts come largest first with their share, and a bot that cost nothing on a day was not measured", () => {
    const list = partsList(
      new Map([
        ["anthropic", 0.5],
        ["openai", 1.5],
      ]),
    );
    expect(list.rows.map((row) => [row.name, row.share])).toEqual([
      ["openai", 0.75],
      ["anthropic", 0.25],
    ]);
    const figure = p95Figure(
      [
        { experiment_id: 2, experiment_name: "Seller", points: [{ date: "2026-06-09", p95: 0.5 }] },
        { experiment_id: 1, experiment_name: "Helper", points: [{ date: "2026-06-02", p95: 0.3 }] },
      ],
      "p95",
      { step: "daily", today: TODAY, locale: "en" },
    )!;
    expect(figure.series.map((one) => [one.name, one.points.map((point) => point.value)])).toEqual([
      ["Seller", [null, 0.5]],
      ["Helper", [0.3, null]],
    ]);
  });

  it("the last of running classes is open, and what was not measured is missing", () => {
    const figure = classesFigure({
      rows: [
        { m: "May", v: null as number | null },
        { m: "Jun", v: 4 },
      ],
      label: (row) => row.m,
      lines: [],
      total: { id: "v", name: "v", pick: (row) => row.v },
      running: true,
    })!;
    expect(figure.total.points.map((point) => [point.value, point.state])).toEqual([
      [null, "missing"],
      [4, "open"],
    ]);
  });
});
