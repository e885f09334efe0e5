import { describe, expect, it } from "vitest";
import type { DashboardConfig, WireSeries } from "../../api/types";
import { isoDay, parseDay } from "../../lib/days";
import { mergeSeries } from "../../series/merge";
import { familiesOf, specOf } from "./components";
import { configuredDimensions, dimensionNamed, labelOf, rowHref, shortLicence, wireKeys } from "./dimensions";
import { cutToRange } from "./report";
import { granularityQuery, viewFrom } from "./view";

const TODAY = parseDay("2026-11-21")!;
const config = {
  dashboard_type: "global",
  dashboard_enabled: true,
  layout: { tabs: [] },
  default_granularity: "month",
  default_range_options: { month: "12months" },
  max_history_years: 10,
} as DashboardConfig;
const view = (query: string) => viewFrom(new URLSearchParams(query), config, TODAY);
const days = (query: string) => `${isoDay(view(query).range.start)}..${isoDay(view(query).range.end)}`;

describe("component names (spec §16.2)", () => {
  it.each([
    ["SingleStatRecordCountCumulative", { kind: "stat", family: "record-snapshot", metrics: ["records"] }],
    [
      "SingleStatUploadersCumulative",
      { kind: "stat", family: "record-snapshot", metrics: ["distinctUploaders", "uploaders"] },
    ],
    ["SingleStatUploaders", { kind: "stat", family: "record-delta", metrics: ["uploaders"] }],
    ["SingleStatTraffic", { kind: "stat", family: "usage-delta", metrics: ["dataVolume"] }],
    ["ContentStatsChart", { kind: "chart", family: "record-delta", subject: "content" }],
    ["TrafficStatsChartCumulative", { kind: "chart", family: "usage-snapshot", subject: "traffic" }],
    ["MostDownloadedRecordsMultiDisplay", { kind: "works", sort: "mostdownloaded" }],
    ["StatsMap", { kind: "map", family: "usage-snapshot" }],
    ["ResourceTypesMultiDisplay", { kind: "breakdown", family: "record-snapshot", metric: "records" }],
    ["PeriodicalsMultiDisplayDelta", { kind: "breakdown", family: "record-delta", metric: "records" }],
    ["FileTypesMultiDisplayDownloads", { kind: "breakdown", family: "usage-snapshot", metric: "downloadUniqueFiles" }],
    ["CountriesMultiDisplayViewsDelta", { kind: "breakdown", family: "usage-delta", metric: "viewUniqueRecords" }],
  ])("%s", (name, expected) => {
    expect(specOf(name)).toMatchObject(expected);
  });

  it("unknown names draw nothing and ask for nothing", () => {
    expect(specOf("NoSuchThing")).toBeNull();
    expect(specOf("UnicornsMultiDisplay")).toBeNull();
    expect(specOf("StatsMap", { useSnapshot: false })).toMatchObject({ family: "usage-delta" });
    const tab = {
      name: "t",
      label: "T",
      rows: [{ name: "r", components: [{ component: "NoSuchThing" }, { component: "SingleStatViews" }] }],
    };
    expect([...familiesOf(tab)]).toEqual(["usage-delta"]);
  });
});

describe("the view in the URL", () => {
  it("starts from the configuration", () => {
    expect(view("")).toMatchObject({
      granularity: "month",
      preset: "12months",
      comparison: "previousYear",
      basis: "added",
      only: null,
    });
    expect(days("")).toBe("2025-12-01..2026-11-21");
  });

  it("reads every parameter and expands custom ranges to whole periods", () => {
    expect(view("by=week&vs=none&basis=published&only=resource_types:dataset")).toMatchObject({
      granularity: "week",
      comparison: "none",
      basis: "published",
      only: { dimension: "resource_types", id: "dataset" },
    });
    expect(days("from=2026-03-10&to=2026-05-20")).toBe("2026-03-01..2026-05-31");
    expect(days("range=previousYear")).toBe("2025-01-01..2025-12-31");
  });

  it("falls back to the default for what it cannot read, never to everything", () => {
    expect(days("from=2026-02-30&to=2026-03-01")).toBe("2025-12-01..2026-11-21");
    expect(days("range=whenever")).toBe("2025-12-01..2026-11-21");
    expect(view("basis=guessed&by=decade&vs=god").basis).toBe("added");
  });

  it("a coarser granularity widens the range and names it custom", () => {
    expect(granularityQuery(view("range=3months"), "year", TODAY)).toEqual({
      by: "year",
      range: null,
      from: "2026-01-01",
      to: "2026-11-21",
    });
    expect(granularityQuery(view("range=3months"), "day", TODAY)).toEqual({ by: "day" });
  });
});

