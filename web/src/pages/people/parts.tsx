import { type FormEvent, type InputHTMLAttributes, type ReactNode, useId, useState } from "react";
import { ApiError } from "../../api/client";
import { formatInstantWithDay } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { copyText } from "../../ui/controls";
import { type Column, DataTable } from "../../ui/DataTable";
import { Figure, FigureError, FigureLoading } from "../../ui/Figure";
import { PageHead, Shell } from "../../ui/Shell";
import type { useWrite } from "./api";
import "./people.css";

/** One labelled field of a form. */
export function Field(props: InputHTMLAttributes<HTMLInputElement> & { label: string; hint?: string }) {
  const { label, hint, ...input } = props;
  const id = useId();
  return (
    <div className="form-field">
      <label htmlFor={id}>{label}</label>
      <div className="field">
        <input id={id} {...(hint ? { "aria-describedby": `${id}-hint` } : {})} {...input} />
      </div>
      {hint && (
        <p className="caption" id={`${id}-hint`}>
          {hint}
        </p>
      )}
    </div>
  );
}

/** A choice between few words. */
export function Select<Id extends string>(props: {
  label: string;
  hideLabel?: boolean;
  name?: string;
  value?: Id;
  disabled?: boolean;
  choices: readonly { id: Id; label: string }[];
  onChange?: (id: Id) => void;
}) {
  const id = useId();
  return (
    <div className="form-field">
      <label htmlFor={id} className={props.hideLabel ? "visually-hidden" : ""}>
        {props.label}
      </label>
      <select
        id={id}
        className="select"
        {...(props.name ? { name: props.name } : {})}
        {...(props.onChange ? { value: props.value } : { defaultValue: props.value })}
        disabled={props.disabled ?? false}
        onChange={(event) => props.onChange?.(event.target.value as Id)}
      >
        {props.choices.map((choice) => (
          <option key={choice.id} value={choice.id}>
            {choice.label}
          </option>
        ))}
      </select>
    </div>
  );
}

/** A form that hands over its fields as text and empties itself when `submit` says that it worked. */
export function Form(props: {
  label: string;
  action: string;
  submit: (fields: FormData) => Promise<boolean>;
  children: ReactNode;
}) {
  const [busy, setBusy] = useState(false);
  async function send(event: FormEvent<HTMLFormElement>) {
    event.preventDefault();
    const form = event.currentTarget;
    setBusy(true);
    try {
      if (await props.submit(new FormData(form))) form.reset();
    } finally {
      setBusy(false);
    }
  }
  return (
    <form className="form-row" aria-label={props.label} onSubmit={(event) => void send(event)}>
      {props.children}
      <button type="submit" className="button" disabled={busy}>
        {props.action}
      </button>
    </form>
  );
}

/** What the last write came to, in words: why it failed, or `done` once it worked. */
export function Outcome({ write, done }: { write: ReturnType<typeof useWrite>; done?: string | null }) {
  const { t } = useI18n();
  if (write.isError) {
    const { error } = write;
    const id = error instanceof ApiError ? error.requestId : null;
    return (
      <p role="alert" className="outcome failed">
        {error.message}
        {id && error instanceof ApiError && error.status >= 500 && ` (${t("people.request", { id })})`}
      </p>
    );
  }
  return (
    <p role="status" className="outcome">
      {write.isSuccess && done ? done : ""}
    </p>
  );
}

/** A button that asks once more in place before it does something that cannot be taken back. */
export function ConfirmButton(props: { label: string; about: string; confirm: string; onConfirm: () => void }) {
  const { t } = useI18n();
  const [asking, setAsking] = useState(false);
  if (!asking) {
    return (
      <button
        type="button"
        className="foot-link"
        aria-label={`${props.label}: ${props.about}`}
        onClick={() => setAsking(true)}
      >
        {props.label}
      </button>
    );
  }
  return (
    <span className="confirm" role="group" aria-label={`${props.label}: ${props.about}`}>
      <button
        type="button"
        className="foot-link danger"
        // The button that was pressed is gone; the keyboard goes on from its successor.
        ref={(button) => button?.focus()}
        onClick={() => {
          setAsking(false);
          props.onConfirm();
        }}
      >
        {props.confirm}
      </button>
      <button type="button" className="foot-link" onClick={() => setAsking(false)}>
        {t("people.keep")}
      </button>
    </span>
  );
}

/** Something secret that is shown this once. */
export function SecretOnce(props: { label: string; secret: string; hint: string; onDone: () => void }) {
  const { t } = useI18n();
  const [copied, setCopied] = useState(false);
  return (
    <section className="secret" aria-label={props.label}>
      <p>
        <strong>{props.label}</strong>
      </p>
      <code className="secret-text">{props.secret}</code>
      <p className="caption">{props.hint}</p>
      <p className="form-row">
        <button type="button" className="button" onClick={() => void copyText(props.secret).then(setCopied)}>
          {copied ? t("people.copied") : t("action.copy")}
        </button>
        <button type="button" className="button quiet" onClick={props.onDone}>
          {t("people.haveIt")}
        </button>
      </p>
    </section>
  );
}

export function Instant({ at, none }: { at: string | null; none?: string }) {
  const { locale } = useI18n();
  if (at === null) return <span className="muted">{none ?? "–"}</span>;
  return <time dateTime={at}>{formatInstantWithDay(at, locale)}</time>;
}

interface Answer<T> {
  data: T | undefined;
  error: Error | null;
  isPending: boolean;
  refetch: () => unknown;
}

/** A figure around something that is asked for first. */
export function Asked<T>(props: {
  title: string;
  subtitle?: string;
  answer: Answer<T>;
  foot?: ReactNode;
  children: (data: T) => ReactNode;
}) {
  const { t } = useI18n();
  const { answer } = props;
  return (
    <Figure title={props.title} subtitle={props.subtitle} foot={props.foot}>
      {answer.data !== undefined ? (
        props.children(answer.data)
      ) : answer.isPending ? (
        <FigureLoading height={96} />
      ) : (
        <FigureError
          cause={t("error.cause", { cause: answer.error?.message ?? "" })}
          requestId={answer.error instanceof ApiError ? answer.error.requestId : null}
          retry={() => void answer.refetch()}
        />
      )}
    </Figure>
  );
}

/** A list that is asked for first, as a table; under it what can be done with it. */
export function AskedTable<Row extends { id: number }>(props: {
  title: string;
  subtitle?: string;
  answer: Answer<Row[]>;
  columns: readonly Column<Row>[];
  pageSize?: number;
  foot?: ReactNode;
  /** No table where there is nothing in it. */
  hideEmpty?: boolean;
  children?: ReactNode;
}) {
  const { title, columns, answer } = props;
  return (
    <Asked title={title} {...(props.subtitle ? { subtitle: props.subtitle } : {})} answer={answer} foot={props.foot}>
      {(rows) => (
        <>
          {(rows.length > 0 || !props.hideEmpty) && (
            <DataTable
              caption={title}
              rows={rows}
              rowKey={(row) => String(row.id)}
              pageSize={props.pageSize ?? 25}
              columns={columns}
            />
          )}
          {props.children}
        </>
      )}
    </Asked>
  );
}

/** The frame of the three pages about people. */
export function PeoplePage(props: {
  id: string;
  title: string;
  purpose: string;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <Shell current={props.id}>
      <PageHead
        crumbs={[{ label: "Tallykeep", href: "/" }, { label: props.title }]}
        title={props.title}
        purpose={props.purpose}
        actions={props.actions}
      />
      <div className="people rows">{props.children}</div>
    </Shell>
  );
}
