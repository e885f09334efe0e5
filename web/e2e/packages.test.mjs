import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, describe, it } from "node:test";
import { BASE, launch, openPage } from "./browser.mjs";

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

let browser;
let data;
before(async () => {
  browser = await launch();
  const { page, context } = await openPage(browser);
  data = await (await page.request.get(`${BASE}/api/v1/dashboard/daily?days=730`)).json();
  await context.close();
});
after(() => browser?.close());

function onPage(path, run, options) {
  return async () => {
    const { page, context, problems } = await openPage(browser, options);
    try {
      await page.goto(`${BASE}${path}`);
      await page.getByRole("tab").first().waitFor();
      await page.waitForFunction(() => document.querySelectorAll(".figure-loading").length === 0);
      await run(page);
      assert.deepEqual(problems, []);
    } finally {
      await context.close();
    }
  };
}

const downloads = () =>
  data.groups.flatMap((group) => group.items.filter((item) => item.metric_family === "downloads"));

/** The text a table shows, row by row. */
async function tableText(table) {
  const rows = await table.getByRole("row").all();
  return Promise.all(rows.map(async (row) => row.locator("th, td").allTextContents()));
}
/** Rows of a CSV file, quoted cells too. */
function csvRows(text) {
  return text
    .trim()
    .split("\r\n")
    .map((line) =>
      [...line.matchAll(/("(?:[^"]|"")*"|[^,]*)(?:,|$)/g)]
        .slice(0, -1)
        .map(([, cell]) => (cell.startsWith('"') ? cell.slice(1, -1).replaceAll('""', '"') : cell)),
    );
}
const plain = (text) => text.replaceAll(",", "").replace("–", "").trim();

describe("the packages page", () => {
  it(
    "shows the API's last full month, each package's card and the stars",
    onPage("/packages", async (page) => {
      const months = data.monthly_download_snapshots;
      if (months.length >= 2)
        assert.equal(Number(await page.locator(".headline data").first().getAttribute("value")), months.at(-1).total);
      for (const item of downloads()) {
        const card = page
          .locator(".cards .figure")
          .filter({ hasText: item.subject })
          .filter({ has: page.locator(`data[value="${item.latest_value}"]`) });
        if (item.latest_value !== null) assert.ok((await card.count()) >= 1, item.metric_id);
      }
      if (data.total_stars !== null)
        assert.equal(Number(await page.locator(".star-number").first().getAttribute("value")), data.total_stars);
    }),
  );

  it(
    "the downloaded months are the table's text",
    onPage("/packages", async (page) => {
      const figure = page.getByRole("region", { name: "Monthly download snapshots" }).first();
      await figure.getByRole("button", { name: "Show as table" }).click();
      const [head, ...rows] = await tableText(figure.getByRole("table"));
      const [download] = await Promise.all([
        page.waitForEvent("download"),
        figure.getByRole("button", { name: /CSV/ }).click(),
      ]);
      assert.equal(download.suggestedFilename(), "monthly-download-snapshots.csv");
      const lines = readFileSync(await download.path(), "utf8")
        .trim()
        .split("\r\n")
        .map((line) => line.split(","));
      assert.equal(lines[0].length, head.length);
      assert.equal(lines.length - 1, rows.length);
      assert.equal(lines.length - 1, data.monthly_download_snapshots.length);
      for (const [index, row] of rows.entries()) assert.deepEqual(row.slice(1).map(plain), lines[index + 1].slice(1));
    }),
  );

  it(
    "every card's file is its table's text",
    onPage("/packages", async (page) => {
      const cards = page.locator(".cards:not(.four) .figure");
      for (let index = 0; index < Math.min(3, await cards.count()); index += 1) {
        const card = cards.nth(index);
        if ((await card.locator(".time-chart").count()) === 0) continue;
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          card.getByRole("button", { name: /CSV/ }).click(),
        ]);
        const lines = readFileSync(await download.path(), "utf8")
          .trim()
          .split("\r\n")
          .map((line) => line.split(","));
        await card.getByRole("button", { name: "Show as table" }).click();
        const [, ...rows] = await tableText(card.getByRole("table"));
        assert.deepEqual(
          rows.map((row) => plain(row[1])),
          lines.slice(1).map((line) => line[4]),
        );
        await card.getByRole("button", { name: "Show the plot" }).click();
      }
    }),
  );

  it(
    "tables of the other tabs are downloaded as they stand",
    onPage("/packages?tab=insights", async (page) => {
      const fileOf = async (name) => {
        const figure = page.getByRole("region", { name, exact: true }).first();
        const [head, ...rows] = await tableText(figure.getByRole("table"));
        const [download] = await Promise.all([
          page.waitForEvent("download"),
          figure.getByRole("button", { name: /CSV/ }).click(),
        ]);
        const lines = csvRows(readFileSync(await download.path(), "utf8"));
        assert.deepEqual(
          lines[0],
          head.map((text) => text.replace(/ [↓↑]$/, "")),
          name,
        );
        assert.equal(lines.length - 1, rows.length, name);
        return rows.map((row, index) => [row, lines[index + 1]]);
      };
      for (const [row, line] of await fileOf("7d download movers")) {
        assert.equal(plain(row[1]), line[1]);
        assert.equal(Number(/(\d+)%/.exec(row[2])[1]), Math.abs(Number(line[2])));
      }
      await page.getByRole("tab", { name: /Gaps/ }).click();
      await page.getByRole("region", { name: "Missing days", exact: true }).getByRole("table").waitFor();
      for (const [row, line] of await fileOf("Missing days")) assert.deepEqual(row.slice(2, 3), line.slice(2, 3));
      for (const [row, line] of await fileOf("Completeness")) {
        assert.equal(row[0], line[0]);
        assert.equal(row[3].replace(/^(\d+) of (\d+) days$/, "$1/$2"), line[3]);
      }
    }),
  );

  it(
    "coverage is a cell a day, as the API has it",
    onPage("/packages", async (page) => {
      const answer = await (await page.request.get(`${BASE}/api/v1/packages/coverage`)).json();
      const strips = page.getByRole("region", { name: "Coverage", exact: true }).locator(".day-strip");
      const shown = Math.min(8, answer.metrics.length);
      assert.equal(await strips.count(), shown);
      for (let index = 0; index < shown; index += 1) {
        const states = await strips.nth(index).locator("title").allTextContents();
        const letters = states.map(
          (text) => ({ final: "f", restated: "r", provisional: "p", missing: "m" })[text.split(": ")[1]],
        );
        assert.equal(letters.join(""), answer.metrics[index].strip);
      }
    }),
  );

  it(
    "the report of the last whole month is a page to keep",
    onPage("/packages", async (page) => {
      const month = data.monthly_download_snapshots.at(-1);
      await page.getByRole("button", { name: "Monthly report" }).click();
      const [download] = await Promise.all([page.waitForEvent("download"), page.getByRole("menuitem").first().click()]);
      assert.equal(download.suggestedFilename(), `packages-${month.period_end.slice(0, 7)}.html`);
      const html = readFileSync(await download.path(), "utf8");
      assert.ok(html.includes(month.total.toLocaleString("en-US")), "the month's total");
    }),
  );

  it(
    "the window asks the server and moves the other end",
    onPage("/packages", async (page) => {
      const { window_end: end } = data.last_30d_download_totals;
      const early = new Date(Date.parse(end) - 60 * 86_400_000).toISOString().slice(0, 10);
      await page.getByLabel("To", { exact: true }).fill(early);
      await page.waitForFunction((day) => document.querySelectorAll("input[type=date]")[0]?.value === day, early);
      assert.equal(new URL(page.url()).searchParams.get("to"), early);
      const totals = await (
        await page.request.get(
          `${BASE}/api/v1/dashboard/daily?response=download_window_totals&window_start=${early}&window_end=${early}`,
        )
      ).json();
      const figure = page.getByRole("region", { name: "Downloads in a window" });
      await page.waitForFunction(() => !document.querySelector("#main .dimmed"));
      const rows = await tableText(figure.getByRole("table"));
      const first = data.products?.[0]?.id ?? data.groups[0].product;
      assert.equal(Number(plain(rows[1][1])), totals[first]);
      await page.getByRole("button", { name: "Reset" }).click();
      assert.equal(new URL(page.url()).searchParams.get("to"), null);
    }),
  );

  it(
    "insights and gaps are there or say what to run",
    onPage("/packages?tab=insights", async (page) => {
      assert.ok(await page.getByRole("region", { name: "7d download movers" }).first().isVisible());
      await page.getByRole("tab", { name: /Gaps/ }).click();
      assert.ok(await page.getByRole("region", { name: "Completeness" }).first().isVisible());
    }),
  );

  for (const width of [320, 360, 768, 1280]) {
    it(
      `${width} px has no sideways scroll`,
      onPage(
        "/packages",
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
        "/packages",
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
