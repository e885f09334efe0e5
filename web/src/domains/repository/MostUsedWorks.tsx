import { useQuery as useServerQuery } from "@tanstack/react-query";
import { apiBase, getJson } from "../../api/client";
import type { RecordHit } from "../../api/types";
import { formatFull } from "../../lib/format";
import { layoutTitle, localised, useI18n } from "../../lib/i18n";
import { Figure, FigureEmpty, FigureError, FigureLoading } from "../../ui/Figure";
import type { ComponentSpec } from "./components";
import { useRepositoryPage } from "./context";

const TITLE_LENGTH = 60;

/** The works most viewed or downloaded, all time and all versions, as the records search sorts them. */
export function MostUsedWorks({
  spec,
  props,
}: {
  spec: Extract<ComponentSpec, { kind: "works" }>;
  props: Record<string, unknown>;
}) {
  const { t, locale } = useI18n();
  const page = useRepositoryPage();
  const size = typeof props.pageSize === "number" ? props.pageSize : 6;
  const views = spec.sort === "mostviewed";
  const base = recordsAddress(page.community?.id ?? null, page.community?.links?.records ?? null);
  const works = useServerQuery({
    queryKey: ["works", base, spec.sort, size, page.scope.testDay ?? ""],
    queryFn: async ({ signal }) => {
      if (page.scope.testDay) return (await import("../../testdata/generate.mjs")).works(spec.sort, size);
      const address = `${base}${base.includes("?") ? "&" : "?"}sort=${spec.sort}&size=${size}&s=${size}&l=list&p=1`;
      const answer = await getJson<{ hits: { hits: RecordHit[] } }>(address, signal);
      return answer.hits.hits.slice(0, size);
    },
    staleTime: 60_000,
    retry: 1,
  });
  const title = layoutTitle(props.title, views ? "works.viewed" : "works.downloaded", t);
  const count = (hit: RecordHit) => (views ? hit.stats.all_versions.views : hit.stats.all_versions.downloads) ?? 0;
  const shown = (works.data ?? []).filter((hit) => count(hit) > 0);
  return (
    <Figure title={title} subtitle={t("works.subtitle")}>
      {works.isPending ? (
        <FigureLoading height={220} />
      ) : works.isError ? (
        <FigureError
          cause={t("error.cause", { cause: works.error.message })}
          still={t("error.others")}
          retry={() => void works.refetch()}
        />
      ) : shown.length === 0 ? (
        <FigureEmpty title={t("empty.listTitle")} text={t(views ? "works.noneViewed" : "works.noneDownloaded")} />
      ) : (
        <table className="works">
          <caption className="visually-hidden">{title}</caption>
          <thead>
            <tr>
              <th scope="col" className="start">
                {t("works.work")}
              </th>
              <th scope="col" aria-sort="descending">
                {t(views ? "works.views" : "works.downloads")} ↓
              </th>
            </tr>
          </thead>
          <tbody>
            {shown.map((hit, index) => {
              const full = hit.metadata.title || t("works.untitled");
              const name = full.length > TITLE_LENGTH ? `${full.slice(0, TITLE_LENGTH - 1)}…` : full;
              const about = [people(hit), typeTitle(hit, locale)].filter(Boolean).join(" · ");
              return (
                <tr key={hit.id}>
                  <td>
                    <span className="works-rank">{index + 1}</span>
                    <span className="works-text">
                      {hit.links.self_html ? (
                        <a href={hit.links.self_html} target="_blank" rel="noopener" title={full}>
                          {name}
                        </a>
                      ) : (
                        <span title={full}>{name}</span>
                      )}
                      {about && <span className="caption">{about}</span>}
                    </span>
                  </td>
                  <td>{formatFull(count(hit), "number", page.style)}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      )}
    </Figure>
  );
}

function recordsAddress(communityId: string | null, given: string | null): string {
  if (given) {
    try {
      const url = new URL(given, window.location.href);
      if (url.origin === window.location.origin) return `${url.pathname}${url.search}`;
    } catch {
      // Not an address: the page's own search answers.
    }
  }
  return `${apiBase()}/api/records${communityId ? `?community=${encodeURIComponent(communityId)}` : ""}`;
}

/** Names of up to two creators, as far as the answer carries them. */
function people(hit: RecordHit): string {
  if (!Array.isArray(hit.metadata.creators)) return "";
  const names = (hit.metadata.creators as { person_or_org?: { name?: unknown }; name?: unknown }[])
    .map((creator) => creator?.person_or_org?.name ?? creator?.name)
    .filter((name): name is string => typeof name === "string" && name !== "");
  return names.length > 2 ? `${names.slice(0, 2).join("; ")} …` : names.join("; ");
}

function typeTitle(hit: RecordHit, locale: string): string {
  return localised(hit.metadata.resource_type?.title, locale, "");
}
