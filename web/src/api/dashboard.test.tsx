import { QueryClient, QueryClientProvider } from "@tanstack/react-query";
import { renderHook, waitFor } from "@testing-library/react";
import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import type { ReactNode } from "react";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { parseDay } from "../lib/days";
import { blockKey, deleteBlock, isFresh, MOST_ENTRIES, readBlock, writeBlock } from "./blockCache";
import { apiBase } from "./client";
import { rangeOf, useBlocks, yearsOf } from "./dashboard";
import type { CategoryResult } from "./types";

const SCOPE = { community: "c0ffee00-0000-4000-8000-000000000001", team: "default" };
const range = (start: string, end: string) => ({ start: parseDay(start)!, end: parseDay(end)! });

let asked: { year: number; etag: string | null; body: Record<string, { params: Record<string, string> }> }[] = [];
let answers: (year: number, etag: string | null) => Response;

function block(year: number, value: number, first: string | null = null): CategoryResult {
  return {
    global: {
      records: [
        {
          id: "global",
          name: "Global",
          year,
          data: [["01-01", value]],
          ...(first ? { coverage: { first, last: `${year}-12-31` } } : {}),
        },
      ],
    },
  };
}
const answer = (year: number, value: number, first: string | null = null, etag = `"${year}-${value}"`) =>
  HttpResponse.json({ "record-delta-category": block(year, value, first) }, { headers: { ETag: etag } });

const server = setupServer(
  http.post("*/api/stats-dashboard", async ({ request }) => {
    const body = (await request.json()) as Record<string, { params: Record<string, string> }>;
    const year = Number(Object.values(body)[0]!.params.start_date!.slice(0, 4));
    const etag = request.headers.get("If-None-Match");
    asked.push({ year, etag, body });
    return answers(year, etag);
  }),
);
beforeAll(() => server.listen({ onUnhandledRequest: "error" }));
afterAll(() => server.close());
beforeEach(() => {
  asked = [];
});

const key = (year: number) =>
  blockKey({
    team: "default",
    community: SCOPE.community,
    family: "record-delta",
    basis: "added",
    start: `${year}-01-01`,
    end: `${year}-12-31`,
  });
afterEach(async () => {
  for (let year = 2020; year <= 2026; year += 1) await deleteBlock(key(year));
});

function load(start: string, end: string) {
  const client = new QueryClient({ defaultOptions: { queries: { retry: false, retryDelay: 1 } } });
  const wrapper = ({ children }: { children: ReactNode }) => (
    <QueryClientProvider client={client}>{children}</QueryClientProvider>
  );
  const spans = [range(start, end)];
  return renderHook(() => useBlocks(SCOPE, "record-delta", "added", spans), { wrapper });
}
const values = (result: { current: ReturnType<typeof useBlocks> }) =>
  result.current.blocks.map((one) => [one.year, one.result.global!.records![0]!.data[0]![1]]);

describe("loading years", () => {
  it("asks whole calendar years with the full community id, and keeps them", async () => {
    answers = (year) => answer(year, year);
    const { result } = load("2025-03-01", "2026-02-01");
    await waitFor(() => expect(result.current.blocks).toHaveLength(2));
    expect(asked.map((one) => one.year).sort()).toEqual([2025, 2026]);
    expect(asked[0]!.body["record-delta-category"]!.params).toEqual({
      community_id: SCOPE.community,
      date_basis: "added",
      start_date: "2026-01-01",
      end_date: "2026-12-31",
      optimize: true,
    });
    await waitFor(async () => expect((await readBlock(key(2025)))?.etag).toBe('"2025-2025"'));
  });

  it("asks for no year before the first day with data", async () => {
    answers = (year) => answer(year, 1, "2025-06-01");
    const { result } = load("2020-01-01", "2026-02-01");
    await waitFor(() => expect(result.current.missing).toBe(false));
    expect(asked.map((one) => one.year).sort()).toEqual([2025, 2026]);
  });

  it("takes a first of January for where the question began, not for the beginning", async () => {
    answers = (year) => answer(year, 1, `${year}-01-01`);
    const { result } = load("2024-01-01", "2026-02-01");
    await waitFor(() => expect(result.current.blocks).toHaveLength(3));
  });

  it("reports a failure without spoiling the years that came", async () => {
    answers = (year) =>
      year === 2025 ? HttpResponse.json({ error: "the lake is closed" }, { status: 500 }) : answer(year, 1);
    const { result } = load("2025-03-01", "2026-02-01");
    await waitFor(() => expect(result.current.error?.message).toBe("the lake is closed"), { timeout: 4000 });
    expect(result.current.blocks.map((one) => one.year)).toEqual([2026]);
    expect(result.current.missing).toBe(true);
  });
});

