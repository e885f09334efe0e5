import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { render, screen, waitFor, within } from "@testing-library/react";
import userEvent from "@testing-library/user-event";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Community, DashboardConfig } from "../../../api/types";
import { I18nProvider } from "../../../lib/i18n";
import { LayoutPage } from "./LayoutPage";

const DEFAULT = {
  tabs: [
    {
      name: "content",
      label: "Content",
      rows: [{ name: "stats", components: [{ component: "SingleStatRecordCountCumulative", width: 5 }] }],
    },
    {
      name: "usage",
      label: { en: "Use", de: "Nutzung" },
      rows: [{ name: "stats", components: [{ component: "SingleStatViews", width: 5 }] }],
    },
  ],
};
const config: DashboardConfig = {
  dashboard_type: "community",
  dashboard_enabled: true,
  layout: DEFAULT,
  default_granularity: "month",
  now: "2026-11-21T09:00:00Z",
};
const community: Community = { id: "c1", slug: "coast", metadata: { title: "Coastal Humanities" } };

let stored: unknown;
let asked: { params: Record<string, unknown> }[] = [];
let refuse: { path: string; reason: string }[] = [];
const point = (metric: string, value: number) => ({
  [metric]: [
    {
      id: "global",
      name: "Global",
      year: 2026,
      data: [["01-01", value]],
      coverage: { first: "2026-01-01", last: "2026-11-20", as_of: "2026-11-21T02:10:00Z" },
    },
  ],
});
const server = setupServer(
  http.get("*/api/v1/overview", () => HttpResponse.json({ team: "default", teams: [], user: {}, domains: {} })),
  http.get("*/api/v1/repository/layouts", () =>
    HttpResponse.json({
      layouts: [],
      components: ["HarbourClock", "SingleStatRecordCountCumulative", "SingleStatViews", "StatsMap"],
      custom: ["HarbourClock"],
    }),
  ),
  http.get("*/api/v1/repository/layouts/c1", () =>
    HttpResponse.json({
      scope: "c1",
      from: stored ? "set" : "default",
      set_at: stored ? "2026-11-21T09:00:00Z" : null,
      set_by: stored ? "ada" : null,
      layout: stored ?? DEFAULT,
    }),
  ),
  http.put("*/api/v1/repository/layouts/c1", async ({ request }) => {
    if (refuse.length > 0)
      return HttpResponse.json({ error: "the layout cannot be used", problems: refuse }, { status: 422 });
    stored = await request.json();
    return HttpResponse.json({ set: ["c1"] });
  }),
  http.delete("*/api/v1/repository/layouts/c1", () => {
    stored = undefined;
    return HttpResponse.json({ was_set: true, from: "default" });
  }),
  http.post("*/api/stats-dashboard", async ({ request }) => {
    const body = (await request.json()) as Record<string, { params: Record<string, unknown> }>;
    const [name, query] = Object.entries(body)[0]!;
    asked.push(query);
    const usage = name.startsWith("usage");
    return HttpResponse.json({ [name]: { global: usage ? point("viewUniqueRecords", 77) : point("records", 4812) } });
  }),
);
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  stored = undefined;
  asked = [];
  refuse = [];
  window.history.replaceState(null, "", "/communities/coast/stats/layout");
});

async function show() {
  const client = new QueryClient({ defaultOptions: { queries: { retryDelay: 1 } } });
  render(
    <QueryClientProvider client={client}>
      <I18nProvider locale="en">
        <LayoutPage config={config} community={community} />
      </I18nProvider>
    </QueryClientProvider>,
  );
  return screen.findByRole("region", { name: "Preview" });
}

