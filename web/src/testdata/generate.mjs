// Plausible answers of /api/stats-dashboard for developing the pages without the server. Seeded: same question, same answer.
const DAY = 86_400_000;
export const TODAY = "2026-11-21";
const FIRST = "2023-03-14";
const iso = (t) => new Date(t).toISOString().slice(0, 10);
const FIRST_T = Date.parse(FIRST);
const LAST_T = Date.parse(TODAY);

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
function dailyRecords(scope) {
  const next = random(`records ${scope}`);
  const size = scope === "global" ? 6 : 2.2;
  const days = [];
  for (let t = FIRST_T; t <= LAST_T; t += DAY) {
    const date = new Date(t);
    const weekend = date.getUTCDay() % 6 === 0 ? 0.25 : 1;
    const summer = [6, 7].includes(date.getUTCMonth()) ? 0.6 : 1;
    const growth = 0.6 + (t - FIRST_T) / (LAST_T - FIRST_T);
    let n = Math.floor(size * weekend * summer * growth * (0.4 + 1.2 * next()) + next());
    if (next() > 0.985) n -= 2;
    days.push([t, n]);
  }
  return days;
}

const MARKS = { "2026-07-14": -0.22, "2026-07-15": -0.18, "2026-03-03": 0.12 };

function series(id, dimension, valueType, year, values) {
  const name = NAMED.has(dimension)
    ? { en: TITLES[id] ?? id }
    : dimension === "filePresence"
      ? id === "with_files"
        ? "With Files"
        : "Metadata Only"
      : id;
  const states = [];
  for (const [day, value] of values) {
    const factor = MARKS[`${year}-${day}`];
    if (factor !== undefined) states.push([day, "restated", Math.round(value * (1 - factor))]);
    if (`${year}-${day}` >= "2026-11-20") states.push([day, "provisional"]);
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
      ? { coverage: { first: FIRST, last: TODAY, provisional_from: "2026-11-20", as_of: "2026-11-21T02:10:00Z" } }
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

export function category(family, scope, from, to) {
  const snapshot = family.endsWith("snapshot");
  const usage = family.startsWith("usage");
  const metrics = usage ? METRICS.usage : METRICS[family];
  const base = dailyRecords(scope).map(([t, n], index, all) => {
    if (!usage) return [t, n];
    const held = all.slice(Math.max(0, index - 200), index + 1).reduce((sum, [, m]) => sum + m, 0);
    const weekday = new Date(t).getUTCDay() % 6 === 0 ? 0.55 : 1;
    return [t, Math.max(0, Math.round((40 + held * 0.9) * weekday))];
  });
  const year = Number(from.slice(0, 4));
  const daily = (factor, share) => {
    let sum = 0;
    const out = [];
    let carry = 0;
    for (const [t, n] of base) {
      carry += n * factor * share;
      const whole = Math.trunc(carry);
      carry -= whole;
      sum += whole;
      const day = iso(t);
      if (day < from || day > to) continue;
      out.push([day.slice(5), snapshot ? sum : whole]);
    }
    return out;
  };
  const result = { global: {} };
  for (const [metric, factor] of Object.entries(metrics)) {
    const valueType = metric === "dataVolume" ? "filesize" : "number";
    result.global[metric] = [series("global", "global", valueType, year, daily(factor, 1))];
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
          ),
        );
      }
      if (dimension === "affiliations" && !usage)
        result[key].contributions = shares(dimension).map(([id, share]) =>
          series(id, dimension, "number", year, daily(1.9, share)),
        );
    }
  }
  return result;
}
