import { type ChatOverview, type MessageVolume, type SessionAnalytics, useChat } from "../../api/chat";
import type { Day } from "../../lib/days";
import { formatTile } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import type { Change } from "../../series/compare";
import type { Point } from "../../series/model";
import { StatTile, type TileState } from "../../ui/StatTile";
import { chatFigure } from "./figures";
import type { ChatFilter } from "./filters";

const TILES = [
  { id: "bots", value: "active_experiments", of: "total_experiments" },
  { id: "participants", value: "active_participants", of: "total_participants" },
  { id: "sessions", value: "completed_sessions", of: "total_sessions" },
  { id: "messages", value: "total_messages", of: null },
] as const;
/** From 1,000 chat tiles are compact. */
const FULL_UP_TO = 999;

/** Four tiles: active bots, active participants, completed sessions, messages; each against as many days before. */
export function ChatTiles(props: { query: string; earlier: string; enabled: boolean; filter: ChatFilter; today: Day }) {
  const { t, locale } = useI18n();
  const now = useChat<ChatOverview>("overview", props.query, props.enabled);
  const before = useChat<ChatOverview>("overview", props.earlier, props.enabled && props.earlier !== "");
  const volume = useChat<MessageVolume>("message-volume", `${props.query}&fill=1`, props.enabled);
  const sessions = useChat<SessionAnalytics>("session-analytics", `${props.query}&fill=1`, props.enabled);
  const style = { locale };
  const frame = { step: props.filter.step, today: props.today, locale, absentIsZero: true, lines: [] };
  const sparks: Record<string, readonly Point[]> = {
    participants: sessions.data
      ? (chatFigure({
          ...frame,
          rows: sessions.data.participants,
          frame: [],
          total: { id: "p", name: "", pick: (row) => row.active_participants },
        })?.total.points ?? [])
      : [],
    sessions: sessions.data
      ? (chatFigure({
          ...frame,
          rows: sessions.data.sessions,
          frame: [],
          total: { id: "s", name: "", pick: (row) => row.active_sessions },
        })?.total.points ?? [])
      : [],
    messages: volume.data
      ? (chatFigure({
          ...frame,
          rows: volume.data.totals,
          frame: [],
          total: { id: "m", name: "", pick: (row) => row.total_messages },
        })?.total.points ?? [])
      : [],
  };
  const state: TileState = now.data
    ? now.isPlaceholderData
      ? "updating"
      : "ready"
    : now.isError
      ? "failed"
      : "loading";
  return (
    <div className="grid">
      {TILES.map((tile) => {
        const value = now.data?.[tile.value] ?? null;
        const then = before.data && !before.isPlaceholderData ? before.data[tile.value] : null;
        const of = tile.of && now.data ? formatTile(now.data[tile.of], "number", style, FULL_UP_TO).number : null;
        const change: Change | null =
          value === null || then === null
            ? null
            : {
                before: then,
                difference: value - then,
                relative: then ? (value - then) / then : null,
                range: { start: 0, end: 0 },
              };
        return (
          <div
            key={tile.id}
            className="half-on-narrow"
            style={{ "--span": 4, "--span-tablet": 4 } as React.CSSProperties}
          >
            <StatTile
              label={t(`chat.tile.${tile.id}`)}
              help={
                <p>
                  {t(`chat.tile.${tile.id}Help`)} {t("chat.onDaysBefore")}
                </p>
              }
              state={state}
              value={value}
              valueType="number"
              style={style}
              fullUpTo={FULL_UP_TO}
              {...(of ? { suffix: t("chat.of", { total: of }) } : {})}
              change={change}
              spark={sparks[tile.id] ?? []}
              retry={() => void now.refetch()}
            />
          </div>
        );
      })}
    </div>
  );
}
