import { useState } from "react";
import { useI18n } from "../../lib/i18n";
import { DataTable } from "../../ui/DataTable";
import { type AuditEntry, useRead } from "./api";
import { Asked, Field, Instant } from "./parts";

const PAGE = 50;

/** What was done, newest first, page by page as the log grows. */
export function AuditFigure({ path, withTeam }: { path: string; withTeam: boolean }) {
  const { t } = useI18n();
  const [action, setAction] = useState("");
  // The ids that begin the pages before this one: the log has no page numbers, only "older than".
  const [starts, setStarts] = useState<number[]>([]);
  const query = new URLSearchParams({ limit: String(PAGE) });
  const before = starts.at(-1);
  if (before !== undefined) query.set("before", String(before));
  if (action.trim() !== "") query.set("action", action.trim());
  const rows = useRead<AuditEntry[]>(`${path}?${query}`);
  return (
    <Asked title={t("people.audit")} subtitle={t("people.auditAbout")} answer={rows}>
      {(entries) => (
        <>
          <div className="form-row">
            <Field
              label={t("people.action")}
              hint={t("people.actionHint")}
              value={action}
              autoComplete="off"
              onChange={(event) => {
                setAction(event.target.value);
                setStarts([]);
              }}
            />
          </div>
          <DataTable
            caption={t("people.audit")}
            rows={entries}
            rowKey={(row) => String(row.id)}
            columns={[
              { id: "action", label: t("people.action"), start: true, cell: (row) => <code>{row.action}</code> },
              { id: "at", label: t("people.when"), cell: (row) => <Instant at={row.at} /> },
              { id: "who", label: t("people.who"), cell: (row) => row.actor_name || row.actor },
              ...(withTeam
                ? [{ id: "team", label: t("people.team"), cell: (row: AuditEntry) => row.team ?? "–" }]
                : []),
              { id: "what", label: t("people.what"), cell: (row) => <span className="target">{row.target}</span> },
              { id: "from", label: t("people.address"), cell: (row) => row.address },
            ]}
          />
          <p className="pager">
            <button type="button" disabled={starts.length === 0} onClick={() => setStarts(starts.slice(0, -1))}>
              {t("people.newer")}
            </button>
            <button
              type="button"
              disabled={entries.length < PAGE}
              onClick={() => setStarts([...starts, entries.at(-1)?.id ?? 0])}
            >
              {t("people.older")}
            </button>
          </p>
        </>
      )}
    </Asked>
  );
}
