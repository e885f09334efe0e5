import { useState } from "react";
import { formatFull, formatPercent, formatTile, type NumberStyle, type ValueType } from "../lib/format";
import { useI18n } from "../lib/i18n";
import type { BreakdownList, BreakdownRow } from "../series/breakdown";
import { Icon } from "../ui/icons/Icon";
import "./charts.css";
import { Donut } from "./Donut";

export type BreakdownView = "list" | "bar" | "pie" | "table";

export interface RowLinks {
  /** Where a row leads, or `null` where there is no such page. */
  href: (row: BreakdownRow) => string | null;
  /** Filters the page by the row. */
  filter?: (row: BreakdownRow) => void;
  filtered?: string | null;
}

/** One breakdown as rows whose rule is the bar, as bars, or as a donut with its table. */
export function BreakdownFigure(props: {
  list: BreakdownList;
  view: BreakdownView;
  title: string;
  valueLabel: string;
  valueType: ValueType;
  style: NumberStyle;
  links: RowLinks;
  /** Which number the rows show; affiliations have two. */
  contributions?: boolean;
}) {
  const { list, view } = props;
  if (view === "pie") return <PieView {...props} />;
  return <RowsView {...props} list={list} thick={view === "bar"} />;
}

function RowsView(props: Parameters<typeof BreakdownFigure>[0] & { thick: boolean }) {
  const { t, locale } = useI18n();
  const { list, style } = props;
  const [unfolded, setUnfolded] = useState(false);
  const [shownMembers, setShownMembers] = useState(20);
  const numberOf = (row: BreakdownRow) => (props.contributions ? (row.contributions ?? null) : row.value);
  const largest = Math.max(
    1e-9,
    ...list.rows.filter((row) => !row.other || !list.otherHasNoBar).map((row) => numberOf(row) ?? 0),
  );
  const render = (row: BreakdownRow, member = false) => {
    const value = numberOf(row);
    const drawn = !member && value !== null && !(row.other && list.otherHasNoBar) && !(row.other && list.otherAsText);
    return (
      <tr
        key={`${member ? "m" : "r"}${row.id}`}
        className={`${member ? "member" : ""} ${props.links.filtered === row.id ? "filtered" : ""}`}
      >
        <td>
          <RowName row={row} links={props.links} unfolded={unfolded} onUnfold={() => setUnfolded(!unfolded)} />
          {drawn && (
            <span
              className={`breakdown-bar ${row.other ? "other" : ""} ${props.thick ? "thick" : ""}`}
              style={{ inlineSize: barLength(value / largest) }}
              aria-hidden="true"
            />
          )}
        </td>
        <td className="value">{value === null ? "–" : formatFull(value, props.valueType, style)}</td>
        <td className="share">{row.share === null || props.contributions ? "" : formatPercent(row.share, locale)}</td>
      </tr>
    );
  };
  return (
    <>
      <table className={`breakdown-list ${props.thick ? "thick" : ""}`}>
        <caption className="visually-hidden">{props.title}</caption>
        <thead>
          <tr>
            <th scope="col">
              <span className="visually-hidden">{t("breakdown.value")}</span>
            </th>
            <th scope="col" className="col-number">
              {props.contributions ? t("breakdown.contributions") : props.valueLabel}
            </th>
            <th scope="col" className="col-share">
              {props.contributions ? "" : t("breakdown.share")}
            </th>
          </tr>
        </thead>
        <tbody>
          {list.rows.map((row) => render(row))}
          {unfolded &&
            list.rows
              .find((row) => row.other)
              ?.members?.slice(0, shownMembers)
              .map((row) => render(row, true))}
        </tbody>
      </table>
      {unfolded && (list.rows.find((row) => row.other)?.members?.length ?? 0) > shownMembers && (
        <button
          type="button"
          className="foot-link more-rows"
          onClick={() => setShownMembers(Math.min(100, shownMembers + 40))}
        >
          {t("breakdown.showMore")}
        </button>
      )}
    </>
  );
}

/** The bar is as long as its part of the whole row, the number columns included. */
function barLength(part: number): string {
  return `calc(${(Math.max(0, Math.min(1, part)) * 100).toFixed(2)}% )`;
}

function RowName({
  row,
  links,
  unfolded,
  onUnfold,
}: {
  row: BreakdownRow;
  links: RowLinks;
  unfolded: boolean;
  onUnfold: () => void;
}) {
  const { t } = useI18n();
  if (row.other) {
    const canUnfold = (row.members?.length ?? 0) > 0;
    return (
      <div className="breakdown-name">
        {canUnfold ? (
          <button type="button" className="unfold" aria-expanded={unfolded} onClick={onUnfold}>
            <Icon name="right" />
            {row.name}
          </button>
        ) : (
          <span>{row.name}</span>
        )}
      </div>
    );
  }
  const href = links.href(row);
  const title = row.longName ?? row.name;
  return (
    <div className="breakdown-name">
      {links.filter ? (
        <button type="button" title={title} onClick={() => links.filter!(row)}>
          {row.name}
        </button>
      ) : (
        <span title={title}>{row.name}</span>
      )}
      {href && (
        <a
          className="row-link"
          href={href}
          target="_blank"
          rel="noopener"
          aria-label={t("breakdown.open", { name: row.name })}
        >
          <Icon name="share" />
        </a>
      )}
    </div>
  );
}

/** A donut for up to six parts with its table beside it; more parts are rows in the table only, told apart by Other. */
function PieView(props: Parameters<typeof BreakdownFigure>[0]) {
  const { locale, t } = useI18n();
  const { list, style, valueType } = props;
  const rows = list.rows.filter((row) => !(row.other && list.otherAsText));
  const head = rows.filter((row) => !row.other).slice(0, 5);
  const rest = rows.filter((row) => row.other || !head.includes(row));
  const restValue = rest.reduce((sum, row) => sum + row.value, 0);
  const parts = [
    ...head.map((row) => ({ id: row.id, name: row.name, value: row.value, share: row.share, color: row.color, row })),
    ...(restValue > 0
      ? [
          {
            id: "other",
            name: rest.length === 1 ? rest[0]!.name : t("breakdown.other"),
            value: restValue,
            share: list.total ? restValue / list.total : null,
            color: -1,
            row: null,
          },
        ]
      : []),
  ];
  const total = list.total === null ? null : formatTile(list.total, valueType, style, 99_999);
  return (
    <div className="parts">
      <div className="donut">
        <Donut parts={parts.map(({ value, color, id }) => ({ id, value, color }))} />
        <p className="donut-total">
          <b>{total ? `${total.number}${total.unit ? ` ${total.unit}` : ""}` : "–"}</b>
          {props.valueLabel}
        </p>
      </div>
      <table className="parts-table">
        <caption className="visually-hidden">{props.title}</caption>
        <tbody>
          {parts.map((part) => (
            <tr key={part.id}>
              <td>
                <span>
                  <i className={`swatch s${part.color < 0 ? "o" : part.color % 8}`} />
                  {part.row ? (
                    <RowName row={part.row} links={props.links} unfolded={false} onUnfold={() => undefined} />
                  ) : (
                    part.name
                  )}
                </span>
              </td>
              <td>{formatFull(part.value, valueType, style)}</td>
              <td className="muted">{part.share === null ? "" : formatPercent(part.share, locale)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
