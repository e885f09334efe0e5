import { useI18n } from "../lib/i18n";
import { IconButton } from "./controls";
import type { IconName } from "./icons/Icon";

/** The two tools in the head of a figure: its table, one step away and back again, and its file. */
export function FigureTools(props: {
  asTable: boolean;
  onTable: (asTable: boolean) => void;
  onDownload: () => void;
  /** What the table takes the place of, where it is no plot. */
  drawn?: { label: string; icon: IconName };
}) {
  const { t } = useI18n();
  const drawn = props.drawn ?? { label: t("chart.showPlot"), icon: "chart" };
  return (
    <>
      <IconButton
        label={props.asTable ? drawn.label : t("chart.showTable")}
        icon={props.asTable ? drawn.icon : "table"}
        pressed={props.asTable}
        onPress={() => props.onTable(!props.asTable)}
      />
      <IconButton label={t("chart.downloadCsv")} icon="download" onPress={props.onDownload} />
    </>
  );
}
