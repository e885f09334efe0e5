import { gunzip, gzip } from "../lib/tar";
import type { CategoryResult } from "./types";

/**
 * The browser's own copy of yearly answers (spec §16.4), in IndexedDB. A copy is shown at once and checked with the server in
 * the background; it never decides alone what is true. Keys carry the full community id: eight characters can collide.
 */
export interface CachedBlock {
  key: string;
  etag: string | null;
  savedAt: number;
  usedAt: number;
  result: CategoryResult;
}

const DATABASE = "tallykeep_stats_dashboard";
const STORE = "stats_cache";
/** Least recently used ones go first (spec §16.4). */
export const MOST_ENTRIES = 20;

/** As it lies in the store: packed where the site asks for it (`client_cache_compression_enabled`). */
type StoredBlock = Omit<CachedBlock, "result"> & { result?: CategoryResult; packed?: Uint8Array };

const HOUR = 3_600_000;

/**
 * How long a copy counts as current: an hour for the running year, a year for a past one (spec §16.4). Every copy is checked
 * with its tag all the same, because a restated day must not hide; only an expired one is called out of date meanwhile.
 */
export function isFresh(savedAt: number, year: number, now: number): boolean {
  const life = year >= new Date(now).getUTCFullYear() ? HOUR : 365 * 24 * HOUR;
  return now - savedAt < life;
}

export interface BlockIdentity {
  team: string;
  community: string;
  family: string;
  basis: string;
  start: string;
  end: string;
}

export function blockKey(identity: BlockIdentity): string {
  const { team, community, family, basis, start, end } = identity;
  return ["tallykeep", team, community, family, basis, start, end].join("_");
}

let opened: Promise<IDBDatabase> | null = null;

function open(): Promise<IDBDatabase> {
  opened ??= new Promise((resolve, reject) => {
    const request = indexedDB.open(DATABASE, 1);
    request.onupgradeneeded = () => {
      request.result.createObjectStore(STORE, { keyPath: "key" }).createIndex("usedAt", "usedAt");
    };
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
  return opened;
}

function done<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error);
  });
}

/** `null` when there is no copy, or where the browser keeps none (private windows); the page then works without. */
export async function readBlock(key: string): Promise<CachedBlock | null> {
  try {
    const store = (await open()).transaction(STORE, "readonly").objectStore(STORE);
    const stored = (await done(store.get(key))) as StoredBlock | undefined;
    if (!stored) return null;
    const { packed, result, ...rest } = stored;
    if (!packed) return result ? { ...rest, result } : null;
    return { ...rest, result: JSON.parse(new TextDecoder().decode(await gunzip(packed))) as CategoryResult };
  } catch {
    return null;
  }
}

/** Saves a copy and drops the least recently used ones beyond the limit. Failing to save is no failure of the page. */
export async function writeBlock(block: CachedBlock, compress = false): Promise<void> {
  try {
    const { result, ...rest } = block;
    const stored: StoredBlock = compress
      ? { ...rest, packed: await gzip(new TextEncoder().encode(JSON.stringify(result))) }
      : block;
    const store = (await open()).transaction(STORE, "readwrite").objectStore(STORE);
    await done(store.put(stored));
    let surplus = (await done(store.count())) - MOST_ENTRIES;
    if (surplus <= 0) return;
    const cursor = store.index("usedAt").openCursor();
    await new Promise<void>((resolve, reject) => {
      cursor.onerror = () => reject(cursor.error);
      cursor.onsuccess = () => {
        if (!cursor.result || surplus <= 0) return resolve();
        cursor.result.delete();
        surplus -= 1;
        cursor.result.continue();
      };
    });
  } catch {
    // The quota is full or storage is switched off.
  }
}

/** Notes that a copy was used, without writing its numbers again. */
export async function touchBlock(key: string, usedAt: number): Promise<void> {
  try {
    const store = (await open()).transaction(STORE, "readwrite").objectStore(STORE);
    const stored = (await done(store.get(key))) as StoredBlock | undefined;
    if (stored) await done(store.put({ ...stored, usedAt }));
  } catch {
    // There is no storage, so nothing is kept for longer.
  }
}

export async function deleteBlock(key: string): Promise<void> {
  try {
    await done((await open()).transaction(STORE, "readwrite").objectStore(STORE).delete(key));
  } catch {
    // There is no storage, so there is no copy either.
  }
}

/** Forgets the open connection; tests start each with an empty store. */
export function forgetConnection(): void {
  void opened?.then((database) => database.close());
  opened = null;
}
