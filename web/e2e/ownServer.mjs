// A server of its own for tests about people: the demo has no users, and its data must not change under the other tests.
import { execFileSync, spawn } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

const built = new URL("../../target/debug/tallykeep", import.meta.url).pathname;

/** The program, as `scripts/test-pages` names it; `null` where there is none to start. */
export const BINARY = process.env.TALLYKEEP_BINARY ?? (existsSync(built) ? built : null);

export async function freePort() {
  const server = createServer();
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  const { port } = server.address();
  await new Promise((closed) => server.close(closed));
  return port;
}

/** An installation in a temporary folder. */
export class Installation {
  constructor() {
    this.folder = mkdtempSync(join(tmpdir(), "tallykeep-people-"));
    this.data = join(this.folder, "data");
    this.config = join(this.folder, "tallykeep.toml");
    this.said = "";
    writeFileSync(this.config, "");
  }

  file(name, content) {
    const path = join(this.folder, name);
    writeFileSync(path, content);
    return path;
  }

  /** Runs a command and answers what it printed. */
  run(args, input = "", variables = {}) {
    const all = [...args, "--data-dir", this.data, "--config", this.config];
    const env = { ...process.env, ...variables };
    return execFileSync(BINARY, all, { input, env, encoding: "utf8", stdio: ["pipe", "pipe", "pipe"] });
  }

  /** Serves on every address of this machine, so that people sign in; answers the loopback address. */
  async serve(port, variables = {}) {
    const args = ["serve", "--listen", `0.0.0.0:${port}`, "--data-dir", this.data, "--config", this.config];
    this.process = spawn(BINARY, args, {
      env: { ...process.env, TALLYKEEP_SCHEDULE: "off", ...variables },
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.process.stdout, this.process.stderr])
      stream.on("data", (text) => {
        this.said += text;
      });
    this.base = `http://127.0.0.1:${port}`;
    for (let tries = 0; tries < 300; tries += 1) {
      if (this.process.exitCode !== null) throw new Error(`serve ended: ${this.said}`);
      const answer = await fetch(`${this.base}/api/v1/session`).catch(() => null);
      if (answer?.ok) return this.base;
      await new Promise((later) => setTimeout(later, 100));
    }
    throw new Error(`serve did not answer: ${this.said}`);
  }

  async stop() {
    if (this.process && this.process.exitCode === null) {
      const ended = new Promise((done) => this.process.once("exit", done));
      this.process.kill("SIGTERM");
      await ended;
    }
    rmSync(this.folder, { recursive: true, force: true });
  }
}
