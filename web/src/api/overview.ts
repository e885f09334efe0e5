import { useQuery } from "@tanstack/react-query";
import { apiBase, cookie, getJson } from "./client";
import type { Overview } from "./types";

/** The tab's own copy belongs to one team and one session: another sign-in never sees it. */
function copyKey(): string {
  return `tallykeep-overview ${apiBase()} ${cookie("csrftoken") ?? ""}`;
}

function readCopy(): Overview | undefined {
  try {
    const text = sessionStorage.getItem(copyKey());
    return text ? (JSON.parse(text) as Overview) : undefined;
  } catch {
    return undefined;
  }
}

async function fetchOverview(signal: AbortSignal): Promise<Overview> {
  const overview = await getJson<Overview>(`${apiBase()}/api/v1/overview`, signal);
  try {
    sessionStorage.setItem(copyKey(), JSON.stringify(overview));
  } catch {
    // No storage: the next page waits for the server.
  }
  return overview;
}

/**
 * What is here: teams, communities, products, bots. The sidebar and the first page read it; from page to page the tab's copy
 * stands in while the server is asked again, so that the sidebar does not come and go.
 */
export function useOverview() {
  return useQuery<Overview>({
    queryKey: ["overview", apiBase()],
    queryFn: ({ signal }) => fetchOverview(signal),
    placeholderData: (previous) => previous ?? readCopy(),
    staleTime: 60_000,
    retry: 1,
  });
}
