import type { WireSeries } from "../api/types";
import { type Day, parseDay } from "../lib/days";
import type { ValueType } from "../lib/format";

export interface Coverage {
  first: Day | null;
  last: Day | null;
  /** Points on and after this day may still change. */
  provisionalFrom: Day | null;
  asOf: string | null;
}

export interface Mark {
  state: "provisional" | "restated";
  was?: number;
}

/** One value of a dimension (or the whole scope) by day, joined over however many yearly answers it came in. */
export interface DailySeries {
  id: string;
  name: string | Record<string, string>;
  valueType: ValueType;
  values: Map<Day, number>;
  marks: Map<Day, Mark>;
  /** Days with a value, ascending. */
  days: Day[];
}

/** `MM-DD` needs the series' year; full days stand alone. `null` for anything else. */
export function wireDay(text: string, year: number | undefined): Day | null {
  if (/^\d{2}-\d{2}$/.test(text)) return year === undefined ? null : parseDay(`${year}-${text}`);
  return parseDay(text);
}

/**
 * Joins the answers of several years by series id. Order: first appearance, newest block first, so that today's order rules.
 * A day that occurs twice takes the value of the later block; a name comes from the newest block that has the series.
 */
export function mergeSeries(blocks: readonly (readonly WireSeries[])[]): DailySeries[] {
  const merged = new Map<string, DailySeries>();
  for (let index = blocks.length - 1; index >= 0; index -= 1) {
    for (const wire of blocks[index] ?? []) {
      let series = merged.get(wire.id);
      if (!series) {
        series = {
          id: wire.id,
          name: wire.name,
          valueType: wire.valueType ?? "number",
          values: new Map(),
          marks: new Map(),
          days: [],
        };
        merged.set(wire.id, series);
      }
      for (const [text, value] of wire.data) {
        const day = wireDay(text, wire.year);
        if (day !== null && !series.values.has(day)) series.values.set(day, value);
      }
      for (const [text, state, was] of wire.states ?? []) {
        const day = wireDay(text, wire.year);
        if (day !== null && !series.marks.has(day))
          series.marks.set(day, was === undefined || was === null ? { state } : { state, was });
      }
    }
  }
  for (const series of merged.values()) series.days = [...series.values.keys()].sort((a, b) => a - b);
  return [...merged.values()];
}

/**
 * What the answers together say about which days exist. An answer without coverage (an older server) vouches for the days
 * between its first and last point and no others.
 */
export function mergeCoverage(blocks: readonly (readonly WireSeries[])[]): Coverage {
  const found: Coverage = { first: null, last: null, provisionalFrom: null, asOf: null };
  for (const block of blocks) {
    for (const wire of block) {
      const given = wire.coverage;
      const days = given
        ? []
        : wire.data.map(([text]) => wireDay(text, wire.year)).filter((day): day is Day => day !== null);
      const first = given ? parseDay(given.first) : days.length > 0 ? Math.min(...days) : null;
      const last = given ? parseDay(given.last) : days.length > 0 ? Math.max(...days) : null;
      if (first !== null && (found.first === null || first < found.first)) found.first = first;
      if (last !== null && (found.last === null || last > found.last)) found.last = last;
      const provisional = parseDay(given?.provisional_from);
      if (provisional !== null && (found.provisionalFrom === null || provisional < found.provisionalFrom))
        found.provisionalFrom = provisional;
      if (given?.as_of && (found.asOf === null || given.as_of > found.asOf)) found.asOf = given.as_of;
    }
  }
  return found;
}
