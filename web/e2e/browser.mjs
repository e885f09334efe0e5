import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const FLAGS = [
  "--headless",
  "--no-sandbox",
  "--disable-gpu",
  "--disable-quic",
  "--no-first-run",
  "--disable-background-networking",
  "--disable-component-update",
  "--disable-sync",
];

export const BASE = (process.env.BASE_URL ?? "").replace(/\/$/, "");

/** Debian's own Chromium; `CHROMIUM` names another one. */
export function launch() {
  return chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: FLAGS });
}

/** A page that remembers every script error, console error and refused resource. */
export async function openPage(browser, options = {}) {
  const context = await browser.newContext({
    viewport: { width: 1280, height: 900 },
    acceptDownloads: true,
    ...options,
  });
  const page = await context.newPage();
  const problems = [];
  page.on("pageerror", (error) => problems.push(`script error: ${error.message}`));
  page.on("console", (message) => {
    if (message.type() === "error") problems.push(`console: ${message.text()}`);
  });
  return { context, page, problems };
}

export async function visit(page, path) {
  await page.goto(`${BASE}${path}`);
  await settled(page);
}

/** Nothing is loading any more. */
export async function settled(page) {
  await page.waitForFunction(() => {
    const waiting = document.querySelectorAll(".figure-loading, .tile-skeleton, .watermark.stale[role=status]");
    return document.querySelector("#main, .embedded") && waiting.length === 0;
  });
}

export async function overview(page) {
  const answer = await page.request.get(`${BASE}/api/v1/overview`);
  return answer.json();
}

/** The first community with a dashboard that has records. */
export async function aCommunity(page) {
  const { domains } = await overview(page);
  return domains.repository.communities
    .filter((one) => one.dashboard_enabled)
    .sort((a, b) => (b.records ?? 0) - (a.records ?? 0))[0];
}

/** One category answer with full days, asked of the server directly. */
export async function category(page, name, community, start, end) {
  const cookies = await page.context().cookies();
  const token = cookies.find((cookie) => cookie.name === "csrftoken")?.value ?? "";
  const answer = await page.request.post(`${BASE}/api/stats-dashboard`, {
    data: {
      [name]: {
        stat: name,
        params: { community_id: community, date_basis: "added", start_date: start, end_date: end },
      },
    },
    headers: { "X-CSRFToken": token, Accept: "application/json" },
  });
  if (!answer.ok()) throw new Error(`${name}: ${answer.status()} ${await answer.text()}`);
  return (await answer.json())[name];
}

export function fullDays(series) {
  return (series?.data ?? []).map(([day, value]) => [day.length === 5 ? `${series.year}-${day}` : day, value]);
}

/** Σ over the range, written apart from the page's own code. */
export function sumIn(series, start, end) {
  return fullDays(series).reduce((sum, [day, value]) => (day >= start && day <= end ? sum + value : sum), 0);
}

/** The last value up to the end. */
export function lastAt(series, end) {
  return fullDays(series)
    .filter(([day]) => day <= end)
    .at(-1)?.[1];
}

/** The number a tile shows; `null` where it says that there is none. */
export async function tileValue(page, label) {
  const tile = page.getByRole("region", { name: new RegExp(`^${label}$`, "i") });
  await tile.locator(".tile-number").waitFor();
  const data = tile.locator("data");
  return (await data.count()) === 0 ? null : Number(await data.getAttribute("value"));
}

const axeSource = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** No fault that axe finds, and nothing wider than the window. */
export async function faultless(page) {
  await page.evaluate(axeSource);
  const found = await page.evaluate(async () => {
    const result = await window.axe.run(document, { runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa"] });
    return result.violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target).join(", ")}`);
  });
  assert.deepEqual(found, []);
  const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  assert.ok(wide <= 0, `${wide} px wider than the window`);
}
