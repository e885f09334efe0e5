import { useEffect, useState } from "react";
import { useOverview } from "../../api/overview";
import { useI18n } from "../../lib/i18n";
import { useQuery } from "../../lib/urlState";
import { DataTable } from "../../ui/DataTable";
import { Figure, FigureEmpty } from "../../ui/Figure";
import { useRead, useWrite } from "../people/api";
import { Asked, ConfirmButton, Instant, Outcome, PeoplePage, Select } from "../people/parts";
import {
  type Delivery,
  periodName,
  periodsBefore,
  type Report,
  type ReportsAnswer,
  reportPath,
  reportsPath,
} from "./api";
import { ReportForm } from "./ReportForm";
import { ReportPreview } from "./ReportPreview";
import "./reports.css";

/** How many months or weeks back a preview goes. */
const PERIODS = 13;
/** How long the history is asked again after something was sent, in milliseconds: a job sends it, and mail servers take their time. */
const WAITING = 30_000;

/** `/reports`: what is sent to whom, by mail, each month or week. For admins of the team. */
export default function ReportsPage() {
  const { t } = useI18n();
  const [query, write] = useQuery();
  const [isWaiting, setWaiting] = useState(false);
  const [made, setMade] = useState(0);
  const answer = useRead<ReportsAnswer>(reportsPath(), true, isWaiting ? 2000 : false);
  useEffect(() => {
    if (!isWaiting) return;
    const enough = setTimeout(() => setWaiting(false), WAITING);
    return () => clearTimeout(enough);
  }, [isWaiting]);
  const opened = answer.data?.reports.find((one) => one.name === query.get("report")) ?? null;
  const isEdited = query.get("edit") !== null;
  const open = (name: string | null, edit = false) => write({ report: name, edit: edit ? "1" : null });
  return (
    <PeoplePage id="reports" title={t("reports.title")} purpose={t("reports.purpose")}>
      <Asked title={t("reports.list")} answer={answer}>
        {(data) => (
          <>
            {!data.mail && <p className="notice">{t("reports.noMail")}</p>}
            {data.reports.length === 0 ? (
              <FigureEmpty title={t("reports.none")} text={t("reports.noneAbout")} />
            ) : (
              <List reports={data.reports} opened={opened} onOpen={open} />
            )}
          </>
        )}
      </Asked>
      {opened && !isEdited && (
        <Opened
          key={opened.name}
          report={opened}
          onEdit={() => open(opened.name, true)}
          onGone={() => open(null)}
          onSent={() => setWaiting(true)}
        />
      )}
      {isEdited && opened && !opened.configured ? (
        <ReportForm
          key={opened.name}
          report={opened}
          onDone={(name) => open(name)}
          onCancel={() => open(opened.name)}
        />
      ) : (
        // Each report that was set up leaves an empty form behind.
        <ReportForm
          key={made}
          report={null}
          onDone={(name) => {
            setMade(made + 1);
            open(name);
          }}
        />
      )}
      <Asked title={t("reports.history")} subtitle={t("reports.historyAbout")} answer={answer}>
        {(data) => <History rows={data.history} />}
      </Asked>
      {answer.data && answer.data.unsubscribed.length > 0 && (
        <Figure title={t("reports.unsubscribed")} subtitle={t("reports.unsubscribedAbout")}>
          <ul className="link-list">
            {answer.data.unsubscribed.map((one) => (
              <li key={`${one.report} ${one.address}`}>
                {one.address} <span className="caption">{one.report}</span>
              </li>
            ))}
          </ul>
        </Figure>
      )}
    </PeoplePage>
  );
}

function List(props: { reports: Report[]; opened: Report | null; onOpen: (name: string) => void }) {
  const { t, locale } = useI18n();
  const scopeName = useScopeName();
  return (
    <DataTable
      caption={t("reports.list")}
      rows={props.reports}
      rowKey={(report) => report.name}
      columns={[
        {
          id: "name",
          label: t("reports.name"),
          start: true,
          sort: (report) => report.name,
          cell: (report) => (
            <button
              type="button"
              className="row-link"
              aria-pressed={props.opened?.name === report.name}
              onClick={() => props.onOpen(report.name)}
            >
              {report.name}
            </button>
          ),
        },
        {
          id: "about",
          label: t("reports.of"),
          cell: (report) => (report.of === "repository" ? scopeName(report.scope) : t(`people.dashboard.${report.of}`)),
        },
        { id: "every", label: t("reports.every"), cell: (report) => t(`reports.each.${report.every}`) },
        {
          id: "to",
          label: t("reports.receivers"),
          cell: (report) => <span title={report.to.join(", ")}>{t("reports.count", { count: waysOf(report) })}</span>,
        },
        { id: "period", label: t("reports.newest"), cell: (report) => periodName(report.period, locale) },
        {
          id: "from",
          label: t("reports.from"),
          cell: (report) => t(report.configured ? "reports.ofConfiguration" : "reports.ofTeam"),
        },
      ]}
    />
  );
}

