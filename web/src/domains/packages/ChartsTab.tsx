import type { CSSProperties } from "react";
import type { PackagesDashboard } from "../../api/packages";
import { useI18n } from "../../lib/i18n";
import { Coverage } from "./Coverage";
import { DownloadCard } from "./DownloadCard";
import { Extension } from "./Extension";
import { downloadItems } from "./figures";
import { MonthTotals } from "./MonthTotals";
import { Stars } from "./Stars";
import { WindowFigure } from "./WindowFigure";

/** "Charts and downloads": month totals, the window, a section per product, the extension, stars. */
export function ChartsTab({ dashboard, onGaps }: { dashboard: PackagesDashboard; onGaps: () => void }) {
  const { t } = useI18n();
  const sections = dashboard.groups.filter((group) => group.items.some((item) => item.metric_family === "downloads"));
  return (
    <>
      <div className="grid">
        <div style={{ "--span": 11, "--span-tablet": 8 } as CSSProperties}>
          <MonthTotals dashboard={dashboard} />
        </div>
        <div style={{ "--span": 5, "--span-tablet": 8 } as CSSProperties}>
          <WindowFigure dashboard={dashboard} />
          <Coverage onGaps={onGaps} />
        </div>
      </div>
      {sections.map((group) => (
        <section key={group.product}>
          <div className="section-head">
            <h2 className="section-title">{group.title}</h2>
            <p className="caption">
              {dashboard.products?.find((one) => one.id === group.product)?.subtitle || t("packages.sectionNote")}
            </p>
          </div>
          <div className="cards">
            {downloadItems(dashboard, group.product).map((item) => (
              <DownloadCard key={item.metric_id} item={item} />
            ))}
          </div>
        </section>
      ))}
      <Extension dashboard={dashboard} />
      <Stars dashboard={dashboard} />
    </>
  );
}
