import { useState } from "react";
import { type BotPage, type BotRow, useChat } from "../../api/chat";
import { formatDuration, formatFull, formatPercent } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { Widget } from "./Widget";

const PAGE_SIZE = 10;
const COLUMNS = [
  "participants",
  "sessions",
  "messages",
  "avg_session_duration",
  "completion_rate",
  "avg_messages_per_session",
] as const;
const COST_COLUMNS = ["cost", "cost_per_session"] as const;
type Column = (typeof COLUMNS)[number] | (typeof COST_COLUMNS)[number];

/** One row per bot, sorted and paged by the server; bots without activity have their row too. */
export function BotTable({ query, enabled }: { query: string; enabled: boolean }) {
  const { t, locale } = useI18n();
  const [order, setOrder] = useState<{ by: Column | "name"; descending: boolean }>({
    by: "messages",
    descending: true,
  });
  const [page, setPage] = useState(1);
  const [asked, setAsked] = useState(query);
  if (asked !== query) {
    setAsked(query);
    setPage(1);
  }
  const bots = useChat<BotPage>(
    "bot-performance",
    `${query}&page=${page}&page_size=${PAGE_SIZE}&order_by=${order.by}&order_dir=${order.descending ? "desc" : "asc"}`,
    enabled,
  );
  const sort = (by: Column | "name") => {
    setOrder({ by, descending: order.by === by ? !order.descending : by !== "name" });
    setPage(1);
  };
  const head = (by: Column | "name") => (
    <th
      key={by}
      scope="col"
      className={by === "name" ? "start" : ""}
      {...(order.by === by ? { "aria-sort": order.descending ? ("descending" as const) : ("ascending" as const) } : {})}
    >
      <button type="button" onClick={() => sort(by)}>
        {t(`chat.column.${by}`)}
        {order.by === by && <span aria-hidden="true">{order.descending ? " ↓" : " ↑"}</span>}
      </button>
    </th>
  );
  return (
    <div className="grid">
      <Widget
        title={t("nav.chatbots")}
        subtitle={t("chat.sortedBy", { column: t(`chat.column.${order.by}`).toLowerCase() })}
        height={220}
        answer={bots}
        isEmpty={(data) => data.total_count === 0}
      >
        {(data) => {
          const columns: Column[] = [
            ...COLUMNS,
            ...(data.results.some((row) => row.cost !== undefined) ? COST_COLUMNS : []),
          ];
          return (
            <>
              <div
                className="table-scroll"
                role="region"
                aria-label={t("table.of", { name: t("nav.chatbots") })}
                tabIndex={0}
              >
                <table className="data-table">
                  <caption className="visually-hidden">{t("nav.chatbots")}</caption>
                  <thead>
                    <tr>
                      {head("name")}
                      {columns.map(head)}
                    </tr>
                  </thead>
                  <tbody>
                    {data.results.map((row) => (
                      <tr key={row.experiment_id}>
                        <td>
                          <a href={row.experiment_url}>{row.experiment_name}</a>
                        </td>
                        {columns.map((column) => (
                          <td key={column} className="metric-cell">
                            <Cell row={row} column={column} locale={locale} />
                            <span
                              className="metric-bar"
                              style={{ inlineSize: shareOfLargest(data.results, row, column) }}
                              aria-hidden="true"
                            />
                          </td>
                        ))}
                      </tr>
                    ))}
                  </tbody>
                </table>
              </div>
              <p className="pager">
                {data.total_pages > 1 &&
                  pagesAround(data.page, data.total_pages).map((number, index, all) => (
                    <span key={number}>
                      {index > 0 && number - all[index - 1]! > 1 && "… "}
                      <button
                        type="button"
                        disabled={number === data.page}
                        aria-label={t("table.page", { number })}
                        {...(number === data.page ? { "aria-current": "page" as const } : {})}
                        onClick={() => setPage(number)}
                      >
                        {number}
                      </button>
                    </span>
                  ))}
                <span>
                  {t("chat.showing", {
                    from: data.results.length === 0 ? 0 : (data.page - 1) * data.page_size + 1,
                    to: (data.page - 1) * data.page_size + data.results.length,
                    of: data.total_count,
                  })}
                </span>
              </p>
            </>
          );
        }}
      </Widget>
    </div>
  );
}

/** How long a cell's bar is: against the largest of the page; a completion rate against 1. */
export function shareOfLargest(rows: readonly BotRow[], row: BotRow, column: Column): string {
  const of = (one: BotRow) => Math.max(0, one[column] ?? 0);
  const largest = column === "completion_rate" ? 1 : Math.max(...rows.map(of));
  return largest > 0 ? `${Math.round((of(row) / largest) * 1000) / 10}%` : "0%";
}

/** First, current ± 1, last. */
export function pagesAround(page: number, pages: number): number[] {
  return [...new Set([1, page - 1, page, page + 1, pages])]
    .filter((number) => number >= 1 && number <= pages)
    .sort((a, b) => a - b);
}

function Cell({ row, column, locale }: { row: BotRow; column: Column; locale: string }) {
  const style = { locale };
  switch (column) {
    case "avg_session_duration":
      return row.avg_session_duration > 0 ? formatDuration(row.avg_session_duration * 60, locale) : "-";
    case "completion_rate":
      return formatPercent(row.completion_rate, locale, 0);
    case "avg_messages_per_session":
      return formatFull(Math.round(row.avg_messages_per_session * 10) / 10, "number", style);
    case "cost":
    case "cost_per_session": {
      const value = row[column];
      return value === null || value === undefined ? "–" : formatFull(value, "money", style);
    }
    default:
      return column === "messages" ? (
        <strong>{formatFull(row[column], "number", style)}</strong>
      ) : (
        formatFull(row[column], "number", style)
      );
  }
}
