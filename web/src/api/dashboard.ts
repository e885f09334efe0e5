import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useEffect, useMemo, useRef } from "react";
import { type DayRange, parseDay, yearOf } from "../lib/days";
import { type BlockIdentity, blockKey, deleteBlock, isFresh, readBlock, touchBlock, writeBlock } from "./blockCache";
import { ApiError, apiBase, request } from "./client";
import type { CategoryResult, DateBasis, Family } from "./types";

/** One year of one family, as the page holds it. */
export interface Block {
  year: number;
  result: CategoryResult;
  /** The server has confirmed this copy since the page was opened. */
  confirmed: boolean;
  /** Young enough to be called current while it is being checked (spec §16.4). */
  fresh?: boolean;
  /** The server could not be asked; what is shown is the copy of `savedAt`. */
  unchecked?: boolean;
  savedAt: number;
}

export interface Scope {
  /** Full id, or `global`. */
  community: string;
  team: string;
  /** Numbers are invented in the browser as of this day; the server is not asked for any (spec §16.4). */
  testDay?: string;
  /** The browser's copies are packed. */
  compress?: boolean;
  /** Every metric is asked for, for a layout that is not set yet. Such answers are not kept in the browser. */
  everything?: boolean;
}

export function queryName(family: Family): string {
  return `${family}-category`;
}

/** The invented year of a page in test-data mode. */
async function inventedBlock(identity: BlockIdentity, today: string): Promise<CategoryResult> {
  const { category } = await import("../testdata/generate.mjs");
  return category(identity.family as Family, identity.community, identity.start, identity.end, today);
}

/** The numbers of a range: the server's, or invented ones where the page says so. */
export async function rangeOf(scope: Scope, identity: BlockIdentity): Promise<CategoryResult> {
  return scope.testDay
    ? inventedBlock(identity, scope.testDay)
    : (await fetchBlock(identity, null, undefined, true)).result;
}

/**
 * Asks the server for one year. A 304 hands back the copy that `etag` belongs to. A page asks for what its layout draws
 * (`optimize`, spec §7), a report for everything.
 */
export async function fetchBlock(
  identity: BlockIdentity,
  copy: { etag: string | null; result: CategoryResult } | null,
  signal?: AbortSignal,
  everything = false,
): Promise<{ result: CategoryResult; etag: string | null }> {
  const name = queryName(identity.family as Family);
  const response = await request(`${apiBase()}/api/stats-dashboard`, {
    method: "POST",
    body: {
      [name]: {
        stat: name,
        params: {
          community_id: identity.community,
          date_basis: identity.basis,
          start_date: identity.start,
          end_date: identity.end,
          ...(everything ? {} : { optimize: true }),
        },
      },
    },
    etag: copy?.etag ?? null,
    ...(signal ? { signal } : {}),
  });
  if (response.status === 304 && copy) return copy;
  const body = (await response.json()) as Record<string, CategoryResult>;
  const result = body[name];
  if (!result) throw new Error(`the answer holds no ${name}`);
  return { result, etag: response.headers.get("ETag") };
}

function identityOf(scope: Scope, family: Family, basis: DateBasis, year: number): BlockIdentity {
  return { team: scope.team, community: scope.community, family, basis, start: `${year}-01-01`, end: `${year}-12-31` };
}

/** Shows the browser's copy at once where there is one; the caller then has it checked. */
async function loadBlock(scope: Scope, identity: BlockIdentity, year: number, signal: AbortSignal): Promise<Block> {
  const now = Date.now();
  if (scope.testDay)
    return { year, result: await inventedBlock(identity, scope.testDay), confirmed: true, savedAt: now };
  if (scope.everything) {
    const { result } = await fetchBlock(identity, null, signal, true);
    return { year, result, confirmed: true, savedAt: now };
  }
  const key = blockKey(identity);
  const copy = await readBlock(key);
  if (copy) {
    void touchBlock(key, now);
    const { result, savedAt } = copy;
    return { year, result, confirmed: false, fresh: isFresh(savedAt, year, now), savedAt };
  }
  const answered = await fetchBlock(identity, null, signal);
  return keep(scope, key, year, answered);
}

async function keep(
  scope: Scope,
  key: string,
  year: number,
  answered: { result: CategoryResult; etag: string | null },
): Promise<Block> {
  const now = Date.now();
  const { result, etag } = answered;
  await writeBlock({ key, etag, savedAt: now, usedAt: now, result }, scope.compress === true);
  return { year, result, confirmed: true, savedAt: now };
}

export interface Blocks {
  blocks: Block[];
  /** Nothing to show yet. */
  loading: boolean;
  /** Years of the span that have not arrived (yet). */
  missing: boolean;
  /** Something is shown while newer numbers are on the way. */
  updating: boolean;
  /** Shown from this browser's copy, because the server could not be asked. */
  unchecked: boolean;
  error: Error | null;
  retry: () => void;
}

