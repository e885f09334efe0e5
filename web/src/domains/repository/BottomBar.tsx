import { type ComponentProps, useState } from "react";
import type { DateBasis } from "../../api/types";
import type { Granularity } from "../../lib/days";
import { useI18n } from "../../lib/i18n";
import type { Comparison } from "../../lib/ranges";
import { type Action, type Choice, ChoiceMenu } from "../../ui/controls";
import { DatePanel, type DateRange } from "../../ui/DateRange";
import { Icon, type IconName } from "../../ui/icons/Icon";
import { Sheet } from "../../ui/Sheet";

/** On narrow screens the page's controls live at the bottom: tab, dates, granularity, download. */
export function BottomBar(props: {
  tabs: readonly { id: string; label: string; icon: string }[];
  tab: string;
  onTab: (id: string) => void;
  dates: ComponentProps<typeof DateRange>;
  comparisons: readonly Choice<Comparison>[];
  onComparison: (id: Comparison) => void;
  bases: readonly Choice<DateBasis>[];
  basis: DateBasis;
  onBasis: (id: DateBasis) => void;
  granularities: readonly Choice<Granularity>[];
  onGranularity: (id: Granularity) => void;
  reports: readonly Action[];
}) {
  const { t } = useI18n();
  const [open, setOpen] = useState<"tab" | "dates" | "granularity" | "download" | null>(null);
  const close = () => setOpen(null);
  const tab = props.tabs.find((one) => one.id === props.tab);
  const granularity = props.granularities.find((one) => one.id === props.dates.granularity);
  const sheet = (id: NonNullable<typeof open>) => ({
    open: open === id,
    onOpenChange: (is: boolean) => setOpen(is ? id : null),
  });
  return (
    <nav className="bottom-bar" aria-label={t("controls.label")}>
      <button type="button" className="current" aria-haspopup="dialog" onClick={() => setOpen("tab")}>
        <Icon name={(tab?.icon ?? "chart") as IconName} />
        <span>{tab?.label}</span>
      </button>
      <button type="button" aria-haspopup="dialog" onClick={() => setOpen("dates")}>
        <Icon name="calendar" />
        <span>{t(`preset.${props.dates.value.preset}`)}</span>
      </button>
      <button type="button" aria-haspopup="dialog" onClick={() => setOpen("granularity")}>
        <Icon name="grid" />
        <span>{granularity?.label}</span>
      </button>
      <button type="button" aria-haspopup="dialog" onClick={() => setOpen("download")}>
        <Icon name="download" />
        <span>{t("action.download")}</span>
      </button>
      <Sheet title={t("tabs.label")} {...sheet("tab")}>
        <List
          items={props.tabs}
          current={props.tab}
          onChoose={(id) => {
            props.onTab(id);
            close();
          }}
        />
      </Sheet>
      <Sheet title={t("date.title")} {...sheet("dates")}>
        <DatePanel {...props.dates} layout="sheet" close={close} />
        <p className="sheet-row">
          <span>{t("date.compareWith")}</span>
          <ChoiceMenu
            name={t("controls.versus")}
            quietName
            value={props.dates.comparison}
            choices={props.comparisons}
            onChange={props.onComparison}
          />
        </p>
        {props.bases.length > 0 && (
          <p className="sheet-row">
            <span>{t("controls.basis")}</span>
            <ChoiceMenu
              name={t("controls.basis")}
              quietName
              value={props.basis}
              choices={props.bases}
              onChange={props.onBasis}
            />
          </p>
        )}
      </Sheet>
      <Sheet title={t("controls.granularity")} {...sheet("granularity")}>
        <List
          items={props.granularities}
          current={props.dates.granularity}
          onChoose={(id) => {
            props.onGranularity(id as Granularity);
            close();
          }}
        />
      </Sheet>
      <Sheet title={t("action.download")} {...sheet("download")}>
        <List
          items={props.reports}
          current=""
          onChoose={(id) => {
            props.reports.find((one) => one.id === id)?.run();
            close();
          }}
        />
      </Sheet>
    </nav>
  );
}

function List(props: {
  items: readonly { id: string; label: string }[];
  current: string;
  onChoose: (id: string) => void;
}) {
  return (
    <ul className="sheet-list">
      {props.items.map((item) => (
        <li key={item.id}>
          <button type="button" aria-current={item.id === props.current} onClick={() => props.onChoose(item.id)}>
            {item.label}
            <span className="end">{item.id === props.current && <Icon name="check" />}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
