import type { DateBasis } from "../../api/types";
import type { Granularity } from "../../lib/days";
import { useI18n } from "../../lib/i18n";
import type { Comparison } from "../../lib/ranges";
import { ChoiceMenu } from "../../ui/controls";
import { DateRange } from "../../ui/DateRange";
import { Icon } from "../../ui/icons/Icon";
import type { RepositoryPage as Page } from "./context";
import { dimensionNamed } from "./dimensions";
import { labelOfValue } from "./SingleStat";
import type { Choices } from "./useDashboard";

/** Dates, granularity, comparison, basis and the filter, in one row. */
export function ControlBar({ page, choices }: { page: Page; choices: Choices }) {
  const { t } = useI18n();
  const { view } = page;
  return (
    <div className="control-bar" role="toolbar" aria-label={t("controls.label")}>
      <DateRange {...choices.dates} />
      <ChoiceMenu<Granularity>
        name={t("controls.granularity")}
        quietName
        value={view.granularity}
        choices={choices.granularities}
        onChange={choices.chooseGranularity}
      />
      <ChoiceMenu<Comparison>
        name={t("controls.versus")}
        value={view.comparison}
        choices={choices.comparisons}
        onChange={choices.chooseComparison}
      />
      {choices.bases.length > 0 && (
        <ChoiceMenu<DateBasis>
          name={t("controls.basis")}
          value={view.basis}
          choices={choices.bases}
          onChange={choices.chooseBasis}
        />
      )}
      <FilterChip page={page} />
    </div>
  );
}

function FilterChip({ page }: { page: Page }) {
  const { t, locale } = useI18n();
  const { only } = page.view;
  if (!only) return null;
  const dimension = dimensionNamed(only.dimension);
  const name = dimension ? t(`dimension.${dimension.name}`) : only.dimension;
  return (
    <span className="chip">
      <span>
        {t("filter.is", { field: name })} <b>{labelOfValue(only.dimension, only.id, locale)}</b>
      </span>
      <button
        type="button"
        className="icon-button"
        aria-label={t("filter.remove", { field: name })}
        onClick={() => page.setOnly(only.dimension, null)}
      >
        <Icon name="close" />
      </button>
    </span>
  );
}
