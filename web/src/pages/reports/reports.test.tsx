import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { type ReactNode, StrictMode } from "react";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { I18nProvider } from "../../lib/i18n";
import { wordsOf } from "./alerts";
import { addressesOf, periodName, periodsBefore, type Report } from "./api";
import ReportsPage from "./ReportsPage";
import WatchPage from "./WatchPage";

const BOARD: Report = {
  name: "board",
  of: "packages",
  scope: "global",
  every: "month",
  to: ["ann@example.org"],
  folder: null,
  webhook: false,
  attach: ["csv"],
  period: "2026-10",
  configured: true,
};
let reports: Report[] = [];
let puts: { name: string; body: unknown }[] = [];
let sent: unknown[] = [];
let alerts: unknown[] = [];
const server = setupServer(
  http.get("*/api/v1/overview", () =>
    HttpResponse.json({
      team: "default",
      teams: [],
      user: { name: "local", local: true, roles: ["admin"] },
      domains: {
        repository: {
          communities: [{ id: "c1", slug: "coast", title: "Coastal Humanities", records: 1, dashboard_enabled: true }],
        },
      },
    }),
  ),
  http.get("*/api/v1/reports", () => HttpResponse.json({ reports, history: sent, unsubscribed: [], mail: true })),
  http.put("*/api/v1/reports/:name", async ({ request, params }) => {
    const body = (await request.json()) as Report;
    if (body.to.includes("nobody"))
      return HttpResponse.json({ error: "`nobody` is not a mail address", field: "to", status: 400 }, { status: 400 });
    puts.push({ name: String(params.name), body });
    reports = [
      ...reports.filter((one) => one.name !== params.name),
      { ...BOARD, ...body, name: String(params.name), configured: false },
    ];
    return HttpResponse.json({ report: params.name, period: "2026-10" });
  }),
  http.delete("*/api/v1/reports/:name", ({ params }) => {
    reports = reports.filter((one) => one.name !== params.name);
    return new HttpResponse(null, { status: 204 });
  }),
  http.post("*/api/v1/reports/:name/send", async ({ request, params }) => {
    const { period } = (await request.json()) as { period: string };
    sent = [
      {
        id: 1,
        report: params.name,
        scope: "c1",
        period,
        channel: "mail",
        receiver: "ann@example.org",
        at: "2026-11-21T09:00:00Z",
        by: "by hand",
        error: "the server is away",
      },
    ];
    return HttpResponse.json({ job: "j1" }, { status: 202 });
  }),
  http.get("*/api/v1/reports/:name/preview", ({ request }) =>
    HttpResponse.json({
      documents: [
        {
          scope: "",
          slug: "",
          title: "Packages",
          about: "Counted downloads.",
          period: {
            every: "month",
            first: `${new URL(request.url).searchParams.get("period")}-01`,
            last: "2026-10-31",
          },
          before: { first: "2026-09-01", last: "2026-09-30" },
          sections: [
            {
              title: "Downloads",
              figures: [
                { name: "All", now: { unit: "count", value: 4500 }, before: { unit: "count", value: 4000 } },
                { name: "New one", now: { unit: "bytes", value: 2_000_000 }, before: null, note: "3 days missing" },
              ],
            },
          ],
          remarks: ["October 3 was corrected"],
        },
      ],
    }),
  ),
  http.get("*/api/v1/watch", () => HttpResponse.json({ alerts })),
);
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  reports = [BOARD];
  puts = [];
  sent = [];
  alerts = [];
  window.history.replaceState(null, "", "/reports");
});

function show(page: ReactNode) {
  const client = new QueryClient({ defaultOptions: { queries: { retryDelay: 1 } } });
  render(
    <StrictMode>
      <QueryClientProvider client={client}>
        <I18nProvider locale="en">{page}</I18nProvider>
      </QueryClientProvider>
    </StrictMode>,
  );
}

