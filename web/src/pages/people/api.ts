import { useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { apiBase, getJson, request } from "../../api/client";

/** `GET /api/v1/session`: who one is. */
export interface Session {
  signed_in: boolean;
  actor: string;
  email: string | null;
  name: string | null;
  instance_admin: boolean;
  login_required: boolean;
  teams: { slug: string; name: string; role: string | null; dashboards: string[] }[];
}

export interface Account {
  id: number;
  email: string;
  name: string;
  instance_admin: boolean;
  has_password: boolean;
  created_at: string;
  signed_in_at: string | null;
  teams: { slug: string; name: string; role: string }[];
}

export interface SessionRow {
  id: number;
  created_at: string;
  seen_at: string;
  address: string;
  agent: string;
  current: boolean;
}

export const ROLES = ["viewer", "editor", "admin"] as const;
export const DASHBOARDS = ["repository", "packages", "chat"] as const;
export const VISIBILITIES = ["private", "team", "signed-in", "public"] as const;
export const SCOPES = ["read", "ingest", "admin"] as const;

export interface Team {
  slug: string;
  name: string;
  role: string | null;
  visibility: Record<string, string>;
}

export interface Member {
  id: number;
  email: string;
  name: string;
  role: string;
  since: string;
}

export interface Token {
  id: number;
  name: string;
  scopes: string[];
  created_at: string;
  created_by: string;
  expires_at: string | null;
  revoked_at: string | null;
  used_at: string | null;
}

export interface AuditEntry {
  id: number;
  at: string;
  team: string | null;
  actor: string;
  actor_name: string;
  action: string;
  target: string;
  address: string;
  rows: number | null;
}

export interface User {
  id: number;
  email: string;
  name: string;
  instance_admin: boolean;
  disabled: boolean;
  has_password: boolean;
  created_at: string;
  signed_in_at: string | null;
}

function placed(path: string): string {
  return path.startsWith("/api/v1/team") && !path.startsWith("/api/v1/teams") ? `${apiBase()}${path}` : path;
}

/** A read of the people's part of the API. Paths about a team are under the page's own team. */
export function useRead<T>(path: string, enabled = true, refetchInterval: number | false = false) {
  const at = placed(path);
  const queryFn = ({ signal }: { signal: AbortSignal }) => getJson<T>(at, signal);
  return useQuery({ queryKey: ["people", at], queryFn, enabled, retry: 1, refetchInterval });
}

interface Change {
  method: "POST" | "PUT" | "PATCH" | "DELETE";
  path: string;
  body?: unknown;
}

/**
 * A write; afterwards everything that was read is asked again, or the page is left for `leave`. Answers the body, `null`
 * where there is none.
 */
export function useWrite(leave?: string) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: async ({ method, path, body }: Change): Promise<unknown> => {
      const response = await request(placed(path), body === undefined ? { method } : { method, body });
      return response.status === 204 ? null : response.json();
    },
    onSuccess: (_, { method, path }) => {
      if (leave) return location.assign(leave);
      // What was deleted is still on the page for a moment, and must not be asked for again.
      const gone = method === "DELETE" ? placed(path) : null;
      const isGone = (at: unknown) => gone !== null && (at === gone || String(at).startsWith(`${gone}/`));
      return client.invalidateQueries({ queryKey: ["people"], predicate: ({ queryKey }) => !isGone(queryKey[1]) });
    },
  });
}
