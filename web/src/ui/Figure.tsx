import type { ReactNode } from "react";
import { useI18n } from "../lib/i18n";
import { CommandLine } from "./controls";
import { Icon } from "./icons/Icon";
import "./figure.css";

/** A figure is a 2 px rule, a title, a plot, a foot. */
export function Figure(props: {
  id?: string;
  title: string;
  /** Name of the region where several figures of a page share a title. */
  label?: string;
  subtitle?: ReactNode;
  controls?: ReactNode;
  help?: ReactNode;
  foot?: ReactNode;
  /** A lighter rule, for figures inside a section that has its own title. */
  light?: boolean;
  /** Old numbers stay, dimmed, while newer ones load. */
  updating?: boolean;
  className?: string;
  /** 3 inside a section with a heading of its own. */
  level?: 2 | 3;
  children: ReactNode;
}) {
  const Heading = `h${props.level ?? 2}` as const;
  return (
    <section
      className={`figure ${props.light ? "light" : ""} ${props.className ?? ""}`}
      aria-label={props.label ?? props.title}
      {...(props.id ? { id: props.id } : {})}
    >
      <header className="figure-head">
        <div className="figure-heading">
          <Heading className="figure-title">
            {props.title}
            {props.help}
          </Heading>
          {props.subtitle && <p className="caption">{props.subtitle}</p>}
        </div>
        {props.controls && <div className="figure-controls">{props.controls}</div>}
      </header>
      <div className={`figure-body ${props.updating ? "dimmed" : ""}`}>{props.children}</div>
      {props.foot && <footer className="figure-foot">{props.foot}</footer>}
    </section>
  );
}

/** Its own size, no shimmer. */
export function FigureLoading({ height }: { height: number }) {
  const { t } = useI18n();
  return (
    <div className="figure-loading" style={{ height }} role="status">
      <span className="visually-hidden">{t("state.loading")}</span>
    </div>
  );
}

/** Nothing there, what fills it, and the exact command. */
export function FigureEmpty(props: { title: string; text: string; command?: string; waiting?: string }) {
  return (
    <div className="figure-empty">
      <p className="figure-title">{props.title}</p>
      <p>{props.text}</p>
      {props.command && <CommandLine command={props.command} />}
      {props.waiting && <p className="caption">{props.waiting}</p>}
    </div>
  );
}

/** The cause, what still works, a way to try again, and the id for the log. */
export function FigureError(props: {
  title?: string;
  cause: string;
  still?: string;
  requestId?: string | null;
  retry?: () => void;
}) {
  const { t } = useI18n();
  return (
    <div className="figure-error" role="alert">
      <p className="figure-error-title">
        <Icon name="warning" />
        {props.title ?? t("error.figure")}
      </p>
      <p>
        {props.cause} {props.still}
      </p>
      <p className="figure-error-actions">
        {props.retry && (
          <button type="button" className="button" onClick={props.retry}>
            <Icon name="retry" />
            {t("action.tryAgain")}
          </button>
        )}
        {props.requestId && <span className="caption">{t("error.request", { id: props.requestId })}</span>}
      </p>
    </div>
  );
}
