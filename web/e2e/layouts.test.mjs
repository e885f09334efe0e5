// The editor of a layout in a real browser: what is typed is drawn beside it, refused at its field, saved, and reset.
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { BASE, faultless, launch, openPage, overview, settled } from "./browser.mjs";

let browser;
/** A community that no other test looks at, since its layout changes here: the one with the fewest records. */
let community;
let stats;
before(async () => {
  browser = await launch();
  const { page, context } = await openPage(browser);
  const { domains } = await overview(page);
  community = domains.repository.communities
    .filter((one) => one.dashboard_enabled && one.records > 0)
    .sort((a, b) => a.records - b.records)[0];
  stats = `/communities/${community.slug}/stats`;
  await context.close();
});
after(() => browser?.close());

async function onPage(path, run, options) {
  const { page, context, problems } = await openPage(browser, options);
  try {
    await page.goto(`${BASE}${path}`);
    await page.locator(".layout-editor").waitFor();
    await settled(page);
    await run(page, problems);
    assert.deepEqual(problems, []);
  } finally {
    await context.close();
  }
}

/** Forgets what a test set, also when it failed. */
async function reset(page) {
  const token = (await page.context().cookies()).find((cookie) => cookie.name === "csrftoken").value;
  const answer = await page.request.delete(`${BASE}/api/v1/repository/layouts/${community.id}`, {
    headers: { "X-CSRFToken": token },
  });
  assert.ok(answer.ok(), await answer.text());
}

describe("the editor of a layout", () => {
  it("is reached from the page it is about", async () => {
    const { page, context } = await openPage(browser);
    await page.goto(`${BASE}${stats}`);
    await page.getByRole("link", { name: "Layout", exact: true }).click();
    await page.locator(".layout-editor").waitFor();
    assert.equal(new URL(page.url()).pathname, `${stats}/layout`);
    await context.close();
  });

  it("draws the draft, refuses a width where it was typed, saves, and the page shows it until it is reset", async () => {
    await onPage(`${stats}/layout`, async (page, problems) => {
      try {
        const preview = page.getByRole("region", { name: "Preview" });
        await page.getByRole("button", { name: /Total Records/ }).click();
        await page.getByLabel("Title").fill("All we hold");
        const tile = preview.getByRole("region", { name: "All we hold" });
        await tile.locator(".tile-number").waitFor();
        const value = await tile.locator("data").getAttribute("value");

        await page.getByLabel("Columns of 16").fill("17");
        await page.getByRole("button", { name: "Save layout" }).click();
        await page.getByText("17 is not a whole number from 1 to 16").waitFor();
        assert.equal(await page.getByLabel("Columns of 16").getAttribute("aria-invalid"), "true");
        assert.match(await page.getByRole("alert").innerText(), /one place is wrong/);
        // The refusal is an answer of 422, which the browser repeats on its console.
        assert.match(problems.splice(0).join(), /422/);

        await page.getByLabel("Columns of 16").fill("8");
        await page.getByRole("button", { name: "Save layout" }).click();
        await page.getByText(/^Set here by/).waitFor();
        const other = await page.context().newPage();
        await other.goto(`${BASE}${stats}`);
        await settled(other);
        const shown = other.getByRole("region", { name: "All we hold" }).locator("data");
        assert.equal(await shown.getAttribute("value"), value);
        await other.close();

        await page.getByRole("button", { name: "Reset: Layout" }).click();
        await page.getByRole("button", { name: "Forget this layout" }).click();
        await page.getByText("The default", { exact: true }).waitFor();
      } finally {
        await reset(page);
      }
    });
  });

  it("works by keyboard alone: a row moves and the cursor with it, a tab is added and named", async () => {
    await onPage(`${stats}/layout`, async (page) => {
      await page.getByRole("button", { name: "Move row 1 on" }).focus();
      await page.keyboard.press("Enter");
      await page.waitForFunction(() => document.activeElement?.id === "tabs[0].rows-1-on");
      assert.equal(await page.getByRole("textbox", { name: "Row 2" }).inputValue(), "single-stats");
      const preview = page.getByRole("region", { name: "Preview" });
      const first = await preview.getByRole("region").first().getAttribute("aria-label");
      assert.match(first, /Records held/);

      await page.getByRole("button", { name: "Add tab" }).focus();
      await page.keyboard.press("Enter");
      await page.getByLabel("Label").focus();
      await page.keyboard.press("Control+A");
      await page.keyboard.type("Our own");
      const tab = page.getByRole("button", { name: "Our own", exact: true });
      assert.equal(await tab.getAttribute("aria-pressed"), "true");
      await page.getByRole("button", { name: "Discard changes" }).focus();
      await page.keyboard.press("Space");
      await tab.waitFor({ state: "detached" });
    });
  });

  for (const colorScheme of ["light", "dark"])
    for (const width of [1280, 360])
      it(`has no fault at ${width} px, ${colorScheme}`, async () => {
        await onPage(
          `${stats}/layout`,
          async (page) => {
            await page.locator(".layout-block").first().click();
            await faultless(page);
            await page.getByRole("radio", { name: "JSON" }).click();
            await faultless(page);
          },
          { colorScheme, viewport: { width, height: 900 } },
        );
      });
});
