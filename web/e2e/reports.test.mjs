// Reports and watchdogs in a real browser, on the demo's data with users: a report is set up, previewed, sent by a real mail and
// read back; an alert says what to check; who may not does not see them.
import assert from "node:assert/strict";
import { writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { after, before, describe, it } from "node:test";
import { faultless, launch, openPage } from "./browser.mjs";
import { BINARY, freePort, Installation } from "./ownServer.mjs";

const PASSWORD = "correct horse battery";

/** A mail server that takes everything and keeps it. */
async function mailServer() {
  const mails = [];
  const server = createServer((socket) => {
    let [buffer, receivers, isData] = ["", [], false];
    const say = (line) => socket.write(`${line}\r\n`);
    say("220 local ESMTP");
    socket.on("error", () => undefined);
    socket.on("data", (chunk) => {
      buffer += chunk;
      for (;;) {
        const end = buffer.indexOf(isData ? "\r\n.\r\n" : "\r\n");
        if (end < 0) return;
        const part = buffer.slice(0, end);
        buffer = buffer.slice(end + (isData ? 5 : 2));
        if (isData) {
          mails.push({ receivers, data: part });
          [isData, receivers] = [false, []];
          say("250 taken");
        } else if (/^(EHLO|HELO)/i.test(part)) say("250 local");
        else if (/^RCPT TO:/i.test(part)) {
          receivers.push(/<(.*)>/.exec(part)[1]);
          say("250 fine");
        } else if (/^DATA/i.test(part)) {
          isData = true;
          say("354 go on");
        } else if (/^QUIT/i.test(part)) socket.end("221 bye\r\n");
        else say("250 fine");
      }
    });
  });
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  return { mails, port: server.address().port, close: () => server.close() };
}

let browser;
let own;
let base;
let mail;

async function signedIn(email, path, options = {}) {
  const opened = await openPage(browser, options);
  const { page } = opened;
  await page.goto(`${base}/sign-in?next=${encodeURIComponent(path)}`);
  await page.getByLabel("Mail address").fill(email);
  await page.getByLabel("Password").fill(PASSWORD);
  await page.getByRole("button", { name: "Sign in" }).click();
  await page.locator("h1").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".figure-loading").length === 0);
  return opened;
}

describe("reports and watchdogs", { skip: BINARY === null && "no program to start" }, () => {
  before(async () => {
    browser = await launch();
    own = new Installation();
    mail = await mailServer();
    writeFileSync(
      own.config,
      `[mail]\nserver = "127.0.0.1:${mail.port}"\ntls = "off"\nfrom = "Statistics <stats@example.org>"\n`,
    );
    own.run(["demo", "--no-serve"]);
    own.run(["user", "add", "ada@example.org", "--admin", "--password-stdin"], `${PASSWORD}\n`);
    own.run(["user", "add", "vera@example.org", "--password-stdin"], `${PASSWORD}\n`);
    own.run(["team", "member", "add", "default", "vera@example.org", "--role", "viewer"]);
    own.run(["watch"]);
    base = await own.serve(await freePort());
  });
  after(async () => {
    await browser?.close();
    await own?.stop();
    mail?.close();
  });

  it("a report is set up by keyboard, its preview is what the mail says, and the history tells that it left", async () => {
    const { page, context, problems } = await signedIn("ada@example.org", "/reports");
    await page.getByRole("textbox", { name: "Report" }).focus();
    await page.keyboard.type("board");
    await page.keyboard.press("Tab");
    await page.keyboard.type("Pack");
    await page.getByLabel("Mail addresses").focus();
    await page.keyboard.type("ann@example.org");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    const preview = page.getByRole("region", { name: "Preview of board" });
    const row = preview.getByRole("row").filter({ hasText: "All downloads" });
    const shown = await row.getByRole("cell").nth(1).innerText();
    assert.match(shown, /^\d[\d,]+$/);

    await page.getByRole("button", { name: "Send now: board" }).click();
    await page.getByRole("button", { name: "Send to 1 receiver" }).click();
    await page.getByRole("table", { name: "History" }).getByText("mailed").waitFor();
    assert.deepEqual(
      mail.mails.map((one) => one.receivers),
      [["ann@example.org"]],
    );
    const plain = mail.mails[0].data.replace(/=\r\n/g, "");
    assert.ok(plain.includes(shown), `${shown} is not in the mail`);

    await page.getByRole("button", { name: "Delete: board" }).click();
    await page.getByRole("button", { name: "Delete this report" }).click();
    await page.getByText("No reports yet").waitFor();
    assert.deepEqual(problems, []);
    await context.close();
  });

  it("an alert says since when and what to check, on the start page too, to members who may not see reports", async () => {
    const { page, context, problems } = await signedIn("vera@example.org", "/");
    await page.getByRole("link", { name: /left (its|their) usual band/ }).click();
    const alert = page.getByRole("region", { name: "Open alerts" }).getByRole("listitem").first();
    assert.match(await alert.innerText(), /Tidekit NodeJS[\s\S]*No value since[\s\S]*Check npm/);
    const places = page.getByRole("navigation", { name: "Places" });
    assert.equal(await places.getByRole("link", { name: "Watchdogs" }).getAttribute("aria-current"), "page");
    assert.equal(await places.getByRole("link", { name: "Reports" }).count(), 0);
    assert.equal((await page.request.get(`${base}/reports`)).status(), 403);
    assert.deepEqual(problems, []);
    await context.close();
  });

  for (const colorScheme of ["light", "dark"])
    for (const width of [1280, 360])
      it(`the pages have no fault at ${width} px, ${colorScheme}`, async () => {
        const options = { colorScheme, viewport: { width, height: 900 } };
        const { page, context, problems } = await signedIn("ada@example.org", "/reports", options);
        await faultless(page);
        await page.goto(`${base}/watch`);
        await page.locator(".alert-list").waitFor();
        await faultless(page);
        assert.deepEqual(problems, []);
        await context.close();
      });
});
