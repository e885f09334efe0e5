import { type Engagement, type FilterOptions, type TagAnalytics, useChat } from "../../api/chat";
import { formatFull } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { relativeTime } from "./figures";
import { type ChatFilter, filterData, pageQuery } from "./filters";
import { Widget } from "./Widget";

const HALF = { "--span": 8, "--span-tablet": 8 } as React.CSSProperties;

/** Who writes most, or least; names are what the reader's role may see. */
export function People({ query, enabled, least }: { query: string; enabled: boolean; least?: boolean }) {
  const { t, locale } = useI18n();
  const people = useChat<Engagement>("user-engagement", query, enabled);
  const rowsOf = (data: Engagement) => (least ? data.least_active_participants : data.most_active_participants);
  const costs = people.data ? rowsOf(people.data).some((row) => row.cost !== undefined) : false;
  const title = t(least ? "chat.leastActive" : "chat.mostActive");
  return (
    <div style={HALF}>
      <Widget
        title={title}
        subtitle={t(least ? "chat.leastActiveNote" : "chat.mostActiveNote")}
        height={200}
        answer={people}
        isEmpty={(data) => rowsOf(data).length === 0}
      >
        {(data) => (
          <div className="table-scroll" role="region" aria-label={t("table.of", { name: title })} tabIndex={0}>
            <table className="data-table">
              <caption className="visually-hidden">{title}</caption>
              <thead>
                <tr>
                  <th scope="col">{t("chat.participant")}</th>
                  <th scope="col">{t("chat.messages")}</th>
                  <th scope="col">{t("chat.column.sessions")}</th>
                  {costs && <th scope="col">{t("chat.column.cost")}</th>}
                  <th scope="col">{t("chat.lastSeen")}</th>
                </tr>
              </thead>
              <tbody>
                {rowsOf(data).map((row) => (
                  <tr key={row.participant_id}>
                    <td>
                      <a href={row.participant_url}>{row.participant_name}</a>
                    </td>
                    <td>
                      <strong>{formatFull(row.total_messages, "number", { locale })}</strong>
                    </td>
                    <td>{formatFull(row.total_sessions, "number", { locale })}</td>
                    {costs && <td>{row.cost === undefined ? "–" : formatFull(row.cost, "money", { locale })}</td>}
                    <td>
                      <time dateTime={row.last_activity} title={row.last_activity}>
                        {relativeTime(row.last_activity, Date.now(), locale)}
                      </time>
                    </td>
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        )}
      </Widget>
    </div>
  );
}

/** Tags on messages and sessions; hidden while nothing is tagged. A tag filters the page by itself. */
export function Tags(props: {
  query: string;
  enabled: boolean;
  options: FilterOptions | undefined;
  filter: ChatFilter;
  replace: (query: URLSearchParams) => void;
}) {
  const { t, locale } = useI18n();
  const tags = useChat<TagAnalytics>("tag-analytics", props.query, props.enabled);
  const rows = tagRows(tags.data);
  if (tags.data && rows.length === 0) return null;
  const largest = rows[0]?.count ?? 1;
  const choose = (category: string, name: string) => {
    const tag = props.options?.tags.find((one) => one.name === name && one.category === category);
    if (tag) props.replace(pageQuery({ ...filterData(props.filter), tags: [String(tag.id)] }));
  };
  return (
    <div style={HALF}>
      <Widget title={t("chat.tags")} subtitle={t("chat.tagsNote")} height={200} answer={tags} isEmpty={() => false}>
        {() => (
          <table className="breakdown-list">
            <caption className="visually-hidden">{t("chat.tags")}</caption>
            <thead>
              <tr>
                <th scope="col">
                  <span className="visually-hidden">{t("chat.tags")}</span>
                </th>
                <th scope="col" className="col-number">
                  {t("chat.links")}
                </th>
              </tr>
            </thead>
            <tbody>
              {rows.slice(0, 20).map((row) => (
                <tr key={`${row.category}/${row.name}`}>
                  <td>
                    <span className="breakdown-name">
                      <button type="button" onClick={() => choose(row.category, row.name)}>
                        {row.name}
                      </button>
                      <span className="caption">{row.category}</span>
                    </span>
                    <span
                      className="breakdown-bar"
                      style={{ inlineSize: `${(100 * row.count) / largest}%` }}
                      aria-hidden="true"
                    />
                  </td>
                  <td className="value">{formatFull(row.count, "number", { locale })}</td>
                </tr>
              ))}
            </tbody>
          </table>
        )}
      </Widget>
    </div>
  );
}

/** Links on messages and on sessions together, largest first. */
export function tagRows(data: TagAnalytics | undefined): { category: string; name: string; count: number }[] {
  const counts = new Map<string, { category: string; name: string; count: number }>();
  for (const source of [data?.tag_categories, data?.tagged_sessions]) {
    for (const [category, tags] of Object.entries(source ?? {})) {
      for (const [name, count] of Object.entries(tags)) {
        const key = `${category}\n${name}`;
        const row = counts.get(key) ?? { category, name, count: 0 };
        row.count += count;
        counts.set(key, row);
      }
    }
  }
  return [...counts.values()].sort((a, b) => b.count - a.count || (a.name < b.name ? -1 : 1));
}
