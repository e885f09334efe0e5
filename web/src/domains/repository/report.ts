import { apiBase, request } from "../../api/client";
import { queryName, rangeOf, type Scope } from "../../api/dashboard";
import type { CategoryResult, DateBasis, Family, WireSeries } from "../../api/types";
import { type DayRange, isoDay } from "../../lib/days";
import { saveFile } from "../../lib/download";
import { gzip, type TarEntry, tarOf } from "../../lib/tar";
import { wireDay } from "../../series/merge";

export type ReportFormat = "csv" | "excel" | "xml" | "json";

export const REPORT_FORMATS: readonly ReportFormat[] = ["csv", "excel", "json", "xml"];

const FAMILIES: readonly Family[] = ["usage-snapshot", "usage-delta", "record-snapshot", "record-delta"];

const ACCEPT: Record<Exclude<ReportFormat, "json">, string> = {
  csv: "text/csv",
  excel: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
  xml: "application/xml",
};

/** Saves the selected range in a format; throws when the server refuses, and the caller tells the reader. */
export async function downloadReport(
  format: ReportFormat,
  scope: Scope,
  basis: DateBasis,
  range: DayRange,
): Promise<string> {
  const name = `stats_series_${scope.community}_${isoDay(range.start)}_to_${isoDay(range.end)}`;
  if (format === "json") {
    const entries = await jsonEntries(scope, basis, range);
    const file = `${name}.tar.gz`;
    saveFile(file, (await gzip(tarOf(entries, Math.floor(Date.now() / 1000)))) as BlobPart, "application/gzip");
    return file;
  }
  const body = Object.fromEntries(
    FAMILIES.map((family) => [
      queryName(family),
      {
        stat: queryName(family),
        params: {
          community_id: scope.community,
          date_basis: basis,
          start_date: isoDay(range.start),
          end_date: isoDay(range.end),
        },
      },
    ]),
  );
  const response = await request(`${apiBase()}/api/stats-dashboard`, { method: "POST", body, accept: ACCEPT[format] });
  const file = format === "xml" ? `${name}.xml` : `${name}.tar.gz`;
  saveFile(file, await response.blob(), response.headers.get("Content-Type") ?? "application/octet-stream");
  return file;
}

async function jsonEntries(scope: Scope, basis: DateBasis, range: DayRange): Promise<TarEntry[]> {
  const entries: TarEntry[] = [];
  for (const family of FAMILIES) {
    const identity = {
      team: scope.team,
      community: scope.community,
      family,
      basis,
      start: isoDay(range.start),
      end: isoDay(range.end),
    };
    const result = await rangeOf(scope, identity);
    entries.push({
      name: `${queryName(family)}.json`,
      content: `${JSON.stringify(cutToRange(result, range), null, 1)}\n`,
    });
  }
  return entries;
}

/** The same answer with full dates, and nothing outside the range: a year is never lost and never smuggled in. */
export function cutToRange(result: CategoryResult, range: DayRange): CategoryResult {
  return Object.fromEntries(
    Object.entries(result).map(([subcount, metrics]) => [
      subcount,
      Object.fromEntries(
        Object.entries(metrics).map(([metric, list]) => [metric, list.map((series) => cutSeries(series, range))]),
      ),
    ]),
  );
}

function cutSeries(series: WireSeries, range: DayRange): WireSeries {
  const { year, states, ...rest } = series;
  const inRange = (text: string) => {
    const day = wireDay(text, year);
    return day !== null && day >= range.start && day <= range.end ? isoDay(day) : null;
  };
  const cut: WireSeries = {
    ...rest,
    data: series.data.flatMap(([text, value]): [string, number][] => (inRange(text) ? [[inRange(text)!, value]] : [])),
  };
  const kept = (states ?? []).flatMap((mark): NonNullable<WireSeries["states"]> => {
    const day = inRange(mark[0]);
    return day
      ? [[day, mark[1], ...(mark.length > 2 ? [mark[2]!] : [])] as NonNullable<WireSeries["states"]>[number]]
      : [];
  });
  if (kept.length > 0) cut.states = kept;
  return cut;
}
