import { useEffect, useState } from "react";
import { deleteSearch, saveSearch, useSearches } from "../../api/chat";
import { useI18n } from "../../lib/i18n";
import { Help } from "../../ui/controls";
import { Icon } from "../../ui/icons/Icon";
import { type ChatFilter, filterData, pageQuery } from "./filters";
import { SavePopover } from "./SavePopover";

/** A search expression over conversations, and the searches the team has saved. What is wrong with one is said beside it. */
export function SearchBar(props: {
  filter: ChatFilter;
  replace: (query: URLSearchParams) => void;
  problem: string | null;
}) {
  const { t } = useI18n();
  const { filter, replace } = props;
  const searches = useSearches();
  const [text, setText] = useState(filter.expression);
  const [said, setSaid] = useState<string | null>(null);
  // The address may change by itself: a preset, the browser's way back.
  useEffect(() => setText(filter.expression), [filter.expression]);
  const set = (changes: Record<string, unknown>) => replace(pageQuery({ ...filterData(filter), ...changes }));
  const toggle = (name: string) =>
    set({
      saved: filter.saved.includes(name) ? filter.saved.filter((one) => one !== name) : [...filter.saved, name],
    });
  const known = searches.data ?? [];
  const unknown = filter.saved.filter((name) => searches.data && !known.some((one) => one.name === name));
  return (
    <div className="search-row">
      <search>
        <form
          onSubmit={(event) => {
            event.preventDefault();
            set({ q: text.trim() });
          }}
        >
          <span className={`field ${props.problem ? "invalid" : ""}`}>
            <Icon name="search" />
            <input
              type="search"
              value={text}
              spellCheck={false}
              aria-label={t("chat.search")}
              aria-invalid={props.problem !== null}
              aria-describedby="chat-search-problem"
              placeholder={'platform = web and not (tag = "billing" or messages < 3)'}
              onChange={(event) => {
                setText(event.target.value);
                if (event.target.value === "" && filter.expression) set({ q: null });
              }}
            />
          </span>
          <button type="submit" className="button">
            {t("chat.searchRun")}
          </button>
        </form>
      </search>
      <Help about={t("chat.search")}>
        <p>{t("chat.searchHelp")}</p>
        <p>
          <code>bot, participant, tag, platform, status, duration, messages, created, ended, completed</code>
        </p>
      </Help>
      {known.map((search) => (
        <span key={search.id} className="preset">
          <button
            type="button"
            aria-pressed={filter.saved.includes(search.name)}
            title={search.expression}
            onClick={() => toggle(search.name)}
          >
            {filter.saved.includes(search.name) ? "✓ " : ""}
            {search.name}
          </button>
          <button
            type="button"
            className="icon-button"
            aria-label={t("chat.presetDelete", { name: search.name })}
            onClick={() => {
              deleteSearch(search.id)
                .then(() => {
                  if (filter.saved.includes(search.name)) toggle(search.name);
                  return searches.refetch();
                })
                .catch((cause: Error) => setSaid(cause.message));
            }}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {unknown.map((name) => (
        <span key={name} className="chip invalid" title={t("chat.unknownValue")}>
          <b>{name}</b>
          <button
            type="button"
            className="icon-button"
            aria-label={t("filter.remove", { field: name })}
            onClick={() => toggle(name)}
          >
            <Icon name="close" />
          </button>
        </span>
      ))}
      {filter.expression && (
        <SavePopover
          label={t("chat.searchSave")}
          save={(name) =>
            saveSearch(name, filter.expression).then(() => {
              setSaid(t("chat.presetSaved", { name }));
              void searches.refetch();
            })
          }
        />
      )}
      <span className="caption" role="status">
        {said}
      </span>
      <p id="chat-search-problem" className="field-reason" role="alert">
        {props.problem}
      </p>
    </div>
  );
}
