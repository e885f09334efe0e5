/** What stands in the fields of a form, and where the cursor is. */
export interface Typed {
  values: Map<string, string>;
  focus: { name: string; from: number | null; to: number | null } | null;
}

function fieldsOf(mount: HTMLElement): HTMLInputElement[] {
  return [...mount.querySelectorAll<HTMLInputElement>("form input[name]:not([type=hidden])")];
}

/** What was typed into the fields of a form under `mount`, by their names. What the server wrote there itself is no typing. */
export function typedIn(mount: HTMLElement): Typed {
  const fields = fieldsOf(mount);
  const values = new Map(
    fields.filter((field) => field.value !== field.defaultValue).map((field) => [field.name, field.value]),
  );
  const active = fields.find((field) => field === document.activeElement);
  const focus = active ? { name: active.name, from: active.selectionStart, to: active.selectionEnd } : null;
  return { values, focus };
}

/** Fills the fields of the form that took the other's place. Values are set, not written into the markup: one is a password. */
export function typeAgain(mount: HTMLElement, typed: Typed): void {
  const fields = fieldsOf(mount);
  for (const field of fields) {
    const value = typed.values.get(field.name);
    if (value !== undefined) field.value = value;
  }
  const { focus } = typed;
  const field = fields.find((one) => one.name === focus?.name);
  if (!focus || !field) return;
  field.focus();
  // Fields of mail addresses have no selection one could ask for or set: there the cursor belongs to the end.
  if (focus.from !== null) field.setSelectionRange(focus.from, focus.to);
  else if (field.value !== "") {
    const { type } = field;
    field.type = "text";
    field.setSelectionRange(field.value.length, field.value.length);
    field.type = type;
  }
}
