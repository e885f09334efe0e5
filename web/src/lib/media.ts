import { useSyncExternalStore } from "react";

export function useMedia(query: string): boolean {
  return useSyncExternalStore(
    (notify) => {
      const list = window.matchMedia?.(query);
      list?.addEventListener("change", notify);
      return () => list?.removeEventListener("change", notify);
    },
    () => window.matchMedia?.(query).matches ?? false,
  );
}

export const NARROW = "(max-width: 767.98px)";
export const TABLET = "(min-width: 768px) and (max-width: 1199.98px)";

export function useNarrow(): boolean {
  return useMedia(NARROW);
}