/**
 * The first day with data, as a block's whole-scope series vouch for it; `null` when that is not known. A first day that is the
 * block's own first of January may only be where the question began.
 */
export function firstCoveredDay(block: Block): number | null {
  for (const series of Object.values(block.result.global ?? {}).flat()) {
    const first = parseDay(series.coverage?.first);
    if (first !== null) return series.coverage?.first?.startsWith(`${block.year}-01-01`) ? null : first;
  }
  return null;
}

/**
 * The yearly blocks that cover `spans`, newest year first on the wire: its coverage tells which older years exist at all, and
 * those alone are asked for. Widening a range loads what is missing, narrowing loads nothing.
 */
export function useBlocks(scope: Scope, family: Family | null, basis: DateBasis, spans: readonly DayRange[]): Blocks {
  const client = useQueryClient();
  const years = useMemo(() => yearsOf(spans), [spans]);
  const newest = years.at(-1);
  const keyOf = (year: number) =>
    [
      "block",
      scope.team,
      scope.community,
      family,
      basis,
      year,
      scope.testDay ?? "",
      scope.everything ?? false,
    ] as const;
  const newestBlock = newest === undefined ? undefined : client.getQueryData<Block>(keyOf(newest));

  const optionsFor = (year: number, enabled: boolean) => ({
    queryKey: keyOf(year),
    enabled: enabled && family !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 30 * 60_000,
    retry: 1,
    queryFn: ({ signal }: { signal: AbortSignal }) =>
      loadBlock(scope, identityOf(scope, family!, basis, year), year, signal),
  });
  const heads = useQueries({ queries: (newest === undefined ? [] : [newest]).map((year) => optionsFor(year, true)) });
  const head = heads[0];
  const first = head?.data ? firstCoveredDay(head.data) : null;
  const older = years.slice(0, -1).filter((year) => first === null || year >= yearOf(first));
  const rest = useQueries({
    queries: older.map((year) => optionsFor(year, newestBlock !== undefined || head?.data !== undefined)),
  });
  const all = head ? [...rest, head] : rest;

  const unconfirmed = all
    .map((query) => query.data)
    .filter((block): block is Block => block !== undefined && !block.confirmed);
  const toConfirm = unconfirmed.map((block) => block.year).join(",");
  // biome-ignore lint/correctness/useExhaustiveDependencies: the list of years stands for the blocks themselves
  useEffect(() => {
    if (!family) return;
    for (const block of unconfirmed) {
      const identity = identityOf(scope, family, basis, block.year);
      const key = blockKey(identity);
      void readBlock(key)
        .then((copy) => fetchBlock(identity, copy))
        .then((answered) => keep(scope, key, block.year, answered))
        .then((confirmed) => client.setQueryData(keyOf(block.year), confirmed))
        .catch(async (cause: unknown) => {
          if (cause instanceof ApiError && [401, 403, 404].includes(cause.status)) {
            // What may no longer be read is no longer shown, also not from this browser's own copy.
            await deleteBlock(key);
            await client.resetQueries({ queryKey: keyOf(block.year) });
            return;
          }
          client.setQueryData<Block>(keyOf(block.year), (old) =>
            old ? { ...old, confirmed: true, unchecked: true } : old,
          );
        });
    }
  }, [toConfirm, scope.community, scope.team, family, basis]);

  const blocks = all.map((query) => query.data).filter((block): block is Block => block !== undefined);
  const failed = all.find((query) => query.error);
  const pending =
    all.some((query) => query.isFetching) || (head?.data !== undefined && blocks.length < older.length + 1 && !failed);
  return {
    blocks: useStable(blocks),
    loading: pending && blocks.length === 0,
    missing: head?.data === undefined || blocks.length < older.length + 1,
    updating: (pending && blocks.length > 0) || unconfirmed.some((block) => !block.fresh),
    unchecked: blocks.some((block) => block.unchecked),
    error: failed?.error ?? null,
    retry: () => {
      for (const query of all) if (query.error) void query.refetch();
    },
  };
}

/** The same array for the same blocks, so that everything derived from them is computed once. */
function useStable(blocks: Block[]): Block[] {
  const held = useRef(blocks);
  const same = held.current.length === blocks.length && held.current.every((block, index) => block === blocks[index]);
  if (!same) held.current = blocks;
  return held.current;
}

export function yearsOf(spans: readonly DayRange[]): number[] {
  const years = new Set<number>();
  for (const span of spans) for (let year = yearOf(span.start); year <= yearOf(span.end); year += 1) years.add(year);
  return [...years].sort((a, b) => a - b);
}
