import { useEffect, useMemo, useState } from "react";
import { apiBase } from "../../../api/client";
import { problemsOf, type ShownLayout, useLayout, useLayoutChange, useLayouts } from "../../../api/layouts";
import { useOverview } from "../../../api/overview";
import type { Community, DashboardConfig } from "../../../api/types";
import { formatInstantWithDay } from "../../../lib/format";
import { useI18n } from "../../../lib/i18n";
import { useQuery } from "../../../lib/urlState";
import { ConfirmButton } from "../../../pages/people/parts";
import { Segmented } from "../../../ui/controls";
import { Figure, FigureError, FigureLoading } from "../../../ui/Figure";
import { Labelled } from "../../../ui/fields";
import { Icon } from "../../../ui/icons/Icon";
import { PageHead, Shell } from "../../../ui/Shell";
import { ControlBar } from "../ControlBar";
import { DashboardBody } from "../DashboardBody";
import { useDashboard } from "../useDashboard";
import { drawable, type Problem, placeInText, placeOf, tabsOf } from "./draft";
import { LayoutEditor, type Opened } from "./LayoutEditor";
import "./layout.css";

type Mode = "fields" | "json";

/** `/stats/layout`, `/communities/{id}/stats/layout`: what a dashboard shows, edited beside itself. For editors. */
export function LayoutPage({ config, community }: { config: DashboardConfig; community: Community | null }) {
  const { t } = useI18n();
  const [query, write] = useQuery();
  const scope = community ? community.id : query.get("of") === "communities" ? "communities" : "global";
  const shown = useLayout(scope);
  const back = community
    ? `${apiBase()}/communities/${encodeURIComponent(community.slug)}/stats`
    : `${apiBase()}/stats`;
  return (
    <Shell current={community ? `community:${community.id}` : "repository"}>
      <PageHead
        crumbs={[
          { label: t("nav.repository"), href: `${apiBase()}/stats` },
          ...(community ? [{ label: community.metadata.title, href: back }] : []),
          { label: t("layout.title") },
        ]}
        title={t("layout.title")}
        purpose={t(`layout.purpose.${community ? "community" : scope}`, { name: community?.metadata.title ?? "" })}
        actions={
          <a className="button" href={back}>
            <Icon name="chart" />
            <span>{t("layout.back")}</span>
          </a>
        }
      />
      {!community && (
        <div className="layout-scope">
          <Segmented
            label={t("layout.whose")}
            value={scope === "communities" ? "communities" : "global"}
            choices={[
              { id: "global", label: t("layout.of.global") },
              { id: "communities", label: t("layout.of.communities") },
            ]}
            onChange={(id) => write({ of: id === "communities" ? id : null })}
          />
        </div>
      )}
      <div className="rows layout-page">
        {shown.data ? (
          // Another scope, or another layout underneath after a reset: another draft.
          <Workbench key={`${scope} ${shown.dataUpdatedAt}`} {...{ config, community, scope }} shown={shown.data} />
        ) : shown.isPending ? (
          <FigureLoading height={480} />
        ) : (
          <FigureError
            cause={t("error.cause", { cause: shown.error?.message ?? "" })}
            retry={() => void shown.refetch()}
          />
        )}
        {!community && <SetLayouts />}
      </div>
    </Shell>
  );
}

function Workbench(props: { config: DashboardConfig; community: Community | null; scope: string; shown: ShownLayout }) {
  const { t, locale } = useI18n();
  const { config, community, scope, shown } = props;
  const registry = useLayouts();
  const change = useLayoutChange(scope);
  const [draft, setDraft] = useState<unknown>(shown.layout);
  const [text, setText] = useState<string | null>(null);
  const [wrongText, setWrongText] = useState<string | null>(null);
  const [mode, setMode] = useState<Mode>("fields");
  const [opened, setOpened] = useState<Opened>({ tab: 0, row: null, component: null });
  const [generation, setGeneration] = useState(0);
  const [problems, setProblems] = useState<Problem[]>([]);
  const isChanged = wrongText !== null || JSON.stringify(draft) !== JSON.stringify(shown.layout);
  useLeaveGuard(isChanged);

  const save = () => {
    setProblems([]);
    change.mutate(draft, {
      onError: (error) => {
        const found = problemsOf(error);
        setProblems(found);
        const first = found[0] && placeOf(found[0].path);
        if (first) setOpened(first);
      },
    });
  };
  const discard = () => {
    setDraft(shown.layout);
    setText(mode === "json" ? JSON.stringify(shown.layout, null, 2) : null);
    setWrongText(null);
    setProblems([]);
    change.reset();
    setGeneration(generation + 1);
  };
  const typeText = (next: string) => {
    setText(next);
    try {
      setDraft(JSON.parse(next));
      setWrongText(null);
    } catch (cause) {
      setWrongText(t("layout.notJson", { cause: placed((cause as Error).message, next) }));
    }
  };
  const show = (next: Mode) => {
    setText(next === "json" ? JSON.stringify(draft, null, 2) : null);
    setWrongText(null);
    setMode(next);
  };
  const failure = change.isError && problems.length === 0 ? change.error.message : null;
  return (
    <>
      <Figure
        title={t("layout.draft")}
        subtitle={origin(shown, t, locale)}
        controls={
          <Segmented<Mode>
            label={t("layout.mode")}
            value={mode}
            choices={[
              { id: "fields", label: t("layout.fields") },
              { id: "json", label: t("layout.json") },
            ]}
            onChange={show}
          />
        }
      >
        {mode === "fields" ? (
          <LayoutEditor
            key={generation}
            draft={draft}
            problems={problems}
            names={registry.data?.components ?? []}
            custom={registry.data?.custom ?? []}
            opened={opened}
            onOpen={setOpened}
            onChange={setDraft}
          />
        ) : (
          <>
            <Labelled label={t("layout.jsonLabel")} problems={wrongText ? [wrongText] : []}>
              {(tied) => (
                <textarea
                  {...tied}
                  className="text-area code"
                  rows={22}
                  spellCheck={false}
                  value={text ?? ""}
                  onChange={(event) => typeText(event.target.value)}
                />
              )}
            </Labelled>
            <ul className="field-reason">
              {problems.map((problem) => (
                <li key={`${problem.path} ${problem.reason}`}>
                  <code>{problem.path}</code> {problem.reason}
                </li>
              ))}
            </ul>
          </>
        )}
        <div className="layout-actions">
          <button
            type="button"
            className="button primary"
            disabled={!isChanged || wrongText !== null || change.isPending}
            onClick={save}
          >
            {t("layout.save")}
          </button>
          <button type="button" className="button" disabled={!isChanged} onClick={discard}>
            {t("layout.discard")}
          </button>
          {shown.from === "set" && (
            <ConfirmButton
              label={t("layout.reset")}
              about={t("layout.title")}
              confirm={t("layout.resetNow")}
              onConfirm={() => change.mutate(null)}
            />
          )}
          <a className="foot-link" href="#preview">
            {t("layout.toPreview")}
          </a>
          <p
            className={`outcome ${failure || problems.length > 0 ? "failed" : ""}`}
            role={failure || problems.length > 0 ? "alert" : "status"}
          >
            {failure
              ? t("switch.failed", { cause: failure })
              : problems.length > 0
                ? t("layout.refused", { count: problems.length })
                : isChanged
                  ? t("layout.unsaved")
                  : ""}
          </p>
        </div>
      </Figure>
      <Preview {...{ config, community, draft }} at={opened.tab} scope={scope} />
    </>
  );
}

