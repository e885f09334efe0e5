import { useQuery } from "@tanstack/react-query";
import { apiBase, getJson, request } from "./client";

export interface ChatOverview {
  total_experiments: number;
  total_participants: number;
  total_sessions: number;
  total_messages: number;
  active_experiments: number;
  active_participants: number;
  completed_sessions: number;
}
export interface Dated {
  date: string;
}
export interface SessionAnalytics {
  sessions: (Dated & { active_sessions: number })[];
  participants: (Dated & { active_participants: number })[];
}
export interface MessageVolume {
  totals: (Dated & { human_messages: number; ai_messages: number; total_messages: number })[];
}
export type ResponseTimes = (Dated & { avg_response_time_sec: number })[];
export interface ChannelBreakdown {
  platforms: { platform: string; sessions: number; messages?: number }[];
  totals: { sessions: number };
}
export interface BotRow {
  experiment_id: number;
  experiment_name: string;
  experiment_url: string;
  participants: number;
  sessions: number;
  messages: number;
  avg_session_duration: number;
  completion_rate: number;
  avg_messages_per_session: number;
  cost?: number;
  cost_per_session?: number | null;
}
export interface BotPage {
  results: BotRow[];
  total_count: number;
  page: number;
  page_size: number;
  total_pages: number;
}
export interface ActiveParticipant {
  participant_id: number;
  participant_name: string;
  participant_url: string;
  total_messages: number;
  total_sessions: number;
  last_activity: string;
  cost?: number;
}
export interface Engagement {
  most_active_participants: ActiveParticipant[];
  least_active_participants: ActiveParticipant[];
  session_length_distribution: { bin_start: number; bin_end: number; count: number; label: string }[];
}
export interface TagAnalytics {
  tag_categories: Record<string, Record<string, number>>;
  total_tagged_messages: number;
  tagged_sessions?: Record<string, Record<string, number>>;
}
export interface ModelCount {
  provider_type: string;
  model_name: string;
  count: number;
}
export interface CostSummary {
  total: number;
  previous_total: number | null;
  change_percent: number | null;
  exact: number;
  estimated: number;
  unknown_count: number;
  unpriced_count: number;
  estimated_models: ModelCount[];
  unknown_models: ModelCount[];
  unpriced_models: ModelCount[];
}
export type CostSeries = (Dated & { chat: number; evaluation?: number })[];
export interface CostBreakdown {
  by_model?: { provider_type: string; model_name: string; cost: number }[];
  by_service_kind?: { service_kind: string; cost: number; tokens: number }[];
}
export type CostP95 = { experiment_id: number; experiment_name: string; points: (Dated & { p95: number })[] }[];
interface OfMonth {
  month: string;
  in_progress: boolean;
}
interface TopRow {
  name: string;
  sessions: number;
  share: number;
  previous_month_sessions: number;
}
export interface EngagementViews {
  monthly_active_users: (OfMonth & { monthly_active_users: number; core_user_rate: number })[];
  frequency: (OfMonth & { "1_week": number; "2_weeks": number; "3_weeks": number; "4_plus_weeks": number })[];
  weekly_new_returning: { week: string; new: number; returning: number }[];
  session_length: (OfMonth & { avg_session_minutes: number | null })[];
  top_chatbots: TopRow[];
  top_channels: TopRow[];
}
export interface SavedSearch {
  id: number;
  name: string;
  expression: string;
}
export interface FilterOptions {
  experiments: { id: number; name: string }[];
  channels: { value: string; label: string }[];
  tags: { id: number; name: string; category: string }[];
  participants: { id: number; name: string; platform: string }[];
  cost_tracking: boolean;
  time_zone: string;
  today: string;
  has_data: boolean;
}
export interface Preset {
  id: number;
  name: string;
  is_default: boolean;
  filter_data: Record<string, unknown>;
}

const FIVE_MINUTES = 5 * 60_000;

export function chatPath(rest: string): string {
  return `${apiBase()}/dashboard/${rest}`;
}

/**
 * One widget's numbers. A superseded question is cancelled, so a late old answer never overwrites a new one; the old numbers stay,
 * dimmed, until the new ones are there; every five minutes they are asked for again while the tab is seen.
 */
export function useChat<T>(endpoint: string, query: string, enabled = true) {
  return useQuery({
    queryKey: ["chat", apiBase(), endpoint, query],
    queryFn: ({ signal }) => getJson<T>(chatPath(`api/${endpoint}/${query ? `?${query}` : ""}`), signal),
    enabled,
    placeholderData: (previous) => previous,
    refetchInterval: FIVE_MINUTES,
    staleTime: 15_000,
    retry: 1,
  });
}

export function useFilterOptions(search: string, wanted: readonly string[]) {
  const query = new URLSearchParams();
  if (search) query.set("search", search);
  else for (const id of wanted) query.append("participants", id);
  return useQuery({
    queryKey: ["chat-options", apiBase(), query.toString()],
    queryFn: ({ signal }) =>
      getJson<FilterOptions>(chatPath(`api/filter-options/${query.size ? `?${query}` : ""}`), signal),
    placeholderData: (previous) => previous,
    staleTime: 60_000,
    retry: 1,
  });
}

/** A reader without an account has no presets: the list is then empty and cannot grow. */
export function usePresets() {
  return useQuery({
    queryKey: ["chat-presets", apiBase()],
    queryFn: ({ signal }) => getJson<Preset[]>(chatPath("filters/"), signal),
    staleTime: 60_000,
    retry: false,
  });
}

/** The team's saved searches; shared by everybody who may read the dashboard. */
export function useSearches() {
  return useQuery({
    queryKey: ["chat-searches", apiBase()],
    queryFn: ({ signal }) => getJson<SavedSearch[]>(chatPath("searches/"), signal),
    staleTime: 60_000,
    retry: false,
  });
}

export async function saveSearch(name: string, expression: string): Promise<void> {
  await request(chatPath("searches/save/"), { method: "POST", body: { name, expression } });
}

export async function deleteSearch(id: number): Promise<void> {
  await request(chatPath(`searches/delete/${id}/`), { method: "DELETE" });
}

export async function savePreset(name: string, isDefault: boolean, filter: Record<string, unknown>): Promise<void> {
  await request(chatPath("filters/save/"), {
    method: "POST",
    body: { name, is_default: isDefault, filter_data: JSON.stringify(filter) },
  });
}

export async function deletePreset(id: number): Promise<void> {
  await request(chatPath(`filters/delete/${id}/`), { method: "DELETE" });
}

/** An export as the server makes it, with the name it gives the file. */
export async function exportChart(
  chart: string,
  format: string,
  filter: Record<string, unknown>,
): Promise<{ name: string; blob: Blob }> {
  const response = await request(chatPath("export/"), {
    method: "POST",
    accept: "*/*",
    body: { chart_type: chart, export_format: format, include_filters: true, filter_data: JSON.stringify(filter) },
  });
  const given = /filename="([^"]+)"/.exec(response.headers.get("Content-Disposition") ?? "");
  return { name: given?.[1] ?? `${chart}.${format}`, blob: await response.blob() };
}
