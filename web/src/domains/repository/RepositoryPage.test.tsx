import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { cleanup, render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { CategoryResult, Community, DashboardConfig, WireSeries } from "../../api/types";
import { I18nProvider } from "../../lib/i18n";
import { RepositoryPage } from "./RepositoryPage";

const COVERAGE = {
  first: "2025-01-01",
  last: "2026-11-20",
  provisional_from: "2026-11-20",
  as_of: "2026-11-21T02:10:00Z",
};
const series = (id: string, year: number, value: number, valueType: "number" | "filesize" = "number"): WireSeries => ({
  id,
  name: id === "global" ? "Global" : id,
  year,
  data: [["01-01", value]],
  valueType,
  ...(id === "global" ? { coverage: COVERAGE } : {}),
});
function snapshot(year: number): CategoryResult {
  const held = year === 2026 ? 4812 : 4200;
  return {
    global: {
      records: [series("global", year, held)],
      uploaders: [series("global", year, 2000)],
      distinctUploaders: [series("global", year, 1126)],
      dataVolume: [series("global", year, 2.4e12, "filesize")],
    },
    resourceTypes: { records: [series("dataset", year, held - 812), series("article", year, 812)] },
    languages: { records: [series("eng", year, 4000), series("por", year, 2000)] },
  };
}
const layout: DashboardConfig["layout"] = {
  tabs: [
    {
      name: "content",
      label: "Content",
      date_range_phrase: "Cumulative totals as of",
      rows: [
        {
          name: "stats",
          components: ["RecordCount", "Uploaders", "DataVolume"].map((name) => ({
            component: `SingleStat${name}Cumulative`,
            width: 5,
          })),
        },
        {
          name: "chart",
          components: [
            {
              component: "ContentStatsChartCumulative",
              width: 16,
              props: { display_subcounts: { resource_types: {}, languages: {} } },
            },
            { component: "MadeUpByNobody" },
          ],
        },
        {
          name: "lists",
          components: [
            { component: "ResourceTypesMultiDisplay", width: 8 },
            { component: "LanguagesMultiDisplay", width: 8 },
          ],
        },
      ],
    },
    {
      name: "usage",
      label: "Usage Rates",
      rows: [{ name: "stats", components: [{ component: "SingleStatViews", width: 5 }] }],
    },
  ],
};
const config: DashboardConfig = {
  dashboard_type: "community",
  dashboard_enabled: true,
  layout,
  ui_subcounts: { resource_types: {}, languages: {} },
  default_granularity: "month",
  default_range_options: { month: "12months" },
  max_history_years: 10,
  use_test_data: false,
  now: "2026-11-21T09:00:00Z",
};
const community: Community = {
  id: "c1",
  slug: "coast",
  metadata: { title: "Coastal Humanities", description: "Works on shores." },
};

let posts: string[] = [];
let fail: ((year: number) => Response | null) | null = null;
const server = setupServer(
  http.get("*/api/v1/overview", () =>
    HttpResponse.json({
      team: "default",
      teams: [],
      user: { name: "local", local: true, roles: [] },
      domains: {
        repository: {
          communities: [{ id: "c1", slug: "coast", title: "Coastal Humanities", records: 1, dashboard_enabled: true }],
          records: 1,
          views: 1,
          downloads: 1,
          complete_to: null,
          as_of: null,
          agg_in_progress: false,
        },
      },
    }),
  ),
  http.post("*/api/stats-dashboard", async ({ request }) => {
    const body = (await request.json()) as Record<string, { params: { start_date: string; date_basis: string } }>;
    const [name, { params }] = Object.entries(body)[0]!;
    const year = Number(params.start_date.slice(0, 4));
    posts.push(`${name} ${year} ${params.date_basis}`);
    const refused = fail?.(year);
    if (refused) return refused;
    const result =
      name === "record-snapshot-category"
        ? snapshot(year)
        : { global: { viewUniqueRecords: [series("global", year, 10)] } };
    return HttpResponse.json({ [name]: result });
  }),
);
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  posts = [];
  fail = null;
  window.history.replaceState(null, "", "/communities/coast/stats");
});
afterEach(async () => {
  const { forgetConnection } = await import("../../api/blockCache");
  forgetConnection();
  await new Promise((resolve) => {
    const request = indexedDB.deleteDatabase("tallykeep_stats_dashboard");
    request.onsuccess = resolve;
    request.onerror = resolve;
    request.onblocked = resolve;
  });
});

