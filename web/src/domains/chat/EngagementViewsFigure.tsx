import { useMemo } from "react";
import { type EngagementViews, useChat } from "../../api/chat";
import type { Day } from "../../lib/days";
import { parseDay } from "../../lib/days";
import { formatDayShort, formatFull, formatMonth, formatPercent } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { Drawn } from "./ChatCharts";
import { classesFigure, type Line } from "./figures";
import { Widget } from "./Widget";

/** Seven months, whatever the range: who comes back, how often, how long they stay, where. The other filters apply. */
export function EngagementViewsFigure(props: { query: string; enabled: boolean; today: Day }) {
  const { t, locale } = useI18n();
  const views = useChat<EngagementViews>("engagement-views", props.query, props.enabled);
  const month = useMemo(
    () => (row: { month: string }) => {
      const day = parseDay(`${row.month}-01`);
      return day === null ? row.month : formatMonth(day, locale, "short");
    },
    [locale],
  );
  return (
    <div className="grid">
      <Widget
        title={t("chat.views")}
        subtitle={t("chat.viewsNote")}
        height={420}
        answer={views}
        isEmpty={(data) => data.monthly_active_users.every((row) => row.monthly_active_users === 0)}
      >
        {(data) => (
          <div className="views-parts">
            <Part title={t("chat.monthlyUsers")}>
              <Drawn
                title={t("chat.monthlyUsers")}
                bars
                figure={classesFigure({
                  rows: data.monthly_active_users,
                  label: month,
                  lines: [],
                  total: { id: "users", name: t("chat.participants"), pick: (row) => row.monthly_active_users },
                  running: true,
                })}
              />
            </Part>
            <Part title={t("chat.coreRate")} note={t("chat.coreRateNote")}>
              <Drawn
                title={t("chat.coreRate")}
                figure={classesFigure({
                  rows: data.monthly_active_users,
                  label: month,
                  lines: [],
                  total: { id: "rate", name: t("chat.coreRate"), pick: (row) => row.core_user_rate },
                  running: true,
                  valueType: "percent",
                })}
              />
            </Part>
            <Part title={t("chat.frequency")} note={t("chat.frequencyNote")}>
              <Drawn title={t("chat.frequency")} bars stacked figure={frequencyFigure(data, t, month)} />
            </Part>
            <Part title={t("chat.newReturning")}>
              <Drawn
                title={t("chat.newReturning")}
                bars
                stacked
                figure={classesFigure({
                  rows: data.weekly_new_returning,
                  label: (row) => {
                    const day = parseDay(row.week);
                    return day === null ? row.week : formatDayShort(day, locale);
                  },
                  lines: [
                    { id: "returning", name: t("chat.returning"), pick: (row) => row.returning },
                    { id: "new", name: t("chat.new"), pick: (row) => row.new },
                  ],
                  total: { id: "all", name: t("chat.participants"), pick: (row) => row.new + row.returning },
                  running: true,
                })}
              />
            </Part>
            <Part title={t("chat.monthlyLength")}>
              <Drawn
                title={t("chat.monthlyLength")}
                figure={classesFigure({
                  rows: data.session_length,
                  label: month,
                  lines: [],
                  total: {
                    id: "length",
                    name: t("chat.monthlyLength"),
                    pick: (row) => (row.avg_session_minutes === null ? null : row.avg_session_minutes * 60),
                  },
                  running: true,
                  valueType: "seconds",
                })}
              />
            </Part>
            <Part title={t("chat.topBots")}>
              <Top title={t("chat.topBots")} rows={data.top_chatbots} />
            </Part>
            <Part title={t("chat.topChannels")}>
              <Top title={t("chat.topChannels")} rows={data.top_channels} />
            </Part>
          </div>
        )}
      </Widget>
    </div>
  );
}

function Part(props: { title: string; note?: string; children: React.ReactNode }) {
  return (
    <div className="views-part">
      <h3>{props.title}</h3>
      {props.note && <p className="caption">{props.note}</p>}
      {props.children}
    </div>
  );
}

const WEEKS = ["1_week", "2_weeks", "3_weeks", "4_plus_weeks"] as const;
type Frequency = EngagementViews["frequency"][number];

function frequencyFigure(
  data: EngagementViews,
  t: ReturnType<typeof useI18n>["t"],
  month: (row: { month: string }) => string,
) {
  const lines = WEEKS.map((id): Line<Frequency> => ({ id, name: t(`chat.weeks.${id}`), pick: (row) => row[id] }));
  const all = (row: Frequency) => WEEKS.reduce((sum, id) => sum + row[id], 0);
  return classesFigure({
    rows: data.frequency,
    label: month,
    lines,
    total: { id: "all", name: t("chat.participants"), pick: all },
    running: true,
  });
}

function Top(props: { title: string; rows: EngagementViews["top_chatbots"] }) {
  const { t, locale } = useI18n();
  return (
    <div className="table-scroll" role="region" aria-label={t("table.of", { name: props.title })} tabIndex={0}>
      <table className="data-table">
        <caption className="visually-hidden">{props.title}</caption>
        <thead>
          <tr>
            <th scope="col">{t("chat.column.name")}</th>
            <th scope="col">{t("chat.column.sessions")}</th>
            <th scope="col">{t("chat.share")}</th>
            <th scope="col">{t("chat.monthBefore")}</th>
          </tr>
        </thead>
        <tbody>
          {props.rows.map((row) => (
            <tr key={row.name}>
              <td>{row.name}</td>
              <td>{formatFull(row.sessions, "number", { locale })}</td>
              <td>{formatPercent(row.share / 100, locale)}</td>
              <td>{formatFull(row.previous_month_sessions, "number", { locale })}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
