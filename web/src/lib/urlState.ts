import { useCallback, useSyncExternalStore } from "react";

const CHANGED = "tallykeep:url";

function subscribe(notify: () => void): () => void {
  window.addEventListener("popstate", notify);
  window.addEventListener(CHANGED, notify);
  return () => {
    window.removeEventListener("popstate", notify);
    window.removeEventListener(CHANGED, notify);
  };
}

/** Changes query parameters; `null` removes one. Each change is one step of the browser's history unless it replaces. */
export function writeQuery(changes: Record<string, string | null>, replace = false): void {
  const url = new URL(window.location.href);
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") url.searchParams.delete(name);
    else url.searchParams.set(name, value);
  }
  if (url.href === window.location.href) return;
  if (replace) window.history.replaceState(null, "", url);
  else window.history.pushState(null, "", url);
  window.dispatchEvent(new Event(CHANGED));
}

/** The query string as state: what a page shows can be sent as a link. */
export function useQuery(): [URLSearchParams, (changes: Record<string, string | null>, replace?: boolean) => void] {
  const search = useSyncExternalStore(subscribe, () => window.location.search);
  const write = useCallback(writeQuery, []);
  return [new URLSearchParams(search), write];
}
