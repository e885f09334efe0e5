// Writes src/api/schema.ts: the types of what the pages ask, made from our own description of the API.
//   node scripts/api-types.mjs            asks `tallykeep openapi` ($TALLYKEEP names another binary)
//   node scripts/api-types.mjs URL        asks a running server
// The browser tests compare the file with the description of the server they run against.
import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { pathToFileURL } from "node:url";
import openapiTS, { astToString } from "openapi-typescript";

const FILE = new URL("../src/api/schema.ts", import.meta.url);
const HEAD =
  "// Generated from `tallykeep openapi` by `npm run types`; do not edit. The paths it holds stand in scripts/api-types.mjs.\n\n";

/** What the pages ask of the server. A change anywhere else leaves the file as it is. */
const PATHS = ["/api/v1/overview", "/api/v1/communities/{id}/dashboard"];

function references(value, found = new Set()) {
  if (Array.isArray(value)) for (const one of value) references(one, found);
  else if (value && typeof value === "object")
    for (const [key, one] of Object.entries(value)) {
      if (key === "$ref") found.add(one.split("/").at(-1));
      else references(one, found);
    }
  return found;
}

/** The description cut to those paths and the schemas they speak of, in the order of their names. */
export function picked(description) {
  const paths = Object.fromEntries(
    PATHS.map((path) => {
      if (!description.paths[path]) throw new Error(`the description has no ${path}`);
      return [path, description.paths[path]];
    }),
  );
  const all = description.components?.schemas ?? {};
  const names = references(paths);
  for (const name of names) for (const more of references(all[name])) names.add(more);
  const schemas = Object.fromEntries([...names].sort().map((name) => [name, all[name]]));
  return { openapi: description.openapi, info: description.info, paths, components: { schemas } };
}

export async function typesOf(description) {
  return HEAD + astToString(await openapiTS(picked(description)));
}

export function checkedIn() {
  return readFileSync(FILE, "utf8");
}

if (import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [address] = process.argv.slice(2);
  const binary = process.env.TALLYKEEP ?? new URL("../../target/debug/tallykeep", import.meta.url).pathname;
  const text = address
    ? await (await fetch(new URL("/api/v1/openapi.json", address))).text()
    : execFileSync(binary, ["openapi"], { encoding: "utf8", maxBuffer: 1 << 26 });
  const types = await typesOf(JSON.parse(text));
  const changed = types !== checkedIn();
  if (changed) writeFileSync(FILE, types);
  console.log(`src/api/schema.ts ${changed ? "written anew" : "is up to date"}`);
}
