import { useState } from "react";
import type { LayoutComponent } from "../../../api/types";
import { useI18n } from "../../../lib/i18n";
import { Labelled } from "../../../ui/fields";
import { componentTitle } from "../titles";
import { otherProblems, type Path, type Problem, problemsAt } from "./draft";
import { groupsOf, type PropField, propFields } from "./fields";
import { Movers, NumberField, OtherProblems, TextField } from "./parts";

/** What a component is, how wide, and what it is told. */
export function ComponentForm(props: {
  component: LayoutComponent;
  /** Its place, as the server writes it, and as the draft has it. */
  home: string;
  path: Path;
  names: readonly string[];
  custom: readonly string[];
  at: number;
  of: number;
  problems: readonly Problem[];
  onSet: (path: Path, value: unknown) => void;
  onMove: (to: number) => void;
  onRemove: () => void;
}) {
  const { t } = useI18n();
  const { component, home, path, problems } = props;
  const given = component.props ?? {};
  const fields = propFields(component.component, given);
  const known = fields.map((field) => field.name);
  const rest = Object.fromEntries(Object.entries(given).filter(([name]) => !known.includes(name)));
  const groups = groupsOf(props.names, props.custom);
  const title = componentTitle(component, t) ?? component.component;
  const set = (name: string, value: unknown) => props.onSet([...path, "props", name], value);
  return (
    <fieldset className="component-form">
      <legend>{title}</legend>
      <div className="layout-fields">
        <Labelled label={t("layout.component")} problems={problemsAt(problems, home, "component")}>
          {(tied) => (
            <select
              {...tied}
              className="select"
              value={component.component}
              onChange={(event) => props.onSet([...path, "component"], event.target.value)}
            >
              {!props.names.includes(component.component) && (
                <option value={component.component}>{component.component || "–"}</option>
              )}
              {groups.map(([group, members]) => (
                <optgroup key={group} label={t(`layout.group.${group}`)}>
                  {members.map((name) => (
                    <option key={name} value={name}>
                      {name}
                    </option>
                  ))}
                </optgroup>
              ))}
            </select>
          )}
        </Labelled>
        <NumberField
          label={t("layout.width")}
          value={component.width}
          min={1}
          max={16}
          problems={problemsAt(problems, home, "width")}
          onChange={(value) => props.onSet([...path, "width"], value)}
        />
        {fields.map((field) => (
          <Property
            key={field.name}
            field={field}
            value={given[field.name]}
            problems={problemsAt(problems, home, `props.${field.name}`)}
            onChange={(value) => set(field.name, value)}
          />
        ))}
      </div>
      <OtherProperties
        // Another component, another text; typing keeps its own.
        key={`${home} ${component.component}`}
        value={rest}
        problems={problemsAt(problems, home, "props")}
        onChange={(value) => {
          const kept = Object.fromEntries(Object.entries(given).filter(([name]) => known.includes(name)));
          const all = { ...kept, ...value };
          props.onSet([...path, "props"], Object.keys(all).length === 0 ? undefined : all);
        }}
      />
      <OtherProblems
        problems={otherProblems(problems, home, [
          "component",
          "width",
          "props",
          ...known.map((name) => `props.${name}`),
        ])}
      />
      <Movers
        what={title}
        list={home.replace(/\.components\[\d+\]$/, "")}
        at={props.at}
        of={props.of}
        sideways
        onMove={props.onMove}
        onRemove={props.onRemove}
      />
    </fieldset>
  );
}

function Property(props: {
  field: PropField;
  value: unknown;
  problems: readonly string[];
  onChange: (value: unknown) => void;
}) {
  const { t } = useI18n();
  const { field, value, problems, onChange } = props;
  const label = t(`layout.prop.${field.name}`);
  switch (field.kind) {
    case "text":
      return (
        <TextField
          label={label}
          value={typeof value === "string" ? value : ""}
          problems={problems}
          onChange={(text) => onChange(text === "" ? undefined : text)}
        />
      );
    case "number":
      return (
        <NumberField
          label={label}
          value={value}
          min={field.min}
          max={field.max}
          {...(field.step ? { step: field.step } : {})}
          problems={problems}
          onChange={onChange}
        />
      );
    case "flag":
    case "choice": {
      const choices = field.kind === "flag" ? ["true", "false"] : field.choices;
      return (
        <Labelled label={label} problems={problems}>
          {(tied) => (
            <select
              {...tied}
              className="select"
              value={value === undefined ? "" : String(value)}
              onChange={(event) => {
                const chosen = event.target.value;
                onChange(chosen === "" ? undefined : field.kind === "flag" ? chosen === "true" : chosen);
              }}
            >
              <option value="">{t("layout.value.default")}</option>
              {value !== undefined && !choices.includes(String(value)) && <option>{String(value)}</option>}
              {choices.map((choice) => (
                <option key={choice} value={choice}>
                  {t(`layout.value.${choice}`)}
                </option>
              ))}
            </select>
          )}
        </Labelled>
      );
    }
    case "choices": {
      const list = Array.isArray(value) ? value.map(String) : null;
      return (
        <fieldset className="form-field checks">
          <legend>{label}</legend>
          {field.choices.map((choice) => (
            <label key={choice}>
              <input
                type="checkbox"
                checked={list === null || list.includes(choice)}
                onChange={(event) => {
                  const next = (list ?? [...field.choices]).filter((one) => one !== choice);
                  if (event.target.checked) next.push(choice);
                  const whole = field.choices.every((one) => next.includes(one));
                  onChange(whole ? undefined : field.choices.filter((one) => next.includes(one)));
                }}
              />
              {t(`layout.value.${choice}`)}
            </label>
          ))}
          {problems.length > 0 && <p className="field-reason">{problems.join("; ")}</p>}
        </fieldset>
      );
    }
  }
}

/** Properties without a field of their own, as JSON; custom components have no others. */
function OtherProperties(props: {
  value: Record<string, unknown>;
  problems: readonly string[];
  onChange: (value: Record<string, unknown>) => void;
}) {
  const { t } = useI18n();
  const [text, setText] = useState(() =>
    Object.keys(props.value).length === 0 ? "" : JSON.stringify(props.value, null, 2),
  );
  const [wrong, setWrong] = useState<string | null>(null);
  const change = (next: string) => {
    setText(next);
    try {
      const value: unknown = next.trim() === "" ? {} : JSON.parse(next);
      if (typeof value !== "object" || value === null || Array.isArray(value)) {
        setWrong(t("layout.notAnObject"));
        return;
      }
      setWrong(null);
      props.onChange(value as Record<string, unknown>);
    } catch (cause) {
      setWrong(t("layout.notJson", { cause: (cause as Error).message }));
    }
  };
  return (
    <Labelled label={t("layout.otherProps")} problems={wrong ? [wrong, ...props.problems] : props.problems}>
      {(tied) => (
        <textarea
          {...tied}
          className="text-area code"
          rows={Math.min(8, Math.max(1, text.split("\n").length))}
          spellCheck={false}
          value={text}
          placeholder='{"useSnapshot": false}'
          onChange={(event) => change(event.target.value)}
        />
      )}
    </Labelled>
  );
}
