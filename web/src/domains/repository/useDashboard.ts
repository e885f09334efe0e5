import { useMemo, useRef, useState } from "react";
import { apiBase } from "../../api/client";
import type { Community, DashboardConfig, DateBasis, Family, LayoutTab } from "../../api/types";
import { GRANULARITIES, type Granularity, isoDay } from "../../lib/days";
import { useI18n } from "../../lib/i18n";
import type { Comparison } from "../../lib/ranges";
import { useQuery } from "../../lib/urlState";
import type { Choice } from "../../ui/controls";
import { familiesOf } from "./components";
import { colorBook, type ExplainRequest, type FamilyState, type RepositoryPage, useFamilyState } from "./context";
import { defaultPreset, granularityQuery, maxHistoryYears, rangeQuery, todayOf, type View, viewFrom } from "./view";

const FAMILIES: readonly Family[] = ["record-snapshot", "record-delta", "usage-snapshot", "usage-delta"];

/** What a reader may choose, for the bar on wide screens and the bottom bar on narrow ones. */
export interface Choices {
  dates: {
    value: { preset: View["preset"]; range: View["range"] };
    granularity: Granularity;
    today: number;
    maxHistoryYears: number;
    comparison: Comparison;
    onChange: (choice: { preset: string; range: View["range"] }) => void;
    onClear: () => void;
  };
  granularities: Choice<Granularity>[];
  chooseGranularity: (granularity: Granularity) => void;
  comparisons: Choice<Comparison>[];
  chooseComparison: (comparison: Comparison) => void;
  /** None where the tab shows nothing that depends on it. */
  bases: Choice<DateBasis>[];
  chooseBasis: (basis: DateBasis) => void;
}

/** One tab of a dashboard: its numbers, the view that the URL names, and the choices that change it. */
export interface Dashboard {
  page: RepositoryPage;
  /** The families this tab asks for. */
  states: FamilyState[];
  choices: Choices;
  explained: ExplainRequest | null;
  explain: (what: ExplainRequest | null) => void;
}

export function useDashboard(props: {
  config: DashboardConfig;
  community: Community | null;
  tab: LayoutTab | undefined;
  /** Ask for every metric, not for those of the layout that is set: a draft may show others. */
  everything?: boolean;
}): Dashboard {
  const { t, locale } = useI18n();
  const { config, community, tab } = props;
  const everything = props.everything === true;
  const [query, write] = useQuery();
  const today = useMemo(() => todayOf(config), [config]);
  const search = query.toString();
  const view = useMemo(() => viewFrom(new URLSearchParams(search), config, today), [search, config, today]);
  const team = config.team ?? (apiBase().replace("/a/", "") || "default");
  const testData = config.use_test_data === true;
  const compress = config.client_cache_compression_enabled === true;
  const scope = useMemo(
    () => ({
      community: community?.id ?? "global",
      team,
      compress,
      everything,
      ...(testData ? { testDay: isoDay(today) } : {}),
    }),
    [community?.id, team, compress, everything, testData, today],
  );
  const wanted = config.dashboard_enabled !== false ? familiesOf(tab) : new Set<Family>();
  const families = {
    "record-snapshot": useFamilyState(scope, "record-snapshot", wanted.has("record-snapshot"), view),
    "record-delta": useFamilyState(scope, "record-delta", wanted.has("record-delta"), view),
    "usage-snapshot": useFamilyState(scope, "usage-snapshot", wanted.has("usage-snapshot"), view),
    "usage-delta": useFamilyState(scope, "usage-delta", wanted.has("usage-delta"), view),
  } satisfies Record<Family, FamilyState>;
  const colors = useRef<ReturnType<typeof colorBook> | null>(null);
  colors.current ??= colorBook();
  const [explained, explain] = useState<ExplainRequest | null>(null);
  const style = useMemo(
    () => ({ locale, binarySizes: config.display_binary_sizes === true }),
    [locale, config.display_binary_sizes],
  );
  const page: RepositoryPage = {
    config,
    community,
    scope,
    view,
    today,
    style,
    families,
    colorOf: colors.current,
    explain,
    setOnly: (dimension, id) => write({ only: id === null ? null : `${dimension}:${id}` }),
  };
  const hasRecords = [...wanted].some((family) => family.startsWith("record"));
  const choices: Choices = {
    dates: {
      value: { preset: view.preset, range: view.range },
      granularity: view.granularity,
      today,
      maxHistoryYears: maxHistoryYears(config),
      comparison: view.comparison,
      onChange: (choice) => write(rangeQuery(choice.preset, choice.range)),
      onClear: () => write({ range: null, from: null, to: null }),
    },
    granularities: GRANULARITIES.map((id) => ({ id, label: t(`granularity.${id}`) })),
    chooseGranularity: (granularity) => {
      const keepsPreset =
        !query.get("from") && !query.get("range") && defaultPreset(config, granularity) === view.preset;
      write(keepsPreset ? { by: granularity } : granularityQuery(view, granularity, today));
    },
    comparisons: (["previousYear", "previousPeriod", "none"] as const).map((id) => ({
      id,
      label: t(`comparison.${id}`),
    })),
    chooseComparison: (id) => write({ vs: id === "previousYear" ? null : id }),
    bases: hasRecords
      ? (["added", "created", "published"] as const).map((id) => ({ id, label: t(`basis.${id}`) }))
      : [],
    chooseBasis: (id) => write({ basis: id === (config.default_record_start_basis ?? "added") ? null : id }),
  };
  const states = FAMILIES.filter((family) => wanted.has(family)).map((family) => families[family]);
  return { page, states, choices, explained, explain };
}
