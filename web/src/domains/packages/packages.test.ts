import { describe, expect, it } from "vitest";
import type { MetricCoverage, MonthRow, PackageItem, PackagesDashboard } from "../../api/packages";
import { isoDay } from "../../lib/days";
import { translator } from "../../lib/i18n";
import { tableCsv } from "../../ui/DataTable";
import {
  changeOver,
  extensionFigure,
  itemFigure,
  missingRuns,
  monthColumns,
  monthCsv,
  monthFigure,
  repositoryTitle,
  signalIdentity,
  starFigure,
} from "./figures";
import { signalsCsv } from "./InsightsTab";
import { reportActions } from "./ReportMenu";

const point = (end: string, value: number, extra = {}) => ({
  period_start: end,
  period_end: end,
  value,
  days_present: 30,
  days_expected: 30,
  ...extra,
});
const item = (product: string, sdk: string, extra: Partial<PackageItem> = {}): PackageItem => ({
  metric_id: `downloads:${product}:${sdk}`,
  display_name: sdk,
  metric_family: "downloads",
  sdk,
  subject: `${product}-${sdk}`,
  latest_value: 1,
  latest_period_end: null,
  sparkline: [],
  ...extra,
});
const row = (end: string, values: Record<string, number>, extra: Partial<MonthRow> = {}): MonthRow =>
  ({
    period_end: end,
    total: 0,
    days_present: 60,
    days_expected: 60,
    state: "final",
    missing: [],
    ...values,
    ...extra,
  }) as MonthRow;

function dashboard(extra: Partial<PackagesDashboard> = {}): PackagesDashboard {
  const running = point("2026-03-31", 40, { days_present: 4, days_expected: 31 });
  return {
    generated_at: "2026-03-05T09:00:00Z",
    days: 730,
    groups: [
      {
        product: "lance",
        title: "Lance",
        items: [item("lance", "rust"), item("lance", "python", { running_month: running })],
      },
      {
        product: "lancedb",
        title: "LanceDB",
        items: [item("lancedb", "python", { running_month: { ...running, value: 60 } })],
      },
    ],
    total_stars: null,
    total_stars_sparkline: [],
    last_30d_download_totals: { window_start: "2026-02-03", window_end: "2026-03-04", lance: 1, lancedb: 2 },
    monthly_download_snapshots: [
      row(
        "2025-11-30",
        { lance_python: 10, lance_rust: 0, lancedb_python: 20, python: 30, rust: 0, lance: 10, lancedb: 20, total: 30 },
        { missing: ["lance_rust"], state: "provisional", days_present: 40 },
      ),
      row(
        "2026-01-31",
        { lance_python: 12, lance_rust: 3, lancedb_python: 25, python: 37, rust: 3, lance: 15, lancedb: 25, total: 40 },
        { state: "restated", was: 44 },
      ),
      row("2026-02-28", {
        lance_python: 14,
        lance_rust: 4,
        lancedb_python: 30,
        python: 44,
        rust: 4,
        lance: 18,
        lancedb: 30,
        total: 48,
      }),
    ],
    duckdb_lance_extension_downloads: [],
    metric_rollups: [],
    recent_evidence: [],
    signal_candidates: [],
    signal_guidance: [],
    ...extra,
  };
}

