// Plausible answers of /api/stats-dashboard, invented in the browser: the test-data mode of spec §16.4, and dev/mock-server.mjs.
// Seeded: same question and same day, same answer.
const DAY = 86_400_000;
const iso = (t) => new Date(t).toISOString().slice(0, 10);
/** Days of history before today: two full years and most of a third. */
const HISTORY = 1348;

function random(seed) {
  let state = 2166136261;
  for (const letter of seed) state = Math.imul(state ^ letter.charCodeAt(0), 16777619);
  return () => {
    state = Math.imul(state ^ (state >>> 15), 2246822507) + 0x9e3779b9;
    state ^= state >>> 13;
    return (state >>> 0) / 4294967296;
  };
}

const VALUES = {
  resourceTypes: [
    "publication-article",
    "publication-section",
    "dataset",
    "presentation",
    "image-photo",
    "software",
    "video",
    "lesson",
    "poster",
    "other",
    "image-figure",
    "publication-thesis",
  ],
  accessStatuses: ["open", "restricted", "embargoed", "metadata-only"],
  languages: ["eng", "por", "nor", "gle", "fra", "deu", "spa", "glg", "isl"],
  subjects: [
    "Ports",
    "Tides",
    "Fisheries",
    "Maps",
    "Law",
    "Lighthouses",
    "Trade",
    "Navigation",
    "Herring",
    "Salt",
    "Ropes",
    "Wrecks",
  ],
  rights: ["cc-by-4.0", "cc-by-nc-4.0", "cc0-1.0", "in-copyright", "mit", "apache-2.0"],
  affiliations: [
    "University of Galway",
    "Memorial University of Newfoundland",
    "Universidade do Porto",
    "Tidewater Institute",
    "Universitetet i Bergen",
    ...Array.from({ length: 14 }, (_, i) => `College ${i + 1}`),
  ],
  funders: ["European Commission", "Research Ireland", "FCT", "NSF"],
  periodicals: ["Journal of Shores", "Harbour Studies", "Tide"],
  publishers: [
    "Tidewater Press",
    "Zenodo",
    "unknown",
    "Shore Books",
    "Acme",
    ...Array.from({ length: 9 }, (_, i) => `Press ${i + 1}`),
  ],
  fileTypes: ["pdf", "csv", "jpg", "zip", "mp4", "txt"],
  countries: [
    "US",
    "GB",
    "CA",
    "IE",
    "PT",
    "NO",
    "BR",
    "DE",
    "FR",
    "IN",
    "ES",
    "AU",
    "IT",
    "NL",
    "SE",
    "JP",
    "ZA",
    "MX",
    "AR",
    "CN",
    "imported",
  ],
  filePresence: ["with_files", "metadata_only"],
};
const TITLES = {
  "publication-article": "Journal article",
  "publication-section": "Book chapter",
  dataset: "Dataset",
  presentation: "Presentation",
  "image-photo": "Photo",
  eng: "English",
  por: "Portuguese",
  nor: "Norwegian",
  gle: "Irish",
  fra: "French",
  deu: "German",
  spa: "Spanish",
  "cc-by-4.0": "Creative Commons Attribution 4.0 International",
  "in-copyright": "In copyright",
};
const RECORD = [
  "resourceTypes",
  "accessStatuses",
  "languages",
  "subjects",
  "rights",
  "funders",
  "periodicals",
  "publishers",
  "affiliations",
  "fileTypes",
  "filePresence",
];
const USAGE = [
  "resourceTypes",
  "accessStatuses",
  "languages",
  "rights",
  "funders",
  "periodicals",
  "publishers",
  "affiliations",
  "countries",
  "fileTypes",
];
const TOP = new Set(["languages", "rights", "funders", "periodicals", "publishers", "affiliations", "countries"]);
const NAMED = new Set(["resourceTypes", "languages", "rights"]);

function shares(dimension) {
  const list = VALUES[dimension].map((id, index) => [id, 1 / (index + 1.4) ** 1.15]);
  const sum = list.reduce((total, [, weight]) => total + weight, 0);
  return list.map(([id, weight]) => [id, weight / sum]);
}

/** Daily new records of a scope: growth, weekends, summers. */
function dailyRecords(scope, firstT, lastT) {
  const next = random(`records ${scope}`);
  const size = scope === "global" ? 6 : 2.2;
  const days = [];
  for (let t = firstT; t <= lastT; t += DAY) {
    const date = new Date(t);
    const weekend = date.getUTCDay() % 6 === 0 ? 0.25 : 1;
    const summer = [6, 7].includes(date.getUTCMonth()) ? 0.6 : 1;
    const growth = 0.6 + (t - firstT) / (lastT - firstT);
    let n = Math.floor(size * weekend * summer * growth * (0.4 + 1.2 * next()) + next());
    if (next() > 0.985) n -= 2;
    days.push([t, n]);
  }
  return days;
}

/** Restated days, counted back from today. */
const MARKS = { 130: -0.22, 129: -0.18, 263: 0.12 };

