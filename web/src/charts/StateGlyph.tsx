import { useI18n } from "../lib/i18n";
import type { PointState } from "../series/model";

export const STATES: readonly PointState[] = ["final", "provisional", "restated", "missing", "open"];

/** A cell of the ledger strip: the state told by shape, so that a grey print loses nothing. */
export function StateCell({ state }: { state: PointState }) {
  return (
    <svg className="state-cell" viewBox="0 0 13 8" aria-hidden="true">
      {state === "final" && <rect x="0" y="1" width="13" height="6" fill="var(--line2)" />}
      {state === "provisional" && <rect x="0.5" y="1.5" width="12" height="5" fill="none" stroke="var(--ink3)" />}
      {state === "restated" && (
        <>
          <rect x="0" y="1" width="13" height="6" fill="var(--line2)" />
          <path d="M6.5 0.2 10 4 6.5 7.8 3 4Z" fill="var(--accent)" stroke="var(--paper)" strokeWidth="0.8" />
        </>
      )}
      {state === "missing" && <path d="M0 3 4 7M2 1 8 7M7 1l6 6M12 1l1 1" stroke="var(--ink3)" fill="none" />}
      {state === "open" && (
        <rect x="0.5" y="1.5" width="12" height="5" fill="none" stroke="var(--ink3)" strokeDasharray="2 1.5" />
      )}
    </svg>
  );
}

/** The 9 px glyph before a value in a table; to a screen reader it is the word. */
export function StateGlyph({ state }: { state: PointState }) {
  const { t } = useI18n();
  if (state === "final") return null;
  return (
    <svg className="state-glyph" viewBox="0 0 9 9" role="img" aria-label={t(`state.${state}`)}>
      {state === "provisional" && (
        <rect x="1" y="1" width="7" height="7" fill="none" stroke="var(--ink3)" strokeWidth="1.2" />
      )}
      {state === "restated" && <path d="M4.5 0.3 8.7 4.5 4.5 8.7 0.3 4.5Z" fill="var(--accent)" />}
      {state === "missing" && <path d="M1 1l7 7M8 1 1 8" stroke="var(--ink3)" strokeWidth="1.3" />}
      {state === "open" && (
        <rect
          x="1"
          y="1"
          width="7"
          height="7"
          fill="none"
          stroke="var(--ink3)"
          strokeWidth="1.2"
          strokeDasharray="2 1.4"
        />
      )}
    </svg>
  );
}

/** Appears once per page head, or per figure that needs it. */
export function StateKey() {
  const { t } = useI18n();
  return (
    <ul className="state-key" aria-label={t("state.key")}>
      {STATES.map((state) => (
        <li key={state}>
          <StateCell state={state} />
          {t(`state.${state}`)}
        </li>
      ))}
    </ul>
  );
}
