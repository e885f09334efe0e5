import { useState } from "react";
import { Button, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { deletePreset, type FilterOptions, type Preset, savePreset, useFilterOptions } from "../../api/chat";
import { type Day, isoDay } from "../../lib/days";
import { formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { ChoiceMenu, Segmented } from "../../ui/controls";
import { Icon } from "../../ui/icons/Icon";
import type { Live } from "./ChatPage";
import {
  type ChatFilter,
  DATE_RANGES,
  type DateRangeName,
  daysOf,
  FIELDS,
  type Field,
  filterData,
  pageQuery,
  STEPS,
  type Step,
} from "./filters";
import { SavePopover } from "./SavePopover";

interface FilterBarProps {
  filter: ChatFilter;
  options: FilterOptions | undefined;
  today: Day;
  presets: readonly Preset[] | null;
  onPresets: () => void;
  live: Live;
  replace: (query: URLSearchParams) => void;
}

/** Days, steps, chips, kept filters. Every change is the new address. */
export function FilterBar(props: FilterBarProps) {
  const { t, locale } = useI18n();
  const { filter, today, replace } = props;
  const set = (changes: Record<string, unknown>) => replace(pageQuery({ ...filterData(filter), ...changes }));
  const days = daysOf(filter, today);
  const chooseRange = (range: DateRangeName) => {
    // Custom starts from the days shown, so that it is never an unfinished question.
    if (range === "custom")
      set({ date_range: range, start_date: isoDay(days?.start ?? today - 30), end_date: isoDay(days?.end ?? today) });
    else set({ date_range: range, start_date: null, end_date: null });
  };
  const chips = FIELDS.flatMap((field) => filter.values[field].map((value) => ({ field, value })));
  const isPlain =
    chips.length === 0 &&
    filter.range === "30" &&
    filter.step === "daily" &&
    filter.expression === "" &&
    filter.saved.length === 0;
  return (
    <>
      <div className="control-bar chat-controls" role="toolbar" aria-label={t("controls.label")}>
        <ChoiceMenu<DateRangeName>
          name={t("date.range")}
          quietName
          icon="calendar"
          value={filter.range}
          choices={DATE_RANGES.map((id) => ({ id, label: t(`chat.range.${id}`) }))}
          onChange={chooseRange}
        />
        {filter.range === "custom" ? (
          <span className="window-dates">
            <span className={`field ${days ? "" : "invalid"}`}>
              <input
                type="date"
                aria-label={t("date.from")}
                value={filter.start}
                max={isoDay(today)}
                onChange={(event) => set({ start_date: event.target.value })}
              />
            </span>
            <span>{t("packages.to")}</span>
            <span className={`field ${days ? "" : "invalid"}`}>
              <input
                type="date"
                aria-label={t("date.to")}
                value={filter.end}
                max={isoDay(today)}
                onChange={(event) => set({ end_date: event.target.value })}
              />
            </span>
          </span>
        ) : (
          days && <span className="chat-days">{formatRange(days, locale)}</span>
        )}
        <ChoiceMenu<Step>
          name={t("controls.granularity")}
          quietName
          value={filter.step}
          choices={STEPS.map((id) => ({ id, label: t(`chat.step.${id}`) }))}
          onChange={(step) => set({ granularity: step })}
        />
        {props.options && <span className="chat-days">{t("chat.zone", { zone: props.options.time_zone })}</span>}
        <p className={`watermark chat-live ${props.live.state === "on" ? "" : "stale"}`}>
          <i aria-hidden="true" />
          {props.live.state === "on" ? t("chat.live") : t("chat.everyFive")}
        </p>
      </div>
      {filter.range === "custom" && !days && (
        <p className="field-reason" role="alert">
          {t(filter.start && filter.end ? "date.problem.order" : "date.problem.unfinished")}
        </p>
      )}
      <div className="chip-row">
        {chips.map(({ field, value }) => {
          const known = nameOf(props.options, field, value);
          return (
            <span
              key={`${field}${value}`}
              className={`chip ${props.options && known === null ? "invalid" : ""}`}
              title={known === null ? t("chat.unknownValue") : ""}
            >
              <span>
                {t("filter.is", { field: t(`chat.field.${field}`) })} <b>{known ?? value}</b>
              </span>
              <button
                type="button"
                className="icon-button"
                aria-label={t("filter.remove", { field: `${t(`chat.field.${field}`)} ${known ?? value}` })}
                onClick={() => set({ [field]: filter.values[field].filter((one) => one !== value) })}
              >
                <Icon name="close" />
              </button>
            </span>
          );
        })}
        <AddFilter filter={filter} options={props.options} onChange={(field, values) => set({ [field]: values })} />
        {!isPlain && (
          <button type="button" className="button quiet" onClick={() => replace(new URLSearchParams())}>
            {t("packages.reset")}
          </button>
        )}
        <Presets {...props} />
      </div>
    </>
  );
}

function nameOf(options: FilterOptions | undefined, field: Field, value: string): string | null {
  switch (field) {
    case "channels":
      return options?.channels.find((one) => one.value === value)?.label ?? null;
    default:
      return options?.[field].find((one) => String(one.id) === value)?.name ?? null;
  }
}

function AddFilter(props: {
  filter: ChatFilter;
  options: FilterOptions | undefined;
  onChange: (field: Field, values: string[]) => void;
}) {
  const { t } = useI18n();
  const [field, setField] = useState<Field>("experiments");
  const [search, setSearch] = useState("");
  // People are too many for a list; they are found by the server.
  const found = useFilterOptions(field === "participants" ? search : "", props.filter.values.participants);
  const options = field === "participants" ? found.data : props.options;
  const choices = choicesOf(options, field).filter(
    (choice) => field === "participants" || choice.label.toLowerCase().includes(search.toLowerCase()),
  );
  const chosen = props.filter.values[field];
  return (
    <DialogTrigger>
      <Button className="button dashed">
        <Icon name="plus" />
        {t("chat.filter")}
      </Button>
      <Popover className="float" placement="bottom start" offset={4}>
        <Dialog className="filter-pop" aria-label={t("chat.filter")}>
          <Segmented
            label={t("chat.filterBy")}
            value={field}
            choices={FIELDS.map((id) => ({ id, label: t(`chat.field.${id}`) }))}
            onChange={(id) => {
              setField(id);
              setSearch("");
            }}
          />
          <span className="field">
            <Icon name="search" />
            <input
              value={search}
              aria-label={t("chat.searchIn", { field: t(`chat.field.${field}`) })}
              onChange={(event) => setSearch(event.target.value)}
            />
          </span>
          <ul className="filter-choices">
            {choices.slice(0, 100).map((choice) => (
              <li key={choice.id}>
                <label>
                  <input
                    type="checkbox"
                    checked={chosen.includes(choice.id)}
                    onChange={(event) =>
                      props.onChange(
                        field,
                        event.target.checked ? [...chosen, choice.id] : chosen.filter((one) => one !== choice.id),
                      )
                    }
                  />
                  <span>{choice.label}</span>
                  {choice.note && <span className="caption">{choice.note}</span>}
                </label>
              </li>
            ))}
            {choices.length === 0 && <li className="caption">{t("chat.noChoices")}</li>}
          </ul>
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}

function choicesOf(options: FilterOptions | undefined, field: Field): { id: string; label: string; note?: string }[] {
  switch (field) {
    case "experiments":
      return (options?.experiments ?? []).map((one) => ({ id: String(one.id), label: one.name }));
    case "channels":
      return (options?.channels ?? []).map((one) => ({ id: one.value, label: one.label }));
    case "participants":
      return (options?.participants ?? []).map((one) => ({ id: String(one.id), label: one.name, note: one.platform }));
    case "tags":
      return (options?.tags ?? []).map((one) => ({ id: String(one.id), label: one.name, note: one.category }));
  }
}

/** Kept filters: chips that load, a star on the default, a dialog that saves. */
function Presets(props: FilterBarProps) {
  const { t } = useI18n();
  const [isDefault, setDefault] = useState(false);
  const [said, setSaid] = useState<string | null>(null);
  const [doomed, setDoomed] = useState<Preset | null>(null);
  if (props.presets === null) return null;
  const fail = (cause: Error) => setSaid(cause.message);
  return (
    <div className="presets">
      {props.presets.map((preset) => (
        <span key={preset.id} className="preset">
          <button
            type="button"
            onClick={() => {
              props.replace(pageQuery(preset.filter_data));
              setSaid(t("chat.presetLoaded", { name: preset.name }));
            }}
          >
            {preset.is_default && (
              <span className="star" role="img" aria-label={t("chat.default")}>
                ★
              </span>
            )}{" "}
            {preset.name}
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t("chat.presetDelete", { name: preset.name })}
            onClick={() => setDoomed(preset)}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {doomed && (
        <span role="alertdialog" aria-label={t("chat.presetDelete", { name: doomed.name })} className="doomed">
          {t("chat.presetSure", { name: doomed.name })}
          <button
            type="button"
            className="button"
            onClick={() => {
              deletePreset(doomed.id).then(props.onPresets).catch(fail);
              setDoomed(null);
            }}
          >
            {t("chat.delete")}
          </button>
          <button type="button" className="button quiet" onClick={() => setDoomed(null)}>
            {t("chat.keep")}
          </button>
        </span>
      )}
      <SavePopover
        label={t("chat.save")}
        save={(name) =>
          savePreset(name, isDefault, filterData(props.filter)).then(() => {
            setSaid(t("chat.presetSaved", { name }));
            props.onPresets();
          })
        }
      >
        <label className="check">
          <input type="checkbox" checked={isDefault} onChange={(event) => setDefault(event.target.checked)} />{" "}
          {t("chat.presetDefault")}
        </label>
      </SavePopover>
      <span className="caption" role="status">
        {said}
      </span>
    </div>
  );
}
