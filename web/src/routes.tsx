import { lazy, type ReactNode, Suspense } from "react";
import type { Community, DashboardConfig } from "./api/types";

const RepositoryPage = lazy(() =>
  import("./domains/repository/RepositoryPage").then((module) => ({ default: module.RepositoryPage })),
);
const LayoutPage = lazy(() =>
  import("./domains/repository/layout/LayoutPage").then((module) => ({ default: module.LayoutPage })),
);
const OverviewPage = lazy(() => import("./pages/OverviewPage"));
const ChatPage = lazy(() => import("./domains/chat/ChatPage"));
const PackagesPage = lazy(() => import("./domains/packages/PackagesPage"));
const AccountPage = lazy(() => import("./pages/people/AccountPage"));
const AdminPage = lazy(() => import("./pages/people/AdminPage"));
const ReportsPage = lazy(() => import("./pages/reports/ReportsPage"));
const WatchPage = lazy(() => import("./pages/reports/WatchPage"));
const TeamPage = lazy(() => import("./pages/people/TeamPage"));

/** What the server says about a page without a dashboard configuration: `<div id="tallykeep" data-page='{"page": …}'>`. */
export interface PageData {
  page?: string;
  now?: string | null;
  team?: string | null;
  [key: string]: unknown;
}

/** The one list of pages: the server's mount point names one; without a name the address decides. */
const PAGES: Record<string, (data: PageData) => ReactNode> = {
  overview: () => <OverviewPage />,
  packages: () => <PackagesPage />,
  chat: () => <ChatPage />,
  account: () => <AccountPage />,
  admin: () => <AdminPage />,
  reports: () => <ReportsPage />,
  watch: () => <WatchPage />,
  team: () => <TeamPage />,
};

export function pageFor(mount: HTMLElement): ReactNode {
  if (mount.id === "stats-dashboard") {
    const config = readJson<DashboardConfig>(mount.dataset.dashboardConfig);
    if (!config) return <p role="alert">This page came without its configuration (data-dashboard-config).</p>;
    const community = readJson<Community>(mount.dataset.community);
    if (mount.dataset.editor === "layout")
      return (
        <Suspense>
          <LayoutPage config={config} community={community} />
        </Suspense>
      );
    const framed = document.body.dataset.tallykeepFrame === "full";
    return (
      <Suspense>
        <RepositoryPage config={config} community={community} framed={framed} />
      </Suspense>
    );
  }
  const data = readJson<PageData>(mount.dataset.page) ?? {};
  const page = PAGES[data.page ?? pageAt(window.location.pathname)] ?? PAGES.overview!;
  return <Suspense>{page(data)}</Suspense>;
}

/**
 * The form at the door, where the page is one. It is loaded before it is drawn: the server's own form stands there meanwhile, and
 * somebody may be typing into it.
 */
export async function doorFor(mount: HTMLElement): Promise<ReactNode> {
  const data = readJson<PageData>(mount.dataset.page);
  if (data?.page !== "door") return null;
  const { default: DoorPage } = await import("./pages/people/DoorPage");
  return <DoorPage data={data} />;
}

export function pageAt(pathname: string): string {
  const path = pathname.replace(/^\/a\/[^/]+(?=\/|$)/, "");
  if (/^\/packages(\/|$)/.test(path)) return "packages";
  if (/^\/dashboard(\/|$)/.test(path)) return "chat";
  return "overview";
}

/** `null` for what is absent, empty, the word `None`, or no JSON. */
function readJson<T>(text: string | undefined): T | null {
  if (!text || text === "None") return null;
  try {
    return JSON.parse(text) as T;
  } catch {
    return null;
  }
}
