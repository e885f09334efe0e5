// A plausible answer of /api/v1/dashboard/daily for developing the page without the server.
const monthEnd = (year, month) => new Date(Date.UTC(year, month, 0)).toISOString().slice(0, 10);
const LAST = "2026-11-20";

function months(base, growth, options = {}) {
  const points = [];
  let value = base;
  for (let index = 0; index < 26; index += 1) {
    const end = monthEnd(2024 + Math.floor((8 + index) / 12), ((8 + index) % 12) + 1);
    if (end > "2026-10-31") break;
    value *= 1 + growth * (0.6 + (0.8 * ((index * 7919) % 100)) / 100);
    if (options.missing === end) continue;
    const days = Number(end.slice(8));
    points.push({
      period_start: end,
      period_end: end,
      value: Math.round(value),
      days_present: options.partial === end ? days - 4 : days,
      days_expected: days,
      state: options.partial === end ? "provisional" : options.restated === end ? "restated" : "final",
      ...(options.restated === end ? { was: Math.round(value * 1.15) } : {}),
      ...(end === "2025-11-30" ? { synthetic: true, state: "provisional" } : {}),
    });
  }
  return points;
}
const stars = (last, perDay) =>
  Array.from({ length: 730 }, (_, index) => {
    const day = new Date(Date.parse(LAST) - (729 - index) * 86_400_000).toISOString().slice(0, 10);
    return {
      period_start: day,
      period_end: day,
      value: Math.round(last - (729 - index) * perDay - 8 * Math.sin(index / 20)),
      state: "final",
      ...(index % 97 === 3 ? { interpolated: true, state: "provisional" } : {}),
    };
  });
const downloads = (product, sdk, source, subject, base, growth, options = {}) => {
  const sparkline = months(base, growth, options);
  const head = sparkline.at(-1);
  return {
    metric_id: `downloads:${product}:${sdk}`,
    display_name: sdk,
    metric_family: "downloads",
    sdk,
    subject,
    source,
    latest_value: head.value,
    latest_period_end: head.period_end,
    latest_provenance: "api_daily",
    total_stars: null,
    sparkline,
    coverage: { days_present: options.partial ? 27 : 31, days_expected: 31 },
    stale_days: options.stale ?? 0,
    running_month: {
      period_start: "2026-11-30",
      period_end: "2026-11-30",
      value: Math.round(head.value * 0.66),
      days_present: 20,
      days_expected: 30,
      state: "provisional",
    },
  };
};
const star = (subject, last, perDay) => {
  const sparkline = stars(last, perDay);
  return {
    metric_id: `stars:${subject.split("/")[1]}:github`,
    display_name: "GitHub Stars",
    metric_family: "stars",
    sdk: null,
    subject,
    source: "github",
    latest_value: last,
    latest_period_end: LAST,
    latest_provenance: "api_daily",
    total_stars: 24881,
    sparkline,
    coverage: { days_present: 30, days_expected: 30 },
    stale_days: 0,
  };
};

