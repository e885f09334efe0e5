import { useState } from "react";
import { useI18n } from "../../lib/i18n";
import { AuditFigure } from "./AuditFigure";
import { type User, useRead, useWrite } from "./api";
import { Asked, AskedTable, ConfirmButton, Field, Form, Instant, Outcome, PeoplePage, SecretOnce } from "./parts";

/** `/admin`: users and teams of the whole installation, and its audit log. For instance admins. */
export default function AdminPage() {
  const { t } = useI18n();
  return (
    <PeoplePage id="admin" title={t("people.admin")} purpose={t("people.adminPurpose")}>
      <Users />
      <Teams />
      <Check />
      <AuditFigure path="/api/v1/audit" withTeam />
    </PeoplePage>
  );
}

function Users() {
  const { t } = useI18n();
  const users = useRead<User[]>("/api/v1/users");
  const write = useWrite();
  const [link, setLink] = useState<{ email: string; url: string; hours: number } | null>(null);
  const [done, setDone] = useState<string | null>(null);
  async function makeLink(user: { id: number; email: string }) {
    const answer = await write
      .mutateAsync({ method: "POST", path: `/api/v1/users/${user.id}/password-link` })
      .catch(() => null);
    if (answer === null) return;
    const { path, hours } = answer as { path: string; hours: number };
    setDone(null);
    setLink({ email: user.email, url: `${window.location.origin}${path}`, hours });
  }
  async function add(fields: FormData) {
    const body = { email: String(fields.get("email")).trim(), name: fields.get("name") };
    const answer = await write.mutateAsync({ method: "POST", path: "/api/v1/users", body }).catch(() => null);
    if (answer === null) return false;
    await makeLink(answer as User);
    return true;
  }
  function change(user: User, body: Partial<User>, said: string) {
    setDone(said);
    write.mutate({ method: "PATCH", path: `/api/v1/users/${user.id}`, body });
  }
  return (
    <AskedTable
      title={t("people.users")}
      answer={users}
      columns={[
        {
          id: "email",
          label: t("people.email"),
          start: true,
          sort: (row) => row.email,
          cell: (row) => (
            <span className={row.disabled ? "muted" : ""}>
              {row.email}
              {row.instance_admin && <strong> · {t("people.instanceAdmin")}</strong>}
              {row.disabled && ` · ${t("people.disabled")}`}
            </span>
          ),
        },
        {
          id: "signed-in",
          label: t("people.lastSignIn"),
          sort: (row) => row.signed_in_at,
          cell: (row) => <Instant at={row.signed_in_at} none={t("people.never")} />,
        },
        {
          id: "link",
          label: t("people.password"),
          cell: (row) => (
            <button
              type="button"
              className="foot-link"
              aria-label={`${t("people.passwordLink")}: ${row.email}`}
              onClick={() => void makeLink(row)}
            >
              {t("people.passwordLink")}
            </button>
          ),
        },
        {
          id: "admin",
          label: t("people.instanceAdmin"),
          cell: (row) => (
            <ConfirmButton
              label={t(row.instance_admin ? "people.takeAdmin" : "people.grantAdmin")}
              about={row.email}
              confirm={t(row.instance_admin ? "people.takeAdminNow" : "people.grantAdminNow")}
              onConfirm={() => change(row, { instance_admin: !row.instance_admin }, t("people.saved"))}
            />
          ),
        },
        {
          id: "disable",
          label: t("people.access"),
          cell: (row) =>
            row.disabled ? (
              <button
                type="button"
                className="foot-link"
                aria-label={`${t("people.enable")}: ${row.email}`}
                onClick={() => change(row, { disabled: false }, t("people.saved"))}
              >
                {t("people.enable")}
              </button>
            ) : (
              <ConfirmButton
                label={t("people.disable")}
                about={row.email}
                confirm={t("people.disableNow")}
                onConfirm={() => change(row, { disabled: true }, t("people.saved"))}
              />
            ),
        },
      ]}
    >
      {link && (
        <SecretOnce
          label={t("people.linkFor", { email: link.email })}
          secret={link.url}
          hint={t("people.linkHint", { count: link.hours })}
          onDone={() => setLink(null)}
        />
      )}
      <Form label={t("people.addUser")} action={t("people.addUser")} submit={add}>
        <Field label={t("people.email")} name="email" type="email" autoComplete="off" required />
        <Field label={t("people.nameForPeople")} name="name" maxLength={200} autoComplete="off" />
      </Form>
      <Outcome write={write} done={done} />
    </AskedTable>
  );
}

function Teams() {
  const { t } = useI18n();
  const teams = useRead<{ slug: string; name: string }[]>("/api/v1/teams");
  const write = useWrite();
  async function add(fields: FormData) {
    const name = String(fields.get("name")).trim();
    const body = { slug: fields.get("slug"), ...(name === "" ? {} : { name }) };
    return write.mutateAsync({ method: "POST", path: "/api/v1/teams", body }).then(
      () => true,
      () => false,
    );
  }
  return (
    <Asked title={t("people.teams")} answer={teams}>
      {(rows) => (
        <>
          <ul className="link-list">
            {rows.map((team) => (
              <li key={team.slug}>
                <a href={`/a/${team.slug}/team`}>{team.name}</a> <span className="muted">{team.slug}</span>
              </li>
            ))}
          </ul>
          <Form label={t("people.addTeam")} action={t("people.addTeam")} submit={add}>
            <Field
              label={t("people.slug")}
              hint={t("people.slugHint")}
              name="slug"
              pattern="[a-z0-9_\-]+"
              autoComplete="off"
              required
            />
            <Field label={t("people.nameForPeople")} name="name" maxLength={200} autoComplete="off" />
          </Form>
          <Outcome write={write} done={t("people.saved")} />
        </>
      )}
    </Asked>
  );
}

function Check() {
  const { t } = useI18n();
  const check = useRead<{ rows: number; intact: boolean; problem: string | null }>("/api/v1/audit/check");
  return (
    <Asked title={t("people.chain")} subtitle={t("people.chainAbout")} answer={check}>
      {(data) => (
        <p className={data.intact ? "outcome" : "outcome failed"} role="status">
          {data.intact ? t("people.chainIntact", { count: data.rows }) : (data.problem ?? "")}
        </p>
      )}
    </Asked>
  );
}
