import type { LayoutComponent, LayoutTab } from "../../../api/types";

/** A place in a draft: `["tabs", 0, "rows", 1]`. */
export type Path = readonly (string | number)[];

/** What the server finds wrong, and where: `tabs[0].rows[1].components[0].width`. */
export interface Problem {
  path: string;
  reason: string;
}

type Fields = Record<string, unknown>;

function isFields(value: unknown): value is Fields {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** The value with `next` at `path`; `undefined` takes the key away. Lists and objects on the way are made where there are none. */
export function setAt<T>(value: T, path: Path, next: unknown): T {
  const [key, ...rest] = path;
  if (key === undefined) return next as T;
  if (typeof key === "number") {
    const list: unknown[] = Array.isArray(value) ? [...value] : [];
    list[key] = setAt(list[key], rest, next);
    return list as T;
  }
  const fields: Fields = isFields(value) ? { ...value } : {};
  const inner = setAt(fields[key], rest, next);
  if (inner === undefined) delete fields[key];
  else fields[key] = inner;
  return fields as T;
}

export function insertAt<T>(list: readonly T[], at: number, entry: T): T[] {
  return [...list.slice(0, at), entry, ...list.slice(at)];
}

export function removeAt<T>(list: readonly T[], at: number): T[] {
  return list.filter((_, index) => index !== at);
}

/** The list with one entry at another place; a place outside leaves it as it is. */
export function moveTo<T>(list: readonly T[], from: number, to: number): T[] {
  const entry = list[from];
  if (entry === undefined || to < 0 || to >= list.length) return [...list];
  return insertAt(removeAt(list, from), to, entry);
}

/** A draft as the editor's fields see it: whatever has another shape counts as absent and stays what it is until it is edited. */
export interface DraftRow {
  name: string;
  components: LayoutComponent[];
}
export interface DraftTab extends Omit<LayoutTab, "rows"> {
  rows: DraftRow[];
}

function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

function labelOf(value: unknown): string | Record<string, string> {
  if (isFields(value) && Object.values(value).every((text) => typeof text === "string"))
    return value as Record<string, string>;
  return textOf(value);
}

function componentOf(value: unknown): LayoutComponent {
  const fields = isFields(value) ? value : {};
  return {
    component: textOf(fields.component),
    ...(typeof fields.width === "number" ? { width: fields.width } : {}),
    ...(isFields(fields.props) ? { props: fields.props } : {}),
  };
}

function listOf(value: unknown): unknown[] {
  return Array.isArray(value) ? value : [];
}

export function tabsOf(draft: unknown): DraftTab[] {
  return listOf(isFields(draft) ? draft.tabs : null).map((given) => {
    const tab = isFields(given) ? given : {};
    return {
      name: textOf(tab.name),
      label: labelOf(tab.label),
      ...(typeof tab.icon === "string" ? { icon: tab.icon } : {}),
      ...(tab.date_range_phrase === undefined ? {} : { date_range_phrase: labelOf(tab.date_range_phrase) }),
      rows: listOf(tab.rows).map((one) => {
        const row = isFields(one) ? one : {};
        return { name: textOf(row.name), components: listOf(row.components).map(componentOf) };
      }),
    };
  });
}

/** What pages can draw of a tab: widths that fit the grid. A draft is drawn on every key stroke, also when half of it is wrong. */
export function drawable(tab: DraftTab | undefined): LayoutTab | undefined {
  if (!tab) return undefined;
  return {
    ...tab,
    rows: tab.rows.map((row) => ({
      name: row.name,
      components: row.components.map((component) => ({
        ...component,
        ...(component.width === undefined ? {} : { width: Math.min(16, Math.max(1, Math.round(component.width))) }),
      })),
    })),
  };
}

/** Where a problem belongs: the tab, row or component it is in (empty: the layout) and the field within. */
export function homeOf(path: string): { home: string; field: string } {
  const found = /^(tabs\[\d+\](?:\.rows\[\d+\](?:\.components\[\d+\])?)?)(?:\.(.*))?$/.exec(path);
  return found ? { home: found[1]!, field: found[2] ?? "" } : { home: "", field: path };
}

/** The tab, row and component that a problem's path names; `null` where it names none. */
export function placeOf(path: string): { tab: number; row: number | null; component: number | null } | null {
  const found = /^tabs\[(\d+)\](?:\.rows\[(\d+)\](?:\.components\[(\d+)\])?)?/.exec(path);
  if (!found) return null;
  const number = (text: string | undefined) => (text === undefined ? null : Number(text));
  return { tab: Number(found[1]), row: number(found[2]), component: number(found[3]) };
}

/** The problems at one field of one home, and those at fields that are not among `known`. */
export function problemsAt(problems: readonly Problem[], home: string, field: string): string[] {
  return problems
    .filter((problem) => {
      const at = homeOf(problem.path);
      return at.home === home && at.field === field;
    })
    .map((problem) => problem.reason);
}

export function otherProblems(problems: readonly Problem[], home: string, known: readonly string[]): Problem[] {
  return problems.filter((problem) => {
    const at = homeOf(problem.path);
    return at.home === home && !known.includes(at.field);
  });
}

/** Whether anything at or below a place is wrong. */
export function hasProblem(problems: readonly Problem[], home: string): boolean {
  return problems.some((problem) => problem.path === home || problem.path.startsWith(`${home}.`));
}

/** A name no other one of the list has: `tab`, `tab-2`, … */
export function freshName(stem: string, taken: readonly string[]): string {
  let name = stem;
  for (let number = 2; taken.includes(name); number += 1) name = `${stem}-${number}`;
  return name;
}

/** Line and column of an offset in a text, both from 1. */
export function placeInText(text: string, offset: number): { line: number; column: number } {
  const before = text.slice(0, offset).split("\n");
  return { line: before.length, column: (before.at(-1)?.length ?? 0) + 1 };
}
