import { useState } from "react";
import { Button, Dialog, DialogTrigger, Popover } from "react-aria-components";
import { apiBase, request } from "../../api/client";
import type { components } from "../../api/schema";
import type { Community, DashboardConfig } from "../../api/types";
import { useI18n } from "../../lib/i18n";
import { Segmented } from "../../ui/controls";
import { Icon } from "../../ui/icons/Icon";

/** Whether this reader may switch this community's dashboard: only where communities opt in (spec §16.8), and only editors. */
function maySwitch(config: DashboardConfig): boolean {
  return config.community_opt_in === true && config.may_switch_dashboard === true;
}

/** "Enable dashboard": on or off, with what that means. Where communities need not opt in, there is nothing to choose. */
export function DashboardSwitch({ config, community }: { config: DashboardConfig; community: Community }) {
  const { t } = useI18n();
  const [state, setState] = useState<{ problem: string } | "saving" | null>(null);
  if (!maySwitch(config)) return null;
  const enabled = config.dashboard_switched_on === true;
  const choose = (id: "on" | "off") => {
    if ((id === "on") === enabled) return;
    setState("saving");
    const body: components["schemas"]["DashboardSwitch"] = { enabled: id === "on" };
    request(`${apiBase()}/api/v1/communities/${encodeURIComponent(community.id)}/dashboard`, { method: "PUT", body })
      .then(() => window.location.reload())
      .catch((cause: Error) => setState({ problem: cause.message === "network" ? t("error.network") : cause.message }));
  };
  return (
    <div className="dashboard-switch">
      <div className="dashboard-switch-row">
        <Icon name="chart" />
        <span>{t("switch.label")}</span>
        <Segmented
          label={t("switch.label")}
          value={enabled ? "on" : "off"}
          choices={[
            { id: "on", label: t("switch.enable") },
            { id: "off", label: t("switch.disable") },
          ]}
          onChange={choose}
        />
      </div>
      <p className="caption">{t("switch.help")}</p>
      {state === "saving" && <p role="status">{t("switch.saving")}</p>}
      {state && state !== "saving" && (
        <p className="field-reason" role="alert">
          {t("switch.failed", { cause: state.problem })}
        </p>
      )}
    </div>
  );
}

/** The same behind a button of the page's head. */
export function DashboardSettings(props: { config: DashboardConfig; community: Community }) {
  const { t } = useI18n();
  if (!maySwitch(props.config)) return null;
  return (
    <DialogTrigger>
      <Button className="button">
        <Icon name="chart" />
        <span>{t("switch.settings")}</span>
      </Button>
      <Popover className="float" placement="bottom end" offset={4}>
        <Dialog className="help-text" aria-label={t("switch.settings")}>
          <DashboardSwitch {...props} />
        </Dialog>
      </Popover>
    </DialogTrigger>
  );
}
