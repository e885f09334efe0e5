//! One XML document of everything (spec/invenio §8.3).

use std::io::Write;

use quick_xml::{
    Writer,
    events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event},
};

use crate::{
    Aggregation, Collection, DateStyle, ExportError, Metric, QuerySeries, Series,
    names::{xml_id, xml_text},
    units::{measurement, unit},
};

const NAMESPACE: &str = "https://github.com/MESH-Research/invenio-stats-dashboard";
const DUBLIN_CORE: &str = "http://purl.org/dc/elements/1.1/";

impl Collection {
    /// The collection as XML.
    ///
    /// Shape: `dataSeriesCollection` → `metadata`, then `category` → `seriesSet` → `metric` → `series` → `dataPoints` → `point`. Counts are of
    /// what follows: `metricsCount` of metrics that have series, `totalDataPoints` of all points; `timeRange` is absent without any.
    /// Unit: the attribute `unit` of each metric.
    pub fn xml(&self) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        self.write_xml(&mut bytes)?;
        Ok(bytes)
    }

    /// The same, as it is made.
    pub fn write_xml(&self, mut out: impl Write) -> Result<(), ExportError> {
        let mut xml = Xml(Writer::new(&mut out));
        xml.0.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
        xml.open("dataSeriesCollection", &[("xmlns", NAMESPACE), ("xmlns:dc", DUBLIN_CORE), ("version", "1.0")])?;
        self.metadata(&mut xml)?;
        for query in &self.queries {
            category(&mut xml, query, self.dates)?;
        }
        xml.close("dataSeriesCollection")?;
        Ok(out.flush()?)
    }

    fn metadata(&self, xml: &mut Xml<'_>) -> Result<(), ExportError> {
        let about = self.community.as_ref().map_or("the whole repository", |c| c.title.as_str());
        let names: Vec<&str> = self.queries.iter().map(|q| q.name.as_str()).collect();
        let day = self.generated_at.to_zoned(jiff::tz::TimeZone::UTC).date().to_string();
        xml.open("metadata", &[])?;
        xml.text("dc:title", &format!("Data series of {about}"))?;
        xml.text("dc:creator", "Tallykeep")?;
        xml.text("dc:description", &format!("Daily statistics: {}. Days are UTC.", names.join(", ")))?;
        xml.text("dc:date", &day)?;
        xml.text("dc:format", "application/xml")?;
        xml.text("dc:language", "en")?;
        xml.text("dc:publisher", "Tallykeep")?;
        xml.text("dc:source", "Tallykeep stats API")?;
        xml.text("dc:subject", "Repository statistics")?;
        xml.text("dc:type", "Dataset")?;
        xml.text("generatedAt", &self.generated_at.to_string())?;
        xml.text("totalCategories", &self.queries.len().to_string())?;
        xml.text("totalDataPoints", &self.points().to_string())?;
        if let Some((first, last)) = self.time_range() {
            xml.open("timeRange", &[])?;
            xml.text("startDate", &first.to_string())?;
            xml.text("endDate", &last.to_string())?;
            xml.close("timeRange")?;
        }
        if let Some(community) = &self.community {
            xml.open("community", &[])?;
            xml.text("id", &community.id)?;
            xml.text("slug", &community.slug)?;
            xml.text("title", &community.title)?;
            xml.close("community")?;
        }
        xml.close("metadata")
    }
}

fn category(xml: &mut Xml<'_>, query: &QuerySeries, dates: DateStyle) -> Result<(), ExportError> {
    let filled = |metrics: &[Metric]| metrics.iter().filter(|m| !m.series.is_empty()).count();
    let count = query.subcounts.iter().map(|s| filled(&s.metrics)).sum::<usize>().to_string();
    xml.open("category", &[("name", &query.name), ("id", &xml_id(&query.name)), ("metricsCount", &count)])?;
    for subcount in &query.subcounts {
        let count = filled(&subcount.metrics).to_string();
        xml.open("seriesSet", &[("name", &subcount.key), ("id", &xml_id(&subcount.key)), ("metricsCount", &count)])?;
        for one in subcount.metrics.iter().filter(|m| !m.series.is_empty()) {
            metric(xml, one, query.aggregation, dates)?;
        }
        xml.close("seriesSet")?;
    }
    xml.close("category")
}

fn metric(xml: &mut Xml<'_>, metric: &Metric, aggregation: Aggregation, dates: DateStyle) -> Result<(), ExportError> {
    let (unit, id, count) = (unit(&metric.key), xml_id(&metric.key), metric.points().to_string());
    let described = format!(
        "{}, {}",
        if unit.is_empty() { &metric.key } else { unit },
        match aggregation {
            Aggregation::Daily => "change per UTC day",
            Aggregation::Cumulative => "state at the end of each UTC day",
        }
    );
    let mut attributes = vec![("name", metric.key.as_str()), ("id", &id), ("dataPointsCount", &count)];
    if !unit.is_empty() {
        attributes.push(("unit", unit));
    }
    attributes.extend([
        ("measurementType", measurement(&metric.key)),
        ("aggregationMethod", aggregation.as_str()),
        ("description", &described),
    ]);
    xml.open("metric", &attributes)?;
    for series in &metric.series {
        points(xml, series, &metric.key, dates)?;
    }
    xml.close("metric")
}

fn points(xml: &mut Xml<'_>, series: &Series, metric: &str, dates: DateStyle) -> Result<(), ExportError> {
    let name = if series.label.is_empty() { &series.id } else { &series.label };
    xml.open(
        "series",
        &[
            ("id", &xml_id(&series.id)),
            ("name", name),
            ("type", if series.bar { "bar" } else { "line" }),
            ("valueType", if series.filesize { "filesize" } else { "number" }),
            ("label", &series.label),
            // The only place for an id that XML's own cannot hold.
            ("description", &format!("{metric} of {}", series.id)),
        ],
    )?;
    xml.open("dataPoints", &[("count", &series.points.len().to_string())])?;
    let out = xml.0.get_mut();
    // Days and numbers need no escaping, and there are a million of them.
    series.each_point(dates, |day, value| write!(out, "<point date=\"{day}\" value=\"{value}\"/>"))?;
    xml.close("dataPoints")?;
    xml.close("series")
}

struct Xml<'a>(Writer<&'a mut dyn Write>);

impl Xml<'_> {
    fn open(&mut self, name: &str, attributes: &[(&str, &str)]) -> Result<(), ExportError> {
        let mut start = BytesStart::new(name);
        for (key, value) in attributes {
            start.push_attribute((*key, xml_text(value).as_ref()));
        }
        Ok(self.0.write_event(Event::Start(start))?)
    }

    fn close(&mut self, name: &str) -> Result<(), ExportError> {
        Ok(self.0.write_event(Event::End(BytesEnd::new(name)))?)
    }

    fn text(&mut self, name: &str, text: &str) -> Result<(), ExportError> {
        self.open(name, &[])?;
        self.0.write_event(Event::Text(BytesText::new(&xml_text(text))))?;
        self.close(name)
    }
}
