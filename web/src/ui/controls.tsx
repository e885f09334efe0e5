import { type ReactNode, useId } from "react";
import {
  Button,
  Dialog,
  DialogTrigger,
  Header,
  type Key,
  Menu,
  MenuItem,
  MenuSection,
  MenuTrigger,
  Popover,
  ToggleButton,
  ToggleButtonGroup,
} from "react-aria-components";
import { useI18n } from "../lib/i18n";
import { Icon, type IconName } from "./icons/Icon";

export interface Choice<Id extends string = string> {
  id: Id;
  label: string;
  /** Stands light at the end of the menu row: the days of a preset, a count. */
  end?: string;
  /** A choice that cannot be taken now, and why. */
  disabled?: string;
}

/** A row of buttons of which one is pressed: metrics, shapes, stacked or overlapping. */
export function Segmented<Id extends string>(props: {
  label: string;
  choices: readonly Choice<Id>[];
  value: Id;
  onChange: (id: Id) => void;
}) {
  return (
    <ToggleButtonGroup
      className="segmented"
      aria-label={props.label}
      selectionMode="single"
      disallowEmptySelection
      selectedKeys={[props.value]}
      onSelectionChange={(keys) => {
        const [chosen] = keys;
        if (chosen !== undefined) props.onChange(chosen as Id);
      }}
    >
      {props.choices.map((choice) => (
        <ToggleButton key={choice.id} id={choice.id} isDisabled={choice.disabled !== undefined}>
          {choice.label}
        </ToggleButton>
      ))}
    </ToggleButtonGroup>
  );
}

/** A button that opens a list of choices: "vs previous year", "Basis Added". */
export function ChoiceMenu<Id extends string>(props: {
  /** What is chosen, in words; stands light before the value. */
  name: string;
  choices: readonly Choice<Id>[];
  value: Id;
  onChange: (id: Id) => void;
  /** Leaves the name out of the button (it stays its accessible name). */
  quietName?: boolean;
  icon?: IconName;
  className?: string;
}) {
  const current = props.choices.find((choice) => choice.id === props.value);
  return (
    <MenuTrigger>
      <Button className={`button ${props.className ?? ""}`}>
        {props.icon && <Icon name={props.icon} />}
        <span className={props.quietName ? "visually-hidden" : "light"}>{props.name}</span>{" "}
        <span>{current?.label ?? props.value}</span>
        <Icon name="down" />
      </Button>
      <Popover className="float" placement="bottom start" offset={4}>
        <Menu
          className="menu"
          aria-label={props.name}
          selectionMode="single"
          selectedKeys={[props.value]}
          disabledKeys={props.choices.filter((choice) => choice.disabled).map((choice) => choice.id)}
          onAction={(id: Key) => props.onChange(id as Id)}
        >
          {props.choices.map((choice) => (
            <MenuItem key={choice.id} id={choice.id} className="menu-item" textValue={choice.label}>
              <span>
                {choice.label}
                {choice.disabled && <span className="why">{choice.disabled}</span>}
              </span>
              {choice.end && <span className="end">{choice.end}</span>}
              {choice.id === props.value && <Icon name="check" />}
            </MenuItem>
          ))}
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

export interface Action {
  id: string;
  label: string;
  run: () => void;
  icon?: IconName;
}

/** A button that opens a list of things to do. */
export function ActionMenu(props: {
  label: string;
  icon: IconName;
  actions: readonly Action[];
  heading?: string;
  iconOnly?: boolean;
  variant?: "button" | "icon-button";
}) {
  return (
    <MenuTrigger>
      <Button
        className={props.variant === "icon-button" ? "icon-button" : `button ${props.iconOnly ? "icon-only" : ""}`}
        aria-label={props.label}
      >
        <Icon name={props.icon} />
        {!props.iconOnly && props.variant !== "icon-button" && <span>{props.label}</span>}
      </Button>
      <Popover className="float" placement="bottom end" offset={4}>
        <Menu
          className="menu"
          aria-label={props.label}
          onAction={(id) => props.actions.find((action) => action.id === id)?.run()}
        >
          <MenuSection>
            {props.heading ? <Header className="menu-heading">{props.heading}</Header> : null}
            {props.actions.map((action) => (
              <MenuItem key={action.id} id={action.id} className="menu-item" textValue={action.label}>
                {action.icon && <Icon name={action.icon} />}
                <span>{action.label}</span>
              </MenuItem>
            ))}
          </MenuSection>
        </Menu>
      </Popover>
    </MenuTrigger>
  );
}

/** The `?` beside a label. */
export function Help({ about, children }: { about: string; children: ReactNode }) {
  const { t } = useI18n();
  return (
    <DialogTrigger>
      <Button className="icon-button help-button" aria-label={t("help.about", { what: about })}>
        <Icon name="help" />
      </Button>
      <Popover className="float" placement="bottom end" offset={4}>
        <Dialog className="help-text" aria-label={about}>
          {children}
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

export function IconButton(props: {
  label: string;
  icon: IconName;
  onPress: () => void;
  pressed?: boolean;
  /** Nothing to do now; it stays where it is and keeps the keyboard's place. */
  idle?: boolean;
  id?: string;
}) {
  return (
    <button
      type="button"
      {...(props.id ? { id: props.id } : {})}
      {...(props.idle ? { "aria-disabled": true } : {})}
      className="icon-button"
      aria-label={props.label}
      title={props.label}
      {...(props.pressed === undefined ? {} : { "aria-pressed": props.pressed })}
      onClick={() => {
        if (!props.idle) props.onPress();
      }}
    >
      <Icon name={props.icon} />
    </button>
  );
}

/** A command to type, with a button that copies it. */
export function CommandLine({ command }: { command: string }) {
  const { t } = useI18n();
  const id = useId();
  return (
    <div className="command-line">
      <code id={id}>{command}</code>
      <button type="button" className="foot-link" aria-describedby={id} onClick={() => void copyText(command)}>
        {t("action.copy")}
      </button>
    </div>
  );
}

/** Browsers without the clipboard API (plain http on another host) fall back to a selection. */
export async function copyText(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement("textarea");
    area.value = text;
    document.body.append(area);
    area.select();
    const copied = document.execCommand("copy");
    area.remove();
    return copied;
  }
}
