import { useI18n } from "../../lib/i18n";
import type { PageData } from "../../routes";
import { Mark } from "../../ui/icons/Icon";
import { Field } from "./parts";

/** What the server says about a form at the door; see `door_pages.rs`. */
interface Door {
  door: "sign-in" | "sign-out" | "new-password" | "first-run";
  csrf: string;
  error: string | null;
  email?: string;
  next?: string;
  link?: string;
  provider?: { name: string; href: string } | null;
}

/** Signing in and out, a new password, the first user. Plain forms: the browser sends them, the server answers a page. */
export default function DoorPage({ data }: { data: PageData }) {
  const { t } = useI18n();
  const door = data as unknown as Door;
  return (
    <main id="main" className="door">
      <a className="door-brand" href="/">
        <Mark />
        <span>Tallykeep</span>
      </a>
      <h1 className="page-title">{t(`people.door.${door.door}`)}</h1>
      {door.door === "first-run" && <p>{t("people.firstRunAbout")}</p>}
      {door.error && (
        <p role="alert" className="outcome failed">
          {door.error}
        </p>
      )}
      <form method="post" action={`/${door.door}`}>
        <input type="hidden" name="csrfmiddlewaretoken" value={door.csrf} />
        {door.door === "sign-in" && <input type="hidden" name="next" value={door.next ?? "/"} />}
        {door.door === "new-password" && <input type="hidden" name="link" value={door.link ?? ""} />}
        {door.door === "first-run" && (
          <Field label={t("people.code")} name="code" autoComplete="one-time-code" required autoFocus />
        )}
        {(door.door === "sign-in" || door.door === "first-run") && (
          <Field
            label={t("people.email")}
            name="email"
            type="email"
            autoComplete="username"
            defaultValue={door.email ?? ""}
            required
            autoFocus={door.door === "sign-in"}
          />
        )}
        {door.door === "sign-in" && (
          <Field
            label={t("people.password")}
            name="password"
            type="password"
            autoComplete="current-password"
            required
          />
        )}
        {(door.door === "new-password" || door.door === "first-run") && (
          <Field
            label={t("people.new")}
            hint={t("people.passwordRules")}
            name="password"
            type="password"
            autoComplete="new-password"
            minLength={8}
            required
            autoFocus={door.door === "new-password"}
          />
        )}
        <button type="submit" className="button primary">
          {t(`people.doorAction.${door.door}`)}
        </button>
      </form>
      {door.provider && (
        <p className="door-provider">
          <a className="button" href={door.provider.href}>
            {t("people.with", { name: door.provider.name })}
          </a>
        </p>
      )}
    </main>
  );
}
