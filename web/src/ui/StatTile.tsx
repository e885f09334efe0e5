import type { ReactNode } from "react";
import { Sparkline } from "../charts/Sparkline";
import { formatFull, formatPercent, formatTile, type NumberStyle, type ValueType } from "../lib/format";
import { useI18n } from "../lib/i18n";
import type { Change } from "../series/compare";
import type { Point } from "../series/model";
import { Help } from "./controls";
import "./figure.css";
import { Icon } from "./icons/Icon";

export type TileState = "loading" | "updating" | "empty" | "failed" | "ready";

/** One number with its unit, comparison, date and state: a number is never alone. */
export function StatTile(props: {
  label: string;
  help?: ReactNode;
  state: TileState;
  value: number | null;
  valueType: ValueType;
  style: NumberStyle;
  /** "as of November 20, 2026", "from …"; read out, shown on hover. */
  scope?: string;
  change?: Change | null;
  /** "in a year", "on the year before". */
  changeWords?: string;
  spark?: readonly Point[];
  /** Said when there is no value, or only part of one. */
  note?: string;
  fullUpTo?: number;
  retry?: () => void;
  /** After the number, smaller: "of 6". */
  suffix?: string;
}) {
  const { t, locale } = useI18n();
  const { value, style } = props;
  const shown = value === null ? null : formatTile(value, props.valueType, style, props.fullUpTo);
  const full = value === null ? "" : fullText(value, props.valueType, style, t);
  const shortened = shown !== null && `${shown.number}${shown.unit ? ` ${shown.unit}` : ""}` !== full;
  return (
    <section className="tile" aria-label={props.label}>
      <header className="tile-head">
        <h2 className="tile-label">{props.label}</h2>
        {props.help && <Help about={props.label}>{props.help}</Help>}
      </header>
      {props.state === "loading" ? (
        <div key="loading" role="status" className="tile-loading">
          <div className="tile-skeleton number" />
          <div className="tile-skeleton line" />
          <span className="visually-hidden">{t("state.loading")}</span>
        </div>
      ) : (
        <div key="number" className="tile-row">
          <div>
            {shown ? (
              <p className="tile-value" {...(shortened ? { tabIndex: 0 } : {})}>
                <data className="tile-number" value={value!}>
                  {shown.number}
                  {shown.unit && <span className="unit">{shown.unit}</span>}
                  {props.suffix && <span className="unit">{props.suffix}</span>}
                </data>
                {shortened && <span className="float tile-full">{full}</span>}
                {props.scope && <span className="visually-hidden"> {props.scope}</span>}
              </p>
            ) : (
              <p className="tile-number">–</p>
            )}
            {props.state === "failed" ? (
              <p className="tile-failed">
                <Icon name="warning" />
                {t("tile.failed")}
                {props.retry && (
                  <button type="button" onClick={props.retry}>
                    {t("action.tryAgain")}
                  </button>
                )}
              </p>
            ) : (
              <p className="tile-change">
                {props.state === "updating" ? (
                  t("tile.updating")
                ) : value === null ? (
                  (props.note ?? t("tile.noData"))
                ) : (
                  <>
                    {props.change && (
                      <ChangeText
                        change={props.change}
                        words={props.changeWords ?? ""}
                        valueType={props.valueType}
                        style={style}
                        locale={locale}
                      />
                    )}
                    {props.note && <span> {props.note}</span>}
                  </>
                )}
              </p>
            )}
          </div>
          {props.spark && props.spark.length > 1 && value !== null && (
            <div className="tile-spark">
              <Sparkline points={props.spark} />
            </div>
          )}
        </div>
      )}
    </section>
  );
}

function fullText(value: number, type: ValueType, style: NumberStyle, t: ReturnType<typeof useI18n>["t"]): string {
  return type === "filesize" ? t("chart.bytes", { count: value }) : formatFull(value, type, style);
}

/** ▲ and ▼ in ink: rise is not good and fall is not bad. */
export function ChangeText(props: {
  change: Change;
  words: string;
  valueType: ValueType;
  style: NumberStyle;
  locale: string;
}) {
  const { t } = useI18n();
  const { difference, relative, before } = props.change;
  if (difference === null) return <>{t("change.nothingToCompare")}</>;
  if (difference === 0) {
    return (
      <>
        <strong>{t("change.none")}</strong> {props.words}
      </>
    );
  }
  const amount = formatFull(Math.abs(difference), props.valueType, props.style);
  const percent =
    before === 0 ? t("change.new") : relative === null ? "" : formatPercent(Math.abs(relative), props.locale);
  return (
    <>
      <span aria-hidden="true" className="arrow">
        {difference > 0 ? "▲" : "▼"}
      </span>{" "}
      <span className="visually-hidden">{difference > 0 ? t("change.up") : t("change.down")} </span>
      <strong>{amount}</strong> {props.words}
      {percent && ` (${percent})`}
    </>
  );
}
