import { useQuery } from "@tanstack/react-query";
import type { ReactNode } from "react";
import type { ChatOverview } from "../api/chat";
import { apiBase, getJson } from "../api/client";
import { useOverview } from "../api/overview";
import { usePackagesReport } from "../api/packages";
import type { Overview } from "../api/types";
import { parseDay, startOfPeriod } from "../lib/days";
import { formatDay, formatFull, formatInstantWithDay, formatMonth } from "../lib/format";
import { useI18n } from "../lib/i18n";
import { DataTable } from "../ui/DataTable";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../ui/Figure";
import { Icon } from "../ui/icons/Icon";
import { PageHead, Shell } from "../ui/Shell";
import { StatTile } from "../ui/StatTile";
import { useRead } from "./people/api";
import type { Alert } from "./reports/alerts";

/** `/`: what is here, how far it is complete, and where to go. */
export default function OverviewPage() {
  const { t } = useI18n();
  const overview = useOverview();
  return (
    <Shell current="overview">
      <PageHead crumbs={[{ label: "Tallykeep" }]} title={t("overview.title")} purpose={t("overview.purpose")} />
      <div style={{ marginTop: 24 }}>
        {overview.isPending ? (
          <FigureLoading height={240} />
        ) : overview.isError ? (
          <FigureError
            title={t("error.page")}
            cause={t("error.cause", { cause: overview.error.message })}
            retry={() => void overview.refetch()}
          />
        ) : (
          <Domains overview={overview.data} />
        )}
      </div>
    </Shell>
  );
}

/** Whether something is out of its usual band, for those who may know; nothing where all is well. */
function WatchNotice() {
  const { t } = useI18n();
  const { data } = useRead<{ alerts: Alert[] }>(`${apiBase()}/api/v1/watch`);
  const open = data?.alerts.filter((alert) => alert.closed_at === null).length ?? 0;
  if (open === 0) return null;
  return (
    <p className="notice bad">
      <Icon name="warning" />
      <a href={`${apiBase()}/watch`}>{t("watch.notice", { count: open })}</a>
    </p>
  );
}

function Domains({ overview }: { overview: Overview }) {
  const { t } = useI18n();
  const { repository, packages, chat } = overview.domains;
  const nothing =
    !repository?.communities.length && !repository?.records && !packages?.products.length && !chat?.bots.length;
  if (nothing) {
    return (
      <FigureEmpty
        title={t("overview.emptyTitle")}
        text={t("overview.empty")}
        command="tallykeep import repository --records records.ndjson"
        waiting={t("overview.waiting")}
      />
    );
  }
  return (
    <div className="rows">
      {overview.user.roles.length > 0 && <WatchNotice />}
      {repository && <Repository repository={repository} />}
      {packages && packages.products.length > 0 && <Packages packages={packages} />}
      {chat && chat.bots.length > 0 && <Chat chat={chat} team={overview.team} />}
    </div>
  );
}

/** The last whole month's downloads and the stars, each against the month before. */
function Packages({ packages }: { packages: NonNullable<Overview["domains"]["packages"]> }) {
  const { t, locale } = useI18n();
  const report = usePackagesReport();
  const style = { locale };
  const month = parseDay(report.data?.month);
  const named = month === null ? "" : formatMonth(month, locale);
  const before = month === null ? "" : formatMonth(startOfPeriod("month", month) - 1, locale, "short");
  const sumOf = (family: string, pick: "value" | "previous") => {
    const known = (report.data?.lines ?? []).filter((line) => line.family === family && line[pick] !== null);
    return known.length === 0 ? null : known.reduce((sum, line) => sum + line[pick]!, 0);
  };
  return (
    <section>
      <SectionHead title={t("nav.packages")} href={`${apiBase()}/packages`}>
        {t("overview.packages", { count: packages.products.length })}
      </SectionHead>
      <div className="grid">
        {(["downloads", "stars"] as const).map((family) => (
          <Tile
            key={family}
            span={8}
            half
            label={family === "downloads" ? t("overview.downloadsOf", { month: named }).trim() : t("packages.stars")}
            state={report.isPending ? "loading" : report.isError ? "failed" : "ready"}
            value={sumOf(family, "value")}
            before={sumOf(family, "previous")}
            words={t("packages.onMonth", { month: before })}
            help={t(family === "downloads" ? "packages.purpose" : "overview.starsHelp")}
            retry={() => void report.refetch()}
            style={style}
          />
        ))}
      </div>
      <Links
        items={packages.products.map((product) => ({
          id: product.id,
          label: product.name,
          href: `${apiBase()}/packages`,
        }))}
      />
    </section>
  );
}

