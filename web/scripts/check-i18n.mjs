// Fails when a text key used in the source is missing from a catalogue, when the catalogues differ in keys, plural forms or
// placeholders, or when a key is no longer used by anything.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";

const root = new URL("../src/", import.meta.url).pathname;
const catalogues = Object.fromEntries(
  readdirSync(join(root, "locales")).map((file) => [
    file.replace(".json", ""),
    JSON.parse(readFileSync(join(root, "locales", file), "utf8")),
  ]),
);

function sources(folder) {
  return readdirSync(folder, { withFileTypes: true }).flatMap((entry) => {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) return sources(path);
    return /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name) ? [path] : [];
  });
}

const problems = [];
const en = catalogues.en;
const used = new Set();
const patterns = [];
for (const path of sources(root)) {
  const text = readFileSync(path, "utf8");
  // Every string literal that is a key counts as a use: keys are also chosen by a condition before they are looked up.
  for (const [, key] of text.matchAll(/"([a-z][A-Za-z]*(?:\.[\w-]+)+)"/g)) if (key in en) used.add(key);
  for (const [, key] of text.matchAll(/\bt\(\s*"([^"]+)"/g)) {
    used.add(key);
    for (const [language, catalogue] of Object.entries(catalogues)) {
      if (!(key in catalogue))
        problems.push(`${path.replace(root, "src/")}: "${key}" is missing from ${language}.json`);
    }
  }
  for (const [, template] of text.matchAll(/\bt\(\s*`([^`]+)`/g)) {
    const pattern = new RegExp(
      `^${template.replace(/[.*+?^()|[\]\\]/g, "\\$&").replace(/\$\{(?:[^{}]|\{[^}]*\})*\}/g, ".+")}$`,
    );
    patterns.push(pattern);
    if (!Object.keys(en).some((key) => pattern.test(key)))
      problems.push(`${path.replace(root, "src/")}: no key fits \`${template}\``);
  }
}

const placeholders = (entry) =>
  [...JSON.stringify(entry).matchAll(/\{(\w+)\}/g)]
    .map((match) => match[1])
    .sort()
    .filter((name, index, all) => all.indexOf(name) === index)
    .join(",");
for (const [language, catalogue] of Object.entries(catalogues)) {
  for (const key of Object.keys(en)) {
    if (!(key in catalogue)) problems.push(`${language}.json: "${key}" is missing`);
    else if (typeof catalogue[key] !== typeof en[key])
      problems.push(`${language}.json: "${key}" differs from en.json in its plural forms`);
    else if (placeholders(catalogue[key]) !== placeholders(en[key]))
      problems.push(`${language}.json: "${key}" has other placeholders than en.json`);
  }
  for (const key of Object.keys(catalogue))
    if (!(key in en)) problems.push(`${language}.json: "${key}" is not in en.json`);
}
for (const key of Object.keys(en)) {
  if (!used.has(key) && !patterns.some((pattern) => pattern.test(key)))
    problems.push(`en.json: "${key}" is used nowhere`);
}

if (problems.length > 0) {
  for (const problem of [...new Set(problems)]) console.error(problem);
  console.error(`${new Set(problems).size} problems with the texts`);
  process.exit(1);
}
console.log(`${Object.keys(en).length} texts in ${Object.keys(catalogues).join(", ")}: complete`);
