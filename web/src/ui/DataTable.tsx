import { type ReactNode, useState } from "react";
import { csvText } from "../lib/csv";
import { useI18n } from "../lib/i18n";
import "./figure.css";

export interface Column<Row> {
  id: string;
  label: string;
  cell: (row: Row) => ReactNode;
  /** Rows sort by it; columns without are not sortable. */
  sort?: (row: Row) => number | string | null;
  start?: boolean;
  /** What a downloaded file holds: the value itself, days as YYYY-MM-DD, `null` where there is none. */
  csv?: (row: Row) => string | number | null;
}

/** The table as a file: its columns in its order, the rows as they were handed in. */
export function tableCsv<Row>(columns: readonly Column<Row>[], rows: readonly Row[]): string {
  const kept = columns.filter((column) => column.csv);
  return csvText([kept.map((column) => column.label), ...rows.map((row) => kept.map((column) => column.csv!(row)))]);
}

/** A table of figures: sticky head and first column, sorted by its columns, paged when asked. */
export function DataTable<Row>(props: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  /** Sorted by this column, largest first, until the reader chooses. */
  sortBy?: string;
  pageSize?: number;
  height?: number;
  total?: ReactNode;
}) {
  const { t } = useI18n();
  const [sort, setSort] = useState<{ id: string; descending: boolean } | null>(
    props.sortBy ? { id: props.sortBy, descending: true } : null,
  );
  const [page, setPage] = useState(0);
  const column = props.columns.find((one) => one.id === sort?.id);
  const rows = column?.sort
    ? [...props.rows].sort((a, b) => compare(column.sort!(a), column.sort!(b)) * (sort!.descending ? -1 : 1))
    : props.rows;
  const size = props.pageSize ?? rows.length;
  const pages = Math.max(1, Math.ceil(rows.length / Math.max(1, size)));
  const current = Math.min(page, pages - 1);
  const shown = rows.slice(current * size, (current + 1) * size);
  return (
    <>
      <div
        className="table-scroll"
        style={props.height ? { height: props.height } : undefined}
        role="region"
        aria-label={t("table.of", { name: props.caption })}
        tabIndex={0}
      >
        <table className="data-table">
          <caption className="visually-hidden">{props.caption}</caption>
          <thead>
            <tr>
              {props.columns.map((one) => (
                <th
                  key={one.id}
                  scope="col"
                  className={one.start ? "start" : ""}
                  {...(sort?.id === one.id
                    ? { "aria-sort": sort.descending ? ("descending" as const) : ("ascending" as const) }
                    : {})}
                >
                  {one.sort ? (
                    <button
                      type="button"
                      onClick={() => setSort({ id: one.id, descending: sort?.id === one.id ? !sort.descending : true })}
                    >
                      {one.label}
                      {sort?.id === one.id && <span aria-hidden="true">{sort.descending ? " ↓" : " ↑"}</span>}
                    </button>
                  ) : (
                    one.label
                  )}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <tr key={props.rowKey(row)}>
                {props.columns.map((one) => (
                  <td key={one.id} className={one.start ? "start" : ""}>
                    {one.cell(row)}
                  </td>
                ))}
              </tr>
            ))}
            {props.total}
          </tbody>
        </table>
      </div>
      {pages > 1 && (
        <p className="pager">
          <button type="button" disabled={current === 0} onClick={() => setPage(current - 1)}>
            {t("table.previous")}
          </button>
          <span>
            {t("table.showing", {
              from: current * size + 1,
              to: Math.min(rows.length, (current + 1) * size),
              of: rows.length,
            })}
          </span>
          <button type="button" disabled={current === pages - 1} onClick={() => setPage(current + 1)}>
            {t("table.next")}
          </button>
        </p>
      )}
    </>
  );
}

/** Nothing known sorts below everything known. */
function compare(a: number | string | null, b: number | string | null): number {
  if (a === null || b === null) return a === b ? 0 : a === null ? -1 : 1;
  if (typeof a === "number" && typeof b === "number") return a - b;
  return String(a).localeCompare(String(b));
}
