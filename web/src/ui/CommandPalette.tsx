import { useEffect, useMemo, useState } from "react";
import { Dialog, Modal, ModalOverlay } from "react-aria-components";
import { useI18n } from "../lib/i18n";
import { Icon, type IconName } from "./icons/Icon";

export interface PaletteEntry {
  id: string;
  kind: "figure" | "action" | "place";
  label: string;
  context?: string;
  icon: IconName;
  run: () => void;
}

const KINDS: readonly PaletteEntry["kind"][] = ["figure", "action", "place"];
const MOST_SHOWN = 12;

/** Entries whose label or context holds every typed word; names that start with it come first. */
export function findEntries(entries: readonly PaletteEntry[], typed: string): PaletteEntry[] {
  const words = typed.toLowerCase().split(/\s+/).filter(Boolean);
  const matching = entries.filter((entry) =>
    words.every((word) => `${entry.label} ${entry.context ?? ""}`.toLowerCase().includes(word)),
  );
  const score = (entry: PaletteEntry) => (words[0] && entry.label.toLowerCase().startsWith(words[0]) ? 0 : 1);
  return KINDS.flatMap((kind) =>
    matching.filter((entry) => entry.kind === kind).sort((a, b) => score(a) - score(b)),
  ).slice(0, MOST_SHOWN);
}

/** The two names nearest to what was typed, by shared letter pairs. */
export function nearNames(entries: readonly PaletteEntry[], typed: string): PaletteEntry[] {
  const pairs = (text: string) =>
    new Set([...text.toLowerCase()].slice(0, -1).map((letter, index) => letter + text.toLowerCase()[index + 1]));
  const wanted = pairs(typed);
  const shared = (entry: PaletteEntry) => [...pairs(entry.label)].filter((pair) => wanted.has(pair)).length;
  return [...entries].sort((a, b) => shared(b) - shared(a)).slice(0, 2);
}

/** `/` anywhere: figures, actions, places, in this order. */
export function CommandPalette(props: {
  open: boolean;
  onOpenChange: (open: boolean) => void;
  entries: readonly PaletteEntry[];
}) {
  const { t } = useI18n();
  const [typed, setTyped] = useState("");
  const [at, setAt] = useState(0);
  const { open, onOpenChange } = props;
  const found = useMemo(() => findEntries(props.entries, typed), [props.entries, typed]);

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const typing = target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName);
      if (event.key === "/" && !typing && !event.ctrlKey && !event.metaKey && !event.altKey) {
        event.preventDefault();
        onOpenChange(true);
      }
    };
    window.addEventListener("keydown", onKey);
    return () => window.removeEventListener("keydown", onKey);
  }, [onOpenChange]);

  const choose = (entry: PaletteEntry | undefined) => {
    if (!entry) return;
    onOpenChange(false);
    setTyped("");
    entry.run();
  };
  let position = -1;
  return (
    <ModalOverlay className="palette-veil" isOpen={open} onOpenChange={onOpenChange} isDismissable>
      <Modal className="float palette">
        <Dialog aria-label={t("nav.find")}>
          <div className="palette-input">
            <Icon name="search" />
            <input
              autoFocus
              role="combobox"
              aria-expanded="true"
              aria-controls="palette-list"
              aria-activedescendant={found[at] ? `palette-${at}` : undefined}
              aria-label={t("nav.find")}
              value={typed}
              onChange={(event) => {
                setTyped(event.target.value);
                setAt(0);
              }}
              onKeyDown={(event) => {
                if (event.key === "ArrowDown" || event.key === "ArrowUp") {
                  event.preventDefault();
                  const step = event.key === "ArrowDown" ? 1 : -1;
                  setAt((old) => (found.length === 0 ? 0 : (old + step + found.length) % found.length));
                } else if (event.key === "Enter") choose(found[at]);
              }}
            />
            <kbd className="key-cap">Esc</kbd>
          </div>
          {found.length === 0 ? (
            <div className="palette-empty">
              <p>{t("palette.nothing", { name: typed })}</p>
              {nearNames(props.entries, typed).map((entry) => (
                <button key={entry.id} type="button" className="menu-item" onClick={() => choose(entry)}>
                  <Icon name={entry.icon} />
                  {entry.label}
                </button>
              ))}
            </div>
          ) : (
            <div className="palette-list" id="palette-list" role="listbox" aria-label={t("nav.find")}>
              {KINDS.map((kind) => {
                const members = found.filter((entry) => entry.kind === kind);
                if (members.length === 0) return null;
                return (
                  <div key={kind} role="group" aria-label={t(`palette.${kind}`)}>
                    <p className="menu-heading">{t(`palette.${kind}`)}</p>
                    {members.map((entry) => {
                      position += 1;
                      const index = position;
                      return (
                        // biome-ignore lint/a11y/useKeyWithClickEvents: Enter in the field chooses
                        <div
                          key={entry.id}
                          id={`palette-${index}`}
                          role="option"
                          aria-selected={index === at}
                          className="menu-item"
                          data-focused={index === at || undefined}
                          onClick={() => choose(entry)}
                          onPointerMove={() => setAt(index)}
                        >
                          <Icon name={entry.icon} />
                          <span>{entry.label}</span>
                          {entry.context && <span className="caption">{entry.context}</span>}
                        </div>
                      );
                    })}
                  </div>
                );
              })}
            </div>
          )}
          <p className="palette-foot">
            <span>{t("palette.keys")}</span>
          </p>
        </Dialog>
      </Modal>
    </ModalOverlay>
  );
}
