import assert from "node:assert/strict";
import { readFileSync, statSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import {
  aCommunity,
  BASE,
  category,
  lastAt,
  launch,
  openPage,
  overview,
  settled,
  sumIn,
  tileValue,
  visit,
} from "./browser.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
let community;
let stats;
before(async () => {
  browser = await launch();
  const { page, context } = await openPage(browser);
  await page.goto(`${BASE}/`);
  community = await aCommunity(page);
  stats = `/communities/${community.slug}/stats`;
  await context.close();
});
after(() => browser?.close());

/** Opens a page, runs the test, and fails on any error the browser saw. */
function onPage(path, run, options) {
  return async () => {
    const { page, context, problems } = await openPage(browser, options);
    try {
      await visit(page, typeof path === "function" ? path() : path);
      await run(page);
      assert.deepEqual(problems, []);
    } finally {
      await context.close();
    }
  };
}

/** The configuration the server put into the page. */
function configOf(page) {
  return page.evaluate(() => JSON.parse(document.getElementById("stats-dashboard").dataset.dashboardConfig));
}

/** The last day the page knows: the server's clock where it is given. */
async function today(page) {
  const { now } = await configOf(page);
  return (now ?? new Date().toISOString()).slice(0, 10);
}

describe("the start page", () => {
  it(
    "names what is here with the numbers of the overview, and leads there",
    onPage("/", async (page) => {
      const { domains } = await overview(page);
      const shown = await page
        .getByRole("region", { name: "Records", exact: true })
        .locator("data")
        .getAttribute("value");
      assert.equal(Number(shown), domains.repository.records);
      const link = page.getByRole("table").getByRole("link", { name: community.title, exact: true });
      await link.click();
      await settled(page);
      assert.ok(page.url().endsWith(stats), page.url());
      assert.equal(await page.locator("h1").textContent(), community.title);
    }),
  );
});

const YEAR = "from=2024-01-01&to=2024-12-31";
const TABS = {
  content: [
    ["Total records", "record-snapshot-category", ["records"]],
    ["Total uploaders", "record-snapshot-category", ["distinctUploaders", "uploaders"]],
    ["Total data volume", "record-snapshot-category", ["dataVolume"]],
  ],
  contributions: [
    ["New records", "record-delta-category", ["records"]],
    ["Active uploaders", "record-delta-category", ["uploaders"]],
    ["New data uploaded", "record-delta-category", ["dataVolume"]],
  ],
  traffic: [
    ["Total views", "usage-snapshot-category", ["viewUniqueRecords"]],
    ["Total downloads", "usage-snapshot-category", ["downloadUniqueFiles"]],
    ["Total traffic", "usage-snapshot-category", ["dataVolume"]],
  ],
  usage: [
    ["Views", "usage-delta-category", ["viewUniqueRecords"]],
    ["Downloads", "usage-delta-category", ["downloadUniqueFiles"]],
    ["Traffic", "usage-delta-category", ["dataVolume"]],
  ],
};

/** A whole year of which the server has data: the one before its own day. */
async function dataYear(page) {
  return Number((await today(page)).slice(0, 4)) - 1;
}

describe("the numbers of the tabs are the API's", () => {
  for (const [tab, tiles] of Object.entries(TABS)) {
    for (const scope of ["community", "repository"]) {
      it(
        `${tab}, ${scope}`,
        onPage(
          () => (scope === "community" ? stats : "/stats"),
          async (page) => {
            const year = await dataYear(page);
            const [start, end] = [`${year}-01-01`, `${year}-12-31`];
            await visit(
              page,
              `${scope === "community" ? stats : "/stats"}?tab=${tab}&${YEAR.replaceAll("2024", String(year))}`,
            );
            for (const [label, name, metrics] of tiles) {
              const answer = await category(page, name, scope === "community" ? community.id : "global", start, end);
              const series = metrics.map((metric) => answer.global[metric]?.[0]).find(Boolean);
              // Days the server has no data for are no data on the page either, never 0.
              const { first, last } = series?.coverage ?? {};
              const covered =
                series !== undefined && first !== null && last !== null && !(first > end) && !(last < start);
              const snapshot = name.includes("snapshot");
              const expected = snapshot ? lastAt(series, end) : covered ? sumIn(series, start, end) : null;
              assert.equal(await tileValue(page, label), expected ?? null, `${label} of ${scope}`);
            }
          },
        ),
      );
    }
  }

  it(
    "a breakdown lists the API's largest values in order, and the chart's table adds up",
    onPage(
      () => stats,
      async (page) => {
        const year = await dataYear(page);
        await visit(page, `${stats}?by=month&from=${year}-01-01&to=${year}-12-31&split=resource_types`);
        const answer = await category(page, "record-snapshot-category", community.id, `${year}-01-01`, `${year}-12-31`);
        const largest = Math.max(...answer.resourceTypes.records.map((series) => lastAt(series, `${year}-12-31`) ?? 0));
        const list = page.getByRole("region", { name: "Resource types", exact: true });
        await list.getByRole("radio", { name: "List", exact: true }).click();
        const first = await list.getByRole("row").nth(1).locator("td.value").textContent();
        assert.equal(Number(first.replaceAll(",", "")), largest);

        await page.getByRole("button", { name: "Show as table" }).first().click();
        const rows = await page.locator("figure, .figure").locator(".data-table").first().getByRole("row").all();
        assert.equal(rows.length, 13);
        const december = await rows.at(-1).getByRole("cell").allTextContents();
        const numbers = december.slice(1).map((text) => Number(text.replaceAll(",", "").replace("–", "0")));
        assert.equal(numbers[0], lastAt(answer.global.records[0], `${year}-12-31`));
        const series = await page.locator(".data-table").first().getByRole("columnheader").count();
        const compared =
          series - 2 > 0 && (await page.locator(".data-table th").last().textContent()).includes(String(year - 1));
        const parts = numbers.slice(1, compared ? -1 : undefined);
        assert.equal(
          parts.reduce((sum, part) => sum + part, 0),
          numbers[0],
        );
      },
    ),
  );
});

describe("choosing", () => {
  it(
    "typed dates become the address, and the browser's back button undoes them",
    onPage(
      () => stats,
      async (page) => {
        const year = await dataYear(page);
        const before = page.url();
        await page.getByRole("group", { name: "Date range" }).getByRole("button").nth(1).click();
        await page.getByRole("textbox", { name: "Type a range" }).fill(`q2 ${year}`);
        await page.keyboard.press("Enter");
        await settled(page);
        assert.equal(new URL(page.url()).searchParams.get("from"), `${year}-04-01`);
        assert.equal(new URL(page.url()).searchParams.get("to"), `${year}-06-30`);
        await page.goBack();
        await settled(page);
        assert.equal(page.url(), before);
      },
    ),
  );

  it(
    "an impossible date is refused with its reason and cannot be applied",
    onPage(
      () => stats,
      async (page) => {
        await page.getByRole("group", { name: "Date range" }).getByRole("button").nth(1).click();
        const from = page.getByRole("group", { name: "From", exact: true });
        await from.getByRole("textbox", { name: "From: year" }).fill("2026");
        await from.getByRole("textbox", { name: "From: month" }).fill("02");
        await from.getByRole("textbox", { name: "From: day" }).fill("30");
        assert.ok(await page.getByText("This month has no such day").isVisible());
        assert.ok(await page.getByRole("button", { name: "Apply" }).isDisabled());
        await from.getByRole("textbox", { name: "From: month" }).fill("13");
        assert.ok(await page.getByText("The month lies between 01 and 12").isVisible());
        await page.keyboard.press("Escape");
        assert.equal(await page.getByRole("dialog", { name: "Date range" }).count(), 0);
        assert.ok(
          await page.evaluate(() => document.activeElement?.closest(".date-buttons") !== null),
          "focus is back on the button",
        );
      },
    ),
  );

  it(
    "two ends typed as year, month and day become the range, and Clear goes back to the default",
    onPage(
      () => `${stats}?by=day`,
      async (page) => {
        const year = await dataYear(page);
        const open = () => page.getByRole("group", { name: "Date range" }).getByRole("button").nth(1).click();
        await open();
        for (const [end, parts] of [
          ["From", [year, "03", "01"]],
          ["To", [year, "03", "31"]],
        ]) {
          for (const [index, part] of ["year", "month", "day"].entries())
            await page.getByRole("textbox", { name: `${end}: ${part}` }).fill(String(parts[index]));
        }
        await page.getByRole("button", { name: "Apply" }).click();
        await settled(page);
        const query = new URL(page.url()).searchParams;
        assert.deepEqual([query.get("from"), query.get("to")], [`${year}-03-01`, `${year}-03-31`]);
        await open();
        await page.getByRole("button", { name: "Clear" }).click();
        await settled(page);
        assert.equal(new URL(page.url()).searchParams.get("from"), null);
      },
    ),
  );

  it(
    "a coarser granularity widens to whole periods and says custom",
    onPage(
      () => stats,
      async (page) => {
        const year = await dataYear(page);
        await visit(page, `${stats}?by=month&from=${year}-02-01&to=${year}-04-30`);
        await page.getByRole("button", { name: /^Granularity/ }).click();
        await page.getByRole("menuitemradio", { name: "Quarter" }).click();
        await settled(page);
        const query = new URL(page.url()).searchParams;
        assert.deepEqual(
          [query.get("by"), query.get("from"), query.get("to")],
          ["quarter", `${year}-01-01`, `${year}-06-30`],
        );
        await page.getByRole("button", { name: "Show as table" }).first().click();
        assert.equal(await page.locator(".data-table").first().getByRole("row").count(), 3);
      },
    ),
  );

  it(
    "a report is saved with its name and is not empty",
    onPage(
      () => stats,
      async (page) => {
        for (const [format, suffix] of [
          ["CSV", ".tar.gz"],
          ["JSON", ".tar.gz"],
        ]) {
          await page.getByRole("button", { name: "Download", exact: true }).click();
          const [download] = await Promise.all([
            page.waitForEvent("download"),
            page.getByRole("menuitem", { name: format, exact: true }).click(),
          ]);
          assert.match(
            download.suggestedFilename(),
            new RegExp(
              `^stats_series_${community.id}_\\d{4}-\\d\\d-\\d\\d_to_\\d{4}-\\d\\d-\\d\\d${suffix.replaceAll(".", "\\.")}$`,
            ),
          );
          assert.ok(statSync(await download.path()).size > 5, format);
        }
      },
    ),
  );
});

describe("keyboard", () => {
  it(
    "tabs, chart and palette need no mouse",
    onPage(
      () => stats,
      async (page) => {
        await page.getByRole("tab").first().focus();
        await page.keyboard.press("ArrowRight");
        await settled(page);
        assert.equal(await page.getByRole("tab").nth(1).getAttribute("aria-selected"), "true");

        const chart = page.locator(".chart-cursor").first();
        await chart.focus();
        await page.keyboard.press("End");
        const last = await page.locator(".chart-tooltip").textContent();
        await page.keyboard.press("ArrowLeft");
        assert.notEqual(await page.locator(".chart-tooltip").textContent(), last);
        await page.keyboard.press("Escape");
        assert.equal(await page.locator(".chart-tooltip").count(), 0);

        await page.keyboard.press("/");
        await page.getByRole("combobox", { name: "Find or jump to" }).fill("usage rates");
        await page.keyboard.press("Enter");
        await settled(page);
        assert.equal(new URL(page.url()).searchParams.get("tab"), "usage");
      },
    ),
  );
});

describe("the map", () => {
  it(
    "draws the world and walks its countries",
    onPage(
      () => `${stats}?tab=usage&range=1year&by=day`,
      async (page) => {
        const map = page.locator(".map-box");
        await map.waitFor();
        assert.ok((await map.locator("svg path").count()) > 150);
        await map.focus();
        await page.keyboard.press("ArrowRight");
        assert.match(await page.locator(".map-tooltip").textContent(), /\d/);
        const shades = () =>
          map.locator("svg path").evaluateAll((paths) => new Set(paths.map((path) => path.getAttribute("fill"))).size);
        const uniform = await shades();
        await page.getByRole("radio", { name: "By number" }).click();
        await page.waitForTimeout(100);
        assert.ok((await shades()) > uniform, "shaded by number");
      },
    ),
  );
});

/** The page with another configuration than the server's, as a site with other settings has it. */
async function visitConfigured(page, path, change) {
  await page.route(`**${path}`, async (route) => {
    const answer = await route.fetch();
    const html = (await answer.text()).replace(/data-dashboard-config='([^']*)'/, (_whole, text) => {
      const plain = text
        .replaceAll("&quot;", '"')
        .replaceAll("&lt;", "<")
        .replaceAll("&gt;", ">")
        .replaceAll("&#39;", "'")
        .replaceAll("&amp;", "&");
      const config = { ...JSON.parse(plain), ...change };
      return `data-dashboard-config='${JSON.stringify(config).replaceAll("&", "&amp;").replaceAll("'", "&#39;")}'`;
    });
    await route.fulfill({ response: answer, body: html });
  });
  await visit(page, path);
}

