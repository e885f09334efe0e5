import { type ReactNode, useState } from "react";
import { apiBase } from "../api/client";
import { useOverview } from "../api/overview";
import type { Overview } from "../api/types";
import { useI18n } from "../lib/i18n";
import { CommandPalette, type PaletteEntry } from "./CommandPalette";
import { ChoiceMenu } from "./controls";
import { Icon, type IconName, Mark } from "./icons/Icon";
import "./shell.css";

export interface Place {
  id: string;
  label: string;
  href: string;
  count?: string;
  group: string;
  icon: IconName;
}

/** Where one can go, from the overview: a domain appears once it holds something, the rest for those who may. */
export function placesOf(overview: Overview | undefined, t: ReturnType<typeof useI18n>["t"]): Place[] {
  const base = apiBase();
  const team = overview?.team ?? "default";
  const places: Place[] = [];
  const { repository, packages, chat } = overview?.domains ?? {};
  if (repository) {
    const group = t("nav.repository");
    places.push({
      id: "repository",
      label: t("nav.allCommunities"),
      href: `${base}/stats`,
      count: String(repository.communities.length),
      group,
      icon: "chart",
    });
    for (const community of repository.communities.filter((one) => one.dashboard_enabled)) {
      places.push({
        id: `community:${community.id}`,
        label: community.title,
        href: `${base}/communities/${encodeURIComponent(community.slug)}/stats`,
        group,
        icon: "chart",
      });
    }
  }
  if (packages && packages.products.length > 0) {
    const label = packages.products.length === 1 ? packages.products[0]!.name : t("nav.packagesPage");
    places.push({
      id: "packages",
      label,
      href: base ? `${base}/packages` : "/packages",
      group: t("nav.packages"),
      icon: "grid",
    });
  }
  if (chat && chat.bots.length > 0) {
    places.push({
      id: "chat",
      label: t("nav.chatbots"),
      href: `/a/${team}/dashboard/`,
      count: String(chat.bots.length),
      group: t("nav.chat"),
      icon: "users",
    });
  }
  const roles = overview?.user?.roles ?? [];
  const group = t("nav.kept");
  if (roles.length > 0)
    places.push({ id: "watch", label: t("watch.title"), href: `${base}/watch`, group, icon: "warning" });
  if (roles.includes("admin"))
    places.push({ id: "reports", label: t("reports.title"), href: `${base}/reports`, group, icon: "file" });
  return places;
}

/** How many communities the sidebar names; the others are found by the palette and on the first page. */
const NAMED_PLACES = 8;

function shownPlaces(places: readonly Place[], current: string): Place[] {
  const communities = places.filter((place) => place.id.startsWith("community:"));
  const kept = new Set(communities.slice(0, NAMED_PLACES).map((place) => place.id));
  if (current.startsWith("community:")) kept.add(current);
  return places.filter((place) => !place.id.startsWith("community:") || kept.has(place.id));
}

function grouped(places: readonly Place[]): [string, Place[]][] {
  const groups = new Map<string, Place[]>();
  for (const place of places) groups.set(place.group, [...(groups.get(place.group) ?? []), place]);
  return [...groups];
}

/** The frame around every page of ours: sidebar when wide, rail on tablets, a top bar when narrow. */
export function Shell(props: {
  current: string;
  children: ReactNode;
  /** Figures and actions of the page, for the palette. */
  entries?: readonly PaletteEntry[];
  bottomBar?: ReactNode;
}) {
  const { t } = useI18n();
  const overview = useOverview();
  const places = placesOf(overview.data, t);
  const [palette, setPalette] = useState(false);
  const [menu, setMenu] = useState(false);
  const groups = grouped(shownPlaces(places, props.current));
  const team = overview.data?.team ?? "default";
  const teams = overview.data?.teams ?? [];
  const teamName = teams.find((one) => one.slug === team)?.name ?? team;
  return (
    <div className={`shell ${props.bottomBar ? "has-bottom-bar" : ""}`}>
      <a className="skip-link" href="#main">
        {t("nav.skip")}
      </a>
      <header className="top-bar">
        <button type="button" className="top-brand" aria-expanded={menu} onClick={() => setMenu(!menu)}>
          <Mark />
          <span>{teamName === "default" ? "Tallykeep" : teamName}</span>
        </button>
        <button type="button" className="icon-button" aria-label={t("nav.find")} onClick={() => setPalette(true)}>
          <Icon name="search" />
        </button>
      </header>
      <aside className={`sidebar ${menu ? "open" : ""}`}>
        <div className="sidebar-inner">
          <a className="brand" href="/">
            <Mark />
            <span>Tallykeep</span>
          </a>
          {teams.length > 1 && (
            <div className="team-switch">
              <ChoiceMenu
                name={t("nav.team")}
                quietName
                value={team}
                choices={teams.map((one) => ({ id: one.slug, label: one.name }))}
                onChange={(slug) => window.location.assign(slug === "default" ? "/" : `/a/${slug}/stats`)}
              />
            </div>
          )}
          <button type="button" className="find" onClick={() => setPalette(true)}>
            <Icon name="search" />
            <span>{t("nav.find")}</span>
            <kbd className="key-cap">/</kbd>
          </button>
          <nav aria-label={t("nav.places")}>
            {groups.map(([group, members]) => (
              <div key={group} className="nav-group">
                <h2>{group}</h2>
                <ul>
                  {members.map((place) => (
                    <li key={place.id}>
                      <a
                        href={place.href}
                        title={place.label}
                        {...(place.id === props.current ? { "aria-current": "page" as const } : {})}
                      >
                        <Icon name={place.icon} />
                        <span className="nav-label">{place.label}</span>
                        {place.count && <span className="nav-count">{place.count}</span>}
                      </a>
                    </li>
                  ))}
                </ul>
              </div>
            ))}
          </nav>
          <p className="sidebar-foot">
            <a href="/account">{overview.data?.user.name || t("people.account")}</a>
            <span>UTC</span>
          </p>
        </div>
      </aside>
      <main id="main" className="page" tabIndex={-1}>
        {props.children}
      </main>
      {props.bottomBar}
      <CommandPalette
        open={palette}
        onOpenChange={setPalette}
        entries={[
          ...(props.entries ?? []),
          ...places.map(
            (place): PaletteEntry => ({
              id: place.id,
              kind: "place",
              label: place.label,
              context: place.group,
              icon: place.icon,
              run: () => window.location.assign(place.href),
            }),
          ),
        ]}
      />
    </div>
  );
}

/** Crumbs, title, one line of purpose, actions. */
export function PageHead(props: {
  crumbs: readonly { label: string; href?: string }[];
  title: string;
  purpose?: ReactNode;
  actions?: ReactNode;
}) {
  const { t } = useI18n();
  return (
    <header className="page-head">
      <nav aria-label={t("nav.crumbs")} className="crumbs">
        <ol>
          {props.crumbs.map((crumb) => (
            <li key={crumb.label}>{crumb.href ? <a href={crumb.href}>{crumb.label}</a> : crumb.label}</li>
          ))}
        </ol>
      </nav>
      <div className="page-head-row">
        <div>
          <h1 className="page-title">{props.title}</h1>
          {props.purpose && <p className="purpose">{props.purpose}</p>}
        </div>
        {props.actions && <div className="page-actions">{props.actions}</div>}
      </div>
    </header>
  );
}
