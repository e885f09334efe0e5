import { useMemo } from "react";
import { type CostBreakdown, type CostP95, type CostSeries, type CostSummary, useChat } from "../../api/chat";
import { TimeChart } from "../../charts/TimeChart";
import type { Day } from "../../lib/days";
import { formatFull, formatPercent } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { CostModels, CostParts, CostPerTrace } from "./CostParts";
import { chatFigure } from "./figures";
import type { ChatFilter } from "./filters";
import { Widget } from "./Widget";

/** Sum, parts and cost of a turn together, as high as they usually are. */
export const WHOLE_HEIGHT = 760;

/** What the model use cost: the sum, its bars by source, providers, models, kinds of token, and what a turn costs at most. */
export function CostFigure(props: { query: string; enabled: boolean; filter: ChatFilter; today: Day }) {
  const { t, locale } = useI18n();
  const style = useMemo(() => ({ locale }), [locale]);
  const summary = useChat<CostSummary>("cost-summary", props.query, props.enabled);
  const series = useChat<CostSeries>("cost-timeseries", props.query, props.enabled);
  const breakdown = useChat<CostBreakdown>("cost-breakdown", props.query, props.enabled);
  const perTrace = useChat<CostP95>("cost-p95", props.query, props.enabled);
  // The parts make the figure three times as high as its sum: they are drawn together, in the room that was kept for them.
  const isWhole = [series, breakdown, perTrace].every((part) => part.data !== undefined || part.isError);
  const answer = isWhole ? summary : { ...summary, data: undefined };
  const step = props.filter.step === "hourly" ? "daily" : props.filter.step;
  const money = (value: number) => formatFull(value, "money", style);
  return (
    <div className="grid">
      <Widget
        title={t("chat.cost")}
        subtitle={t("chat.costNote")}
        height={WHOLE_HEIGHT}
        answer={answer}
        isEmpty={(data) => data.total === 0 && data.unknown_count === 0 && data.unpriced_count === 0}
      >
        {(data) => {
          const figure = series.data
            ? chatFigure({
                rows: series.data,
                frame: [],
                lines: [
                  { id: "chat", name: t("chat.costChat"), pick: (row) => row.chat },
                  ...(series.data.some((row) => row.evaluation !== undefined)
                    ? [
                        {
                          id: "evaluation",
                          name: t("chat.costEvaluations"),
                          pick: (row: CostSeries[number]) => row.evaluation ?? 0,
                        },
                      ]
                    : []),
                ],
                total: { id: "total", name: t("chat.cost"), pick: (row) => row.chat + (row.evaluation ?? 0) },
                step,
                today: props.today,
                locale,
                valueType: "money",
                absentIsZero: true,
              })
            : null;
          const change = data.change_percent;
          return (
            <>
              <div className="cost">
                <div className="cost-sum">
                  <data className="tile-number" value={data.total}>
                    {money(data.total)}
                  </data>
                  {change !== null && (
                    <p className="tile-change">
                      <span className="arrow" aria-hidden="true">
                        {change >= 0 ? "▲" : "▼"}
                      </span>{" "}
                      <span className="visually-hidden">{t(change >= 0 ? "change.up" : "change.down")} </span>
                      <strong>{money(Math.abs(data.total - (data.previous_total ?? 0)))}</strong> (
                      {formatPercent(Math.abs(change) / 100, locale)})
                    </p>
                  )}
                  {data.estimated > 0 && (
                    <CostModels
                      says={t("chat.exactEstimated", { exact: money(data.exact), estimated: money(data.estimated) })}
                      models={data.estimated_models}
                    />
                  )}
                  {data.unknown_count > 0 && (
                    <CostModels says={t("chat.unknown", { count: data.unknown_count })} models={data.unknown_models} />
                  )}
                  {data.unpriced_count > 0 && (
                    <CostModels
                      says={t("chat.unpriced", { count: data.unpriced_count })}
                      models={data.unpriced_models}
                    />
                  )}
                </div>
                <div className="cost-plot">
                  {figure && (
                    <TimeChart
                      figure={figure}
                      title={t("chat.cost")}
                      shape="bar"
                      stacked
                      height={180}
                      style={style}
                      legend="top"
                    />
                  )}
                </div>
              </div>
              {breakdown.data && <CostParts breakdown={breakdown.data} />}
              {perTrace.data && <CostPerTrace bots={perTrace.data} step={step} today={props.today} />}
            </>
          );
        }}
      </Widget>
    </div>
  );
}
