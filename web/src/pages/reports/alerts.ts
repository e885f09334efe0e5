/** A series that left its usual band, as `GET /api/v1/watch` tells it. */
export interface Alert {
  /** `repository:views`, `packages:<metric id>`, `chat:messages`. */
  key: string;
  /** `Views: 0 since 2026-03-01, usually 120 to 310. Check …`. */
  message: string;
  since: string;
  opened_at: string;
  closed_at: string | null;
}

export interface AlertWords {
  series: string;
  told: string;
  check: string;
}

/** A message in its three parts. One that is written otherwise is told whole. */
export function wordsOf(message: string): AlertWords {
  const found = /^(.+?): ((?:no value|below|above|0 since).*?)\. (Check .*)$/s.exec(message);
  if (!found) return { series: message, told: "", check: "" };
  const told = found[2]!;
  return { series: found[1]!, told: `${told[0]!.toUpperCase()}${told.slice(1)}.`, check: found[3]! };
}