function show(given: Partial<DashboardConfig> = {}, locale = "en") {
  const client = new QueryClient({ defaultOptions: { queries: { retryDelay: 1 } } });
  return render(
    <QueryClientProvider client={client}>
      <I18nProvider locale={locale}>
        <RepositoryPage config={{ ...config, ...given }} community={community} framed />
      </I18nProvider>
    </QueryClientProvider>,
  );
}
const tile = (name: string) => screen.findByRole("region", { name });

describe("the page of a community", () => {
  it("shows the standing at the end of the range with its comparison", async () => {
    show();
    const records = await tile("Total records");
    await waitFor(() => expect(within(records).getByText("4,812")).toBeTruthy());
    expect(records.textContent).toContain("▲");
    expect(records.textContent).toContain("612 in a year (14.6%)");
    expect((await tile("Total uploaders")).textContent).toContain("1,126");
    expect((await tile("Total data volume")).textContent).toContain("2.4TB");
    expect(screen.getByText("Cumulative totals as of November 20, 2026")).toBeTruthy();
    expect(screen.getByText("Complete to Nov 19 · as of 02:10 UTC")).toBeTruthy();
  });

  it("asks only for the families and years the tab shows", async () => {
    show();
    await waitFor(() => expect(screen.queryAllByRole("status")).toHaveLength(0));
    expect(posts.sort()).toEqual(["record-snapshot-category 2025 added", "record-snapshot-category 2026 added"]);
  });

  it("lists with shares of the whole, in figures and in words", async () => {
    show();
    const list = await tile("Resource types");
    await waitFor(() => expect(within(list).getByText("83.1%")).toBeTruthy());
    expect(list.textContent).toContain("Share of 4,812 records");
    const languages = await tile("Languages");
    expect(languages.textContent).toContain("so shares may pass 100%");
  });

  it("a row filters the page, and what cannot be filtered says so instead of showing everything", async () => {
    const user = userEvent.setup();
    show();
    const list = await tile("Resource types");
    await user.click(await within(list).findByRole("button", { name: "dataset" }));
    expect(new URLSearchParams(window.location.search).get("only")).toBe("resource_types:dataset");
    await waitFor(async () => expect((await tile("Total records")).textContent).toContain("4,000"));
    expect((await tile("Total uploaders")).textContent).toContain("Not counted for dataset alone");
    expect((await tile("Languages")).textContent).toContain("The filter does not reach this figure");
    await user.click(screen.getByRole("button", { name: "Remove the filter on Resource types" }));
    await waitFor(async () => expect((await tile("Total records")).textContent).toContain("4,812"));
  });

  it("the basis is part of the question and of the address", async () => {
    const user = userEvent.setup();
    show();
    await tile("Total records");
    await user.click(screen.getByRole("button", { name: "Basis Added" }));
    await user.click(await screen.findByRole("menuitemradio", { name: "Published" }));
    await waitFor(() => expect(posts).toContain("record-snapshot-category 2026 published"));
    expect(new URLSearchParams(window.location.search).get("basis")).toBe("published");
  });

  it("arrow keys move the chart's cursor and say what it shows", async () => {
    const user = userEvent.setup();
    show();
    const chart = await screen.findByRole("group", { name: /Records held, 12 periods/ });
    chart.focus();
    await user.keyboard("{End}");
    await waitFor(() => expect(chart.textContent).toContain("November 2026: 4,812"));
    expect(chart.textContent).toContain("period not over");
    expect(chart.textContent).toContain("20 of 30 days");
  });

  it("the table says the same as the plot", async () => {
    const user = userEvent.setup();
    show();
    await screen.findByRole("group", { name: /Records held/ });
    await user.click(screen.getByRole("button", { name: "Show as table" }));
    const table = screen.getByRole("table", { name: "Records held" });
    expect(within(table).getAllByRole("row")).toHaveLength(13);
    expect(within(table).getByText("December 2025")).toBeTruthy();
  });

  it("speaks German", async () => {
    show({}, "de");
    expect(await screen.findByRole("region", { name: "Datensätze gesamt" })).toBeTruthy();
    await waitFor(() => expect(screen.getByText("4.812", { selector: "data" })).toBeTruthy());
    expect(screen.getByRole("tab", { name: "Bestand" })).toBeTruthy();
  });
});