describe("a site with other settings", () => {
  it("in test-data mode says so on every tab and asks the server for no number", async () => {
    const { page, context, problems } = await openPage(browser);
    const asked = [];
    page.on("request", (request) => {
      if (/\/api\/(stats-dashboard|records)/.test(request.url())) asked.push(request.url());
    });
    await visitConfigured(page, stats, { use_test_data: true });
    for (const tab of ["Content", "Contributions", "Cumulative traffic", "Usage rates"]) {
      await page.getByRole("tab", { name: tab }).click();
      await settled(page);
      assert.ok(await page.getByText(/every number on this page is invented/).isVisible(), tab);
      assert.ok(Number(await page.locator(".tile data").first().getAttribute("value")) > 0, tab);
    }
    await page.getByRole("button", { name: "Download", exact: true }).click();
    assert.deepEqual(await page.getByRole("menuitem").allTextContents(), ["JSON"]);
    assert.deepEqual(asked, []);
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("where communities opt in, an editor finds the switch; elsewhere the server refuses it", async () => {
    const { page, context } = await openPage(browser);
    await visitConfigured(page, stats, { community_opt_in: true, dashboard_switched_on: true });
    await page.getByRole("button", { name: "Settings" }).click();
    await page.getByRole("radio", { name: "Disable" }).click();
    // The demo has no opt-in, so its own word stands: nothing was switched.
    await page.getByText(/Not saved: .*need not opt in/).waitFor();
    await context.close();
  });
});

describe("inside somebody else's page", () => {
  for (const width of [1280, 360]) {
    it(`at ${width} px title, tabs and controls stand clear of the numbers and work`, async () => {
      const { page, context, problems } = await openPage(browser, { viewport: { width, height: 800 } });
      await page.route(`**${stats}*`, async (route) => {
        const answer = await route.fetch();
        const html = (await answer.text()).replace('data-tallykeep-frame="full"', "");
        await route.fulfill({ response: answer, body: html });
      });
      await visit(page, stats);
      assert.equal(await page.locator(".sidebar").count(), 0);
      const content = await page.evaluate(() => document.documentElement.scrollWidth);
      assert.ok(content <= width, `${content} px wide`);
      if (width > 768) {
        const column = await page.locator(".embedded > aside").boundingBox();
        const numbers = await page.locator(".embedded > main").boundingBox();
        const widest = await page
          .locator(".embedded > aside *")
          .evaluateAll((all) => Math.max(...all.map((one) => one.getBoundingClientRect().right)));
        assert.ok(
          widest <= numbers.x && column.x < numbers.x,
          `controls end at ${widest}, numbers begin at ${numbers.x}`,
        );
        await page.getByRole("tab", { name: "Usage rates" }).click();
      } else {
        await page.locator(".bottom-bar").getByRole("button").nth(0).click();
        await page.getByRole("dialog").getByRole("button", { name: "Usage rates" }).click();
      }
      await settled(page);
      assert.equal(new URL(page.url()).searchParams.get("tab"), "usage");
      assert.deepEqual(problems, []);
      await context.close();
    });
  }
});

describe("every width", () => {
  for (const width of [320, 360, 768, 1000, 1200, 1280, 1600]) {
    it(`${width} px has no sideways scroll on any tab`, async () => {
      const { page, context, problems } = await openPage(browser, { viewport: { width, height: 800 } });
      for (const tab of ["content", "contributions", "traffic", "usage"]) {
        await visit(page, `${stats}?tab=${tab}`);
        const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
        assert.ok(content <= view, `${tab} at ${width} px is ${content} px wide`);
      }
      assert.deepEqual(problems, []);
      await context.close();
    });
  }

  it(
    "at 360 px the controls are at the bottom and work",
    onPage(
      () => stats,
      async (page) => {
        await page.locator(".bottom-bar").getByRole("button").nth(1).click();
        await page
          .getByRole("dialog", { name: "Dates" })
          .getByRole("button", { name: /Year to date/ })
          .click();
        await settled(page);
        assert.equal(new URL(page.url()).searchParams.get("range"), "yearToDate");
        await page.locator(".bottom-bar").getByRole("button").nth(0).click();
        await page.getByRole("dialog").getByRole("button").last().click();
        await settled(page);
        assert.equal(new URL(page.url()).searchParams.get("tab"), "usage");
      },
      { viewport: { width: 360, height: 740 }, hasTouch: true },
    ),
  );
});

describe("every reader", () => {
  for (const scheme of ["light", "dark"]) {
    it(
      `${scheme}: no accessibility fault that axe can see`,
      onPage(
        () => stats,
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
        { colorScheme: scheme },
      ),
    );
  }

  it(
    "right to left mirrors the frame but not time",
    onPage(
      () => `${stats}?lang=ar`,
      async (page) => {
        assert.equal(await page.evaluate(() => document.documentElement.dir), "rtl");
        const sidebar = await page.locator(".sidebar").boundingBox();
        assert.ok(sidebar.x > 900, "the sidebar is on the right");
        assert.equal(await page.locator(".chart-cursor").first().getAttribute("dir"), "ltr");
        const [content, view] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
        assert.ok(content <= view);
      },
    ),
  );

  it(
    "German speaks German",
    onPage(
      () => `${stats}?lang=de`,
      async (page) => assert.ok(await page.getByRole("region", { name: "Datensätze gesamt" }).isVisible()),
    ),
  );
});

describe("the browser's copy", () => {
  it(
    "is shown on the second visit and checked with its tag",
    onPage(
      () => stats,
      async (page) => {
        const shown = await tileValue(page, "Total records");
        const tags = [];
        page.on("request", (request) => {
          if (request.method() === "POST" && request.url().endsWith("/api/stats-dashboard"))
            tags.push(request.headers()["if-none-match"] ?? null);
        });
        await page.reload();
        await settled(page);
        assert.equal(await tileValue(page, "Total records"), shown);
        await page.waitForTimeout(300);
        assert.ok(tags.length > 0 && tags.every((tag) => tag?.startsWith('"')), `tags ${tags}`);
      },
    ),
  );

  it("stays on the page when the server is gone, and says so", async () => {
    const { page, context } = await openPage(browser);
    await visit(page, stats);
    const shown = await tileValue(page, "Total records");
    await page.route("**/api/stats-dashboard", (route) => route.abort());
    await page.reload();
    await page.getByText(/Server not reached/).waitFor();
    assert.equal(await tileValue(page, "Total records"), shown);
    await context.close();
  });
});

it("one failing figure does not take the others along", async () => {
  const { page, context } = await openPage(browser);
  await page.route("**/api/records**", (route) =>
    route.fulfill({ status: 500, body: '{"error":"the index is gone"}' }),
  );
  await visit(page, `${stats}?tab=traffic`);
  await page.getByText("Cause: the index is gone.").first().waitFor();
  assert.ok((await tileValue(page, "Total views")) > 0);
  await context.close();
});

it("the start page tells of packages and chatbots with the numbers of their own interfaces", async () => {
  const { page, context, problems } = await openPage(browser);
  await visit(page, "/");
  const { domains, team } = await overview(page);
  if (domains.packages) {
    const report = await (await page.request.get(`${BASE}/api/v1/packages/report`)).json();
    const downloads = report.lines.filter((line) => line.family === "downloads" && line.value !== null);
    const tile = page.getByRole("region", { name: /^Downloads, / });
    assert.equal(
      Number(await tile.locator("data").getAttribute("value")),
      downloads.reduce((sum, line) => sum + line.value, 0),
    );
  }
  if (domains.chat) {
    const totals = await (await page.request.get(`${BASE}/a/${team}/dashboard/api/overview/`)).json();
    const shown = await page.getByRole("region", { name: "Messages" }).locator("data").getAttribute("value");
    // The last 30 days end now, so a message may leave them between two questions.
    assert.ok(Math.abs(Number(shown) - totals.total_messages) <= 5, `${shown} of ${totals.total_messages}`);
  }
  assert.deepEqual(problems, []);
  await context.close();
});
