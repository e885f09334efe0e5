import type { WireSeries } from "../api/types";
import { parseDay } from "../lib/days";
import { type Coverage, mergeSeries } from "./merge";
import type { Point } from "./model";

export const day = (text: string) => parseDay(text)!;
export const range = (start: string, end: string) => ({ start: day(start), end: day(end) });
export const TODAY = day("2024-02-10");

export function wire(id: string, year: number, data: [string, number][], extra: Partial<WireSeries> = {}): WireSeries {
  return { id, name: id, data, type: "line", valueType: "number", year, ...extra };
}
export function one(id: string, data: Record<string, number>, extra: Partial<WireSeries> = {}) {
  const [series] = mergeSeries([[{ id, name: id, data: Object.entries(data), ...extra }]]);
  return series!;
}
export const covered = (first: string, last: string, provisionalFrom: string | null = null): Coverage => ({
  first: day(first),
  last: day(last),
  provisionalFrom: provisionalFrom ? day(provisionalFrom) : null,
  asOf: null,
});
export const ledger = (points: Point[]) =>
  points.map(
    (point) =>
      `${point.value ?? "-"} ${point.state}${point.was === undefined ? "" : ` was ${point.was}`} ${point.days}/${point.of}`,
  );
