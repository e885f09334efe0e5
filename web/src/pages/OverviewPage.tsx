import { apiBase } from "../api/client";
import { useOverview } from "../api/overview";
import type { Overview } from "../api/types";
import { parseDay } from "../lib/days";
import { formatDay, formatFull, formatInstantWithDay } from "../lib/format";
import { useI18n } from "../lib/i18n";
import { DataTable } from "../ui/DataTable";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../ui/Figure";
import { PageHead, Shell } from "../ui/Shell";
import { StatTile } from "../ui/StatTile";

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
      {repository && <Repository repository={repository} />}
      {packages && packages.products.length > 0 && (
        <div className="grid">
          <Figure title={t("nav.packages")} subtitle={t("overview.packages", { count: packages.products.length })}>
            <Links
              items={packages.products.map((product) => ({
                id: product.id,
                label: product.name,
                href: `${apiBase()}/packages`,
              }))}
            />
          </Figure>
        </div>
      )}
      {chat && chat.bots.length > 0 && (
        <div className="grid">
          <Figure title={t("nav.chat")} subtitle={t("overview.chat", { count: chat.bots.length })}>
            <Links
              items={chat.bots.map((bot) => ({
                id: bot.id,
                label: bot.name,
                href: `/a/${overview.team}/dashboard/?experiments=${encodeURIComponent(bot.id)}`,
              }))}
            />
          </Figure>
        </div>
      )}
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
