import { CalendarDate, type DateValue } from "@internationalized/date";
import { type KeyboardEvent, useRef, useState } from "react";
import {
  Button,
  CalendarCell,
  CalendarGrid,
  CalendarGridBody,
  CalendarGridHeader,
  CalendarHeaderCell,
  Dialog,
  DialogTrigger,
  Heading,
  Popover,
  RangeCalendar,
} from "react-aria-components";
import { type Day, type DayRange, dayOf, type Granularity, isoDay, partsOf } from "../lib/days";
import { formatRange } from "../lib/format";
import { useI18n } from "../lib/i18n";
import {
  type Comparison,
  checkCustomRange,
  comparisonRange,
  PRESET_KEYS,
  PRESETS,
  type Preset,
  parseRangeText,
  presetRange,
  shiftRange,
} from "../lib/ranges";
import { Icon } from "./icons/Icon";
import "./shell.css";

export interface DateChoice {
  preset: Preset;
  range: DayRange;
}

interface DateRangeProps {
  value: DateChoice;
  granularity: Granularity;
  today: Day;
  maxHistoryYears: number;
  comparison: Comparison;
  onChange: (choice: DateChoice) => void;
  onClear: () => void;
}

/** Arrows, the range in words, and the panel with text, presets and calendar. */
export function DateRange(props: DateRangeProps) {
  const { t, locale } = useI18n();
  const [open, setOpen] = useState(false);
  const { value } = props;
  const step = (direction: -1 | 1) => {
    const range = shiftRange(value.range, props.granularity, direction);
    props.onChange({
      preset: "custom",
      range: range.end > props.today && range.start <= props.today ? { start: range.start, end: props.today } : range,
    });
  };
  const atEnd = value.range.end >= props.today;
  return (
    <div className="date-buttons" role="group" aria-label={t("date.range")}>
      <button type="button" className="button icon-only" aria-label={t("date.earlier")} onClick={() => step(-1)}>
        <Icon name="left" />
      </button>
      <DialogTrigger isOpen={open} onOpenChange={setOpen}>
        <Button className="button">
          <Icon name="calendar" />
          <span>{t(`preset.${value.preset}`)}</span> <span className="light">{formatRange(value.range, locale)}</span>
        </Button>
        <Popover className="float" placement="bottom start" offset={4}>
          <Dialog aria-label={t("date.range")} style={{ outline: "none" }}>
            <DatePanel {...props} close={() => setOpen(false)} />
          </Dialog>
        </Popover>
      </DialogTrigger>
      <button
        type="button"
        className="button icon-only"
        aria-label={t("date.later")}
        disabled={atEnd}
        onClick={() => step(1)}
      >
        <Icon name="right" />
      </button>
    </div>
  );
}

