import type { CSSProperties } from "react";
import { useI18n } from "../../../lib/i18n";
import { Icon } from "../../../ui/icons/Icon";
import { componentTitle, tabLabel } from "../titles";
import { ComponentForm } from "./ComponentForm";
import {
  type DraftRow,
  type DraftTab,
  freshName,
  hasProblem,
  insertAt,
  moveTo,
  otherProblems,
  type Path,
  type Problem,
  problemsAt,
  removeAt,
  setAt,
  tabsOf,
} from "./draft";
import { Movers, OtherProblems, TextField } from "./parts";

/** What is open in the editor: a tab, and a component of one of its rows. */
export interface Opened {
  tab: number;
  row: number | null;
  component: number | null;
}

interface Editing {
  draft: unknown;
  problems: readonly Problem[];
  names: readonly string[];
  custom: readonly string[];
  opened: Opened;
  onOpen: (opened: Opened) => void;
  onChange: (draft: unknown) => void;
}

/** A layout in fields: its tabs, the rows of one of them drawn on the grid, and the component that is open. */
export function LayoutEditor(props: Editing) {
  const { t, locale } = useI18n();
  const { draft, problems, opened, onOpen, onChange } = props;
  const tabs = tabsOf(draft);
  const at = Math.min(opened.tab, tabs.length - 1);
  const tab = tabs[at];
  const list = listAt(draft, ["tabs"]);
  const setTabs = (next: unknown[], open: number) => {
    onChange(setAt(draft, ["tabs"], next));
    onOpen({ tab: Math.max(0, Math.min(open, next.length - 1)), row: null, component: null });
  };
  const addTab = () => {
    const name = freshName(
      "tab",
      tabs.map((one) => one.name),
    );
    const entry = { name, label: t("layout.newTab"), rows: [{ name: "row", components: [NEW_COMPONENT] }] };
    setTabs([...list, entry], list.length);
  };
  return (
    <div className="layout-editor">
      <OtherProblems problems={otherProblems(problems, "", [])} />
      <div className="layout-tabs" role="group" aria-label={t("layout.tabs")}>
        {tabs.map((one, index) => (
          <button
            // biome-ignore lint/suspicious/noArrayIndexKey: names repeat while they are typed
            key={index}
            type="button"
            className="layout-tab"
            aria-pressed={index === at}
            onClick={() => onOpen({ tab: index, row: null, component: null })}
          >
            {tabLabel(one, locale, t) || t("layout.unnamed")}
            {hasProblem(problems, `tabs[${index}]`) && <Wrong />}
          </button>
        ))}
        <button type="button" id="tabs-add" className="button quiet" onClick={addTab}>
          <Icon name="plus" />
          {t("layout.addTab")}
        </button>
      </div>
      {tab && (
        <>
          <TabFields
            {...props}
            tab={tab}
            at={at}
            of={tabs.length}
            onMove={(to) => setTabs(moveTo(list, at, to), to)}
            onRemove={() => setTabs(removeAt(list, at), at)}
          />
          <Rows {...props} tab={tab} at={at} />
        </>
      )}
    </div>
  );
}

const NEW_COMPONENT = { component: "SingleStatRecordCountCumulative", width: 8 };

function listAt(value: unknown, path: Path): unknown[] {
  let found: unknown = value;
  for (const key of path) found = (found as Record<string | number, unknown> | null | undefined)?.[key];
  return Array.isArray(found) ? found : [];
}

function Wrong() {
  const { t } = useI18n();
  return (
    <span className="layout-wrong">
      <Icon name="warning" />
      <span className="visually-hidden">{t("layout.hasProblem")}</span>
    </span>
  );
}

function TabFields(
  props: Editing & { tab: DraftTab; at: number; of: number; onMove: (to: number) => void; onRemove: () => void },
) {
  const { t } = useI18n();
  const { tab, at, problems, draft, onChange } = props;
  const home = `tabs[${at}]`;
  const set = (path: Path, value: unknown) => onChange(setAt(draft, ["tabs", at, ...path], value));
  const texts = (field: "label" | "date_range_phrase", keepEmpty: boolean) => {
    const value = tab[field] ?? "";
    if (typeof value === "string")
      return (
        <TextField
          key={field}
          label={t(`layout.${field}`)}
          value={value}
          problems={problemsAt(problems, home, field)}
          onChange={(text) => set([field], text === "" && !keepEmpty ? undefined : text)}
        />
      );
    return Object.entries(value).map(([language, text], index) => (
      <TextField
        key={`${field} ${language}`}
        label={`${t(`layout.${field}`)} (${language})`}
        value={text}
        problems={index === 0 ? problemsAt(problems, home, field) : []}
        onChange={(next) => set([field, language], next)}
      />
    ));
  };
  return (
    <div className="tab-fields">
      <div className="layout-fields">
        {texts("label", true)}
        <TextField
          label={t("layout.tabName")}
          value={tab.name}
          problems={problemsAt(problems, home, "name")}
          onChange={(text) => set(["name"], text)}
        />
        {texts("date_range_phrase", false)}
        <TextField
          label={t("layout.icon")}
          value={tab.icon ?? ""}
          problems={problemsAt(problems, home, "icon")}
          onChange={(text) => set(["icon"], text === "" ? undefined : text)}
        />
      </div>
      <OtherProblems problems={otherProblems(problems, home, ["name", "label", "icon", "date_range_phrase"])} />
      <Movers
        what={t("layout.aTab")}
        list="tabs"
        at={at}
        of={props.of}
        sideways
        onMove={props.onMove}
        onRemove={props.onRemove}
      />
    </div>
  );
}

