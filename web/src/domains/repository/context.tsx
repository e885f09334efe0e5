import { createContext, useContext, useMemo, useRef } from "react";
import { type Scope, useBlocks } from "../../api/dashboard";
import type { Community, DashboardConfig, DateBasis, Family } from "../../api/types";
import { type Day, type DayRange, startOfPeriod } from "../../lib/days";
import type { NumberStyle } from "../../lib/format";
import { comparisonRange } from "../../lib/ranges";
import { FamilyData } from "./FamilyData";
import type { View } from "./view";

/** One family as a figure sees it: numbers together with the view they were loaded for. */
export interface FamilyState {
  status: "loading" | "ready" | "failed";
  data: FamilyData | null;
  /** The view of `data`; while a wider range loads, the old figure stays with its old dates. */
  view: View;
  updating: boolean;
  unchecked: boolean;
  error: Error | null;
  retry: () => void;
}

export interface RepositoryPage {
  config: DashboardConfig;
  community: Community | null;
  scope: Scope;
  view: View;
  today: Day;
  style: NumberStyle;
  families: Record<Family, FamilyState>;
  /** The colour of a value, given once per page and kept. */
  colorOf: (dimension: string, id: string) => number;
  explain: (what: ExplainRequest) => void;
  setOnly: (dimension: string, id: string | null) => void;
}

export interface ExplainRequest {
  /** Key of the metric's words. */
  words: string;
  family: Family;
  title: string;
  value: number | null;
  dimension?: string;
}

const Context = createContext<RepositoryPage | null>(null);
export const RepositoryProvider = Context.Provider;

export function useRepositoryPage(): RepositoryPage {
  const page = useContext(Context);
  if (!page) throw new Error("a repository figure stands outside its page");
  return page;
}

export function useFamily(family: Family): FamilyState {
  return useRepositoryPage().families[family];
}

/** Loads what one family needs for a view; called once per family by the page, which hands it to its figures. */
export function useFamilyState(scope: Scope, family: Family, active: boolean, view: View): FamilyState {
  const basis: DateBasis = family.startsWith("record") ? view.basis : "added";
  const earlier = comparisonRange(view.range, view.comparison);
  const [start, end, from, to] = [view.range.start, view.range.end, earlier?.start, earlier?.end];
  const spans = useMemo<DayRange[]>(
    () =>
      from === undefined || to === undefined
        ? [{ start, end }]
        : [
            { start, end },
            { start: from, end: to },
          ],
    [start, end, from, to],
  );
  const loaded = useBlocks(scope, active ? family : null, basis, spans);
  const complete = !loaded.loading && !loaded.missing && loaded.blocks.length > 0;
  const data = useMemo(
    () => (complete ? new FamilyData(family, loaded.blocks) : null),
    [complete, family, loaded.blocks],
  );
  const held = useRef<{ data: FamilyData; view: View; scope: string } | null>(null);
  if (data) held.current = { data, view, scope: scope.community };
  const shown = held.current?.scope === scope.community ? held.current : null;
  return {
    status: shown ? "ready" : loaded.error ? "failed" : "loading",
    data: shown?.data ?? null,
    view: shown?.view ?? view,
    updating: shown !== null && (!complete || loaded.updating) && !loaded.error,
    unchecked: loaded.unchecked,
    error: loaded.error,
    retry: loaded.retry,
  };
}

/** The part of a range that can hold data: history that never was is not drawn. */
export function drawnRange(range: DayRange, view: View, first: Day | null): DayRange {
  if (first === null) return range;
  const start = startOfPeriod(view.granularity, Math.max(range.start, first));
  return { start: Math.min(Math.max(range.start, start), range.end), end: range.end };
}

/** Gives colours in the order values are first shown. */
export function colorBook(): (dimension: string, id: string) => number {
  const given = new Map<string, Map<string, number>>();
  return (dimension, id) => {
    const book = given.get(dimension) ?? new Map<string, number>();
    given.set(dimension, book);
    const color = book.get(id) ?? book.size;
    book.set(id, color);
    return color;
  };
}