describe("states (spec §16.7)", () => {
  it("a failed figure names the cause and can be tried again", async () => {
    fail = () => HttpResponse.json({ error: "the lake is closed" }, { status: 500 });
    const user = userEvent.setup();
    show();
    const chart = await tile("Records held");
    await waitFor(() => expect(chart.textContent).toContain("Cause: the lake is closed."), { timeout: 4000 });
    fail = null;
    await user.click(within(chart).getByRole("button", { name: "Try again" }));
    await waitFor(async () => expect((await tile("Total records")).textContent).toContain("4,812"));
  });

  it("disabled by the server's word: the message, and no question asked", async () => {
    show({ dashboard_enabled: false, disabled_message: "Ask your curator." });
    expect(await screen.findByText("Ask your curator.")).toBeTruthy();
    expect(screen.getByText("Dashboard Not Enabled")).toBeTruthy();
    expect(posts).toEqual([]);
  });

  it("an editor of an opt-in site turns a community's switch; nobody else sees one", async () => {
    const sent: unknown[] = [];
    server.use(
      http.put("*/api/v1/communities/c1/dashboard", async ({ request }) => {
        sent.push(await request.json());
        return HttpResponse.json({ error: "the disk is full" }, { status: 500 });
      }),
    );
    const off = { dashboard_enabled: false, community_opt_in: true, dashboard_switched_on: false };
    show(off);
    await screen.findByText("Dashboard Not Enabled");
    expect(screen.queryByText("Enable dashboard")).toBeNull();
    cleanup();
    show({ ...off, may_switch_dashboard: true });
    await userEvent.setup().click(await screen.findByRole("radio", { name: "Enable" }));
    expect(await screen.findByText("Not saved: the disk is full")).toBeTruthy();
    expect(sent).toEqual([{ enabled: true }]);
  });

  it("a first run, a running calculation and test data are said", async () => {
    show({ first_run_incomplete: true, use_test_data: true });
    expect(await screen.findByText(/Initial calculation of statistics is still in progress/)).toBeTruthy();
    expect(screen.getByText(/every number on this page is invented/)).toBeTruthy();
  });

  it("test data fill the page without asking the server for a number", async () => {
    show({ use_test_data: true });
    const records = await tile("Total records");
    await waitFor(() => expect(Number(records.querySelector("data")?.getAttribute("value"))).toBeGreaterThan(100));
    expect(posts).toEqual([]);
  });

  it("nothing at all is a sentence, not a zero", async () => {
    server.use(
      http.post("*/api/stats-dashboard", () =>
        HttpResponse.json({ "record-snapshot-category": { global: { records: [], uploaders: [], dataVolume: [] } } }),
      ),
    );
    show();
    expect(await screen.findByText("No statistics data is available for the selected time period.")).toBeTruthy();
    const records = await tile("Total records");
    expect(records.textContent).toContain("–");
    expect(records.textContent).not.toContain("0");
  });

  it("while it is calculated for the first time, nothing says so", async () => {
    server.use(
      http.post("*/api/stats-dashboard", () =>
        HttpResponse.json({ "record-snapshot-category": { global: { records: [] } } }),
      ),
    );
    show({ agg_in_progress: true });
    expect(await screen.findByText(/A calculation operation is currently in progress/)).toBeTruthy();
  });
});
