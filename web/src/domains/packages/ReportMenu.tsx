import { apiBase } from "../../api/client";
import type { PackagesDashboard } from "../../api/packages";
import { parseDay } from "../../lib/days";
import { formatMonth } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { type Action, ActionMenu } from "../../ui/controls";

/** How many months back reports are offered; older ones are made by `tallykeep packages report --month`. */
const MONTHS = 6;

/** The report of a whole month, made by the server: a page to read and pass on, and the newest one as a table. */
export function reportActions(
  dashboard: PackagesDashboard,
  t: ReturnType<typeof useI18n>["t"],
  locale: string,
  open: (address: string) => void = (address) => window.location.assign(address),
): Action[] {
  const months = dashboard.monthly_download_snapshots.map((row) => row.period_end.slice(0, 7)).slice(-MONTHS);
  const address = (month: string, format: string) =>
    `${apiBase()}/api/v1/packages/report?month=${month}&format=${format}`;
  return months.toReversed().flatMap((month, index) => {
    const name = formatMonth(parseDay(`${month}-01`)!, locale);
    const page: Action = {
      id: `${month}-html`,
      label: t("packages.reportPage", { month: name }),
      icon: "file",
      run: () => open(address(month, "html")),
    };
    const table: Action = {
      id: `${month}-csv`,
      label: t("packages.reportTable", { month: name }),
      icon: "table",
      run: () => open(address(month, "csv")),
    };
    return index === 0 ? [page, table] : [page];
  });
}

export function ReportMenu({ dashboard }: { dashboard: PackagesDashboard }) {
  const { t, locale } = useI18n();
  const actions = reportActions(dashboard, t, locale);
  if (actions.length === 0) return null;
  return <ActionMenu label={t("packages.report")} icon="file" actions={actions} />;
}