describe("the page of a layout", () => {
  it("draws the draft as it is typed, asks for every metric, and saves what it shows", async () => {
    const user = userEvent.setup();
    const preview = await show();
    await waitFor(() => expect(preview.textContent).toContain("4,812"));
    expect(asked.every((query) => query.params.optimize === undefined)).toBe(true);
    const save = screen.getByRole<HTMLButtonElement>("button", { name: "Save layout" });
    expect(save.disabled).toBe(true);

    await user.click(screen.getByRole("button", { name: /Total records.*5 columns/ }));
    await user.type(screen.getByLabelText("Title"), "Everything we hold");
    expect(within(preview).getByRole("region", { name: "Everything we hold" })).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Add a component to row 1" }));
    await user.selectOptions(screen.getByLabelText("Component"), "SingleStatViews");
    await waitFor(() => expect(within(preview).getByRole("region", { name: "Views" }).textContent).toContain("77"));

    await user.click(save);
    await waitFor(() => expect(screen.getByText(/^Set here by ada/)).toBeTruthy());
    expect((stored as typeof DEFAULT).tabs[0]!.rows[0]!.components).toEqual([
      { component: "SingleStatRecordCountCumulative", width: 5, props: { title: "Everything we hold" } },
      { component: "SingleStatViews", width: 8 },
    ]);
    expect((stored as typeof DEFAULT).tabs[1]).toEqual(DEFAULT.tabs[1]);
  });

  it("shows what the server refuses at the very field, in the tab it is in, and loses nothing", async () => {
    refuse = [
      { path: "tabs[1].rows[0].components[0].width", reason: "17 is not a whole number from 1 to 16" },
      { path: "tabs[1].colour", reason: "is unknown here; known are name, label" },
    ];
    const user = userEvent.setup();
    await show();
    await user.type(screen.getByLabelText("Label"), "s");
    await user.click(screen.getByRole("button", { name: "Save layout" }));
    await waitFor(() => expect(screen.getByRole("alert").textContent).toContain("2 places are wrong"));
    const width = screen.getByLabelText("Columns of 16");
    expect(width.getAttribute("aria-invalid")).toBe("true");
    expect(document.getElementById(width.getAttribute("aria-describedby")!)!.textContent).toContain("17 is not");
    expect(screen.getByText("tabs[1].colour").closest("ul")!.textContent).toContain("is unknown here");
    expect(screen.getByRole<HTMLInputElement>("textbox", { name: "Label (de)" }).value).toBe("Nutzung");
    await user.click(screen.getByRole("button", { name: "Contents" }));
    expect(screen.getByLabelText<HTMLInputElement>("Label").value).toBe("Contents");
    expect(stored).toBeUndefined();
  });

  it("offers components of the installation and outlines what this page cannot draw", async () => {
    const user = userEvent.setup();
    const preview = await show();
    await user.click(screen.getByRole("button", { name: /Total records.*5 columns/ }));
    const choices = screen.getByLabelText("Component");
    const group = within(choices).getByRole("group", { name: "Of this installation" });
    expect(within(group).getByRole("option", { name: "HarbourClock" })).toBeTruthy();
    await user.selectOptions(choices, "HarbourClock");
    expect(preview.textContent).toContain("HarbourClock");
    expect(preview.textContent).toContain("A page that has this component draws it here");
    await user.click(screen.getByLabelText("Other properties, as JSON"));
    await user.paste('{"tide": "high"');
    expect(screen.getByText(/^This is not JSON yet/)).toBeTruthy();
    await user.paste("}");
    await user.click(screen.getByRole("button", { name: "Save layout" }));
    await waitFor(() =>
      expect(stored).toMatchObject({
        tabs: [{ rows: [{ components: [{ component: "HarbourClock", width: 5, props: { tide: "high" } }] }] }, {}],
      }),
    );
  });

  it("is edited as JSON too; half a text is neither drawn nor saved", async () => {
    const user = userEvent.setup();
    const preview = await show();
    await user.click(screen.getByRole("radio", { name: "JSON" }));
    const text = screen.getByLabelText<HTMLTextAreaElement>("The layout as JSON");
    expect(JSON.parse(text.value)).toEqual(DEFAULT);
    await user.clear(text);
    await user.click(text);
    await user.paste('{"tabs": [');
    expect(text.getAttribute("aria-invalid")).toBe("true");
    expect(screen.getByRole<HTMLButtonElement>("button", { name: "Save layout" }).disabled).toBe(true);
    expect(within(preview).getByRole("region", { name: "Total records" })).toBeTruthy();
    await user.clear(text);
    await user.click(text);
    await user.paste(JSON.stringify({ tabs: [DEFAULT.tabs[1]] }));
    expect(within(preview).getByRole("region", { name: "Views" })).toBeTruthy();
    await user.click(screen.getByRole("button", { name: "Discard changes" }));
    await waitFor(() => expect(within(preview).getByRole("region", { name: "Total records" })).toBeTruthy());
    expect(JSON.parse(screen.getByLabelText<HTMLTextAreaElement>("The layout as JSON").value)).toEqual(DEFAULT);
  });

  it("moves, adds and removes; a layout that was set is forgotten once that was confirmed", async () => {
    stored = { tabs: [DEFAULT.tabs[1]] };
    const user = userEvent.setup();
    await show();
    await user.click(screen.getByRole("button", { name: "Add row" }));
    expect(screen.getAllByRole("listitem").filter((row) => row.className === "layout-row")).toHaveLength(2);
    await user.click(screen.getByRole("button", { name: "Move row 2 back" }));
    await waitFor(() => expect(document.activeElement?.id).toBe("tabs[0].rows-0-back"));
    await user.click(screen.getByRole("button", { name: "Save layout" }));
    await waitFor(() =>
      expect((stored as typeof DEFAULT).tabs[0]!.rows.map((row) => row.name)).toEqual(["row", "stats"]),
    );
    await user.click(await screen.findByRole("button", { name: "Reset: Layout" }));
    await user.click(screen.getByRole("button", { name: "Forget this layout" }));
    await waitFor(() => expect(screen.getByText("The default")).toBeTruthy());
    expect(stored).toBeUndefined();
    expect(screen.getByLabelText<HTMLInputElement>("Label").value).toBe("Content");
  });
});