describe("the browser's copy", () => {
  const copy = (year: number, value: number, etag: string) =>
    writeBlock({ key: key(year), etag, savedAt: 1, usedAt: 1, result: block(year, value) });

  it("is shown at once, checked, and replaced by the newer answer", async () => {
    await copy(2026, 41, '"old"');
    let release: () => void = () => {};
    const gate = new Promise<void>((resolve) => {
      release = resolve;
    });
    server.use(http.post("*/api/stats-dashboard", async () => gate.then(() => answer(2026, 42)), { once: true }));
    const { result } = load("2026-01-01", "2026-02-01");
    await waitFor(() => expect(values(result)).toEqual([[2026, 41]]));
    expect(result.current.updating).toBe(true);
    release();
    await waitFor(() => expect(values(result)).toEqual([[2026, 42]]));
    expect(result.current.updating).toBe(false);
    expect((await readBlock(key(2026)))?.result).toEqual(block(2026, 42));
  });

  it("of this hour is shown without calling it out of date, and still checked", async () => {
    const savedAt = Date.now() - 60_000;
    await writeBlock({ key: key(2026), etag: '"old"', savedAt, usedAt: 1, result: block(2026, 41) });
    answers = () => answer(2026, 42);
    const { result } = load("2026-01-01", "2026-02-01");
    await waitFor(() => expect(result.current.blocks).toHaveLength(1));
    expect(result.current.updating).toBe(false);
    await waitFor(() => expect(values(result)).toEqual([[2026, 42]]));
    expect(asked.map((one) => one.etag)).toEqual(['"old"']);
  });

  it("is current for an hour in the running year and for a year in a past one", () => {
    const now = Date.parse("2026-11-21T12:00:00Z");
    const ago = (hours: number) => now - hours * 3_600_000;
    expect([isFresh(ago(0.9), 2026, now), isFresh(ago(1.1), 2026, now)]).toEqual([true, false]);
    expect([isFresh(ago(24 * 364), 2025, now), isFresh(ago(24 * 366), 2025, now)]).toEqual([true, false]);
  });

  it("is packed where the site asks for it, and reads the same", async () => {
    const result = block(2026, 7);
    await writeBlock({ key: key(2026), etag: '"e"', savedAt: 5, usedAt: 6, result }, true);
    expect(await readBlock(key(2026))).toEqual({ key: key(2026), etag: '"e"', savedAt: 5, usedAt: 6, result });
  });

  it("is confirmed by a 304", async () => {
    await copy(2026, 41, '"same"');
    answers = (_year, etag) => (etag === '"same"' ? new HttpResponse(null, { status: 304 }) : answer(2026, 0));
    const { result } = load("2026-01-01", "2026-02-01");
    await waitFor(() => expect(result.current.blocks[0]?.confirmed).toBe(true));
    expect(values(result)).toEqual([[2026, 41]]);
  });

  it("stays and is called unchecked when the server cannot be asked", async () => {
    await copy(2026, 41, '"same"');
    answers = () => HttpResponse.error();
    const { result } = load("2026-01-01", "2026-02-01");
    await waitFor(() => expect(result.current.unchecked).toBe(true));
    expect(values(result)).toEqual([[2026, 41]]);
  });

  it("is deleted when it may no longer be read", async () => {
    await copy(2026, 41, '"same"');
    answers = () => HttpResponse.json({ error: "no such community" }, { status: 404 });
    const { result } = load("2026-01-01", "2026-02-01");
    await waitFor(() => expect(result.current.error?.message).toBe("no such community"), { timeout: 4000 });
    expect(result.current.blocks).toEqual([]);
    expect(await readBlock(key(2026))).toBeNull();
  });

  it("drops the least recently used beyond its limit", async () => {
    for (let index = 0; index <= MOST_ENTRIES; index += 1)
      await writeBlock({ key: `k${index}`, etag: null, savedAt: 1, usedAt: index, result: {} });
    expect(await readBlock("k0")).toBeNull();
    expect(await readBlock(`k${MOST_ENTRIES}`)).not.toBeNull();
    for (let index = 0; index <= MOST_ENTRIES; index += 1) await deleteBlock(`k${index}`);
  });

  it("never shares a key between communities, teams, bases or ranges", () => {
    const base = {
      team: "t",
      community: "12345678-a",
      family: "record-delta",
      basis: "added",
      start: "2026-01-01",
      end: "2026-12-31",
    };
    const keys = [
      base,
      { ...base, community: "12345678-b" },
      { ...base, team: "u" },
      { ...base, basis: "created" },
      { ...base, end: "2026-06-30" },
    ].map(blockKey);
    expect(new Set(keys).size).toBe(keys.length);
  });
});

it("a report asks for everything, whatever the page's layout draws", async () => {
  answers = (year) => answer(year, year);
  const identity = { ...SCOPE, family: "record-delta", basis: "added", start: "2026-01-01", end: "2026-01-31" };
  expect(await rangeOf(SCOPE, identity)).toEqual(block(2026, 2026));
  expect(asked[0]!.body["record-delta-category"]!.params.optimize).toBeUndefined();
});

it("years of overlapping spans are asked once", () => {
  expect(yearsOf([range("2025-12-01", "2026-11-20"), range("2024-12-01", "2025-11-20")])).toEqual([2024, 2025, 2026]);
});

it("a page of a team speaks for that team", () => {
  expect([apiBase("/a/north/stats"), apiBase("/a/north"), apiBase("/stats"), apiBase("/about")]).toEqual([
    "/a/north",
    "/a/north",
    "",
    "",
  ]);
});
