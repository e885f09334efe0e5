// What people write into records, tags, names and notes is text, wherever it is shown.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { launch, openPage } from "./browser.mjs";
import { BINARY, freePort, Installation } from "./ownServer.mjs";

/** Text that becomes an element or a script wherever it is taken for markup. `word` finds it again as text. */
const hostile = (word) =>
  `${word}"'><img src=x class=injected onerror="window.ran=1"><script class=injected>window.ran=1</script><svg class=injected onload="window.ran=1">{{7*7}}`;
const COMMUNITY = "11111111-1111-4111-8111-111111111111";
const NOW = "2026-06-20T12:00:00Z";

let browser;
let own;
let base;

function lines(name, documents) {
  return own.file(name, documents.map((one) => `${JSON.stringify(one)}\n`).join(""));
}

function fillRepository() {
  const named = (word) => ({ id: hostile(word), title: { en: hostile(word) } });
  const records = [1, 2, 3].map((n) => ({
    id: `R${n}`,
    parent: { id: `P${n}`, access: { owned_by: { user: hostile("uploader") } }, communities: { ids: [COMMUNITY] } },
    created: `2026-06-0${n}T09:00:00Z`,
    updated: `2026-06-0${n}T09:00:00Z`,
    is_published: true,
    is_deleted: false,
    access: { status: "open" },
    files: { enabled: true, entries: [{ key: hostile("file"), ext: hostile("ext"), size: 1000, file_id: `f${n}` }] },
    metadata: {
      title: hostile("title"),
      publication_date: "2026",
      publisher: hostile("publisher"),
      resource_type: named("type"),
      languages: [named("language")],
      subjects: [{ id: hostile("subject"), subject: hostile("subject"), scheme: "x" }],
      rights: [named("licence")],
      creators: [{ affiliations: [{ id: hostile("affiliation"), name: hostile("affiliation") }] }],
      funding: [{ funder: { id: hostile("funder"), name: hostile("funder") } }],
    },
  }));
  const usage = records.flatMap((record, n) =>
    [0, 1, 2].map((visitor) => ({
      timestamp: `2026-06-1${n}T10:3${visitor}:00`,
      recid: record.id,
      parent_recid: record.parent.id,
      unique_id: `ui_${record.id}`,
      visitor_id: `v${visitor}`,
      unique_session_id: `v${visitor}`,
      country: hostile("country"),
      referrer: hostile("referrer"),
      via_api: false,
      is_robot: false,
      is_machine: false,
    })),
  );
  const added = records.flatMap((record) =>
    ["global", COMMUNITY].map((to) => ({
      record_id: record.id,
      community_id: to,
      event_type: "added",
      event_date: record.created.slice(0, 19),
    })),
  );
  const community = {
    id: COMMUNITY,
    slug: "c1",
    created: "2026-01-01T00:00:00Z",
    metadata: { title: hostile("community"), description: hostile("community") },
  };
  const files = ["--records", lines("r.ndjson", records), "--communities", lines("c.ndjson", [community])];
  files.push("--community-events", lines("e.ndjson", added), "--usage-events", lines("u.ndjson", usage));
  own.run(["import", "repository", ...files]);
  own.run(["community-stats", "aggregate", "--eager"], "", { TALLYKEEP_NOW: NOW });
}

function fillChat() {
  const folder = join(own.folder, "chat");
  mkdirSync(folder);
  const cell = (text) => `"${text.replaceAll('"', '""')}"`;
  const files = {
    teams: "id,slug\n10,default\n",
    experiments: `id,team_id,name,is_archived,working_version_id\n1,10,${cell(hostile("bot"))},false,\n`,
    channels: "id,team_id,experiment_id,platform,deleted\n1,10,,web,false\n",
    participants: `id,team_id,name,identifier,platform\n1,10,${cell(hostile("person"))},${cell(hostile("identifier"))},web\n`,
    sessions:
      "id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at\n101,10,1,1,web,complete,2026-06-12T09:00:00Z,2026-06-12T09:30:00Z\n",
    messages: "id,session_id,type,created_at\n1,101,human,2026-06-12T09:00:00Z\n2,101,ai,2026-06-12T09:01:00Z\n",
    tags: `id,team_id,name,category\n1,10,${cell(hostile("tag"))},\n`,
    tag_links: "team_id,tag_id,target_kind,target_id\n10,1,message,1\n10,1,chat,101\n",
  };
  for (const [name, content] of Object.entries(files)) own.file(`chat/${name}.csv`, content);
  own.run(["import", "chat", folder]);
}

