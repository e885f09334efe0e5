import type { CategoryResult, Family, RecordHit } from "../api/types";

/** `from` to `to` of one family, as if counted on the morning of `today` (days as `YYYY-MM-DD`). */
export function category(family: Family, scope: string, from: string, to: string, today: string): CategoryResult;
export function works(sort: "mostviewed" | "mostdownloaded", size: number): RecordHit[];
