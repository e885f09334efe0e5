import { type ReactNode, useMemo, useState } from "react";
import {
  type ChannelBreakdown,
  type Engagement,
  type MessageVolume,
  type ResponseTimes,
  type SessionAnalytics,
  useChat,
} from "../../api/chat";
import { BreakdownFigure } from "../../charts/BreakdownFigure";
import { StateKey } from "../../charts/StateGlyph";
import { TimeChart } from "../../charts/TimeChart";
import { TimeTable, timeFigureCsv } from "../../charts/TimeTable";
import type { Day } from "../../lib/days";
import { fileName, saveFile } from "../../lib/download";
import { useI18n } from "../../lib/i18n";
import type { BreakdownList } from "../../series/breakdown";
import type { TimeFigure } from "../../series/model";
import { Help, Segmented } from "../../ui/controls";
import { FigureTools } from "../../ui/figureTools";
import { chatFigure, histogramFigure, type Line } from "./figures";
import type { ChatFilter } from "./filters";
import { Widget } from "./Widget";

const HEIGHT = 200;
const HALF = { "--span": 8, "--span-tablet": 8 } as React.CSSProperties;

const SHAPES = ["bars", "line"] as const;
type SessionsShape = (typeof SHAPES)[number];

/** Bars: sessions and the people in them on one another. Line: sessions alone. Both lists of the answer have the same dates. */
export function sessionLines(data: SessionAnalytics, shape: SessionsShape, t: ReturnType<typeof useI18n>["t"]) {
  const rows = data.sessions.map((row, index) => ({
    date: row.date,
    sessions: row.active_sessions,
    participants: data.participants[index]?.active_participants ?? 0,
  }));
  type Row = (typeof rows)[number];
  const sessions: Line<Row> = { id: "sessions", name: t("chat.sessions"), pick: (row) => row.sessions };
  if (shape === "line") return { rows, lines: [], total: sessions };
  const participants: Line<Row> = { id: "participants", name: t("chat.participants"), pick: (row) => row.participants };
  const both: Line<Row> = { id: "both", name: t("chat.both"), pick: (row) => row.sessions + row.participants };
  return { rows, lines: [sessions, participants], total: both };
}

