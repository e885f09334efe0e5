import { useState } from "react";
import { ApiError } from "../../api/client";
import { useOverview } from "../../api/overview";
import { useI18n } from "../../lib/i18n";
import { Figure } from "../../ui/Figure";
import { Labelled } from "../../ui/fields";
import { useWrite } from "../people/api";
import { Outcome, Select } from "../people/parts";
import { ATTACHMENTS, type Attach, addressesOf, type Report, reportPath, SUBJECTS, type Subject } from "./api";

/** Sets up a report, or changes one of the team's own. */
export function ReportForm(props: { report: Report | null; onDone: (name: string) => void; onCancel?: () => void }) {
  const { t } = useI18n();
  const { report } = props;
  const overview = useOverview();
  const write = useWrite();
  const [name, setName] = useState(report?.name ?? "");
  const [of, setOf] = useState<Subject>(report?.of ?? "repository");
  const [scope, setScope] = useState(report?.scope ?? "global");
  const [every, setEvery] = useState<Report["every"]>(report?.every ?? "month");
  const [to, setTo] = useState((report?.to ?? []).join("\n"));
  const [attach, setAttach] = useState<readonly Attach[]>(report?.attach ?? ["csv"]);
  const communities = overview.data?.domains.repository?.communities ?? [];
  const known = communities.find((one) => one.id === scope || one.slug === scope);
  const title = report ? t("reports.edit", { name: report.name }) : t("reports.new");
  const wrong = (field: string) => {
    const { error } = write;
    const body = error instanceof ApiError ? (error.body as { field?: string } | null) : null;
    return error && body?.field === field ? [error.message] : [];
  };
  const save = () =>
    write.mutate(
      {
        method: "PUT",
        path: reportPath(name.trim()),
        body: { of, scope: of === "repository" ? scope : "global", every, to: addressesOf(to), attach },
      },
      { onSuccess: () => props.onDone(name.trim()) },
    );
  return (
    <Figure title={title} subtitle={t("reports.formAbout")}>
      <form
        aria-label={title}
        className="report-form"
        onSubmit={(event) => {
          event.preventDefault();
          save();
        }}
      >
        <div className="form-row">
          <Labelled label={t("reports.name")} problems={wrong("name")}>
            {(tied) => (
              <div className="field">
                <input
                  {...tied}
                  value={name}
                  required
                  maxLength={64}
                  // The name is in the links that unsubscribe: it stays what it is.
                  readOnly={report !== null}
                  autoComplete="off"
                  onChange={(event) => setName(event.target.value)}
                />
              </div>
            )}
          </Labelled>
          <Select<Subject>
            label={t("reports.of")}
            value={of}
            choices={SUBJECTS.map((id) => ({ id, label: t(`people.dashboard.${id}`) }))}
            onChange={setOf}
          />
          {of === "repository" && (
            <Select
              label={t("reports.scope")}
              value={known?.slug ?? scope}
              choices={[
                { id: "global", label: t("layout.of.global") },
                { id: "communities", label: t("reports.eachCommunity") },
                ...(known || scope === "global" || scope === "communities" ? [] : [{ id: scope, label: scope }]),
                ...communities.map((one) => ({ id: one.slug, label: one.title })),
              ]}
              onChange={setScope}
            />
          )}
          <Select<Report["every"]>
            label={t("reports.every")}
            value={every}
            choices={(["month", "week"] as const).map((id) => ({ id, label: t(`reports.each.${id}`) }))}
            onChange={setEvery}
          />
        </div>
        <Labelled label={t("reports.to")} problems={[...wrong("to"), ...wrong("scope"), ...wrong("of")]}>
          {(tied) => (
            <textarea
              {...tied}
              className="text-area"
              rows={Math.min(8, Math.max(2, to.split("\n").length))}
              required
              value={to}
              placeholder={"ann@example.org\nBob <bob@example.org>"}
              onChange={(event) => setTo(event.target.value)}
            />
          )}
        </Labelled>
        <fieldset className="checks">
          <legend>{t("reports.attach")}</legend>
          {ATTACHMENTS.map((kind) => (
            <label key={kind}>
              <input
                type="checkbox"
                checked={attach.includes(kind)}
                onChange={(event) =>
                  setAttach(ATTACHMENTS.filter((one) => (one === kind ? event.target.checked : attach.includes(one))))
                }
              />
              {kind.toUpperCase()}
            </label>
          ))}
        </fieldset>
        <p className="report-buttons">
          <button type="submit" className="button primary" disabled={write.isPending}>
            {report ? t("people.save") : t("reports.create")}
          </button>
          {props.onCancel && (
            <button type="button" className="button" onClick={props.onCancel}>
              {t("reports.cancel")}
            </button>
          )}
        </p>
      </form>
      <Outcome write={write} />
    </Figure>
  );
}
