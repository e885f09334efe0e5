import { useQuery } from "@tanstack/react-query";
import { apiBase, getJson } from "./client";
import type { Overview } from "./types";

/** What is here: teams, communities, products, bots. The sidebar and the first page read it. */
export function useOverview() {
  return useQuery({
    queryKey: ["overview", apiBase()],
    queryFn: ({ signal }) => getJson<Overview>(`${apiBase()}/api/v1/overview`, signal),
    staleTime: 60_000,
    retry: 1,
  });
}