function waysOf(report: Report): number {
  return report.to.length + (report.folder ? 1 : 0) + (report.webhook ? 1 : 0);
}

function Opened(props: { report: Report; onEdit: () => void; onGone: () => void; onSent: () => void }) {
  const { t, locale } = useI18n();
  const { report } = props;
  const write = useWrite();
  const [period, setPeriod] = useState(report.period);
  const [done, setDone] = useState<string | null>(null);
  const send = () => {
    setDone(t("reports.sending", { name: report.name, period: periodName(period, locale) }));
    write.mutate({ method: "POST", path: `${reportPath(report.name)}/send`, body: { period } });
    props.onSent();
  };
  const remove = () =>
    write.mutate({ method: "DELETE", path: reportPath(report.name) }, { onSuccess: () => props.onGone() });
  return (
    <>
      <Figure title={report.name} subtitle={report.to.join(", ") || t("reports.noReceivers")}>
        <div className="form-row">
          <Select
            label={t("reports.period")}
            value={period}
            choices={periodsBefore(report.period, PERIODS).map((id) => ({ id, label: periodName(id, locale) }))}
            onChange={setPeriod}
          />
          <ConfirmButton
            label={t("reports.send")}
            about={report.name}
            confirm={t("reports.sendNow", { count: waysOf(report) })}
            onConfirm={send}
          />
          {report.configured ? (
            <p className="caption">{t("reports.changeInConfiguration")}</p>
          ) : (
            <>
              <button
                type="button"
                className="foot-link"
                aria-label={`${t("reports.changeIt")}: ${report.name}`}
                onClick={props.onEdit}
              >
                {t("reports.changeIt")}
              </button>
              <ConfirmButton
                label={t("reports.delete")}
                about={report.name}
                confirm={t("reports.deleteNow")}
                onConfirm={remove}
              />
            </>
          )}
        </div>
        <Outcome write={write} done={done} />
      </Figure>
      <ReportPreview name={report.name} period={period} />
    </>
  );
}

function History({ rows }: { rows: Delivery[] }) {
  const { t, locale } = useI18n();
  const scopeName = useScopeName();
  if (rows.length === 0) return <p>{t("reports.nothingSent")}</p>;
  return (
    <DataTable
      caption={t("reports.history")}
      rows={rows}
      rowKey={(row) => String(row.id)}
      pageSize={20}
      columns={[
        {
          id: "at",
          label: t("people.when"),
          start: true,
          sort: (row) => row.at,
          cell: (row) => <Instant at={row.at} />,
        },
        {
          id: "report",
          label: t("reports.name"),
          sort: (row) => row.report,
          cell: (row) => (row.scope === "" ? row.report : `${row.report} · ${scopeName(row.scope)}`),
        },
        {
          id: "period",
          label: t("reports.period"),
          sort: (row) => row.period,
          cell: (row) => periodName(row.period, locale),
        },
        { id: "receiver", label: t("reports.receiver"), sort: (row) => row.receiver, cell: (row) => row.receiver },
        {
          id: "outcome",
          label: t("reports.outcome"),
          cell: (row) =>
            row.error === undefined ? (
              t(`reports.by.${row.channel}`)
            ) : (
              <span className="report-failed">{t("reports.notSent", { cause: row.error })}</span>
            ),
        },
      ]}
    />
  );
}

/** A community's title for its id or slug. */
function useScopeName(): (scope: string) => string {
  const { t } = useI18n();
  const communities = useOverview().data?.domains.repository?.communities ?? [];
  return (scope) =>
    scope === "global"
      ? t("layout.of.global")
      : scope === "communities"
        ? t("reports.eachCommunity")
        : (communities.find((one) => one.id === scope || one.slug === scope)?.title ?? scope);
}
