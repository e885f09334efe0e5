import { apiBase } from "../../api/client";
import { parseDay } from "../../lib/days";
import { formatMonth } from "../../lib/format";

/** A report as `GET /api/v1/reports` lists it. */
export interface Report {
  name: string;
  of: Subject;
  /** `global`, `communities`, or a community's id or slug. */
  scope: string;
  every: "month" | "week";
  to: string[];
  folder: string | null;
  webhook: boolean;
  attach: Attach[];
  /** The newest month or week that is over: `2026-02`, `2026-W10`. */
  period: string;
  /** Of the configuration, and not to be changed here. */
  configured: boolean;
}

export const SUBJECTS = ["repository", "packages", "chat"] as const;
export type Subject = (typeof SUBJECTS)[number];
export const ATTACHMENTS = ["csv", "xlsx"] as const;
export type Attach = (typeof ATTACHMENTS)[number];

export interface Delivery {
  id: number;
  report: string;
  scope: string;
  period: string;
  channel: string;
  receiver: string;
  at: string;
  error?: string;
  by: string;
}

export interface ReportsAnswer {
  reports: Report[];
  history: Delivery[];
  unsubscribed: { report: string; address: string; at: string }[];
  /** Whether this installation has a mail server to send by. */
  mail: boolean;
}

type Amount = { unit: "count" | "bytes" | "percent" | "average"; value: number };

export interface ReportFigure {
  name: string;
  now: Amount | null;
  before: Amount | null;
  note?: string;
}

export interface ReportDocument {
  scope: string;
  slug: string;
  title: string;
  about: string;
  period: { every: "month" | "week"; first: string; last: string };
  before: { first: string; last: string };
  sections: { title: string; figures: ReportFigure[] }[];
  remarks: string[];
  link?: string;
}

export const reportsPath = () => `${apiBase()}/api/v1/reports`;
export const reportPath = (name: string) => `${reportsPath()}/${encodeURIComponent(name)}`;

/** A preview in one of the formats a receiver gets. */
export function previewPath(name: string, period: string, format: "json" | "html" | "text" | "csv"): string {
  return `${reportPath(name)}/preview?${new URLSearchParams({ period, format })}`;
}

/** Mail addresses as people write lists of them: a line each, or commas or semicolons between. */
export function addressesOf(text: string): string[] {
  return [
    ...new Set(
      text
        .split(/[\n,;]+/)
        .map((part) => part.trim())
        .filter((part) => part !== ""),
    ),
  ];
}

/** The months or weeks before one, the newest first: what a preview may be asked for. */
export function periodsBefore(period: string, count: number): string[] {
  const month = /^(\d{4})-(\d{2})$/.exec(period);
  if (month) {
    return Array.from({ length: count }, (_, back) => {
      const first = new Date(Date.UTC(Number(month[1]), Number(month[2]) - 1 - back, 1));
      return first.toISOString().slice(0, 7);
    });
  }
  const week = /^(\d{4})-W(\d{2})$/.exec(period);
  if (!week) return [period];
  // The Thursday of a week lies in the year that the week is counted in.
  const fourth = new Date(Date.UTC(Number(week[1]), 0, 4));
  const thursday = Date.UTC(Number(week[1]), 0, 4 - ((fourth.getUTCDay() + 6) % 7) + 3);
  return Array.from({ length: count }, (_, back) => {
    const day = new Date(thursday + (Number(week[2]) - 1 - back) * 7 * 86_400_000);
    const first = Date.UTC(day.getUTCFullYear(), 0, 1);
    const number = Math.floor((day.getTime() - first) / (7 * 86_400_000)) + 1;
    return `${day.getUTCFullYear()}-W${String(number).padStart(2, "0")}`;
  });
}

/** A month by its name; a week by its number, as its year counts it. */
export function periodName(period: string, locale: string): string {
  const first = /^\d{4}-\d{2}$/.test(period) ? parseDay(`${period}-01`) : null;
  return first === null ? period : formatMonth(first, locale);
}