function series(id, dimension, valueType, year, values, span) {
  const name = NAMED.has(dimension)
    ? { en: TITLES[id] ?? id }
    : dimension === "filePresence"
      ? id === "with_files"
        ? "With Files"
        : "Metadata Only"
      : id;
  const states = [];
  for (const [day, value] of values) {
    const ago = Math.round((span.lastT - Date.parse(`${year}-${day}`)) / DAY);
    const factor = MARKS[ago];
    if (factor !== undefined) states.push([day, "restated", Math.round(value * (1 - factor))]);
    if (ago < 2) states.push([day, "provisional"]);
  }
  return {
    id,
    name: id === "global" ? "Global" : name,
    data: values,
    type: id === "global" ? "bar" : "line",
    valueType,
    ...(values.length > 0 ? { year } : {}),
    ...(states.length > 0 ? { states } : {}),
    ...(id === "global"
      ? {
          coverage: {
            first: iso(span.firstT),
            last: iso(span.lastT),
            provisional_from: iso(span.lastT - DAY),
            as_of: `${iso(span.lastT)}T02:10:00Z`,
          },
        }
      : {}),
  };
}

const METRICS = {
  "record-delta": { records: 1, parents: 0.93, uploaders: 0.5, fileCount: 2.2, dataVolume: 31_400_000 },
  "record-snapshot": {
    records: 1,
    parents: 0.93,
    uploaders: 0.23,
    distinctUploaders: 0.19,
    fileCount: 2.2,
    dataVolume: 31_400_000,
  },
  usage: {
    views: 1.4,
    viewUniqueRecords: 1,
    viewVisitors: 1.1,
    downloads: 0.6,
    downloadUniqueFiles: 0.42,
    dataVolume: 9_100_000,
  },
};

export function category(family, scope, from, to, today) {
  const lastT = Date.parse(today);
  const span = { firstT: lastT - HISTORY * DAY, lastT };
  const snapshot = family.endsWith("snapshot");
  const usage = family.startsWith("usage");
  const metrics = usage ? METRICS.usage : METRICS[family];
  const base = dailyRecords(scope, span.firstT, span.lastT).map(([t, n], index, all) => {
    if (!usage) return [t, n];
    const held = all.slice(Math.max(0, index - 200), index + 1).reduce((sum, [, m]) => sum + m, 0);
    const weekday = new Date(t).getUTCDay() % 6 === 0 ? 0.55 : 1;
    return [t, Math.max(0, Math.round((40 + held * 0.9) * weekday))];
  });
  const days = base.map(([t]) => iso(t));
  const year = Number(from.slice(0, 4));
  const daily = (factor, share) => {
    let sum = 0;
    const out = [];
    let carry = 0;
    for (const [index, [, n]] of base.entries()) {
      carry += n * factor * share;
      const whole = Math.trunc(carry);
      carry -= whole;
      sum += whole;
      const day = days[index];
      if (day < from || day > to) continue;
      out.push([day.slice(5), snapshot ? sum : whole]);
    }
    return out;
  };
  const result = { global: {} };
  for (const [metric, factor] of Object.entries(metrics)) {
    const valueType = metric === "dataVolume" ? "filesize" : "number";
    result.global[metric] = [series("global", "global", valueType, year, daily(factor, 1), span)];
  }
  for (const dimension of usage ? USAGE : RECORD) {
    const keys =
      usage && snapshot && TOP.has(dimension) ? [`${dimension}ByView`, `${dimension}ByDownload`] : [dimension];
    const wanted = usage ? ["viewUniqueRecords", "downloadUniqueFiles", "dataVolume"] : ["records", "dataVolume"];
    const overlap = ["affiliations", "subjects", "funders"].includes(dimension)
      ? 1.3
      : dimension === "countries"
        ? 0.93
        : 1;
    for (const key of keys) {
      result[key] = {};
      for (const metric of wanted) {
        result[key][metric] = shares(dimension).map(([id, share]) =>
          series(
            id,
            dimension,
            metric === "dataVolume" ? "filesize" : "number",
            year,
            daily(metrics[metric], share * overlap),
            span,
          ),
        );
      }
      if (dimension === "affiliations" && !usage)
        result[key].contributions = shares(dimension).map(([id, share]) =>
          series(id, dimension, "number", year, daily(1.9, share), span),
        );
    }
  }
  return result;
}

const WORKS = [
  "Tide tables of the Atlantic ports, 1680–1850",
  "Harbour law in Galician town charters",
  "Letters of the Bergen herring merchants",
  "A grammar of shore names",
  "Lighthouse log scans, Tory Island",
  "Ship lists of Porto, 1701–1750",
];

/** Works as `GET /api/records` lists them, most viewed or downloaded first. They lead nowhere. */
export function works(sort, size) {
  return Array.from({ length: size }, (_, index) => ({
    id: `test-${index}`,
    metadata: {
      title: WORKS[(sort === "mostviewed" ? index : index * 5 + 1) % WORKS.length],
      resource_type: { title: { en: "Dataset" } },
      creators: [{ person_or_org: { name: "Ó Conaill, R." } }],
    },
    stats: { all_versions: { views: Math.round(48211 / (index + 1)), downloads: Math.round(30544 / (index + 1)) } },
    links: { self_html: null },
  }));
}