/** Six figures, two by two: people, sessions, messages, response time, channels, session length. */
export function ChatCharts(props: { query: string; enabled: boolean; filter: ChatFilter; today: Day }) {
  const { t, locale } = useI18n();
  const { query, enabled, filter, today } = props;
  const filled = `${query}&fill=1`;
  const sessions = useChat<SessionAnalytics>("session-analytics", filled, enabled);
  const volume = useChat<MessageVolume>("message-volume", filled, enabled);
  const times = useChat<ResponseTimes>("average-response-time", query, enabled);
  const channels = useChat<ChannelBreakdown>("channel-breakdown", query, enabled);
  const people = useChat<Engagement>("user-engagement", query, enabled);
  const base = { step: filter.step, today, locale };
  const frame = volume.data?.totals.map((row) => row.date) ?? [];
  const per = t(`chat.per.${filter.step}`);
  const [sessionsShape, setSessionsShape] = useState<SessionsShape>("bars");
  return (
    <div className="grid">
      <div style={HALF}>
        <Widget
          title={t("chat.participants")}
          label={t("chat.overTime", { name: t("chat.participants") })}
          subtitle={`${t("chat.participantsNote")}, ${per}`}
          help={
            <Help about={t("chat.participants")}>
              <p>{t("chat.participantsHelp")}</p>
            </Help>
          }
          height={HEIGHT}
          answer={sessions}
          isEmpty={(data) => data.participants.every((row) => row.active_participants === 0)}
        >
          {(data) => (
            <Drawn
              title={t("chat.participants")}
              figure={chatFigure({
                ...base,
                rows: data.participants,
                frame: [],
                lines: [],
                total: { id: "participants", name: t("chat.participants"), pick: (row) => row.active_participants },
                absentIsZero: true,
              })}
            />
          )}
        </Widget>
      </div>
      <div style={HALF} className="with-tools">
        <Widget
          title={t("chat.sessions")}
          subtitle={`${t("chat.sessionsNote")}, ${per}`}
          help={
            <Help about={t("chat.sessions")}>
              <p>{t("chat.sessionsHelp")}</p>
            </Help>
          }
          controls={
            <Segmented
              label={t("chat.sessionsShape")}
              value={sessionsShape}
              choices={SHAPES.map((id) => ({ id, label: t(`chat.shape.${id}`) }))}
              onChange={setSessionsShape}
            />
          }
          height={HEIGHT}
          answer={sessions}
          isEmpty={(data) => data.sessions.every((row) => row.active_sessions === 0)}
        >
          {(data) => (
            <Drawn
              title={t("chat.sessions")}
              figure={chatFigure({ ...base, ...sessionLines(data, sessionsShape, t), frame: [], absentIsZero: true })}
              bars={sessionsShape === "bars"}
              stacked
            />
          )}
        </Widget>
      </div>
      <div style={HALF}>
        <Widget
          title={t("chat.messages")}
          subtitle={`${t("chat.messagesNote")}, ${per}`}
          height={HEIGHT}
          answer={volume}
          isEmpty={(data) => data.totals.every((row) => row.total_messages === 0)}
        >
          {(data) => (
            <Drawn
              title={t("chat.messages")}
              figure={chatFigure({
                ...base,
                rows: data.totals,
                frame: [],
                lines: [
                  { id: "ai", name: t("chat.ai"), pick: (row) => row.ai_messages },
                  { id: "human", name: t("chat.human"), pick: (row) => row.human_messages },
                ],
                total: { id: "total", name: t("chat.allMessages"), pick: (row) => row.total_messages },
                absentIsZero: true,
              })}
            />
          )}
        </Widget>
      </div>
      <div style={HALF}>
        <Widget
          title={t("chat.responseTime")}
          subtitle={`${t("chat.responseTimeNote")}, ${per}`}
          height={HEIGHT}
          answer={times}
          isEmpty={(data) => data.length === 0}
          foot={<StateKey />}
        >
          {(data) => (
            <Drawn
              title={t("chat.responseTime")}
              figure={chatFigure({
                ...base,
                rows: data,
                frame,
                lines: [],
                total: { id: "seconds", name: t("chat.responseTime"), pick: (row) => row.avg_response_time_sec },
                valueType: "seconds",
                absentIsZero: false,
              })}
            />
          )}
        </Widget>
      </div>
      <div style={HALF}>
        <Widget
          title={t("chat.channels")}
          subtitle={t("chat.channelsNote")}
          height={HEIGHT}
          answer={channels}
          isEmpty={(data) => data.totals.sessions === 0}
        >
          {(data) => (
            <BreakdownFigure
              list={channelList(data)}
              view="pie"
              title={t("chat.channels")}
              valueLabel={t("chat.sessionsShort")}
              valueType="number"
              style={{ locale }}
              links={{ href: () => null }}
            />
          )}
        </Widget>
      </div>
      <div style={HALF}>
        <Widget
          title={t("chat.length")}
          subtitle={t("chat.lengthNote")}
          height={HEIGHT}
          answer={people}
          isEmpty={(data) => data.session_length_distribution.length === 0}
        >
          {(data) => (
            <Drawn
              title={t("chat.length")}
              figure={histogramFigure(data.session_length_distribution, t("chat.sessionsShort"), locale)}
              bars
            />
          )}
        </Widget>
      </div>
    </div>
  );
}

/** A drawing with its table and its file one step away. */
export function Drawn(props: {
  title: string;
  figure: TimeFigure | null;
  bars?: boolean;
  stacked?: boolean;
}): ReactNode {
  const { locale } = useI18n();
  const [asTable, setAsTable] = useState(false);
  const style = useMemo(() => ({ locale }), [locale]);
  const { figure, title } = props;
  if (!figure) return null;
  return (
    <div className="drawn">
      <div className="drawn-tools">
        <FigureTools
          asTable={asTable}
          onTable={setAsTable}
          onDownload={() => saveFile(`${fileName("chat", title)}.csv`, timeFigureCsv(figure), "text/csv;charset=utf-8")}
        />
      </div>
      {asTable ? (
        <TimeTable figure={figure} title={title} style={style} height={HEIGHT} />
      ) : (
        <TimeChart
          figure={figure}
          title={title}
          shape={props.bars ? "bar" : "line"}
          stacked={Boolean(props.bars && props.stacked)}
          height={HEIGHT}
          style={style}
          legend="top"
        />
      )}
    </div>
  );
}

export function channelList(data: ChannelBreakdown): BreakdownList {
  const names: Record<string, string> = {
    web: "Web",
    api: "API",
    whatsapp: "WhatsApp",
    facebook: "Facebook",
    commcare_connect: "CommCare Connect",
    sureadhere: "SureAdhere",
  };
  return {
    rows: data.platforms
      .filter((row) => row.sessions > 0)
      .map((row, index) => ({
        id: row.platform,
        name:
          names[row.platform] ?? row.platform.replaceAll("_", " ").replace(/^\p{L}/u, (letter) => letter.toUpperCase()),
        value: row.sessions,
        share: data.totals.sessions ? row.sessions / data.totals.sessions : null,
        color: index,
      })),
    total: data.totals.sessions,
    sharesMayPass: false,
    otherHasNoBar: false,
    otherAsText: false,
  };
}