/** Nothing counts until it is applied, but a preset counts at once. */
export function DatePanel(props: DateRangeProps & { close: () => void; layout?: "panel" | "sheet" }) {
  const { t, locale } = useI18n();
  const [typed, setTyped] = useState("");
  const [from, setFrom] = useState(isoDay(props.value.range.start));
  const [to, setTo] = useState(isoDay(props.value.range.end));
  const understood = typed.trim() === "" ? null : parseRangeText(typed, props.today, locale);
  const checked = checkCustomRange(from, to);
  const draft = typeof checked === "string" ? null : checked;
  const typedWrong = typed.trim() !== "" && understood === null;
  const presets = PRESETS[props.granularity].filter((name) => name !== "custom");

  const apply = (range: DayRange, preset: Preset = "custom") => {
    props.onChange({ preset, range });
    props.close();
  };
  const onPreset = (name: Preset) => {
    const range = presetRange(name, props.today, props.maxHistoryYears);
    if (range) apply(range, name);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if ((event.target as HTMLElement).tagName === "INPUT" || event.ctrlKey || event.metaKey || event.altKey) return;
    const name = presets.find((candidate) => PRESET_KEYS[candidate] === event.key.toLowerCase());
    if (name) {
      event.preventDefault();
      onPreset(name);
    }
  };
  const type = (text: string) => {
    setTyped(text);
    const range = parseRangeText(text, props.today, locale);
    if (range) {
      setFrom(isoDay(range.start));
      setTo(isoDay(range.end));
    }
  };
  const textField = (
    <>
      <div className={`field ${typedWrong ? "invalid" : ""}`}>
        <Icon name="search" />
        <input
          // biome-ignore lint/a11y/noAutofocus: the panel is opened to choose dates; typing is the quickest way
          autoFocus={props.layout !== "sheet"}
          value={typed}
          placeholder={t("date.typeHint")}
          aria-label={t("date.type")}
          aria-invalid={typedWrong}
          onChange={(event) => type(event.target.value)}
          onKeyDown={(event) => {
            if (event.key === "Enter" && understood) apply(understood);
          }}
        />
        {understood && <span className="date-result">{formatRange(understood, locale)}</span>}
      </div>
      {typedWrong && <p className="field-reason">{t("date.notUnderstood")}</p>}
    </>
  );
  const ends = (
    <>
      <div className="date-ends">
        <EndField label={t("date.from")} value={from} onChange={setFrom} invalid={draft === null} />
        <EndField label={t("date.to")} value={to} onChange={setTo} invalid={draft === null} />
      </div>
      {typeof checked === "string" && (
        <p className="field-reason" role="alert">
          {t(`date.problem.${checked}`)}
        </p>
      )}
    </>
  );
  const matched = draft && comparisonRange(draft, props.comparison);
  const foot = (
    <div className="date-foot">
      <p>{matched && t("date.comparedWith", { range: formatRange(matched, locale) })}</p>
      <button
        type="button"
        className="button quiet"
        onClick={() => {
          props.onClear();
          props.close();
        }}
      >
        {t("action.clear")}
      </button>
      <button
        type="button"
        className="button primary"
        disabled={draft === null || typedWrong}
        onClick={() => draft && apply(draft)}
      >
        {t("action.apply")}
      </button>
    </div>
  );
  if (props.layout === "sheet") {
    return (
      <div>
        {textField}
        <p className="caption" style={{ marginBlock: 6 }}>
          {t("date.typeHint")}
        </p>
        <ul className="sheet-list">
          {presets.map((name) => {
            const range = presetRange(name, props.today, props.maxHistoryYears)!;
            const current = props.value.preset === name;
            return (
              <li key={name}>
                <button type="button" aria-current={current} onClick={() => onPreset(name)}>
                  {t(`preset.${name}`)}
                  <span className="end">
                    {current && <Icon name="check" />}
                    {formatRange(range, locale)}
                  </span>
                </button>
              </li>
            );
          })}
        </ul>
        {ends}
        {foot}
      </div>
    );
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: single keys choose presets; each preset is a button as well
    <div className="date-pop" onKeyDown={onKeyDown}>
      <div className="date-presets">
        {presets.map((name) => (
          <button key={name} type="button" aria-pressed={props.value.preset === name} onClick={() => onPreset(name)}>
            {t(`preset.${name}`)}
            {PRESET_KEYS[name] && <kbd className="key-cap">{PRESET_KEYS[name]!.toUpperCase()}</kbd>}
          </button>
        ))}
      </div>
      <div className="date-side">
        {textField}
        {ends}
        <RangeCalendar
          className="calendar"
          aria-label={t("date.calendar")}
          value={draft ? { start: calendarDate(draft.start), end: calendarDate(draft.end) } : null}
          firstDayOfWeek="mon"
          defaultFocusedValue={calendarDate(Math.min(props.value.range.end, props.today))}
          onChange={(range) => {
            setTyped("");
            setFrom(isoDay(dayOfDate(range.start)));
            setTo(isoDay(dayOfDate(range.end)));
          }}
        >
          <header>
            <Heading />
            <Button slot="previous" className="icon-button">
              <Icon name="left" />
            </Button>
            <Button slot="next" className="icon-button">
              <Icon name="right" />
            </Button>
          </header>
          <CalendarGrid weekdayStyle="short">
            <CalendarGridHeader>{(day) => <CalendarHeaderCell>{day}</CalendarHeaderCell>}</CalendarGridHeader>
            <CalendarGridBody>{(date) => <CalendarCell date={date} className="calendar-cell" />}</CalendarGridBody>
          </CalendarGrid>
        </RangeCalendar>
        {foot}
      </div>
    </div>
  );
}

const PARTS = ["year", "month", "day"] as const;

/** One end of the range as year, month and day, each a field of its own (spec §16.5); a full one moves on to the next. */
function EndField(props: { label: string; value: string; invalid: boolean; onChange: (text: string) => void }) {
  const { t } = useI18n();
  const row = useRef<HTMLSpanElement>(null);
  const values = props.value.split("-");
  const put = (index: number, text: string) => {
    const digits = text.replace(/\D/g, "").slice(0, index === 0 ? 4 : 2);
    const next = PARTS.map((_part, at) => (at === index ? digits : (values[at] ?? "")));
    props.onChange(next.every((part) => part === "") ? "" : next.join("-"));
    if (digits.length === (index === 0 ? 4 : 2) && index < 2) {
      const field = row.current?.querySelectorAll("input")[index + 1];
      field?.focus();
      field?.select();
    }
  };
  return (
    <div className="date-end" role="group" aria-label={props.label}>
      <span>{props.label}</span>
      <span ref={row} className={`field ${props.invalid ? "invalid" : ""}`}>
        {PARTS.map((part, index) => (
          <input
            key={part}
            className={part}
            value={values[index] ?? ""}
            inputMode="numeric"
            placeholder={t(`date.part.${part}.short`)}
            aria-label={`${props.label}: ${t(`date.part.${part}`)}`}
            aria-invalid={props.invalid}
            onChange={(event) => put(index, event.target.value)}
            onPaste={(event) => {
              const whole = /^\s*(\d{4})-(\d{1,2})-(\d{1,2})\s*$/.exec(event.clipboardData.getData("text"));
              if (!whole) return;
              event.preventDefault();
              props.onChange(whole.slice(1).join("-"));
            }}
          />
        ))}
      </span>
    </div>
  );
}

function calendarDate(day: Day): CalendarDate {
  const { year, month, day: dayOfMonth } = partsOf(day);
  return new CalendarDate(year, month, dayOfMonth);
}

function dayOfDate(date: DateValue): Day {
  return dayOf(date.year, date.month, date.day);
}