function Rows(props: Editing & { tab: DraftTab; at: number }) {
  const { t } = useI18n();
  const { tab, at, draft, onChange, onOpen } = props;
  const path: Path = ["tabs", at, "rows"];
  const list = listAt(draft, path);
  const setRows = (next: unknown[]) => {
    onChange(setAt(draft, path, next));
    onOpen({ tab: at, row: null, component: null });
  };
  const add = () => {
    const name = freshName(
      "row",
      tab.rows.map((row) => row.name),
    );
    onChange(setAt(draft, path, [...list, { name, components: [NEW_COMPONENT] }]));
    onOpen({ tab: at, row: list.length, component: 0 });
  };
  return (
    <>
      <ol className="layout-rows" aria-label={t("layout.rows")}>
        {tab.rows.map((row, index) => (
          <Row
            // biome-ignore lint/suspicious/noArrayIndexKey: names repeat while they are typed
            key={index}
            {...props}
            row={row}
            rowAt={index}
            onMove={(to) => setRows(moveTo(list, index, to))}
            onRemove={() => setRows(removeAt(list, index))}
          />
        ))}
      </ol>
      <button type="button" id={`tabs[${at}].rows-add`} className="button" onClick={add}>
        <Icon name="plus" />
        {t("layout.addRow")}
      </button>
    </>
  );
}

function Row(
  props: Editing & {
    at: number;
    row: DraftRow;
    tab: DraftTab;
    rowAt: number;
    onMove: (to: number) => void;
    onRemove: () => void;
  },
) {
  const { t } = useI18n();
  const { at, row, rowAt, tab, draft, problems, opened, onChange, onOpen } = props;
  const home = `tabs[${at}].rows[${rowAt}]`;
  const path: Path = ["tabs", at, "rows", rowAt];
  const list = listAt(draft, [...path, "components"]);
  const open = opened.row === rowAt ? opened.component : null;
  const openComponent = open === null ? undefined : row.components[open];
  const setComponents = (next: unknown[], show: number | null) => {
    onChange(setAt(draft, [...path, "components"], next));
    onOpen({ tab: at, row: show === null ? null : rowAt, component: show });
  };
  return (
    <li className="layout-row">
      <div className="layout-row-head">
        <TextField
          label={t("layout.rowName", { number: rowAt + 1 })}
          value={row.name}
          problems={problemsAt(problems, home, "name")}
          onChange={(text) => onChange(setAt(draft, [...path, "name"], text))}
        />
        <Movers
          what={t("layout.aRow", { number: rowAt + 1 })}
          list={`tabs[${at}].rows`}
          at={rowAt}
          of={tab.rows.length}
          onMove={props.onMove}
          onRemove={props.onRemove}
        />
      </div>
      <div className="layout-blocks">
        {row.components.map((component, index) => {
          const title = componentTitle(component, t);
          const width = component.width ?? 16;
          return (
            <button
              // biome-ignore lint/suspicious/noArrayIndexKey: a name may stand in a row twice
              key={index}
              type="button"
              className="layout-block"
              aria-expanded={open === index}
              style={{ "--span": Math.min(16, Math.max(1, Math.round(width))) } as CSSProperties}
              onClick={() =>
                onOpen({ tab: at, row: open === index ? null : rowAt, component: open === index ? null : index })
              }
            >
              <span className="layout-block-title">{title ?? (component.component || t("layout.unnamed"))}</span>
              <span className="caption">
                {t("layout.columns", { count: width })}
                {title === null && ` · ${t("layout.notDrawn")}`}
              </span>
              {hasProblem(problems, `${home}.components[${index}]`) && <Wrong />}
            </button>
          );
        })}
        <button
          type="button"
          id={`${home}-add`}
          className="layout-block add"
          aria-label={t("layout.addTo", { row: rowAt + 1 })}
          onClick={() => setComponents(insertAt(list, list.length, NEW_COMPONENT), list.length)}
        >
          <Icon name="plus" />
        </button>
      </div>
      <OtherProblems problems={otherProblems(problems, home, ["name"])} />
      {openComponent && open !== null && (
        <ComponentForm
          component={openComponent}
          home={`${home}.components[${open}]`}
          path={[...path, "components", open]}
          names={props.names}
          custom={props.custom}
          at={open}
          of={row.components.length}
          problems={problems}
          onSet={(where, value) => onChange(setAt(draft, where, value))}
          onMove={(to) => setComponents(moveTo(list, open, to), to)}
          onRemove={() => setComponents(removeAt(list, open), null)}
        />
      )}
    </li>
  );
}
