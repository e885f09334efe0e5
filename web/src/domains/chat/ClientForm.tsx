import type { FilterOptions } from "../../api/chat";
import { cookie } from "../../api/client";
import { type Day, isoDay } from "../../lib/days";
import { type ChatFilter, DATE_RANGES, daysOf, STEPS } from "./filters";

/**
 * The filters under the names the system before us gave them, for scripts written against its page: every named field is a query
 * parameter. It shows the page's state and is not shown itself; people use the bar above.
 */
export function ClientForm(props: { filter: ChatFilter; options: FilterOptions | undefined; today: Day }) {
  const { filter, options } = props;
  const days = daysOf(filter, props.today);
  const choices = {
    channels: options?.channels.map((one) => ({ value: one.value, label: one.label })) ?? [],
    experiments: options?.experiments.map((one) => ({ value: String(one.id), label: one.name })) ?? [],
    participants: options?.participants.map((one) => ({ value: String(one.id), label: one.name })) ?? [],
    tags: options?.tags.map((one) => ({ value: String(one.id), label: one.name })) ?? [],
  };
  return (
    <div hidden>
      <form id="filterForm">
        <input type="hidden" name="csrfmiddlewaretoken" value={cookie("csrftoken") ?? ""} readOnly />
        <select name="date_range" data-filter-type="date_range" value={filter.range} onChange={() => {}}>
          {DATE_RANGES.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
        <input type="date" name="start_date" value={days ? isoDay(days.start) : ""} readOnly />
        <input type="date" name="end_date" value={days ? isoDay(days.end) : ""} readOnly />
        <select name="granularity" data-filter-type="granularity" value={filter.step} onChange={() => {}}>
          {STEPS.map((id) => (
            <option key={id}>{id}</option>
          ))}
        </select>
        {(["channels", "experiments", "participants", "tags"] as const).map((field) => (
          <select key={field} id={`id_${field}`} name={field} multiple value={filter.values[field]} onChange={() => {}}>
            {choices[field].map((choice) => (
              <option key={choice.value} value={choice.value}>
                {choice.label}
              </option>
            ))}
          </select>
        ))}
      </form>
      {options?.cost_tracking && <div id="cost-tracking-panel-container" />}
      <form id="saveFilterForm">
        <input name="name" defaultValue="" />
        <input type="checkbox" name="is_default" />
        <input type="hidden" name="filter_data" value="" readOnly />
      </form>
    </div>
  );
}
