import { useQuery } from "@tanstack/react-query";
import { apiBase, getJson } from "./client";

/** `GET /api/v1/dashboard/daily` (spec/packages.md §9.4) with the keys of ours that the page reads. */
export interface PackagesDashboard {
  generated_at: string;
  days: number;
  project?: { title?: string | null; subtitle?: string | null };
  products?: { id: string; title: string; color?: string | null; subtitle?: string | null }[];
  latest_completed_day?: string | null;
  groups: { product: string; title: string; items: PackageItem[] }[];
  total_stars: number | null;
  total_stars_sparkline: PackagePoint[];
  last_30d_download_totals: WindowTotals;
  monthly_download_snapshots: MonthRow[];
  duckdb_lance_extension_downloads: {
    month_start: string;
    month_label: string;
    core_downloads: number;
    community_downloads: number;
    total_downloads: number;
    is_partial_month: boolean;
    weeks_present?: number;
    weeks_expected?: number;
    extension?: string;
  }[];
  metric_rollups: Rollup[];
  movers?: Rollup[];
  recent_evidence: Evidence[];
  signal_candidates: Signal[];
  signal_guidance: Guidance[];
  collection_gaps?: { day: string; kind: string; sources: string[]; metrics: string[] }[];
  annotations?: { annotation_id: string; day: string; text: string; url: string; product: string; metric_id: string }[];
}

export interface PackagePoint {
  period_start: string;
  period_end: string;
  value: number;
  state?: "missing" | "provisional" | "final" | "restated";
  was?: number;
  synthetic?: boolean;
  interpolated?: boolean;
  days_present?: number;
  days_expected?: number;
}

export interface PackageItem {
  metric_id: string;
  display_name: string;
  metric_family: string;
  sdk: string | null;
  subject: string;
  source?: string;
  latest_value: number | null;
  latest_period_end: string | null;
  sparkline: PackagePoint[];
  coverage?: { days_present: number; days_expected: number };
  stale_days?: number | null;
  running_month?: PackagePoint | null;
}

export interface WindowTotals {
  window_start: string;
  window_end: string;
  [product: string]: number | string;
}

/** `period_end`, numbers by `<product>_<sdk>`, `<sdk>`, `<product>`, `total`, and what is known about the month. */
export interface MonthRow {
  period_end: string;
  total: number;
  state?: "provisional" | "final" | "restated";
  was?: number;
  synthetic?: boolean;
  missing?: string[];
  days_present?: number;
  days_expected?: number;
  metrics_present?: number;
  metrics_expected?: number;
  [column: string]: unknown;
}

export interface Rollup {
  rollup_id: string;
  metric_id: string;
  metric_family: string;
  window: string;
  current_value: number | null;
  percent_change: number | null;
}

export interface Signal {
  signal_id: string;
  signal_type: string;
  window_start: string;
  window_end: string;
  title: string;
  summary: string;
  evidence_ids: string[];
}

export interface Guidance {
  guidance_id: string;
  signal_id: string;
  generated_at: string;
  movement_assessment: string;
  executive_summary: string;
  why_it_matters: string;
  engineering_relevance: string;
  confidence: string;
  recommended_next_steps: string[];
  citations: { source_type?: string; source_id: string; fact: string }[];
}

export interface Evidence {
  evidence_id: string;
  url: string;
  title: string;
  occurred_at: string;
  snippet: string;
}

/** `GET /api/v1/packages/coverage`. */
export interface PackagesCoverage {
  latest_completed_day: string;
  open_gaps: number;
  metrics: MetricCoverage[];
}

export interface MetricCoverage {
  metric_id: string;
  display_name: string;
  source: string;
  subject: string;
  newest_day: string | null;
  stale_days: number | null;
  days_present: number;
  days_expected: number;
  /** One letter a day, oldest first. */
  strip: string;
  missing: { day: string; deliverable: boolean; until: string | null }[];
  leaving_soon: string[];
  pending: string[];
}

export function usePackagesCoverage() {
  return useQuery({
    queryKey: ["packages-coverage", apiBase()],
    queryFn: ({ signal }) => getJson<PackagesCoverage>(`${apiBase()}/api/v1/packages/coverage`, signal),
    staleTime: 60_000,
    retry: 1,
  });
}

/** `GET /api/v1/packages/report`, as far as the start page reads it: the last whole month. */
export interface PackagesReport {
  /** Its last day. */
  month: string;
  lines: { metric_id: string; family: string; value: number | null; previous: number | null }[];
}

export function usePackagesReport() {
  return useQuery({
    queryKey: ["packages-report", apiBase()],
    queryFn: ({ signal }) => getJson<PackagesReport>(`${apiBase()}/api/v1/packages/report`, signal),
    staleTime: 60_000,
    retry: 1,
  });
}

export const HISTORY_DAYS = 730;

export function usePackagesDashboard() {
  return useQuery({
    queryKey: ["packages", apiBase()],
    queryFn: ({ signal }) =>
      getJson<PackagesDashboard>(`${apiBase()}/api/v1/dashboard/daily?days=${HISTORY_DAYS}`, signal),
    staleTime: 60_000,
    retry: 1,
  });
}

/** Sums per product over chosen days; the server clamps them and answers the days it used. */
export function useWindowTotals(start: string, end: string, enabled: boolean) {
  return useQuery({
    queryKey: ["packages-window", apiBase(), start, end],
    queryFn: ({ signal }) =>
      getJson<WindowTotals>(
        `${apiBase()}/api/v1/dashboard/daily?response=download_window_totals&window_start=${start}&window_end=${end}`,
        signal,
      ),
    enabled,
    staleTime: 60_000,
    placeholderData: (previous) => previous,
    retry: 1,
  });
}