describe("month totals", () => {
  const figure = monthFigure(dashboard(), "total", "Total")!;
  it("missing months stay missing, the running month is open, restated ones say what they were", () => {
    expect(figure.total.points.map((one) => [one.value, one.state, one.was])).toEqual([
      [30, "provisional", undefined],
      [null, "missing", undefined],
      [40, "restated", 44],
      [48, "final", undefined],
      [100, "open", undefined],
    ]);
    expect(figure.total.points.at(-1)).toMatchObject({ days: 4, of: 31 });
    expect(figure.total.rank).toBe(48);
  });

  it("splits by product or SDK, largest last month first; what has no point is not zero", () => {
    const products = monthFigure(dashboard(), "product", "Total")!;
    expect(products.series.map((one) => [one.name, one.rank])).toEqual([
      ["LanceDB", 30],
      ["Lance", 18],
    ]);
    const sdks = monthFigure(dashboard(), "sdk", "Total")!;
    expect(sdks.series.map((one) => one.name)).toEqual(["Python", "Rust"]);
    expect(sdks.series[1]!.points[0]).toMatchObject({ value: null, state: "missing" });
  });

  it("parts add up to the total in every whole month", () => {
    const { series, total } = monthFigure(dashboard(), "product", "Total")!;
    total.points.forEach((point, index) => {
      if (point.state !== "open" && point.value !== null)
        expect(series.reduce((sum, one) => sum + (one.points[index]!.value ?? 0), 0)).toBe(point.value);
    });
  });

  it("has the columns of the CSV in the spec's order, unknown cells empty", () => {
    expect(monthColumns(dashboard(), "Total").map((column) => column.csv)).toEqual([
      "lance_python",
      "lance_rust",
      "lancedb_python",
      "python_total",
      "rust_total",
      "lance_total",
      "lancedb_total",
      "total",
    ]);
    expect(monthCsv(dashboard(), "Total").trim().split("\r\n")).toEqual([
      "period_end,lance_python,lance_rust,lancedb_python,python_total,rust_total,lance_total,lancedb_total,total",
      "2025-11-30,10,,20,30,,10,20,30",
      "2026-01-31,12,3,25,37,3,15,25,40",
      "2026-02-28,14,4,30,44,4,18,30,48",
    ]);
  });

  it("is nothing without months", () => {
    expect(monthFigure(dashboard({ monthly_download_snapshots: [] }), "total", "Total")).toBeNull();
  });
});

describe("cards", () => {
  it("estimated months are provisional, incomplete ones say their days", () => {
    const figure = itemFigure(
      item("lance", "python", {
        sparkline: [
          point("2025-10-31", 10),
          point("2025-11-30", 15, { synthetic: true }),
          point("2025-12-31", 20, { state: "provisional", days_present: 28, days_expected: 31 }),
        ],
      }),
    )!;
    expect(figure.total.points.map((one) => one.state)).toEqual(["final", "provisional", "provisional"]);
    expect(figure.total.points[2]).toMatchObject({ days: 28, of: 31 });
  });

  it("stars: days nobody observed are provisional, changes need the day they compare with", () => {
    const points = [
      point("2026-03-01", 100),
      point("2026-03-02", 101, { interpolated: true }),
      point("2026-03-03", 102),
    ];
    expect(starFigure("s", "S", points)!.total.points.map((one) => one.state)).toEqual([
      "final",
      "provisional",
      "final",
    ]);
    expect(changeOver(points, 2)).toBe(2);
    expect(changeOver(points, 30)).toBeNull();
  });

  it("the extension's running month is open and both lines share one scale", () => {
    const month = (start: string, partial: boolean) => ({
      month_start: start,
      month_label: start.slice(0, 7),
      core_downloads: 1,
      community_downloads: 2,
      total_downloads: 3,
      is_partial_month: partial,
      weeks_present: 2,
      weeks_expected: 4,
    });
    const figure = extensionFigure(
      dashboard({ duckdb_lance_extension_downloads: [month("2026-02-01", false), month("2026-03-01", true)] }),
      { core: "Core", community: "Community", total: "Total" },
    )!;
    expect(figure.series.map((one) => one.points.map((at) => `${at.value} ${at.state}`))).toEqual([
      ["2 final", "2 open"],
      ["1 final", "1 open"],
    ]);
  });
});

it("names repositories for people and signals by what does not move", () => {
  expect(repositoryTitle("lance-format/lance-graph")).toBe("Lance Graph");
  expect(signalIdentity("download_spike:2026-01-01:2026-01-30:lancedb-nodejs-downloads-spiked")).toBe(
    "download_spike:lancedb-nodejs-downloads-spiked",
  );
});

