import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { BASE, launch, openPage, tileValue } from "./browser.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const PAGE = "/a/default/dashboard/";

let browser;
let options;
before(async () => {
  browser = await launch();
  const { page, context } = await openPage(browser);
  options = await (await page.request.get(`${BASE}/a/default/dashboard/api/filter-options/`)).json();
  await context.close();
});
after(() => browser?.close());

async function settled(page) {
  await page.locator(".control-bar").waitFor();
  await page.waitForTimeout(700);
  await page.waitForFunction(() => document.querySelectorAll(".figure-loading, .tile-skeleton, .dimmed").length === 0);
}

function onPage(path, run, settings) {
  return async (test) => {
    if (!options.has_data) return test.skip("this installation holds no chat");
    const { page, context, problems } = await openPage(browser, settings);
    try {
      await page.goto(`${BASE}${path}`);
      await settled(page);
      await run(page);
      assert.deepEqual(problems, []);
    } finally {
      await context.close();
    }
  };
}

const ask = async (page, endpoint, query) =>
  (await page.request.get(`${BASE}/a/default/dashboard/api/${endpoint}/?${query}`)).json();

describe("the chat dashboard", () => {
  it(
    "tiles are the API's overview, also under a filter",
    onPage(`${PAGE}?date_range=90`, async (page) => {
      const all = await ask(page, "overview", "date_range=90&granularity=daily");
      assert.equal(await tileValue(page, "Total messages"), all.total_messages);
      assert.equal(await tileValue(page, "Active chatbots"), all.active_experiments);
      const [bot] = options.experiments;
      await page.goto(`${BASE}${PAGE}?date_range=90&experiments=${bot.id}`);
      await settled(page);
      const one = await ask(page, "overview", `date_range=90&granularity=daily&experiments=${bot.id}`);
      assert.equal(await tileValue(page, "Total messages"), one.total_messages);
      assert.ok(await page.locator(".chip").filter({ hasText: bot.name }).isVisible());
    }),
  );

  it(
    "the table of messages adds up to the tile",
    onPage(`${PAGE}?date_range=30`, async (page) => {
      const figure = page.getByRole("region", { name: "Messages", exact: true });
      if ((await figure.locator(".figure-empty").count()) > 0) return;
      await figure.getByRole("button", { name: "Show as table" }).click();
      const totals = await figure.locator("tbody tr td:nth-child(2)").allTextContents();
      const sum = totals.reduce((all, text) => all + Number(text.replaceAll(",", "").replace("–", "0")), 0);
      assert.equal(sum, await tileValue(page, "Total messages"));
    }),
  );

  it(
    "a filter is chosen with the keyboard, becomes the address, and goes away again",
    onPage(`${PAGE}?date_range=90`, async (page) => {
      await page.getByRole("button", { name: "Filter", exact: true }).focus();
      await page.keyboard.press("Enter");
      const dialog = page.getByRole("dialog", { name: "Filter" });
      await dialog.getByRole("checkbox").first().focus();
      await page.keyboard.press("Space");
      await page.keyboard.press("Escape");
      assert.equal(new URL(page.url()).searchParams.get("experiments"), String(options.experiments[0].id));
      await page.getByRole("button", { name: /^Remove the filter/ }).click();
      assert.equal(new URL(page.url()).searchParams.get("experiments"), null);
    }),
  );

  it(
    "bots sort by their columns and say how many there are",
    onPage(`${PAGE}?date_range=365`, async (page) => {
      const rows = await ask(
        page,
        "bot-performance",
        "date_range=365&granularity=daily&order_by=sessions&order_dir=desc&page=1&page_size=10",
      );
      await page.getByRole("button", { name: "Sessions", exact: true }).click();
      await settled(page);
      const table = page.getByRole("table", { name: "Chatbots" });
      assert.equal(
        await table.locator("tbody tr").first().locator("td").first().textContent(),
        rows.results[0].experiment_name,
      );
      assert.ok(await page.getByText(`of ${rows.total_count} bots`).isVisible());
    }),
  );

  it(
    "sessions are stacked bars with the people in them, a line by choice",
    onPage(`${PAGE}?date_range=30`, async (page) => {
      const figure = page.getByRole("region", { name: "Active sessions", exact: true });
      assert.equal(await figure.getByRole("radio", { name: "Bars" }).getAttribute("aria-checked"), "true");
      const answer = await ask(page, "session-analytics", "date_range=30&granularity=daily&fill=1");
      await figure.getByRole("button", { name: "Show as table" }).click();
      const head = await figure.locator("thead th").allTextContents();
      assert.ok(
        head.some((text) => text.includes("Active participants")),
        head.join(),
      );
      await figure.getByRole("radio", { name: "Line" }).click();
      const cells = await figure.locator("tbody tr td:nth-child(2)").allTextContents();
      const sum = cells.reduce((all, text) => all + Number(text.replaceAll(",", "").replace("–", "0")), 0);
      assert.equal(
        sum,
        answer.sessions.reduce((all, row) => all + row.active_sessions, 0),
      );
    }),
  );

  it(
    "a search expression is typed, narrows every figure, is saved, and says where it is wrong",
    onPage(`${PAGE}?date_range=90`, async (page) => {
      const field = page.getByRole("searchbox", { name: "Search conversations" });
      await field.focus();
      await page.keyboard.type("platform = web and messages >= 4");
      await page.keyboard.press("Enter");
      await settled(page);
      const q = new URLSearchParams({ date_range: "90", granularity: "daily", q: "platform = web and messages >= 4" });
      assert.equal(await tileValue(page, "Total messages"), (await ask(page, "overview", q)).total_messages);
      await page.getByRole("button", { name: "Save search" }).click();
      await page.getByRole("dialog", { name: "Save search" }).getByRole("textbox").fill("Web, longer");
      await page.keyboard.press("Enter");
      await page.getByRole("button", { name: "Web, longer", exact: true }).click();
      await settled(page);
      assert.deepEqual(new URL(page.url()).searchParams.getAll("saved"), ["Web, longer"]);
      await page.getByRole("button", { name: "Delete Web, longer" }).click();
      await page.getByRole("button", { name: "Web, longer", exact: true }).waitFor({ state: "detached" });
    }),
  );

  it("a wrong search names the character", async (test) => {
    if (!options.has_data) return test.skip("this installation holds no chat");
    const { page, context } = await openPage(browser);
    await page.goto(`${BASE}${PAGE}?date_range=90&q=platform+%3D+fax`);
    await page
      .getByText(/at character \d+/)
      .first()
      .waitFor();
    await context.close();
  });

  it(
    "cost by source, provider, model, kind and turn; engagement over seven months; most and least active people",
    onPage(`${PAGE}?date_range=90`, async (page) => {
      const cost = page.getByRole("region", { name: "Cost", exact: true });
      const breakdown = await ask(page, "cost-breakdown", "date_range=90&granularity=daily");
      const models = cost.getByRole("table", { name: "By model" });
      assert.equal(await models.locator("tbody tr").count(), breakdown.by_model.length);
      await cost.getByRole("radio", { name: "Tokens" }).click();
      await cost.getByRole("heading", { name: "Cost of a turn" }).waitFor();
      const views = page.getByRole("region", { name: "Engagement", exact: true });
      const answer = await ask(page, "engagement-views", "date_range=90&granularity=daily");
      const bots = views.getByRole("table", { name: "Bots this month" });
      assert.equal(await bots.locator("tbody tr").count(), answer.top_chatbots.length);
      const people = await ask(page, "user-engagement", "date_range=90&granularity=daily");
      for (const [name, rows] of [
        ["Most active participants", people.most_active_participants],
        ["Least active participants", people.least_active_participants],
      ]) {
        const table = page.getByRole("table", { name, exact: true });
        assert.equal(await table.locator("tbody tr td").first().textContent(), rows[0].participant_name);
      }
    }),
  );

  it(
    "scripts written against the page before find the filters under their names",
    onPage(`${PAGE}?date_range=90&granularity=weekly`, async (page) => {
      const { requests } = JSON.parse(
        readFileSync(new URL("../../crates/server/tests/it/chat_client.json", import.meta.url), "utf8"),
      );
      const reads = requests.find((request) => request.name === "page").reads.map((read) => read.path);
      // Drawing places and chips are ours; a missing one is skipped by the script.
      const selectors = reads
        .map((path) => path.replace("html ", ""))
        .filter((path) => !path.startsWith("canvas") && !path.includes("chips") && !path.startsWith("html["));
      assert.ok(selectors.length >= 10, selectors.join());
      for (const selector of selectors)
        assert.ok((await page.locator(selector.replace("form #", "form#")).count()) > 0, selector);
      const sent = await page.evaluate(() =>
        new URLSearchParams(new FormData(document.querySelector("#filterForm"))).toString(),
      );
      assert.match(sent, /date_range=90.*granularity=weekly/);
    }),
  );

  it("the second team has its own chats", async (test) => {
    if (!options.has_data) return test.skip("this installation holds no chat");
    const { page, context } = await openPage(browser);
    await page.goto(`${BASE}/a/ferries/dashboard/?date_range=90`);
    await page.getByText("Island Timetable").first().waitFor();
    assert.equal(await page.getByText("Admissions Helper").count(), 0);
    await context.close();
  });

  it("one failing widget leaves the others", async (test) => {
    if (!options.has_data) return test.skip("this installation holds no chat");
    const { page, context } = await openPage(browser);
    await page.route("**/channel-breakdown/**", (route) =>
      route.fulfill({ status: 500, body: '{"error":"no channels today"}' }),
    );
    await page.goto(`${BASE}${PAGE}?date_range=90`);
    await page.getByText("Cause: no channels today.").waitFor();
    assert.ok((await tileValue(page, "Total messages")) >= 0);
    await context.close();
  });

  for (const width of [360, 900, 1280]) {
    it(`${width} px: nothing moves while it loads, whatever arrives first`, async () => {
      const { page, context } = await openPage(browser, { viewport: { width, height: 900 } });
      // Answers come one after the other, the first widgets' last.
      let waited = 0;
      await page.route("**/dashboard/api/**", async (route) => {
        if (!/api\/live/.test(route.request().url())) {
          waited += 1;
          await new Promise((later) => setTimeout(later, Math.max(0, 900 - waited * 60)));
        }
        await route.continue().catch(() => undefined);
      });
      await page.addInitScript(() => {
        window.shifts = [];
        new PerformanceObserver((list) => {
          for (const entry of list.getEntries()) if (!entry.hadRecentInput) window.shifts.push(entry.value);
        }).observe({ type: "layout-shift", buffered: true });
      });
      await page.goto(`${BASE}${PAGE}`);
      await settled(page);
      await page.getByRole("region", { name: "Cost" }).locator("canvas, svg").first().waitFor();
      const moved = await page.evaluate(() => window.shifts.reduce((sum, value) => sum + value, 0));
      assert.ok(moved < 0.02, `moved by ${moved}`);
      await context.close();
    });
  }

  for (const width of [320, 360, 768, 1280]) {
    it(
      `${width} px has no sideways scroll`,
      onPage(
        PAGE,
        async (page) => {
          const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
          assert.ok(content <= view, `${content} px wide`);
        },
        { viewport: { width, height: 800 } },
      ),
    );
  }

  for (const colorScheme of ["light", "dark"]) {
    it(
      `${colorScheme}: no accessibility fault that axe can see`,
      onPage(
        `${PAGE}?date_range=90`,
        async (page) => {
          await page.evaluate(axeSource);
          const { violations } = await page.evaluate(() =>
            window.axe.run(document, { rules: { region: { enabled: false } } }),
          );
          assert.deepEqual(
            violations.map(
              (one) =>
                `${one.id}: ${one.nodes
                  .map((node) => node.target.join(" "))
                  .slice(0, 3)
                  .join(", ")}`,
            ),
            [],
          );
        },
        { colorScheme },
      ),
    );
  }
});
