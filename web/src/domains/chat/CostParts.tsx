import { useMemo, useState } from "react";
import type { CostBreakdown, CostP95, Dated, ModelCount } from "../../api/chat";
import { BreakdownFigure } from "../../charts/BreakdownFigure";
import type { Day } from "../../lib/days";
import { useI18n } from "../../lib/i18n";
import type { BreakdownList } from "../../series/breakdown";
import { Segmented } from "../../ui/controls";
import { Drawn } from "./ChatCharts";
import { chatFigure, type Line } from "./figures";
import type { Step } from "./filters";

const NO_LINKS = { href: () => null };

/** A sentence that opens into the models it is about. */
export function CostModels({ says, models }: { says: string; models: readonly ModelCount[] }) {
  return (
    <details className="cost-models">
      <summary>{says}</summary>
      <ul>
        {models.map((model) => (
          <li key={`${model.provider_type}/${model.model_name}`}>
            {model.provider_type} / {model.model_name} ({model.count})
          </li>
        ))}
      </ul>
    </details>
  );
}

/** Largest first; equal ones by name. */
export function partsList(parts: ReadonlyMap<string, number>): BreakdownList {
  const rows = [...parts].sort(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));
  const total = rows.reduce((sum, [, value]) => sum + value, 0);
  return {
    rows: rows.map(([name, value], color) => ({
      id: name,
      name,
      value,
      share: total > 0 ? value / total : null,
      color,
    })),
    total,
    sharesMayPass: false,
    otherHasNoBar: false,
    otherAsText: false,
  };
}

function summed<Row>(rows: readonly Row[], name: (row: Row) => string, value: (row: Row) => number) {
  const parts = new Map<string, number>();
  for (const row of rows) parts.set(name(row), (parts.get(name(row)) ?? 0) + value(row));
  return partsList(parts);
}

/** Cost by provider and model as bars, by kind of token as a ring that can also show the tokens. */
export function CostParts({ breakdown }: { breakdown: CostBreakdown }) {
  const { t, locale } = useI18n();
  const [kindsBy, setKindsBy] = useState<"cost" | "tokens">("cost");
  const style = useMemo(() => ({ locale }), [locale]);
  const models = breakdown.by_model ?? [];
  const kinds = breakdown.by_service_kind ?? [];
  if (models.length === 0) return null;
  const money = { valueLabel: t("chat.cost"), valueType: "money" as const, style, links: NO_LINKS };
  return (
    <div className="cost-parts">
      <div className="cost-part">
        <h3>{t("chat.byProvider")}</h3>
        <BreakdownFigure
          {...money}
          title={t("chat.byProvider")}
          view="bar"
          list={summed(
            models,
            (row) => row.provider_type,
            (row) => row.cost,
          )}
        />
      </div>
      <div className="cost-part">
        <h3>{t("chat.byModel")}</h3>
        <BreakdownFigure
          {...money}
          title={t("chat.byModel")}
          view="bar"
          list={summed(
            models,
            (row) => `${row.model_name} (${row.provider_type})`,
            (row) => row.cost,
          )}
        />
      </div>
      <div className="cost-part">
        <h3>{t("chat.byKind")}</h3>
        <Segmented
          label={t("chat.byKind")}
          value={kindsBy}
          choices={[
            { id: "cost", label: t("chat.cost") },
            { id: "tokens", label: t("chat.tokensShort") },
          ]}
          onChange={setKindsBy}
        />
        <BreakdownFigure
          title={t("chat.byKind")}
          view="pie"
          valueLabel={kindsBy === "cost" ? t("chat.cost") : t("chat.tokensShort")}
          valueType={kindsBy === "cost" ? "money" : "number"}
          style={style}
          links={NO_LINKS}
          list={summed(
            kinds,
            (row) => row.service_kind.replaceAll("_", " "),
            (row) => row[kindsBy],
          )}
        />
      </div>
    </div>
  );
}

/** The 95th percentile of what one turn of a bot cost, a line per bot that spent most. */
export function CostPerTrace({ bots, step, today }: { bots: CostP95; step: Step; today: Day }) {
  const { t, locale } = useI18n();
  const figure = useMemo(
    () => p95Figure(bots, t("chat.costPerTrace"), { step, today, locale }),
    [bots, step, today, t, locale],
  );
  if (!figure) return null;
  return (
    <div className="cost-part">
      <h3>{t("chat.costPerTrace")}</h3>
      <p className="caption">{t("chat.costPerTraceNote")}</p>
      <Drawn title={t("chat.costPerTrace")} figure={figure} />
    </div>
  );
}

/** A day on which a bot cost nothing was not measured. The whole, where one is needed, is the dearest bot of the day. */
export function p95Figure(bots: CostP95, name: string, base: { step: Step; today: Day; locale: string }) {
  type Row = Dated & { of: Map<number, number> };
  const rows = new Map<string, Row>();
  for (const bot of bots) {
    for (const point of bot.points) {
      const row: Row = rows.get(point.date) ?? { date: point.date, of: new Map() };
      row.of.set(bot.experiment_id, point.p95);
      rows.set(point.date, row);
    }
  }
  const lines = bots.map(
    (bot): Line<Row> => ({
      id: String(bot.experiment_id),
      name: bot.experiment_name,
      pick: (row) => row.of.get(bot.experiment_id) ?? null,
    }),
  );
  const total: Line<Row> = {
    id: "p95",
    name: lines.length === 1 ? lines[0]!.name : name,
    pick: (row) => Math.max(...row.of.values()),
  };
  return chatFigure({
    ...base,
    rows: [...rows.values()],
    frame: [],
    lines,
    total,
    valueType: "money",
    absentIsZero: false,
  });
}
