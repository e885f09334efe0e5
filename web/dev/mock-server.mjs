// A stand-in for `tallykeep serve` while developing the pages: built assets, injected mount points, generated answers.
// Never shipped; the browser tests run against the real binary.
import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import { extname, join } from "node:path";
import { category, works } from "../src/testdata/generate.mjs";
import { layout } from "./default-layout.mjs";
import { chatAnswer } from "./generate-chat.mjs";
import { packagesCoverage, packagesDashboard, windowTotals } from "./generate-packages.mjs";

const TODAY = "2026-11-21";
const dist = new URL("../dist/", import.meta.url).pathname;
const TYPES = {
  ".js": "text/javascript",
  ".css": "text/css",
  ".svg": "image/svg+xml",
  ".html": "text/html; charset=utf-8",
  ".json": "application/json",
};
const COMMUNITY = "11111111-1111-4111-8111-111111111111";
const CSP =
  "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'";
const NOW = `${TODAY}T09:00:00Z`;

const config = (type, over = {}) => ({
  dashboard_type: type,
  dashboard_enabled: true,
  layout,
  ui_subcounts: Object.fromEntries(
    [
      "resource_types",
      "subjects",
      "languages",
      "rights",
      "funders",
      "periodicals",
      "publishers",
      "affiliations",
      "countries",
      "file_types",
      "access_statuses",
    ].map((name) => [name, {}]),
  ),
  default_granularity: "month",
  default_range_options: { day: "30days", week: "12weeks", month: "12months", quarter: "4quarters", year: "5years" },
  max_history_years: 10,
  use_test_data: false,
  agg_in_progress: false,
  caching_in_progress: false,
  first_run_incomplete: false,
  title: "Statistics",
  show_title: false,
  now: NOW,
  ...over,
});
const community = {
  id: COMMUNITY,
  slug: "coastal-humanities",
  metadata: { title: "Coastal Humanities", description: "Works on shores, ports and sea routes." },
  custom_fields: { "stats:dashboard_enabled": true },
  links: { self_html: "/communities/coastal-humanities", records: `/api/records?community=${COMMUNITY}` },
};
const overview = {
  team: "default",
  teams: [
    { slug: "default", name: "Tidewater Institute" },
    { slug: "north", name: "Northern Shores" },
  ],
  user: { name: "local", local: true, roles: [] },
  domains: {
    repository: {
      communities: [
        {
          id: COMMUNITY,
          slug: "coastal-humanities",
          title: "Coastal Humanities",
          records: 4812,
          dashboard_enabled: true,
        },
        { id: "222", slug: "field-station", title: "Field Station Data", records: 733, dashboard_enabled: true },
      ],
      records: 11204,
      views: 1861220,
      downloads: 748210,
      complete_to: "2026-11-19",
      as_of: "2026-11-21T02:10:00Z",
      agg_in_progress: false,
    },
    packages: { products: [{ id: "driftwood", name: "Driftwood" }] },
    chat: { bots: [{ id: "1", name: "Library Helpdesk" }] },
  },
};
const escapeHtml = (text) =>
  text.replaceAll("&", "&amp;").replaceAll('"', "&quot;").replaceAll("<", "&lt;").replaceAll("'", "&#39;");

function page(mount) {
  return readFileSync(join(dist, "index.html"), "utf8").replace("<!--tallykeep:mount-->", mount);
}
function statsMount(type, value, over) {
  return `<div id="stats-dashboard" data-dashboard-config='${escapeHtml(JSON.stringify(config(type, over)))}' data-community='${value ? escapeHtml(JSON.stringify(value)) : "None"}'></div>`;
}
function handle(request, body, reply) {
  const url = new URL(request.url, "http://mock");
  const path = url.pathname.replace(/^\/a\/[^/]+/, "");
  const html = (mount) =>
    reply(200, page(mount), {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Security-Policy": CSP,
      "Set-Cookie": "csrftoken=mock; Path=/",
    });
  const json = (value, status = 200, headers = {}) =>
    reply(status, JSON.stringify(value), { "Content-Type": "application/json", ...headers });
  if (path === "/" || path === "")
    return html(`<div id="tallykeep" data-page='{"page":"overview","now":"${NOW}"}'></div>`);
  if (path === "/stats")
    return html(
      statsMount(
        "global",
        null,
        Object.fromEntries(
          [...url.searchParams]
            .filter(([name]) => name.startsWith("cfg."))
            .map(([name, value]) => [name.slice(4), JSON.parse(value)]),
        ),
      ),
    );
  if (/^\/communities\/[^/]+\/stats$/.test(path)) return html(statsMount("community", community));
  if (path === "/packages" || path === "/dashboard/") return html("");
  const chat = chatAnswer(path.replace(/\/$/, ""), url.searchParams);
  if (path.startsWith("/dashboard/api/live")) return reply(200, "", { "Content-Type": "text/event-stream" });
  if (chat) return json(chat);
  if (path === "/api/v1/dashboard/daily") {
    const query = url.searchParams;
    return json(
      query.get("response") ? windowTotals(query.get("window_start"), query.get("window_end")) : packagesDashboard(),
    );
  }
  if (path === "/api/v1/packages/coverage") return json(packagesCoverage());
  if (path === "/api/v1/packages/report")
    return reply(200, "<!doctype html><p>report", {
      "Content-Type": "text/html; charset=utf-8",
      "Content-Disposition": 'attachment; filename="packages.html"',
    });
  if (path === "/api/v1/overview") return json(overview);
  if (path === "/api/records")
    return json({ hits: { hits: works(url.searchParams.get("sort"), Number(url.searchParams.get("size") ?? 10)) } });
  if (path === "/api/stats-dashboard" && request.method === "POST") {
    const asked = JSON.parse(body);
    if (!(request.headers.accept ?? "").includes("application/json"))
      return reply(200, "report", { "Content-Type": "application/gzip" });
    const answer = Object.fromEntries(
      Object.entries(asked).map(([name, { params }]) => [
        name,
        category(
          name.replace("-category", ""),
          params.community_id === "global" ? "global" : "one",
          params.start_date,
          params.end_date,
          TODAY,
        ),
      ]),
    );
    const text = JSON.stringify(answer);
    const etag = `"${createHash("sha1").update(text).digest("hex")}"`;
    if (request.headers["if-none-match"] === etag) return reply(304, "", { ETag: etag });
    return reply(200, text, { "Content-Type": "application/json", ETag: etag });
  }
  try {
    const file = readFileSync(join(dist, path));
    return reply(200, file, {
      "Content-Type": TYPES[extname(path)] ?? "application/octet-stream",
      "Cache-Control": "max-age=31536000, immutable",
    });
  } catch {
    return json({ error: `nothing at ${path}` }, 404);
  }
}

const port = Number(process.env.PORT ?? 8081);
createServer((request, response) => {
  const chunks = [];
  request.on("data", (chunk) => chunks.push(chunk));
  request.on("end", () => {
    const reply = (status, content, headers) => {
      response.writeHead(status, headers);
      response.end(content);
    };
    try {
      handle(request, Buffer.concat(chunks).toString(), reply);
    } catch (error) {
      reply(500, JSON.stringify({ error: String(error) }), { "Content-Type": "application/json" });
    }
  });
}).listen(port, "127.0.0.1", () => console.log(`mock on http://127.0.0.1:${port}`));