describe("hostile texts", { skip: BINARY === null && "no program to start" }, () => {
  before(async () => {
    browser = await launch();
    own = new Installation();
    fillRepository();
    fillChat();
    own.run(["packages", "bootstrap-tables", "--yes"], "", { TALLYKEEP_NOW: NOW });
    const day = ["--day", "2026-06-18"];
    own.run(["packages", "annotations", "add", ...day, "--text", hostile("note"), "--url", "https://example.org"]);
    own.run(["packages", "add-evidence", "--title", hostile("evidence"), "--url", "https://example.org"]);
    own.run(["team", "set", "default", "--name", hostile("team")]);
    own.run(
      ["user", "add", "ada@example.org", "--admin", "--name", hostile("ada"), "--password-stdin"],
      "a long password\n",
    );
    own.run(["team", "member", "add", "default", "ada@example.org", "--role", "admin"]);
    own.run(["token", "create", "--scope", "read", "--name", hostile("token")]);
    base = await own.serve(await freePort(), { TALLYKEEP_NOW: NOW });
  });
  after(async () => {
    await browser?.close();
    await own?.stop();
  });

  async function signedIn(page) {
    await page.goto(`${base}/sign-in`);
    await page.getByLabel("Mail address").fill("ada@example.org");
    await page.getByLabel("Password").fill("a long password");
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL((url) => !url.pathname.startsWith("/sign-in"));
  }

  it("what people wrote is shown as text everywhere and runs nowhere", async () => {
    const { page, context, problems } = await openPage(browser);
    page.on("dialog", (dialog) => {
      problems.push(`dialog: ${dialog.message()}`);
      return dialog.dismiss();
    });
    await signedIn(page);
    const seen = new Set();
    async function look(where) {
      await page.waitForLoadState("networkidle");
      const found = await page.evaluate(() => ({
        ran: window.ran,
        injected: document.querySelectorAll(".injected").length,
        scripts: document.querySelectorAll('a[href^="javascript:" i], a[href^="data:" i]').length,
        text: document.body.innerText,
      }));
      assert.equal(found.ran, undefined, `${where}: it ran`);
      assert.equal(found.injected, 0, `${where}: it became an element`);
      assert.equal(found.scripts, 0, `${where}: a link runs a script`);
      for (const [, word] of found.text.matchAll(/(\w+)"'><img/g)) seen.add(word);
    }
    for (const path of [
      "/",
      "/stats",
      "/communities/c1/stats",
      "/packages",
      "/a/default/dashboard/",
      "/account",
      "/team",
      "/admin",
    ]) {
      await page.goto(`${base}${path}`);
      await page.locator("h1").first().waitFor();
      await look(path);
      const tabs = await page.getByRole("tab").all();
      for (const [at, tab] of tabs.entries()) {
        await tab.click();
        await look(`${path}, tab ${at + 1}`);
      }
    }
    assert.deepEqual(
      problems.filter((problem) => !/404/.test(problem)),
      [],
    );
    for (const word of ["community", "team", "bot", "token"])
      assert.ok(seen.has(word), `the text of ${word} was shown: ${[...seen].join(", ")}`);
    await context.close();
  });

  it("a link that would run a script is refused or shown as text", async () => {
    const { page, context } = await openPage(browser);
    await signedIn(page);
    const token = (await context.cookies()).find((one) => one.name === "csrftoken").value;
    for (const [path, body] of [
      ["/api/v1/packages/annotations", { day: "2026-06-17", text: "x", url: "javascript:window.ran=1" }],
      ["/api/v1/packages/evidence", { title: "x", url: "javascript:window.ran=1" }],
    ])
      await context.request.post(`${base}${path}`, { data: body, headers: { "X-CSRFToken": token } });
    await page.goto(`${base}/packages`);
    await page.locator("h1").first().waitFor();
    await page.waitForLoadState("networkidle");
    assert.equal(await page.locator('a[href^="javascript:" i]').count(), 0);
    await context.close();
  });
});