describe("what is missing", () => {
  const metric = (id: string, missing: MetricCoverage["missing"], soon: string[] = []): MetricCoverage => ({
    metric_id: id,
    display_name: id,
    source: "npm",
    subject: id,
    newest_day: null,
    stale_days: null,
    days_present: 0,
    days_expected: 0,
    strip: "",
    missing,
    leaving_soon: soon,
    pending: [],
  });
  const day = (text: string, until: string | null) => ({ day: text, deliverable: until !== null, until });

  it("neighbouring days with one fate are one line, the most urgent first", () => {
    const runs = missingRuns([
      metric("lost", [day("2024-01-01", null), day("2024-01-02", null)]),
      metric("later", [day("2026-02-01", "2026-07-01")]),
      metric(
        "soon",
        [day("2026-01-10", "2026-03-10"), day("2026-01-11", "2026-03-11"), day("2026-01-13", "2026-03-13")],
        ["2026-01-10"],
      ),
    ]);
    expect(runs.map((run) => [run.metric_id, isoDay(run.start), isoDay(run.end), run.soon])).toEqual([
      ["soon", "2026-01-10", "2026-01-11", true],
      ["soon", "2026-01-13", "2026-01-13", false],
      ["later", "2026-02-01", "2026-02-01", false],
      ["lost", "2024-01-01", "2024-01-02", false],
    ]);
    // The earliest day leaves first, so its deadline is the run's.
    expect(runs[0]!.until).toBe("2026-03-10");
  });
});

it("a month to which few packages have come starts no line, and one that lacks some is provisional", () => {
  const months = (first: number, second: number) =>
    monthFigure(
      dashboard({
        monthly_download_snapshots: [
          row("2025-12-31", { total: 3 }, { metrics_present: first, metrics_expected: 8 }),
          row("2026-01-31", { total: 90 }, { metrics_present: second, metrics_expected: 8 }),
          row("2026-02-28", { total: 99 }, { metrics_present: 8, metrics_expected: 8 }),
        ],
      }),
      "total",
      "Total",
    )!;
  const cut = months(1, 7);
  expect(cut.total.points.slice(0, 2).map((one) => [one.value, one.state])).toEqual([
    [90, "provisional"],
    [99, "final"],
  ]);
  expect(cut.notes).toEqual(["1"]);
  expect(months(4, 8).total.points[0]!.value).toBe(3);
  expect(months(4, 8).notes).toEqual([]);
});

it("reports are offered for whole months, newest first, the newest also as a table", () => {
  const opened: string[] = [];
  const actions = reportActions(dashboard(), translator("en"), "en", (address) => opened.push(address));
  expect(actions.map((action) => action.label)).toEqual([
    "February 2026, page",
    "February 2026, CSV",
    "January 2026, page",
    "November 2025, page",
  ]);
  actions[1]!.run();
  expect(opened).toEqual(["/api/v1/packages/report?month=2026-02&format=csv"]);
});

it("a table's file has its columns in its order and leaves empty what is not known", () => {
  const columns = [
    { id: "a", label: "Name", cell: () => null, csv: (one: { name: string }) => one.name },
    { id: "b", label: "Bar", cell: () => null },
    { id: "c", label: "Value", cell: () => null, csv: () => null },
  ];
  expect(tableCsv(columns, [{ name: "a, b" }])).toBe('Name,Value\r\n"a, b",\r\n');
});

it("insights are saved with the words that stand on the page", () => {
  const signal = {
    signal_id: "download_spike:2026-01-01:2026-01-30:lance:python",
    signal_type: "download_spike",
    window_start: "2026-01-01",
    window_end: "2026-01-30",
    title: "Lance spiked",
    summary: "It rose",
    evidence_ids: ["github:1"],
  };
  expect(signalsCsv(dashboard(), [signal]).split("\r\n")[1]).toBe(
    "download_spike,pending,2026-01-01,2026-01-30,Lance spiked,It rose,github:1",
  );
});
