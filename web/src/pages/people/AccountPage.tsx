import { useEffect, useState } from "react";
import { useI18n } from "../../lib/i18n";
import { FigureEmpty, FigureLoading } from "../../ui/Figure";
import { type Account, type Session, type SessionRow, useRead, useWrite } from "./api";
import { Asked, AskedTable, ConfirmButton, Field, Form, Instant, Outcome, PeoplePage } from "./parts";

/** `/account`: one's own name, password, sessions, and the teams one belongs to. */
export default function AccountPage() {
  const { t } = useI18n();
  const session = useRead<Session>("/api/v1/session");
  const isPerson = session.data?.signed_in === true && session.data.actor.startsWith("user:");
  const isGone = session.data?.signed_in === false;
  useEffect(() => {
    if (isGone) window.location.assign("/sign-in?next=%2Faccount");
  }, [isGone]);
  return (
    <PeoplePage
      id="account"
      title={t("people.account")}
      purpose={session.data?.email ?? t("people.accountPurpose")}
      actions={
        isPerson && (
          <a className="button" href="/sign-out">
            {t("people.signOut")}
          </a>
        )
      }
    >
      {session.isPending || isGone ? (
        <FigureLoading height={160} />
      ) : isPerson ? (
        <Mine />
      ) : (
        <FigureEmpty
          title={t("people.localTitle")}
          text={t("people.local")}
          command="tallykeep user add ada@example.org --admin --password-stdin"
        />
      )}
    </PeoplePage>
  );
}

function Mine() {
  const account = useRead<Account>("/api/v1/account");
  const { t } = useI18n();
  return (
    <>
      <Asked title={t("people.teams")} answer={account}>
        {(data) => <Teams account={data} />}
      </Asked>
      <Asked title={t("people.name")} answer={account}>
        {(data) => <Name account={data} />}
      </Asked>
      <Asked title={t("people.password")} subtitle={t("people.passwordRules")} answer={account}>
        {(data) => (data.has_password ? <Password account={data} /> : <p>{t("people.noPassword")}</p>)}
      </Asked>
      <Sessions />
    </>
  );
}

function Teams({ account }: { account: Account }) {
  const { t } = useI18n();
  if (account.teams.length === 0 && !account.instance_admin) return <p>{t("people.noTeams")}</p>;
  return (
    <ul className="link-list">
      {account.teams.map((team) => (
        <li key={team.slug}>
          <a href={team.role === "admin" ? `/a/${team.slug}/team` : `/a/${team.slug}`}>{team.name}</a>{" "}
          <span className="muted">{t(`people.role.${team.role}`)}</span>
        </li>
      ))}
      {account.instance_admin && (
        <li>
          <a href="/admin">{t("people.admin")}</a> <span className="muted">{t("people.instanceAdmin")}</span>
        </li>
      )}
    </ul>
  );
}

function Name({ account }: { account: Account }) {
  const { t } = useI18n();
  const write = useWrite();
  async function save(fields: FormData) {
    await write
      .mutateAsync({ method: "PATCH", path: "/api/v1/account", body: { name: fields.get("name") } })
      .catch(() => null);
    return false;
  }
  return (
    <>
      <Form label={t("people.name")} action={t("people.save")} submit={save}>
        <Field
          label={t("people.nameForPeople")}
          name="name"
          defaultValue={account.name}
          maxLength={200}
          autoComplete="name"
        />
      </Form>
      <Outcome write={write} done={t("people.saved")} />
    </>
  );
}

function Password({ account }: { account: Account }) {
  const { t } = useI18n();
  const write = useWrite();
  async function change(fields: FormData) {
    const body = { current: fields.get("current"), new: fields.get("new") };
    return write.mutateAsync({ method: "POST", path: "/api/v1/account/password", body }).then(
      () => true,
      () => false,
    );
  }
  return (
    <>
      <Form label={t("people.password")} action={t("people.changePassword")} submit={change}>
        {/* Password managers want to know whose password it is. */}
        <input type="hidden" name="username" autoComplete="username" value={account.email} readOnly />
        <Field label={t("people.current")} name="current" type="password" autoComplete="current-password" required />
        <Field label={t("people.new")} name="new" type="password" autoComplete="new-password" minLength={8} required />
      </Form>
      <Outcome write={write} done={t("people.passwordChanged")} />
    </>
  );
}

function Sessions() {
  const { t } = useI18n();
  const sessions = useRead<SessionRow[]>("/api/v1/account/sessions");
  const write = useWrite();
  // Afterwards nobody is signed in here either.
  const leave = useWrite("/sign-in?next=%2Faccount");
  const [done, setDone] = useState<string | null>(null);
  function end(row: SessionRow) {
    setDone(t("people.sessionEnded"));
    write.mutate({ method: "DELETE", path: `/api/v1/account/sessions/${row.id}` });
  }
  function endAll() {
    leave.mutate({ method: "DELETE", path: "/api/v1/account/sessions" });
  }
  return (
    <AskedTable
      title={t("people.sessions")}
      subtitle={t("people.sessionsAbout")}
      answer={sessions}
      foot={
        <ConfirmButton
          label={t("people.signOutEverywhere")}
          about={t("people.sessions")}
          confirm={t("people.signOutEverywhereNow")}
          onConfirm={endAll}
        />
      }
      pageSize={10}
      columns={[
        {
          id: "agent",
          label: t("people.browser"),
          start: true,
          cell: (row) => (
            <span className="agent">
              {row.agent || t("people.unknownBrowser")}
              {row.current && <strong> · {t("people.thisOne")}</strong>}
            </span>
          ),
        },
        { id: "address", label: t("people.address"), cell: (row) => row.address },
        { id: "since", label: t("people.since"), cell: (row) => <Instant at={row.created_at} /> },
        { id: "seen", label: t("people.lastSeen"), cell: (row) => <Instant at={row.seen_at} /> },
        {
          id: "end",
          label: t("people.end"),
          cell: (row) =>
            row.current ? (
              <a className="foot-link" href="/sign-out">
                {t("people.signOut")}
              </a>
            ) : (
              <ConfirmButton
                label={t("people.end")}
                about={`${row.agent} ${row.address}`}
                confirm={t("people.endNow")}
                onConfirm={() => end(row)}
              />
            ),
        },
      ]}
    >
      <Outcome write={leave.isError ? leave : write} done={done} />
    </AskedTable>
  );
}