describe("dimensions", () => {
  it("usage snapshots have lists by view and by download", () => {
    const languages = dimensionNamed("languages")!;
    expect(wireKeys("usage-snapshot", languages, "viewUniqueRecords")).toEqual(["languagesByView", "languages"]);
    expect(wireKeys("usage-snapshot", languages, "downloadUniqueFiles")).toEqual(["languagesByDownload", "languages"]);
    expect(wireKeys("usage-delta", languages, "downloadUniqueFiles")).toEqual(["languages"]);
    expect([...configuredDimensions({ by_languages: {}, rights: {} })]).toEqual(["languages", "rights"]);
  });

  it.each([
    ["cc-by-4.0", "CC-BY 4.0"],
    ["cc-by-nc-nd-3.0", "CC-BY-NC-ND 3.0"],
    ["cc0-1.0", "CC0 1.0"],
    ["mit", "MIT"],
    ["apache-2.0", "Apache 2.0"],
    ["gpl-3.0-or-later", "GPL 3.0+"],
    ["bsd-3-clause", "BSD 3-clause"],
    ["in-copyright", null],
  ])("licence %s", (id, name) => {
    expect(shortLicence(id)).toBe(name);
  });

  it("labels keep the long licence name and speak the page's language", () => {
    const [series] = mergeSeries([[{ id: "cc-by-4.0", name: { en: "Attribution 4.0" }, data: [] }]]);
    expect(labelOf("rights", series!, "en")).toEqual({ name: "CC-BY 4.0", longName: "Attribution 4.0" });
    expect(labelOf("countries", { ...series!, id: "PT" }, "de").name).toBe("Portugal");
    expect(labelOf("access_statuses", { ...series!, name: "metadata-only" }, "en").name).toBe("Metadata only");
  });

  it("rows lead to the repository's search (spec §16.6)", () => {
    const of = (name: string, id: string) => rowHref(dimensionNamed(name)!, id, "https://repo.example/search");
    expect(of("resource_types", "publication-article")).toBe(
      "https://repo.example/search?q=&f=resource_type:publication%2Binner:publication-article",
    );
    expect(of("languages", "eng")).toBe("https://repo.example/search?q=&f=language:eng");
    expect(decodeURIComponent(of("publishers", 'A "B" & C')!)).toBe(
      'https://repo.example/search?q=metadata.publisher:"A \\"B\\" & C"',
    );
    expect(rowHref(dimensionNamed("languages")!, "eng", null)).toBeNull();
  });
});

it("a JSON report holds the range only, with full dates", () => {
  const series: WireSeries = {
    id: "global",
    name: "Global",
    year: 2024,
    data: [
      ["01-10", 1],
      ["01-12", 3],
      ["02-01", 9],
    ],
    states: [
      ["01-12", "restated", 4],
      ["02-01", "provisional"],
    ],
  };
  const cut = cutToRange(
    { global: { records: [series] } },
    { start: parseDay("2024-01-11")!, end: parseDay("2024-01-31")! },
  );
  expect(cut.global!.records![0]).toEqual({
    id: "global",
    name: "Global",
    data: [["2024-01-12", 3]],
    states: [["2024-01-12", "restated", 4]],
  });
});