/** The page's own figures, drawn as the draft has them. */
function Preview(props: {
  config: DashboardConfig;
  community: Community | null;
  draft: unknown;
  at: number;
  scope: string;
}) {
  const { t } = useI18n();
  const { draft, at } = props;
  const tab = useMemo(() => {
    const tabs = tabsOf(draft);
    return drawable(tabs[Math.min(at, tabs.length - 1)]);
  }, [draft, at]);
  const dashboard = useDashboard({ config: props.config, community: props.community, tab, everything: true });
  return (
    <section className="layout-preview" id="preview" aria-label={t("layout.preview")}>
      <header className="section-head">
        <h2 className="section-title">{t("layout.preview")}</h2>
        <p className="caption">
          {t(props.scope === "communities" ? "layout.previewCommunities" : "layout.previewAbout")}
        </p>
      </header>
      <ControlBar page={dashboard.page} choices={dashboard.choices} />
      <DashboardBody dashboard={dashboard} tab={tab} report={null} onCloseReport={() => undefined} outlined />
    </section>
  );
}

/** Every layout that was set, each a way to its editor. */
function SetLayouts() {
  const { t, locale } = useI18n();
  const layouts = useLayouts();
  const { data: overview } = useOverview();
  const set = layouts.data?.layouts ?? [];
  const communities = overview?.domains.repository?.communities ?? [];
  return (
    <Figure title={t("layout.setOnes")} subtitle={t("layout.setOnesAbout")}>
      {set.length === 0 ? (
        <p>{t("layout.noneSet")}</p>
      ) : (
        <ul className="link-list">
          {set.map((one) => {
            const community = communities.find((found) => found.id === one.scope);
            const isOurs = one.scope === "global" || one.scope === "communities";
            const href = isOurs
              ? `${apiBase()}/stats/layout${one.scope === "global" ? "" : "?of=communities"}`
              : `${apiBase()}/communities/${encodeURIComponent(one.community ?? one.scope)}/stats/layout`;
            return (
              <li key={one.scope}>
                <a href={href}>{isOurs ? t(`layout.of.${one.scope}`) : (community?.title ?? one.scope)}</a>{" "}
                <span className="caption">
                  {t("layout.setBy", { name: one.set_by, when: formatInstantWithDay(one.set_at, locale) })}
                </span>
              </li>
            );
          })}
        </ul>
      )}
    </Figure>
  );
}

function origin(shown: ShownLayout, t: ReturnType<typeof useI18n>["t"], locale: string): string {
  const by = { name: shown.set_by ?? "–", when: shown.set_at ? formatInstantWithDay(shown.set_at, locale) : "–" };
  return t(`layout.from.${shown.from}`, by);
}

/** The parser's words with line and column where it only counts characters. */
function placed(message: string, text: string): string {
  const offset = /position (\d+)/.exec(message)?.[1];
  if (!offset || message.includes("line ")) return message;
  const { line, column } = placeInText(text, Number(offset));
  return `${message} (line ${line} column ${column})`;
}

/** Asks before a draft is left behind. */
function useLeaveGuard(isChanged: boolean) {
  useEffect(() => {
    if (!isChanged) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    window.addEventListener("beforeunload", ask);
    return () => window.removeEventListener("beforeunload", ask);
  }, [isChanged]);
}
