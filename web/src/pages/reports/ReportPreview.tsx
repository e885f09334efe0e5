import { parseDay } from "../../lib/days";
import { formatFull, formatMonth, formatRange } from "../../lib/format";
import { useI18n } from "../../lib/i18n";
import { DataTable } from "../../ui/DataTable";
import { useRead } from "../people/api";
import { Asked } from "../people/parts";
import { previewPath, type ReportDocument, type ReportFigure } from "./api";

/** The report's figures as they would be sent, and the files a receiver would get. */
export function ReportPreview({ name, period }: { name: string; period: string }) {
  const { t } = useI18n();
  const answer = useRead<{ documents: ReportDocument[] }>(previewPath(name, period, "json"));
  return (
    <Asked
      title={t("reports.preview", { name })}
      subtitle={t("reports.previewAbout")}
      answer={answer}
      foot={
        <span className="report-formats">
          {(["html", "text", "csv"] as const).map((format) => (
            <a
              key={format}
              className="foot-link"
              href={previewPath(name, period, format)}
              target="_blank"
              rel="noreferrer"
            >
              {t(`reports.as.${format}`)}
            </a>
          ))}
        </span>
      }
    >
      {({ documents }) =>
        documents.length === 0 ? (
          <p>{t("reports.nothingToSend")}</p>
        ) : (
          documents.map((document) => <Document key={document.scope} document={document} />)
        )
      }
    </Asked>
  );
}

function Document({ document }: { document: ReportDocument }) {
  const { t, locale } = useI18n();
  const days = (span: { first: string; last: string }) =>
    document.period.every === "month"
      ? formatMonth(parseDay(span.first)!, locale, "short")
      : formatRange({ start: parseDay(span.first)!, end: parseDay(span.last)! }, locale);
  return (
    <article className="report-document">
      <h3 className="section-title">{document.title}</h3>
      <p className="phrase">{days(document.period)}</p>
      <p className="caption">{document.about}</p>
      {document.sections.map((section) => (
        <div key={section.title} className="report-section">
          <h4 className="figure-title">{section.title}</h4>
          <DataTable
            caption={section.title}
            rows={section.figures}
            rowKey={(figure) => figure.name}
            columns={[
              {
                id: "name",
                label: t("reports.figure"),
                start: true,
                cell: (figure) => (
                  <>
                    {figure.name}
                    {figure.note && <span className="caption"> · {figure.note}</span>}
                  </>
                ),
              },
              { id: "now", label: days(document.period), cell: (figure) => <Value amount={figure.now} /> },
              { id: "before", label: days(document.before), cell: (figure) => <Value amount={figure.before} /> },
              { id: "change", label: t("reports.change"), cell: (figure) => changeOf(figure, locale) },
            ]}
          />
        </div>
      ))}
      {document.remarks.length > 0 && (
        <ul className="report-remarks">
          {document.remarks.map((remark) => (
            <li key={remark}>{remark}</li>
          ))}
        </ul>
      )}
    </article>
  );
}

function Value({ amount }: { amount: ReportFigure["now"] }) {
  const { t, locale } = useI18n();
  if (amount === null) return <span className="muted">{t("reports.noData")}</span>;
  const style = { locale, binarySizes: false };
  switch (amount.unit) {
    case "bytes":
      return formatFull(amount.value, "filesize", style);
    case "percent":
      return new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(amount.value / 100);
    case "average":
      return new Intl.NumberFormat(locale, { maximumFractionDigits: 2 }).format(amount.value);
    default:
      return formatFull(amount.value, "number", style);
  }
}

/** ▲ 12.5% beside the period before; nothing where one of the two is unknown or the first was zero. */
function changeOf(figure: ReportFigure, locale: string): string {
  if (figure.now === null || figure.before === null || figure.before.value === 0) return "–";
  const change = (figure.now.value - figure.before.value) / figure.before.value;
  const words = new Intl.NumberFormat(locale, { style: "percent", maximumFractionDigits: 1 }).format(Math.abs(change));
  return change === 0 ? words : `${change > 0 ? "▲" : "▼"} ${words}`;
}
