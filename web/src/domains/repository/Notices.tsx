import { useOverview } from "../../api/overview";
import type { Community, DashboardConfig } from "../../api/types";
import { useI18n } from "../../lib/i18n";
import { Icon } from "../../ui/icons/Icon";
import type { FamilyState } from "./context";
import { DashboardSwitch } from "./DashboardSwitch";
import type { ReportFormat } from "./report";

export type ReportState = { problem: string } | { done: string } | { running: ReportFormat } | null;

/** What the reader must know before the numbers: test data, a first run, a failed refresh, a report. */
export function Notices(props: {
  config: DashboardConfig;
  states: readonly FamilyState[];
  report: ReportState;
  onClose: () => void;
}) {
  const { t } = useI18n();
  const { config, states, report } = props;
  const empty = states.length > 0 && states.every((state) => state.status === "ready" && state.data?.isEmpty);
  const running = config.agg_in_progress || config.caching_in_progress;
  const loaded = states.some((state) => state.status === "ready");
  const failedBehind = states.find((state) => state.status === "ready" && state.error);
  return (
    <>
      {config.use_test_data === true && (
        <p className="notice" role="status">
          <Icon name="warning" />
          {t("notice.testData")}
        </p>
      )}
      {config.first_run_incomplete && (
        <p className="notice" role="status">
          {t("notice.firstRun")}
        </p>
      )}
      {!config.first_run_incomplete && loaded && empty && (
        <p className="notice plain" role="status">
          {running ? t("notice.calculating") : t("notice.nothing")}
        </p>
      )}
      {!config.first_run_incomplete && loaded && !empty && running && (
        <p className="caption" role="status">
          {t("notice.updating")}
        </p>
      )}
      {failedBehind && (
        <p className="notice bad" role="alert">
          <Icon name="warning" />
          {t("notice.behind")}
          <button type="button" className="foot-link" onClick={failedBehind.retry}>
            {t("action.tryAgain")}
          </button>
        </p>
      )}
      {report && (
        <p
          className={`notice ${"problem" in report ? "bad" : "plain"}`}
          role={"problem" in report ? "alert" : "status"}
        >
          {"problem" in report ? report.problem : "done" in report ? report.done : t("report.running")}
          {!("running" in report) && (
            <button type="button" className="foot-link" onClick={props.onClose}>
              {t("action.close")}
            </button>
          )}
        </p>
      )}
    </>
  );
}

export function DisabledMessage({ config, community }: { config: DashboardConfig; community: Community | null }) {
  const { t } = useI18n();
  const message = community ? (config.disabled_message ?? config.disabled_message_global) : config.disabled_message;
  return (
    <section className="figure-empty" aria-label={t("disabled.title")} style={{ marginTop: 24 }}>
      <h2 className="figure-title">{t("disabled.title")}</h2>
      <p>{(message || t("disabled.text")).replace("{title}", config.title ?? "")}</p>
      {community && <DashboardSwitch config={config} community={community} />}
    </section>
  );
}

export function EmbeddedNote() {
  const overview = useOverview();
  const { t } = useI18n();
  return overview.data?.domains.repository?.agg_in_progress ? <p className="caption">{t("notice.updating")}</p> : null;
}