describe("the page of reports", () => {
  it("previews figures beside the period before; what is unknown is no data and has no change", async () => {
    const user = userEvent.setup();
    show(<ReportsPage />);
    await user.click(await screen.findByRole("button", { name: "board" }));
    const preview = await screen.findByRole("region", { name: "Preview of board" });
    const rows = await within(preview).findAllByRole("row");
    expect(rows.map((row) => row.textContent)).toEqual([
      "FigureOct 2026Sep 2026Change",
      "All4,5004,000▲ 12.5%",
      "New one · 3 days missing2 MBno data–",
    ]);
    expect(preview.textContent).toContain("October 3 was corrected");
    expect(within(preview).getByRole("link", { name: "As mail" }).getAttribute("href")).toBe(
      "/api/v1/reports/board/preview?period=2026-10&format=html",
    );
    await user.selectOptions(screen.getByLabelText("Month or week"), "August 2026");
    await waitFor(() =>
      expect(within(preview.parentElement!).getByText("Aug 2026", { selector: ".phrase" })).toBeTruthy(),
    );
    expect(screen.queryByRole("button", { name: "Delete: board" })).toBeNull();
    expect(screen.getByText(/changed there/)).toBeTruthy();
  });

  it("sets one up, says at the field what is wrong with it, changes and deletes it", async () => {
    const user = userEvent.setup();
    show(<ReportsPage />);
    const form = await screen.findByRole("form", { name: "Set up a report" });
    await user.type(within(form).getByLabelText("Report"), "coast");
    await user.selectOptions(within(form).getByLabelText("Whose figures"), "Coastal Humanities");
    const to = within(form).getByLabelText("Mail addresses, one a line");
    await user.type(to, "nobody");
    await user.click(within(form).getByRole("button", { name: "Set up" }));
    await waitFor(() => expect(to.getAttribute("aria-invalid")).toBe("true"));
    await user.clear(to);
    await user.type(to, "bob@example.org, eve@example.org");
    await user.click(within(form).getByRole("checkbox", { name: "XLSX" }));
    await user.click(within(form).getByRole("button", { name: "Set up" }));
    await screen.findByRole("region", { name: "Preview of coast" });
    expect(puts).toEqual([
      {
        name: "coast",
        body: {
          of: "repository",
          scope: "coast",
          every: "month",
          to: ["bob@example.org", "eve@example.org"],
          attach: ["csv", "xlsx"],
        },
      },
    ]);
    await user.click(screen.getByRole("button", { name: "Change it: coast" }));
    const edit = await screen.findByRole("form", { name: "Change coast" });
    expect(within(edit).getByLabelText<HTMLInputElement>("Report").readOnly).toBe(true);
    await user.selectOptions(within(edit).getByLabelText("How often"), "Every week");
    await user.click(within(edit).getByRole("button", { name: "Save" }));
    await user.click(await screen.findByRole("button", { name: "Delete: coast" }));
    expect(puts.at(-1)!.body).toMatchObject({ every: "week", scope: "coast" });
    await user.click(screen.getByRole("button", { name: "Delete this report" }));
    await waitFor(() => expect(screen.queryByRole("button", { name: "coast" })).toBeNull());
    expect(reports).toEqual([BOARD]);
  });

  it("sends after asking once more, and the history tells what became of it", async () => {
    window.history.replaceState(null, "", "/reports?report=board");
    const user = userEvent.setup();
    show(<ReportsPage />);
    await user.click(await screen.findByRole("button", { name: "Send now: board" }));
    expect(sent).toEqual([]);
    await user.click(screen.getByRole("button", { name: "Send to 1 receiver" }));
    const history = await screen.findByRole("table", { name: "History" });
    expect(within(history).getAllByRole("row")[1]!.textContent).toBe(
      "Nov 21, 2026, 09:00 UTCboard · Coastal HumanitiesOctober 2026ann@example.orgnot sent: the server is away",
    );
  });
});

describe("the page of watchdogs", () => {
  it("says since when, what is usual and what to check; closed ones stand apart", async () => {
    alerts = [
      {
        key: "packages:downloads:tidekit:nodejs",
        message:
          "Downloads of Tidekit NodeJS: no value since 2026-10-11, usually 56 to 385. Check npm and the last runs: `tallykeep packages gaps`.",
        since: "2026-10-11",
        opened_at: "2026-11-21T10:45:00Z",
        closed_at: null,
      },
      {
        key: "chat:messages",
        message: "Messages: above its band since 2026-09-01: 900, usually 120 to 310. Check whether the bots answer.",
        since: "2026-09-01",
        opened_at: "2026-09-02T10:45:00Z",
        closed_at: "2026-09-09T10:45:00Z",
      },
    ];
    show(<WatchPage />);
    const open = await screen.findByRole("region", { name: "Open alerts" });
    expect((await within(open).findAllByRole("listitem")).map((item) => item.textContent)).toEqual([
      "Downloads of Tidekit NodeJSsince Oct 11, 2026No value since 2026-10-11, usually 56 to 385.Check npm and the last runs: tallykeep packages gaps.Noticed Nov 21, 2026, 10:45 UTC · Look at the figures",
    ]);
    expect(within(open).getByRole("link").getAttribute("href")).toBe("/packages");
    const closed = screen.getByRole("table", { name: "Closed alerts" });
    expect(within(closed).getAllByRole("row")[1]!.textContent).toBe(
      "MessagesSep 1, 2026Sep 9, 2026, 10:45 UTCAbove its band since 2026-09-01: 900, usually 120 to 310.",
    );
  });

  it("says so when everything is as usual", async () => {
    show(<WatchPage />);
    expect(await screen.findByText("Everything is as usual")).toBeTruthy();
  });
});

describe("words and periods", () => {
  it("a message that is written otherwise is told whole", () => {
    expect(wordsOf("Something else")).toEqual({ series: "Something else", told: "", check: "" });
  });

  it("months and weeks are counted back over the years' ends", () => {
    expect(periodsBefore("2026-02", 4)).toEqual(["2026-02", "2026-01", "2025-12", "2025-11"]);
    // 2020 has 53 weeks; the Monday of 2021-W01 is January 4.
    expect(periodsBefore("2021-W02", 4)).toEqual(["2021-W02", "2021-W01", "2020-W53", "2020-W52"]);
    expect(periodsBefore("2025-W01", 2)).toEqual(["2025-W01", "2024-W52"]);
    expect([periodName("2026-02", "en"), periodName("2026-W10", "en")]).toEqual(["February 2026", "2026-W10"]);
  });

  it("addresses are taken as people write lists of them, each once", () => {
    expect(addressesOf(" a@b.org,\nAnn <ann@b.org>;a@b.org\n\n")).toEqual(["a@b.org", "Ann <ann@b.org>"]);
  });
});
