import { apiBase } from "../../api/client";
import { useOverview } from "../../api/overview";
import { parseDay } from "../../lib/days";
import { formatDay } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { DataTable } from "../../ui/DataTable";
import { FigureEmpty } from "../../ui/Figure";
import { Icon } from "../../ui/icons/Icon";
import { useRead } from "../people/api";
import { Asked, Instant, PeoplePage } from "../people/parts";
import { type Alert, type AlertWords, wordsOf } from "./alerts";
import "./reports.css";

/** `/watch`: series that left their usual band, since when, and what to check. */
export default function WatchPage() {
  const { t } = useI18n();
  const answer = useRead<{ alerts: Alert[] }>(`${apiBase()}/api/v1/watch`);
  return (
    <PeoplePage id="watch" title={t("watch.title")} purpose={t("watch.purpose")}>
      <Asked title={t("watch.open")} subtitle={t("watch.openAbout")} answer={answer}>
        {({ alerts }) => <Open alerts={alerts.filter((alert) => alert.closed_at === null)} />}
      </Asked>
      <Asked title={t("watch.closed")} subtitle={t("watch.closedAbout")} answer={answer}>
        {({ alerts }) => <Closed alerts={alerts.filter((alert) => alert.closed_at !== null)} />}
      </Asked>
    </PeoplePage>
  );
}

function Open({ alerts }: { alerts: Alert[] }) {
  const { t, locale } = useI18n();
  const hrefOf = useHref();
  if (alerts.length === 0)
    return <FigureEmpty title={t("watch.quiet")} text={t("watch.quietAbout")} command="tallykeep watch" />;
  return (
    <ul className="alert-list">
      {alerts.map((alert) => {
        const words = wordsOf(alert.message);
        const href = hrefOf(alert.key);
        return (
          <li key={alert.key}>
            <p className="alert-name">
              <Icon name="warning" />
              {words.series}
              <span className="caption">{t("watch.since", { day: formatDay(parseDay(alert.since)!, locale) })}</span>
            </p>
            <p>{words.told}</p>
            {words.check && (
              <p>
                <Check words={words} />
              </p>
            )}
            <p className="caption">
              {t("watch.noticed")} <Instant at={alert.opened_at} />
              {href && (
                <>
                  {" · "}
                  <a className="foot-link" href={href} aria-label={`${t("watch.look")}: ${words.series}`}>
                    {t("watch.look")}
                  </a>
                </>
              )}
            </p>
          </li>
        );
      })}
    </ul>
  );
}

/** What to check; commands in it are set as such. */
function Check({ words }: { words: AlertWords }) {
  return words.check.split("`").map((part, index) =>
    // Every second part stood between two backticks.
    index % 2 === 1 ? <code key={part}>{part}</code> : part,
  );
}

function Closed({ alerts }: { alerts: Alert[] }) {
  const { t, locale } = useI18n();
  if (alerts.length === 0) return <p>{t("watch.noneClosed")}</p>;
  return (
    <DataTable
      caption={t("watch.closed")}
      rows={alerts}
      rowKey={(alert) => alert.key}
      pageSize={20}
      columns={[
        {
          id: "series",
          label: t("watch.series"),
          start: true,
          sort: (alert) => wordsOf(alert.message).series,
          cell: (alert) => wordsOf(alert.message).series,
        },
        {
          id: "since",
          label: t("watch.from"),
          sort: (alert) => alert.since,
          cell: (alert) => formatDay(parseDay(alert.since)!, locale),
        },
        {
          id: "closed",
          label: t("watch.until"),
          sort: (alert) => alert.closed_at,
          cell: (alert) => <Instant at={alert.closed_at} />,
        },
        {
          id: "told",
          label: t("watch.told"),
          cell: (alert) => <span className="watch-message">{wordsOf(alert.message).told}</span>,
        },
      ]}
    />
  );
}

/** The page that draws a series. */
function useHref(): (key: string) => string | null {
  const team = useOverview().data?.team ?? "default";
  return (key) => {
    if (key.startsWith("repository:")) return `${apiBase()}/stats?tab=usage`;
    if (key.startsWith("packages:")) return `${apiBase()}/packages`;
    return key.startsWith("chat:") ? `/a/${team}/dashboard/` : null;
  };
}
