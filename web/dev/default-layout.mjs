// The default layout of spec/invenio §16.2, for the mock server.
const charts = {
  resource_types: {},
  languages: {},
  rights: {},
  affiliations: {},
  funders: {},
  publishers: {},
  file_types: {},
  access_statuses: {},
};
const stats = (a, b, c, suffix) => ({
  name: "stats",
  components: [a, b, c].map((name, index) => ({ component: `SingleStat${name}${suffix}`, width: index === 1 ? 6 : 5 })),
});
const list = (name, props = {}) => ({
  component: name,
  width: 8,
  props: { pageSize: 10, hideOtherInCharts: true, ...props },
});
const content = (suffix) => [
  list(`ResourceTypesMultiDisplay${suffix}`),
  list(`FileTypesMultiDisplay${suffix}`, { default_view: "bar" }),
  list(`LanguagesMultiDisplay${suffix}`, { default_view: "bar" }),
  list(`SubjectsMultiDisplay${suffix}`, { default_view: "list" }),
  list(`AccessStatusesMultiDisplay${suffix}`, { default_view: "bar" }),
  list(`RightsMultiDisplay${suffix}`, { default_view: "list", available_views: ["pie", "list"] }),
  list(`AffiliationsMultiDisplay${suffix}`, { default_view: "list" }),
  list(`PublishersMultiDisplay${suffix}`, { default_view: "bar", pageSize: 8 }),
];
const usage = (suffix) => [
  list(`FileTypesMultiDisplayDownloads${suffix}`),
  list(`LanguagesMultiDisplayViews${suffix}`),
  list(`ResourceTypesMultiDisplayViews${suffix}`),
  list(`RightsMultiDisplayViews${suffix}`),
  list(`PublishersMultiDisplayViews${suffix}`),
];
const one = (name, component, props, width = 16) => ({ name, components: [{ component, width, props }] });

export const layout = {
  tabs: [
    {
      name: "content",
      label: "Content",
      icon: "chart pie",
      date_range_phrase: "Cumulative totals as of",
      rows: [
        stats("RecordCount", "Uploaders", "DataVolume", "Cumulative"),
        one("chart", "ContentStatsChartCumulative", { height: 300, maxSeries: 10, display_subcounts: charts }),
        { name: "lists", components: content("") },
      ],
    },
    {
      name: "contributions",
      label: "Contributions",
      icon: "users",
      date_range_phrase: "Activity during",
      rows: [
        stats("RecordCount", "Uploaders", "DataVolume", ""),
        one("chart", "ContentStatsChart", {
          height: 300,
          maxSeries: 8,
          display_subcounts: { ...charts, file_presence: {}, subjects: {}, periodicals: {} },
        }),
        { name: "lists", components: [...content("Delta"), list("PeriodicalsMultiDisplayDelta")] },
      ],
    },
    {
      name: "traffic",
      label: "Cumulative Traffic",
      icon: "world",
      date_range_phrase: "Cumulative totals as of",
      rows: [
        stats("Views", "Downloads", "Traffic", "Cumulative"),
        one("chart", "TrafficStatsChartCumulative", { height: 300, maxSeries: 10 }),
        {
          name: "map",
          components: [
            { component: "StatsMap", width: 11, props: { height: 400, zoom: 1.3, center: [0, 20] } },
            { component: "CountriesMultiDisplayViews", width: 5, props: { pageSize: 10, available_views: ["list"] } },
          ],
        },
        {
          name: "works",
          components: [
            list("MostViewedRecordsMultiDisplay", { pageSize: 6 }),
            list("MostDownloadedRecordsMultiDisplay", { pageSize: 6 }),
          ],
        },
        { name: "lists", components: usage("") },
      ],
    },
    {
      name: "usage",
      label: "Usage Rates",
      icon: "download",
      date_range_phrase: "Activity during",
      rows: [
        stats("Views", "Downloads", "Traffic", ""),
        one("chart", "TrafficStatsChart", { height: 300 }),
        one("map", "StatsMap", { height: 400, useSnapshot: false }),
        { name: "lists", components: usage("Delta") },
      ],
    },
  ],
};
