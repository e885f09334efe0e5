// Runs the pages in a real Chromium against BASE_URL, a running `tallykeep demo` or `serve`. Without BASE_URL the stand-in of
// dev/ is started, which proves the pages but not the server; the last line says which it was.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { readdirSync } from "node:fs";

const folder = new URL("./", import.meta.url).pathname;
let base = process.env.BASE_URL;
let standIn = null;
if (!base) {
  const port = String(18_000 + (process.pid % 2000));
  standIn = spawn(process.execPath, [`${folder}../dev/mock-server.mjs`], {
    env: { ...process.env, PORT: port },
    stdio: ["ignore", "pipe", "inherit"],
  });
  await once(standIn.stdout, "data");
  base = `http://127.0.0.1:${port}`;
}
const only = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((file) => file.endsWith(".test.mjs") && (only.length === 0 || only.some((part) => file.includes(part))))
  .map((file) => `${folder}${file}`);
const tests = spawn(process.execPath, ["--test", "--test-concurrency=1", "--test-reporter=spec", ...files], {
  env: { ...process.env, BASE_URL: base },
  stdio: "inherit",
});
const [code] = await once(tests, "exit");
standIn?.kill();
console.log(standIn ? "pages tested against the stand-in of dev/ (no BASE_URL)" : `pages tested against ${base}`);
process.exit(code ?? 1);
