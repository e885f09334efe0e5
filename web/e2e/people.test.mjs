// People in a real browser: the first user, signing in, the account, the team, tokens, the log. And through the real
// OpenID provider of npm.
import assert from "node:assert/strict";
import { generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { after, before, describe, it } from "node:test";
import { faultless, launch, openPage } from "./browser.mjs";
import { BINARY, freePort, Installation } from "./ownServer.mjs";

const PASSWORD = "correct horse battery";
const WIDTHS = [1280, 360];

let browser;
let own;
let base;

/** A browser of its own on `path`; fails when a script did. */
async function inBrowser(path, run, options = {}) {
  const { page, context, problems } = await openPage(browser, options);
  try {
    await page.goto(`${base}${path}`);
    await run(page, context);
    // Who belongs to no team has no overview; the browser repeats the 404 on its console.
    assert.deepEqual(
      problems.filter((problem) => !/status of 404/.test(problem)),
      [],
    );
  } finally {
    await context.close();
  }
}

async function signIn(page, email = "ada@example.org", password = PASSWORD) {
  await page.goto(`${base}/sign-in?next=/account`);
  await page.getByLabel("Mail address").fill(email);
  await page.getByLabel("Password").fill(password);
  await page.getByRole("button", { name: "Sign in" }).click();
}

async function ready(page) {
  await page.locator("h1").waitFor();
  await page.waitForFunction(() => document.querySelectorAll(".figure-loading").length === 0);
}

describe("people", { skip: BINARY === null && "no program to start" }, () => {
  before(async () => {
    browser = await launch();
    own = new Installation();
    base = await own.serve(await freePort());
  });
  after(async () => {
    await browser?.close();
    await own?.stop();
  });

  it("the first user is made with the code that serve printed, by keyboard alone", async () => {
    const code = /use the code (\S+)/.exec(own.said)?.[1];
    assert.ok(code, own.said);
    await inBrowser("/first-run", async (page) => {
      // The script takes the form over and puts the cursor into its first field.
      await page.waitForFunction(() => document.activeElement?.getAttribute("name") === "code");
      await faultless(page);
      await page.keyboard.type("not the code");
      await page.keyboard.press("Tab");
      await page.keyboard.type("ada@example.org");
      await page.keyboard.press("Tab");
      await page.keyboard.type(PASSWORD);
      await Promise.all([page.waitForNavigation(), page.keyboard.press("Enter")]);
      assert.match(await page.getByRole("alert").innerText(), /not the code/);
      await page.getByLabel("Code that serve printed").fill(code);
      await page.getByLabel("New password").fill(PASSWORD);
      await page.keyboard.press("Enter");
      await page.waitForURL(/\/sign-in$/);
    }).catch((error) => {
      // A refused form is answered with 403, which the browser's console repeats.
      if (!/403/.test(String(error.message))) throw error;
    });
    const answer = await fetch(`${base}/first-run`, { redirect: "manual" });
    assert.equal(answer.headers.get("location"), "/sign-in", "there is only one first user");
  });

  it("what was typed before the scripts came stays, with the cursor", async () => {
    for (const late of ["email", "password"]) {
      const { page, context, problems } = await openPage(browser);
      let go = () => undefined;
      const held = new Promise((release) => {
        go = release;
      });
      await page.route("**/assets/*.js", async (route) => {
        await held;
        await route.continue().catch(() => undefined);
      });
      await page.goto(`${base}/sign-in`, { waitUntil: "commit" });
      await page.locator("input[name=email]").fill("ada@exam");
      if (late === "password") await page.locator("input[name=password]").fill("correct ");
      else await page.locator("input[name=email]").focus();
      go();
      await page.locator(".door-brand").waitFor();
      await page.keyboard.type(late === "email" ? "ple.org" : "horse");
      const values = await page.evaluate(() =>
        ["email", "password"].map((name) => document.querySelector(`form input[name=${name}]`).value),
      );
      assert.deepEqual(values, late === "email" ? ["ada@example.org", ""] : ["ada@exam", "correct horse"]);
      assert.equal(await page.locator("input[name=password]").getAttribute("value"), null);
      assert.deepEqual(problems, []);
      await context.close();
    }
  });

  it("a page asks to sign in, says why not, and goes on where one wanted to", async () => {
    const { page, context } = await openPage(browser);
    await page.goto(`${base}/account`);
    assert.match(page.url(), /\/sign-in\?next=%2Faccount$/);
    await page.getByLabel("Mail address").fill("ada@example.org");
    await page.getByLabel("Password").fill("not this one");
    await page.getByRole("button", { name: "Sign in" }).click();
    assert.match(await page.getByRole("alert").innerText(), /wrong/);
    assert.equal(await page.getByLabel("Mail address").inputValue(), "ada@example.org");
    await page.getByLabel("Password").fill(PASSWORD);
    await page.getByRole("button", { name: "Sign in" }).click();
    await page.waitForURL(/\/account$/);
    const cookies = await context.cookies();
    assert.ok(cookies.find((one) => one.name === "tallykeep_session").httpOnly);
    await context.close();
  });

  it("other sessions end one by one, the password changes, and signing out everywhere is everywhere", async () => {
    const other = await openPage(browser, { userAgent: "The other browser" });
    await signIn(other.page);
    await ready(other.page);
    await inBrowser("/sign-in", async (page) => {
      await signIn(page);
      await ready(page);
      const row = page.getByRole("row").filter({ hasText: "The other browser" });
      await row.getByRole("button", { name: /^End/ }).click();
      await page.getByRole("button", { name: "End this session" }).click();
      await row.waitFor({ state: "detached" });
      await other.page.goto(`${base}/account`);
      assert.match(other.page.url(), /sign-in/);

      await page.getByLabel("Current password").fill(PASSWORD);
      await page.getByLabel("New password").fill(`${PASSWORD} 2`);
      await page.getByRole("button", { name: "Change password" }).click();
      await page.getByText("The password is changed").waitFor();

      await signIn(other.page, "ada@example.org", `${PASSWORD} 2`);
      await ready(other.page);
      await page.getByRole("button", { name: /^Sign out everywhere/ }).click();
      await page.getByRole("button", { name: "Sign out everywhere, here too" }).click();
      await page.waitForURL(/\/sign-in\?next=%2Faccount$/);
      await other.page.goto(`${base}/account`);
      assert.match(other.page.url(), /sign-in/);
    });
    await other.context.close();
    own.run(["user", "sign-out", "ada@example.org"]);
  });

  it("an admin adds a user by a link, a member, and opens a dashboard; the log says so", async () => {
    const admin = await openPage(browser);
    await signIn(admin.page, "ada@example.org", `${PASSWORD} 2`);
    await admin.page.goto(`${base}/admin`);
    await ready(admin.page);
    const users = admin.page.getByRole("region", { name: "Users", exact: true });
    await users.getByLabel("Mail address").fill("ben@example.org");
    await users.getByRole("button", { name: "Add user" }).click();
    const link = await admin.page.locator(".secret-text").innerText();
    assert.match(link, /\/new-password\?link=/);

    await inBrowser("/sign-in", async (page) => {
      await page.goto(link);
      await page.getByLabel("New password").fill("ben's own password");
      await page.getByRole("button", { name: "Set password" }).click();
      await page.waitForURL(/\/sign-in$/);
      await signIn(page, "ben@example.org", "ben's own password");
      await ready(page);
      await page.getByText("You belong to no team yet").waitFor();
    });

    await admin.page.goto(`${base}/team`);
    await ready(admin.page);
    const members = admin.page.getByRole("region", { name: "Members", exact: true });
    await members.getByLabel("Mail address").fill("ben@example.org");
    await members.getByLabel("Role", { exact: true }).selectOption("viewer");
    await members.getByRole("button", { name: "Add member" }).click();
    await members.getByRole("row").filter({ hasText: "ben@example.org" }).waitFor();
    await members.getByLabel("Role of ben@example.org").selectOption("editor");
    await members.getByText("ben@example.org: Editor").waitFor();
    await admin.page.getByLabel("Packages").selectOption("public");
    await admin.page.getByText("Saved").first().waitFor();
    assert.equal((await fetch(`${base}/packages`)).status, 200, "open to everyone");

    await admin.page.reload();
    await ready(admin.page);
    const log = admin.page.getByRole("region", { name: "Audit log", exact: true });
    for (const action of ["member.set", "team.visibility"]) await log.getByText(action).first().waitFor();
    assert.deepEqual(admin.problems, []);
    await admin.context.close();
  });

  it("a token is shown once, does what it may, and ends by hand", async () => {
    await inBrowser("/sign-in", async (page) => {
      await signIn(page, "ada@example.org", `${PASSWORD} 2`);
      await page.goto(`${base}/team`);
      await ready(page);
      const tokens = page.getByRole("region", { name: "Tokens", exact: true });
      await tokens.getByLabel("What it is for").fill("monthly report");
      await tokens.getByLabel("May").selectOption("read");
      await tokens.getByRole("button", { name: "Create token" }).click();
      const secret = await page.locator(".secret-text").innerText();
      const headers = { Authorization: `Bearer ${secret}` };
      assert.equal((await fetch(`${base}/api/v1/team`, { headers })).status, 200);
      assert.equal((await fetch(`${base}/api/v1/team/members`, { headers })).status, 403);
      await page.reload();
      await ready(page);
      assert.ok(!(await page.content()).includes(secret), "shown once");
      await tokens.getByRole("button", { name: /^Revoke/ }).click();
      await tokens.getByRole("button", { name: "Revoke for good" }).click();
      await tokens.getByText("revoked", { exact: true }).waitFor();
      assert.equal((await fetch(`${base}/api/v1/team`, { headers })).status, 401);
    });
  });

  for (const width of WIDTHS)
    for (const colorScheme of ["light", "dark"])
      it(`has no faults at ${width} px, ${colorScheme}`, async () => {
        const options = { viewport: { width, height: 800 }, colorScheme };
        await inBrowser("/sign-in", async (page) => faultless(page), options);
        await inBrowser(
          "/sign-in",
          async (page) => {
            await signIn(page, "ada@example.org", `${PASSWORD} 2`);
            for (const path of ["/account", "/team", "/admin"]) {
              await page.goto(`${base}${path}`);
              await ready(page);
              await faultless(page);
              if (process.env.PICTURES)
                await page.screenshot({
                  path: `${process.env.PICTURES}${path}-${width}-${colorScheme}.png`,
                  fullPage: true,
                });
            }
          },
          options,
        );
      });
});

describe("signing in through the real OpenID provider", { skip: BINARY === null && "no program to start" }, () => {
  let provider;
  let issuer;

  before(async () => {
    browser = await launch();
    own = new Installation();
    const port = await freePort();
    const providerPort = await freePort();
    issuer = `http://127.0.0.1:${providerPort}`;
    const people = {
      cara: { email: "cara@example.org", groups: ["botanists", "others"] },
      eve: { email: "eve@evil.example", groups: ["botanists"] },
      mallory: { email: "mallory@example.org", email_verified: false, groups: ["operators"] },
      olga: { email: "olga@example.org", groups: ["operators"] },
    };
    const { Provider } = await import("oidc-provider");
    const { privateKey } = generateKeyPairSync("rsa", { modulusLength: 2048 });
    const oidc = new Provider(issuer, {
      clients: [
        {
          client_id: "tallykeep",
          client_secret: "a secret of the client's",
          redirect_uris: [`http://127.0.0.1:${port}/sign-in/provider/return`],
        },
      ],
      scopes: ["openid", "email", "profile", "groups"],
      claims: { openid: ["sub"], email: ["email", "email_verified"], profile: ["name"], groups: ["groups"] },
      cookies: { keys: ["for this test only"] },
      jwks: { keys: [{ ...privateKey.export({ format: "jwk" }), kid: "one", use: "sig", alg: "RS256" }] },
      pkce: { required: () => true },
      findAccount: (_, id) => ({
        accountId: id,
        claims: () => ({ sub: id, name: id, email_verified: true, ...people[id] }),
      }),
    });
    provider = createServer(oidc.callback()).listen(providerPort, "127.0.0.1");
    writeFileSync(
      own.config,
      `[access]
public_url = "http://127.0.0.1:${port}"
mail_domains = ["example.org"]

[access.oidc]
issuer = "${issuer}"
client_id = "tallykeep"
client_secret_variable = "TALLYKEEP_OIDC_SECRET"
name = "Example Institute"
scopes = ["groups"]

[[access.oidc.groups]]
group = "botanists"
team = "default"
role = "editor"

[[access.oidc.groups]]
group = "operators"
instance_admin = true
`,
    );
    own.run(["user", "add", "ada@example.org", "--admin", "--password-stdin"], `${PASSWORD}\n`);
    base = await own.serve(port, { TALLYKEEP_OIDC_SECRET: "a secret of the client's" });
  });
  after(async () => {
    await browser?.close();
    provider?.close();
    provider?.closeAllConnections();
    await own?.stop();
  });

  /** Signs in as somebody at the provider; answers the page where that led. */
  async function through(context, login) {
    const page = await context.newPage();
    await page.goto(`${base}/sign-in?next=/account`);
    await page.getByRole("link", { name: "Sign in with Example Institute" }).click();
    await page.getByPlaceholder("Enter any login").fill(login);
    await page.getByPlaceholder("and password").fill("anything");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).click();
    await page.waitForURL((url) => url.href.startsWith(base));
    return page;
  }

  async function session(context) {
    return (await context.request.get(`${base}/api/v1/session`)).json();
  }

  it("groups become roles, and only for who is of the domain with a verified address", async () => {
    for (const [login, email, admin, role] of [
      ["cara", "cara@example.org", false, "editor"],
      ["olga", "olga@example.org", true, null],
    ]) {
      const context = await browser.newContext();
      const page = await through(context, login);
      await page.waitForURL(/\/account$/);
      const who = await session(context);
      assert.equal(who.email, email);
      assert.equal(who.instance_admin, admin);
      if (role) assert.equal(who.teams.find((team) => team.slug === "default").role, role);
      await context.close();
    }
    for (const login of ["eve", "mallory"]) {
      const context = await browser.newContext();
      const page = await through(context, login);
      assert.match(await page.getByRole("alert").innerText(), /may not sign in here/);
      assert.equal((await session(context)).signed_in, false);
      await context.close();
    }
    const log = JSON.parse(own.run(["audit", "--json", "--action", "session.start"]));
    assert.deepEqual(log.map((row) => row.actor_name).sort(), ["cara@example.org", "olga@example.org"]);
  });

  it("a code that another browser brought is not taken", async () => {
    const [victim, thief] = [await browser.newContext(), await browser.newContext()];
    // The thief stops his own sign-in just before its end and has the victim finish it.
    const page = await thief.newPage();
    await page.goto(`${base}/sign-in`);
    await page.getByRole("link", { name: "Sign in with Example Institute" }).click();
    await page.getByPlaceholder("Enter any login").fill("cara");
    await page.getByPlaceholder("and password").fill("anything");
    await page.getByRole("button", { name: "Sign-in" }).click();
    await page.getByRole("button", { name: "Continue" }).waitFor();
    const confirm = new URL(await page.locator("form").first().getAttribute("action"), page.url()).href;
    let answered = await thief.request.post(confirm, { form: { prompt: "consent" }, maxRedirects: 0 });
    let unfinished = answered.headers().location;
    while (!unfinished.startsWith(base)) {
      answered = await thief.request.get(new URL(unfinished, issuer).href, { maxRedirects: 0 });
      unfinished = answered.headers().location;
    }
    assert.match(unfinished, /code=/);
    const answer = await victim.request.get(unfinished);
    assert.equal(answer.status(), 400);
    assert.equal((await session(victim)).signed_in, false);
    await victim.close();
    await thief.close();
  });
});
