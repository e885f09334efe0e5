/** What went wrong with a request, in words for the reader, with what helps to find it in the log. */
export class ApiError extends Error {
  readonly status: number;
  readonly requestId: string | null;
  /** The whole answer where it was JSON: problems field by field. */
  readonly body: unknown;
  constructor(message: string, status: number, requestId: string | null, body: unknown = null) {
    super(message);
    this.name = "ApiError";
    this.status = status;
    this.requestId = requestId;
    this.body = body;
  }
}

export function cookie(name: string): string | null {
  for (const part of document.cookie.split("; ")) {
    const [key, ...rest] = part.split("=");
    if (key === name) return decodeURIComponent(rest.join("="));
  }
  return null;
}

/** The team's prefix of every API path: a page under `/a/{team}/` speaks for that team. */
export function apiBase(pathname = window.location.pathname): string {
  const match = /^\/a\/([^/]+)(?:\/|$)/.exec(pathname);
  return match ? `/a/${match[1]}` : "";
}

export interface RequestOptions {
  method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  body?: unknown;
  accept?: string;
  etag?: string | null;
  signal?: AbortSignal;
}

/** One request to our own server. Answers 304 as a response; everything else outside 2xx is an `ApiError`. */
export async function request(path: string, options: RequestOptions = {}): Promise<Response> {
  const headers: Record<string, string> = { Accept: options.accept ?? "application/json" };
  if (options.body !== undefined) headers["Content-Type"] = "application/json";
  if (options.etag) headers["If-None-Match"] = options.etag;
  const token = cookie("csrftoken");
  if (token) headers["X-CSRFToken"] = token;
  const init: RequestInit = { method: options.method ?? "GET", headers, credentials: "same-origin" };
  if (options.body !== undefined) init.body = JSON.stringify(options.body);
  if (options.signal) init.signal = options.signal;
  let response: Response;
  try {
    response = await fetch(new URL(path, window.location.href), init);
  } catch (cause) {
    if (options.signal?.aborted) throw cause;
    throw new ApiError("network", 0, null);
  }
  if (response.ok || response.status === 304) return response;
  const { reason, body } = await reasonOf(response);
  throw new ApiError(reason, response.status, response.headers.get("X-Request-Id"), body);
}

async function reasonOf(response: Response): Promise<{ reason: string; body: unknown }> {
  const text = await response.text().catch(() => "");
  const status = `${response.status} ${response.statusText}`.trim();
  try {
    const body = JSON.parse(text) as { error?: unknown; message?: unknown; detail?: unknown; errors?: unknown };
    const reason = body.error ?? body.message ?? body.detail ?? reasonsOf(body.errors);
    return { reason: typeof reason === "string" && reason !== "" ? reason : status, body };
  } catch {
    // Not JSON: a proxy's page or an empty body. The status line says more than its markup.
    return { reason: status, body: null };
  }
}

/** `{field: [reason, …]}` as one sentence; a reason about no field alone stands without its `__all__`. */
export function reasonsOf(errors: unknown): string | null {
  if (typeof errors !== "object" || errors === null) return null;
  return Object.entries(errors)
    .flatMap(([field, reasons]) =>
      (Array.isArray(reasons) ? reasons : [reasons]).map((reason) =>
        field === "__all__" ? String(reason) : `${field}: ${String(reason)}`,
      ),
    )
    .join("; ");
}

export async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const response = await request(path, signal ? { signal } : {});
  return (await response.json()) as T;
}
