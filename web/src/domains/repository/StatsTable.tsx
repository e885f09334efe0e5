import { formatFull, formatPercent } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { rankValues, valueOver } from "../../series/breakdown";
import { DataTable } from "../../ui/DataTable";
import { Figure, FigureError, FigureLoading } from "../../ui/Figure";
import type { ComponentSpec } from "./components";
import { useFamily, useRepositoryPage } from "./context";
import { dimensionNamed, labelOf } from "./dimensions";

/** One breakdown as a plain sorted table; the head says what the percentages are of. */
export function StatsTable({
  spec,
  props,
}: {
  spec: Extract<ComponentSpec, { kind: "table" }>;
  props: Record<string, unknown>;
}) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const family = useFamily(spec.family);
  const dimension = dimensionNamed(String(props.subcount ?? "resource_types"));
  const title = typeof props.title === "string" ? props.title : dimension ? t(`dimension.${dimension.name}`) : "";
  if (!dimension) return null;
  const { data, view } = family;
  const global = data?.global("records");
  const total = data && global ? valueOver(global, view.range, data.kind, data.coverage) : null;
  const rows = data ? rankValues(data.values(dimension, "records"), view.range, data.kind, data.coverage) : [];
  return (
    <Figure
      title={title}
      subtitle={
        total === null
          ? ""
          : t("breakdown.shareOf", { total: formatFull(total, "number", page.style), what: t("noun.records") })
      }
      updating={family.updating}
    >
      {family.status === "loading" ? (
        <FigureLoading height={200} />
      ) : family.status === "failed" ? (
        <FigureError cause={t("error.cause", { cause: family.error?.message ?? "" })} retry={family.retry} />
      ) : (
        <DataTable
          caption={title}
          rows={rows}
          rowKey={(row) => row.id}
          sortBy="value"
          pageSize={typeof props.pageSize === "number" ? props.pageSize : 10}
          columns={[
            {
              id: "name",
              label: t(`dimension.${dimension.name}`),
              start: true,
              cell: (row) => labelOf(dimension.name, row.series, locale).name,
              sort: (row) => labelOf(dimension.name, row.series, locale).name,
            },
            {
              id: "value",
              label: t("column.records"),
              cell: (row) => formatFull(row.value, "number", page.style),
              sort: (row) => row.value,
            },
            {
              id: "share",
              label: t("breakdown.share"),
              cell: (row) => (total ? formatPercent(row.value / total, locale) : "–"),
            },
          ]}
        />
      )}
    </Figure>
  );
}