export function packagesDashboard() {
  const groups = [
    {
      product: "driftwooddb",
      title: "Driftwood DB",
      items: [
        downloads("driftwooddb", "python", "pypistats", "driftwood-db", 900_000, 0.08),
        downloads("driftwooddb", "nodejs", "npm", "@driftwood/db", 350_000, 0.09, { restated: "2026-07-31" }),
        downloads("driftwooddb", "rust", "crates.io", "driftwood-db", 18_000, 0.035, {
          missing: "2026-04-30",
          stale: 3,
        }),
        star("tidewater/driftwood-db", 13402, 12),
      ],
    },
    {
      product: "driftwood",
      title: "Driftwood",
      items: [
        downloads("driftwood", "python", "pypistats", "pydriftwood", 700_000, 0.06, { partial: "2026-10-31" }),
        downloads("driftwood", "rust", "crates.io", "driftwood", 20_000, 0.045),
        star("tidewater/driftwood", 9917, 7),
        star("tidewater/driftwood-graph", 1562, 1.4),
      ],
    },
  ];
  const parts = groups.flatMap((group) =>
    group.items
      .filter((item) => item.metric_family === "downloads")
      .map((item) => ({
        key: `${group.product}_${item.sdk}`,
        product: group.product,
        sdk: item.sdk,
        points: item.sparkline,
      })),
  );
  const ends = [...new Set(parts.flatMap((part) => part.points.map((point) => point.period_end)))].sort();
  const monthly = ends.map((end) => {
    const row = { period_end: end };
    const present = parts.filter((part) => part.points.some((point) => point.period_end === end));
    let total = 0;
    let was = 0;
    for (const part of parts) {
      const point = part.points.find((one) => one.period_end === end);
      row[part.key] = point?.value ?? 0;
      row[part.sdk] = (row[part.sdk] ?? 0) + (point?.value ?? 0);
      row[part.product] = (row[part.product] ?? 0) + (point?.value ?? 0);
      total += point?.value ?? 0;
      was += point ? (point.was ?? point.value) - point.value : 0;
    }
    const days = present.reduce(
      (sum, part) => sum + part.points.find((point) => point.period_end === end).days_present,
      0,
    );
    const expected = present.reduce(
      (sum, part) => sum + part.points.find((point) => point.period_end === end).days_expected,
      0,
    );
    const synthetic = end === "2025-11-30";
    return {
      ...row,
      total,
      days_present: days,
      days_expected: expected,
      metrics_present: present.length,
      metrics_expected: parts.length,
      ...(synthetic ? { synthetic: true } : {}),
      state: days < expected || synthetic ? "provisional" : was ? "restated" : "final",
      ...(was ? { was: total + was } : {}),
      missing: parts.filter((part) => !present.includes(part)).map((part) => part.key),
    };
  });
  return {
    generated_at: "2026-11-21T09:04:00.000000+00:00",
    days: 730,
    project: { title: "Driftwood", subtitle: "Downloads and stars of an open columnar file format and its database." },
    products: [
      { id: "driftwooddb", title: "Driftwood DB", subtitle: null },
      { id: "driftwood", title: "Driftwood", subtitle: "the file format" },
    ],
    latest_completed_day: LAST,
    groups,
    total_stars: 24881,
    total_stars_sparkline: stars(24881, 20.4),
    last_30d_download_totals: {
      window_start: "2026-10-22",
      window_end: LAST,
      driftwooddb: 9304110,
      driftwood: 3322560,
    },
    monthly_download_snapshots: monthly,
    duckdb_lance_extension_downloads: Array.from({ length: 12 }, (_, index) => ({
      month_start: monthEnd(2025 + Math.floor((11 + index) / 12), ((11 + index) % 12) + 1).replace(/-\d\d$/, "-01"),
      month_label: `m${index}`,
      core_downloads: 6500 + 700 * index,
      community_downloads: 12000 + 640 * index,
      total_downloads: 18500 + 1340 * index,
      is_partial_month: index === 11,
      weeks_present: 2,
      weeks_expected: 4,
    })),
    metric_rollups: [],
    movers: parts.map((part, index) => ({
      rollup_id: `r${index}`,
      metric_id: `downloads:${part.product}:${part.sdk}`,
      metric_family: "downloads",
      window: "7d",
      current_value: 90000 - index * 12000,
      percent_change: index % 2 ? -12.4 - index : 31.6 - index,
    })),
    recent_evidence: [
      {
        evidence_id: "e1",
        url: "https://example.org/release",
        title: "Driftwood 2.0 released",
        occurred_at: "2026-11-12T00:00:00Z",
        snippet: "",
      },
    ],
    signal_candidates: [
      {
        signal_id: "download_spike:2026-10-22:2026-11-20:driftwood-db-nodejs-downloads-spiked",
        signal_type: "download_spike",
        window_start: "2026-10-22",
        window_end: LAST,
        title: "Driftwood DB Nodejs downloads spiked",
        summary: "Downloads rose 131% against the prior 30 days.",
        evidence_ids: ["e1"],
      },
    ],
    signal_guidance: [],
    collection_gaps: [
      {
        day: "2026-11-02",
        kind: "collection_gap",
        sources: ["npm", "crates.io"],
        metrics: ["downloads:driftwooddb:nodejs"],
      },
      { day: "2026-10-14", kind: "source_outage", sources: ["npm"], metrics: ["downloads:driftwooddb:nodejs"] },
    ],
    annotations: [{ annotation_id: "a", day: "2026-03-09", text: "2.0", url: "", product: "", metric_id: "" }],
  };
}

export function windowTotals(start, end) {
  const days = (Date.parse(end) - Date.parse(start)) / 86_400_000 + 1;
  return {
    window_start: start,
    window_end: end,
    driftwooddb: Math.round(310_137 * days),
    driftwood: Math.round(110_752 * days),
  };
}

/** `GET /api/v1/packages/coverage`. */
export function packagesCoverage() {
  const items = packagesDashboard().groups.flatMap((group) => group.items);
  const back = (days) => new Date(Date.parse(LAST) - days * 86_400_000).toISOString().slice(0, 10);
  const metrics = items.map((item, index) => ({
    metric_id: item.metric_id,
    display_name: item.display_name,
    source: item.source,
    subject: item.subject,
    newest_day: back(item.stale_days),
    stale_days: item.stale_days,
    days_present: 700,
    days_expected: 702,
    strip: index === 2 ? `${"f".repeat(18)}mm${"f".repeat(7)}ppp` : `${"f".repeat(20)}r${"f".repeat(9)}`,
    missing:
      index === 2
        ? [11, 10].map((ago) => ({ day: back(ago), deliverable: true, until: back(-79) }))
        : index === 4
          ? [{ day: back(400), deliverable: false, until: null }]
          : [],
    leaving_soon: [],
    pending: [],
  }));
  return { latest_completed_day: LAST, open_gaps: 2, metrics };
}
