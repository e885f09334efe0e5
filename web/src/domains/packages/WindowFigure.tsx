import { useState } from "react";
import { type PackagesDashboard, useWindowTotals } from "../../api/packages";
import { csvText } from "../../lib/csv";
import { isoDay, parseDay } from "../../lib/days";
import { saveFile } from "../../lib/download";
import { formatDay, formatFull } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { useQuery } from "../../lib/urlState";
import { IconButton } from "../../ui/controls";
import { Figure, FigureError } from "../../ui/Figure";

/** How far back a window may reach. */
const DAYS_BACK = 90;
const DEFAULT_DAYS = 30;

/** Downloads of chosen days per product, beside as many days before. */
export function WindowFigure({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const [query, write] = useQuery();
  const last = parseDay(dashboard.last_30d_download_totals.window_end) ?? 0;
  const fallback = { start: last - DEFAULT_DAYS + 1, end: last };
  const start = parseDay(query.get("from")) ?? fallback.start;
  const end = parseDay(query.get("to")) ?? fallback.end;
  const valid = start <= end && start >= last - DAYS_BACK && end <= last;
  const range = valid ? { start, end } : fallback;
  const days = range.end - range.start + 1;
  const chosen = useWindowTotals(isoDay(range.start), isoDay(range.end), true);
  const before = useWindowTotals(isoDay(range.start - days), isoDay(range.start - 1), true);
  const [problem, setProblem] = useState<string | null>(null);
  const products = (
    dashboard.products ?? dashboard.groups.map((group) => ({ id: group.product, title: group.title }))
  ).filter((product) => typeof dashboard.last_30d_download_totals[product.id] === "number");
  const sumOf = (totals: typeof chosen.data, id: string) =>
    typeof totals?.[id] === "number" ? (totals[id] as number) : null;
  // The server clamps; what it answers for fewer days than asked is not set beside the whole window.
  const comparable = before.data?.window_start === isoDay(range.start - days);
  const rows = products.map((product) => ({
    ...product,
    now: sumOf(chosen.data, product.id),
    earlier: comparable ? sumOf(before.data, product.id) : null,
  }));
  const sum = (pick: (row: (typeof rows)[number]) => number | null) =>
    rows.some((row) => pick(row) === null) ? null : rows.reduce((total, row) => total + pick(row)!, 0);
  const show = (value: number | null) => (value === null ? "–" : formatFull(value, "number", { locale }));

  const choose = (which: "from" | "to", text: string) => {
    const day = parseDay(text);
    if (day === null || day > last || day < last - DAYS_BACK) {
      setProblem(
        t("packages.windowLimits", { from: formatDay(last - DAYS_BACK, locale), to: formatDay(last, locale) }),
      );
      return;
    }
    setProblem(null);
    // Picking an end on the wrong side of the other moves the other.
    const next =
      which === "from"
        ? { start: day, end: Math.max(day, range.end) }
        : { start: Math.min(day, range.start), end: day };
    write({ from: isoDay(next.start), to: isoDay(next.end) });
  };
  const input = (which: "from" | "to", day: number) => (
    <span className={`field ${problem ? "invalid" : ""}`}>
      <input
        type="date"
        aria-label={t(which === "from" ? "date.from" : "date.to")}
        value={isoDay(day)}
        min={isoDay(last - DAYS_BACK)}
        max={isoDay(last)}
        onChange={(event) => choose(which, event.target.value)}
      />
    </span>
  );
  return (
    <Figure
      title={t("packages.window")}
      updating={chosen.isPlaceholderData}
      controls={
        <>
          {(query.get("from") || query.get("to")) && (
            <button type="button" className="button" onClick={() => write({ from: null, to: null })}>
              {t("packages.reset")}
            </button>
          )}
          <IconButton
            label={t("chart.downloadCsv")}
            icon="download"
            onPress={() =>
              saveFile(
                "downloads-in-window.csv",
                csvText([["product", "window", "before"], ...rows.map((row) => [row.id, row.now, row.earlier])]),
                "text/csv;charset=utf-8",
              )
            }
          />
        </>
      }
      foot={<span role="status">{chosen.isFetching ? t("watermark.updating") : t("packages.windowNote")}</span>}
    >
      <div className="window-dates">
        {input("from", range.start)}
        <span>{t("packages.to")}</span>
        {input("to", range.end)}
      </div>
      {problem && (
        <p className="field-reason" role="alert">
          {problem}
        </p>
      )}
      {chosen.isError ? (
        <FigureError
          cause={t("error.cause", { cause: chosen.error.message })}
          still={t("error.others")}
          retry={() => void chosen.refetch()}
        />
      ) : (
        <table className="data-table">
          <caption className="visually-hidden">{t("packages.window")}</caption>
          <thead>
            <tr>
              <th scope="col">{t("packages.product")}</th>
              <th scope="col">{t("packages.inWindow")}</th>
              <th scope="col">{t("packages.daysBefore", { count: days })}</th>
            </tr>
          </thead>
          <tbody>
            {rows.map((row) => (
              <tr key={row.id}>
                <td>{row.title}</td>
                <td>
                  <strong>{show(row.now)}</strong>
                </td>
                <td className="muted">{show(row.earlier)}</td>
              </tr>
            ))}
            <tr className="total">
              <td>{t("packages.total")}</td>
              <td>{show(sum((row) => row.now))}</td>
              <td>{show(sum((row) => row.earlier))}</td>
            </tr>
          </tbody>
        </table>
      )}
    </Figure>
  );
}
