import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { ApiError, apiBase, getJson, request } from "./client";
import type { LayoutTab } from "./types";

/** `GET /api/v1/repository/layouts/{scope}`. */
export interface ShownLayout {
  scope: string;
  from: "set" | "document" | "communities" | "configuration" | "global" | "default";
  set_at: string | null;
  set_by: string | null;
  layout: { tabs: LayoutTab[] };
}

/** `GET /api/v1/repository/layouts`. */
export interface Layouts {
  layouts: { scope: string; community: string | null; set_at: string; set_by: string }[];
  components: string[];
  custom: string[];
}

const PATH = "/api/v1/repository/layouts";

export function useLayouts() {
  const at = `${apiBase()}${PATH}`;
  return useQuery({ queryKey: ["layouts", at], queryFn: ({ signal }) => getJson<Layouts>(at, signal), retry: 1 });
}

/** The layout that holds for a scope: `global`, `communities`, a community's id. */
export function useLayout(scope: string) {
  const at = `${apiBase()}${PATH}/${encodeURIComponent(scope)}`;
  return useQuery({ queryKey: ["layouts", at], queryFn: ({ signal }) => getJson<ShownLayout>(at, signal), retry: 1 });
}

/** Sets a layout, or forgets the one that was set (`null`). */
export function useLayoutChange(scope: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async (layout: unknown) => {
      const at = `${apiBase()}${PATH}/${encodeURIComponent(scope)}`;
      await request(at, layout === null ? { method: "DELETE" } : { method: "PUT", body: layout });
    },
    onSuccess: () => client.invalidateQueries({ queryKey: ["layouts"] }),
  });
}

/** What the server found wrong, place by place; none where it failed for another reason. */
export function problemsOf(error: unknown): { path: string; reason: string }[] {
  const body = error instanceof ApiError ? error.body : null;
  const problems = (body as { problems?: unknown } | null)?.problems;
  if (!Array.isArray(problems)) return [];
  return problems.filter(
    (one): one is { path: string; reason: string } => typeof one?.path === "string" && typeof one?.reason === "string",
  );
}
