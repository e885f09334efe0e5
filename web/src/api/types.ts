import type { components } from "./schema";

/** The wire, as spec/invenio §7 has it plus our additive fields. Dates are `MM-DD` when `year` is set. */
export interface WireSeries {
  id: string;
  name: string | Record<string, string>;
  data: [string, number][];
  type?: "line" | "bar";
  valueType?: "number" | "filesize";
  year?: number;
  states?: [string, "provisional" | "restated", (number | null)?][];
  coverage?: {
    first: string | null;
    last: string | null;
    provisional_from?: string | null;
    as_of?: string | null;
  };
}

/** `{subcountCamel: {metricCamel: [series]}}`. */
export type CategoryResult = Record<string, Record<string, WireSeries[]>>;

export type Family = "record-snapshot" | "record-delta" | "usage-snapshot" | "usage-delta";
export type DateBasis = "added" | "created" | "published";

export interface LayoutComponent {
  component: string;
  width?: number;
  mobile?: number | null;
  tablet?: number | null;
  props?: Record<string, unknown>;
}
export interface LayoutTab {
  name: string;
  label: string | Record<string, string>;
  icon?: string;
  date_range_phrase?: string | Record<string, string>;
  rows: { name: string; components: LayoutComponent[] }[];
}

/** `data-dashboard-config` (spec §16.1; clients README 22, 23). */
export interface DashboardConfig {
  dashboard_type: "global" | "community";
  dashboard_enabled: boolean;
  disabled_message?: string | null;
  disabled_message_global?: string | null;
  layout: { tabs: LayoutTab[] };
  ui_subcounts?: Record<string, unknown>;
  default_granularity?: string | null;
  default_range_options?: Record<string, string> | null;
  default_record_start_basis?: string | null;
  max_history_years?: number | null;
  display_binary_sizes?: boolean | null;
  use_test_data?: boolean | null;
  client_cache_compression_enabled?: boolean | null;
  /** Ours: dashboards of communities are off until somebody switches them on (spec §16.8). */
  community_opt_in?: boolean | null;
  /** Ours: the community's own switch, and whether this reader may turn it. */
  dashboard_switched_on?: boolean | null;
  may_switch_dashboard?: boolean | null;
  /** Ours: whether this reader may change the page's layout. */
  may_edit_layout?: boolean | null;
  agg_in_progress?: boolean | null;
  caching_in_progress?: boolean | null;
  first_run_incomplete?: boolean | null;
  title?: string | null;
  description?: string | null;
  show_title?: boolean | string | null;
  show_description?: boolean | string | null;
  /** Ours: where rows link to. Absent: rows filter this page instead. */
  links?: { search?: string | null; records?: string | null; help?: string | null } | null;
  /** Ours: the server's clock (`TALLYKEEP_NOW` freezes it), RFC 3339. */
  now?: string | null;
  /** Ours: the team this page belongs to; `/a/{team}` prefixes its API. */
  team?: string | null;
}

/** `data-community`, or the word `None`. */
export interface Community {
  id: string;
  slug: string;
  metadata: { title: string; description?: string | null };
  custom_fields?: Record<string, unknown>;
  links?: { self_html?: string | null; records?: string | null };
}

/** `GET /api/v1/overview`, as the server describes it. */
export type Overview = components["schemas"]["Overview"];

/** `GET /api/records?sort=…`. */
export interface RecordHit {
  id: string;
  metadata: {
    title: string | null;
    resource_type?: { title?: Record<string, string> | string | null } | null;
    creators?: unknown;
  };
  stats: { all_versions: { views: number | null; downloads: number | null } };
  links: { self_html?: string | null };
}
