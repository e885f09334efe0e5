import { useI18n } from "../../../lib/i18n";
import { IconButton } from "../../../ui/controls";
import { Labelled } from "../../../ui/fields";
import type { Problem } from "./draft";

export function TextField(props: {
  label: string;
  value: string;
  problems: readonly string[];
  onChange: (text: string) => void;
}) {
  return (
    <Labelled label={props.label} problems={props.problems}>
      {(tied) => (
        <div className={`field ${props.problems.length > 0 ? "invalid" : ""}`}>
          <input {...tied} value={props.value} onChange={(event) => props.onChange(event.target.value)} />
        </div>
      )}
    </Labelled>
  );
}

/** A number or nothing. What is out of range is passed on: the server's word on it is the one that counts. */
export function NumberField(props: {
  label: string;
  value: unknown;
  min: number;
  max: number;
  step?: number;
  problems: readonly string[];
  onChange: (value: number | undefined) => void;
}) {
  return (
    <Labelled label={props.label} problems={props.problems}>
      {(tied) => (
        <div className={`field ${props.problems.length > 0 ? "invalid" : ""}`}>
          <input
            {...tied}
            type="number"
            min={props.min}
            max={props.max}
            step={props.step ?? 1}
            value={typeof props.value === "number" ? props.value : ""}
            onChange={(event) => {
              const { valueAsNumber } = event.target;
              props.onChange(Number.isNaN(valueAsNumber) ? undefined : valueAsNumber);
            }}
          />
        </div>
      )}
    </Labelled>
  );
}

/** Up, down and away, for a tab, a row or a component. The keyboard follows what was moved. */
export function Movers(props: {
  what: string;
  /** Start of the ids of the buttons of this list. */
  list: string;
  at: number;
  of: number;
  sideways?: boolean;
  onMove: (to: number) => void;
  onRemove: () => void;
}) {
  const { t } = useI18n();
  const { what, list, at, of } = props;
  const move = (to: number, way: string) => {
    props.onMove(to);
    requestAnimationFrame(() => document.getElementById(`${list}-${to}-${way}`)?.focus());
  };
  return (
    <span className="movers">
      <IconButton
        id={`${list}-${at}-back`}
        label={t("layout.moveBack", { what })}
        icon={props.sideways ? "left" : "up"}
        idle={at === 0}
        onPress={() => move(at - 1, "back")}
      />
      <IconButton
        id={`${list}-${at}-on`}
        label={t("layout.moveOn", { what })}
        icon={props.sideways ? "right" : "down"}
        idle={at >= of - 1}
        onPress={() => move(at + 1, "on")}
      />
      <IconButton
        label={t("layout.remove", { what })}
        icon="close"
        onPress={() => {
          props.onRemove();
          requestAnimationFrame(() => document.getElementById(`${list}-add`)?.focus());
        }}
      />
    </span>
  );
}

/** Problems that no field of the form shows, each with the place it names. */
export function OtherProblems({ problems }: { problems: readonly Problem[] }) {
  if (problems.length === 0) return null;
  return (
    <ul className="field-reason">
      {problems.map((problem) => (
        <li key={`${problem.path} ${problem.reason}`}>
          <code>{problem.path}</code> {problem.reason}
        </li>
      ))}
    </ul>
  );
}