/** What the team's bots did in the last 30 days. */
function Chat({ chat, team }: { chat: NonNullable<Overview["domains"]["chat"]>; team: string }) {
  const { t, locale } = useI18n();
  const base = `/a/${encodeURIComponent(team)}/dashboard/`;
  const totals = useQuery({
    queryKey: ["overview-chat", team],
    queryFn: ({ signal }) => getJson<ChatOverview>(`${base}api/overview/`, signal),
    staleTime: 60_000,
    retry: 1,
  });
  return (
    <section>
      <SectionHead title={t("nav.chat")} href={base}>
        {t("overview.chatDays", { count: chat.bots.length })}
      </SectionHead>
      <div className="grid">
        {(["active_participants", "completed_sessions", "total_messages"] as const).map((id, index) => (
          <Tile
            key={id}
            span={index === 1 ? 6 : 5}
            half={index > 0}
            label={t(`overview.${id}`)}
            state={totals.isPending ? "loading" : totals.isError ? "failed" : "ready"}
            value={totals.data?.[id] ?? null}
            retry={() => void totals.refetch()}
            style={{ locale }}
          />
        ))}
      </div>
      <Links
        items={chat.bots.map((bot) => ({
          id: bot.id,
          label: bot.name,
          href: `${base}?experiments=${encodeURIComponent(bot.id)}`,
        }))}
      />
    </section>
  );
}

function SectionHead(props: { title: string; href: string; children: ReactNode }) {
  return (
    <div className="section-head">
      <h2 className="section-title">
        <a href={props.href}>{props.title}</a>
      </h2>
      <p className="caption">{props.children}</p>
    </div>
  );
}

function Tile(props: {
  label: string;
  state: "loading" | "failed" | "ready";
  value: number | null;
  before?: number | null;
  words?: string;
  help?: string;
  span: number;
  /** Beside another one on narrow screens. */
  half: boolean;
  style: { locale: string };
  retry: () => void;
}) {
  const { value, before } = props;
  const change =
    value === null || before === null || before === undefined
      ? null
      : {
          before,
          difference: value - before,
          relative: before === 0 ? null : (value - before) / before,
          range: { start: 0, end: 0 },
        };
  return (
    <div
      className={props.half ? "half-on-narrow" : ""}
      style={{ "--span": props.span, "--span-tablet": 4 } as React.CSSProperties}
    >
      <StatTile
        label={props.label}
        state={props.state === "ready" && value === null ? "empty" : props.state}
        value={value}
        valueType="number"
        style={props.style}
        change={change}
        changeWords={props.words ?? ""}
        {...(props.help ? { help: <p>{props.help}</p> } : {})}
        retry={props.retry}
      />
    </div>
  );
}

function Links({ items }: { items: readonly { id: string; label: string; href: string }[] }) {
  return (
    <ul className="link-list">
      {items.map((item) => (
        <li key={item.id}>
          <a href={item.href}>{item.label}</a>
        </li>
      ))}
    </ul>
  );
}

function Repository({ repository }: { repository: NonNullable<Overview["domains"]["repository"]> }) {
  const { t, locale } = useI18n();
  const style = { locale };
  const complete = parseDay(repository.complete_to);
  const tiles = [
    ["records", repository.records],
    ["views", repository.views],
    ["downloads", repository.downloads],
  ] as const;
  return (
    <>
      <div className="section-head" style={{ marginTop: 0 }}>
        <h2 className="section-title">
          <a href={`${apiBase()}/stats`}>{t("nav.repository")}</a>
        </h2>
        <p className="caption">
          {complete !== null && t("overview.complete", { day: formatDay(complete, locale) })}
          {repository.as_of && ` · ${t("overview.asOf", { time: formatInstantWithDay(repository.as_of, locale) })}`}
          {repository.agg_in_progress && ` · ${t("notice.updating")}`}
        </p>
      </div>
      <div className="grid">
        {tiles.map(([id, value], index) => (
          <div
            key={id}
            className={index > 0 ? "half-on-narrow" : ""}
            style={{ "--span": index === 1 ? 6 : 5, "--span-tablet": 4 } as React.CSSProperties}
          >
            <StatTile
              label={t(`overview.${id}`)}
              state={value === null ? "empty" : "ready"}
              value={value}
              valueType="number"
              style={style}
              help={<p>{t(`overview.${id}Help`)}</p>}
            />
          </div>
        ))}
      </div>
      <div className="grid" style={{ marginTop: 28 }}>
        <Figure
          title={t("nav.communities")}
          subtitle={t("overview.communities", { count: repository.communities.length })}
        >
          <DataTable
            caption={t("nav.communities")}
            rows={repository.communities}
            rowKey={(row) => row.id}
            sortBy="records"
            pageSize={25}
            columns={[
              {
                id: "title",
                label: t("overview.community"),
                start: true,
                sort: (row) => row.title,
                cell: (row) =>
                  row.dashboard_enabled ? (
                    <a href={`${apiBase()}/communities/${encodeURIComponent(row.slug)}/stats`}>{row.title}</a>
                  ) : (
                    <span className="muted">
                      {row.title} · {t("overview.notEnabled")}
                    </span>
                  ),
              },
              {
                id: "records",
                label: t("overview.records"),
                sort: (row) => row.records,
                cell: (row) => <strong>{row.records === null ? "–" : formatFull(row.records, "number", style)}</strong>,
              },
            ]}
          />
        </Figure>
      </div>
    </>
  );
}
