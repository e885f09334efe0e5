import { useState } from "react";
import { useI18n } from "../../lib/i18n";
import { AuditFigure } from "./AuditFigure";
import { DASHBOARDS, type Member, ROLES, SCOPES, type Team, type Token, useRead, useWrite, VISIBILITIES } from "./api";
import {
  Asked,
  AskedTable,
  ConfirmButton,
  Field,
  Form,
  Instant,
  Outcome,
  PeoplePage,
  SecretOnce,
  Select,
} from "./parts";

/** `/team`: who belongs to it, who sees what, its tokens, what was done. For admins of the team. */
export default function TeamPage() {
  const { t } = useI18n();
  const team = useRead<Team>("/api/v1/team");
  return (
    <PeoplePage id="team" title={team.data?.name ?? t("people.team")} purpose={t("people.teamPurpose")}>
      <Members />
      <Asked title={t("people.visibility")} subtitle={t("people.visibilityAbout")} answer={team}>
        {(data) => <Visibility team={data} />}
      </Asked>
      <Tokens />
      <AuditFigure path="/api/v1/team/audit" withTeam={false} />
    </PeoplePage>
  );
}

function Members() {
  const { t } = useI18n();
  const members = useRead<Member[]>("/api/v1/team/members");
  const write = useWrite();
  const [done, setDone] = useState<string | null>(null);
  const roles = ROLES.map((id) => ({ id, label: t(`people.role.${id}`) }));
  function set(email: string, role: string) {
    setDone(t("people.memberSet", { email, role: t(`people.role.${role}`) }));
    return write.mutateAsync({ method: "PUT", path: "/api/v1/team/members", body: { email, role } }).then(
      () => true,
      () => false,
    );
  }
  return (
    <AskedTable
      title={t("people.members")}
      subtitle={t("people.rolesAbout")}
      answer={members}
      columns={[
        {
          id: "email",
          label: t("people.email"),
          start: true,
          sort: (row) => row.email,
          cell: (row) => (row.name ? `${row.name} · ${row.email}` : row.email),
        },
        {
          id: "role",
          label: t("people.roleLabel"),
          sort: (row) => row.role,
          cell: (row) => (
            <Select
              label={t("people.roleOf", { email: row.email })}
              hideLabel
              value={row.role}
              choices={roles}
              onChange={(role) => void set(row.email, role)}
            />
          ),
        },
        {
          id: "since",
          label: t("people.since"),
          sort: (row) => row.since,
          cell: (row) => <Instant at={row.since} />,
        },
        {
          id: "remove",
          label: t("people.remove"),
          cell: (row) => (
            <ConfirmButton
              label={t("people.remove")}
              about={row.email}
              confirm={t("people.removeNow")}
              onConfirm={() => {
                setDone(t("people.memberRemoved", { email: row.email }));
                write.mutate({ method: "DELETE", path: `/api/v1/team/members/${row.id}` });
              }}
            />
          ),
        },
      ]}
    >
      <Form
        label={t("people.addMember")}
        action={t("people.addMember")}
        submit={(fields) => set(String(fields.get("email")).trim(), String(fields.get("role")))}
      >
        <Field label={t("people.email")} name="email" type="email" autoComplete="off" required />
        <Select label={t("people.roleLabel")} name="role" choices={roles} />
      </Form>
      <Outcome write={write} done={done} />
    </AskedTable>
  );
}

function Visibility({ team }: { team: Team }) {
  const { t } = useI18n();
  const write = useWrite();
  return (
    <>
      <div className="form-row">
        {DASHBOARDS.map((dashboard) => (
          <Select
            key={dashboard}
            label={t(`people.dashboard.${dashboard}`)}
            value={team.visibility[dashboard] ?? "team"}
            // Chat is for members only (spec/chat §11); the server refuses more.
            choices={VISIBILITIES.filter((who) => dashboard !== "chat" || who === "private" || who === "team").map(
              (id) => ({
                id: id as string,
                label: t(`people.visibility.${id}`),
              }),
            )}
            onChange={(who) =>
              write.mutate({ method: "PATCH", path: "/api/v1/team", body: { visibility: { [dashboard]: who } } })
            }
          />
        ))}
      </div>
      <Outcome write={write} done={t("people.saved")} />
    </>
  );
}

function Tokens() {
  const { t } = useI18n();
  const tokens = useRead<Token[]>("/api/v1/team/tokens");
  const write = useWrite();
  const [secret, setSecret] = useState<string | null>(null);
  const [done, setDone] = useState<string | null>(null);
  async function create(fields: FormData) {
    const day = String(fields.get("expires") ?? "");
    const body = {
      name: fields.get("name"),
      scopes: [fields.get("scope")],
      // A token works throughout the day it is said to end on.
      expires_at: day === "" ? null : `${day}T23:59:59Z`,
    };
    setDone(null);
    const answer = await write.mutateAsync({ method: "POST", path: "/api/v1/team/tokens", body }).catch(() => null);
    if (answer === null) return false;
    setSecret((answer as { token: string }).token);
    return true;
  }
  return (
    <AskedTable
      title={t("people.tokens")}
      subtitle={t("people.tokensAbout")}
      answer={tokens}
      hideEmpty
      columns={[
        {
          id: "name",
          label: t("people.name"),
          start: true,
          sort: (row) => row.name,
          cell: (row) => row.name || "–",
        },
        {
          id: "scopes",
          label: t("people.scope"),
          cell: (row) => row.scopes.map((s) => t(`people.scope.${s}`)).join(", "),
        },
        {
          id: "expires",
          label: t("people.expires"),
          cell: (row) => <Instant at={row.expires_at} none={t("people.never")} />,
        },
        {
          id: "used",
          label: t("people.used"),
          cell: (row) => <Instant at={row.used_at} none={t("people.never")} />,
        },
        {
          id: "revoke",
          label: t("people.revoke"),
          cell: (row) =>
            row.revoked_at ? (
              <span className="muted">{t("people.revoked")}</span>
            ) : (
              <ConfirmButton
                label={t("people.revoke")}
                about={row.name || String(row.id)}
                confirm={t("people.revokeNow")}
                onConfirm={() => {
                  setDone(t("people.tokenRevoked"));
                  write.mutate({ method: "DELETE", path: `/api/v1/team/tokens/${row.id}` });
                }}
              />
            ),
        },
      ]}
    >
      {secret && (
        <SecretOnce
          label={t("people.newToken")}
          secret={secret}
          hint={t("people.newTokenHint")}
          onDone={() => setSecret(null)}
        />
      )}
      <Form label={t("people.createToken")} action={t("people.createToken")} submit={create}>
        <Field label={t("people.tokenFor")} name="name" maxLength={200} autoComplete="off" required />
        <Select
          label={t("people.scope")}
          name="scope"
          choices={SCOPES.map((id) => ({ id, label: t(`people.scope.${id}`) }))}
        />
        <Field label={t("people.lastDay")} name="expires" type="date" />
      </Form>
      <Outcome write={write} done={done} />
    </AskedTable>
  );
}
