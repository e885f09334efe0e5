//! What was written, read back.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
};

use jiff::civil::{Date, date};
use quick_xml::{Reader, events::Event};
use tallykeep_export::{Aggregation, Collection, Community, DateStyle, Metric, QuerySeries, Series, Subcount};

fn series(id: &str, label: &str, points: &[(Date, i64)]) -> Series {
    Series { id: id.to_owned(), label: label.to_owned(), bar: id == "global", filesize: false, points: points.to_vec() }
}

fn metric(key: &str, series: Vec<Series>) -> Metric {
    Metric { key: key.to_owned(), series }
}

/// Two queries; one series in one year, one across two, labels that hurt, a subcount without points.
fn collection() -> Collection {
    let global = series("global", "Global", &[(date(2024, 1, 12), 3), (date(2024, 1, 13), -1)]);
    let volume = Series { filesize: true, ..series("global", "Global", &[(date(2024, 1, 12), 9_007_199_254_740_993)]) };
    let countries = vec![
        series("US", "United \"States\", <of> & 'co'", &[(date(2023, 12, 31), 1), (date(2024, 1, 13), 2)]),
        series("01abc", "=HYPERLINK(\"x\")", &[(date(2024, 1, 12), 0)]),
    ];
    let deltas = vec![
        Subcount {
            key: "global".to_owned(),
            metrics: vec![
                metric("records", vec![global]),
                metric("dataVolume", vec![volume]),
                metric("uploaders", vec![]),
            ],
        },
        Subcount { key: "countries".to_owned(), metrics: vec![metric("views", countries)] },
        Subcount { key: "languages".to_owned(), metrics: vec![metric("views", vec![])] },
    ];
    let snapshot = Subcount {
        key: "global".to_owned(),
        metrics: vec![metric("records", vec![series("global", "Global", &[(date(2024, 1, 14), 7)])])],
    };
    Collection {
        queries: vec![
            QuerySeries {
                name: "record-delta-category".to_owned(),
                aggregation: Aggregation::Daily,
                subcounts: deltas,
            },
            QuerySeries {
                name: "my/own name".to_owned(),
                aggregation: Aggregation::Cumulative,
                subcounts: vec![snapshot],
            },
        ],
        community: Some(Community {
            id: "c-1".to_owned(),
            slug: "one".to_owned(),
            title: "One & Only\u{1b}".to_owned(),
        }),
        generated_at: "2024-02-01T10:00:00Z".parse().expect("an instant"),
        dates: DateStyle::Full,
    }
}

/// The files of a `.tar.gz` by path, and the one time they bear.
fn untar(bytes: &[u8]) -> (BTreeMap<String, Vec<u8>>, Option<u64>) {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let (mut files, mut times) = (BTreeMap::new(), Vec::new());
    for entry in archive.entries().expect("an archive") {
        let mut entry = entry.expect("an entry");
        let path = entry.path().expect("a path").to_str().expect("text").to_owned();
        times.push(entry.header().mtime().expect("a time"));
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("read");
        assert!(files.insert(path.clone(), content).is_none(), "{path} twice");
    }
    times.dedup();
    assert!(times.len() <= 1);
    (files, times.first().copied())
}

fn text(files: &BTreeMap<String, Vec<u8>>, path: &str) -> String {
    String::from_utf8(files[path].clone()).expect("text")
}

#[test]
fn csv_has_a_file_for_every_metric_with_points() {
    let bytes = collection().csv_archive().expect("an archive");
    let (files, time) = untar(&bytes);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [
            "my_own_name/global/records.csv",
            "record-delta-category/countries/views.csv",
            "record-delta-category/global/dataVolume.csv",
            "record-delta-category/global/records.csv",
        ]
    );
    assert_eq!(
        text(&files, "record-delta-category/global/records.csv"),
        "id,label,date,value,units\r\nglobal,Global,2024-01-12,3,records\r\nglobal,Global,2024-01-13,-1,records\r\n"
    );
    assert_eq!(
        text(&files, "record-delta-category/global/dataVolume.csv"),
        "id,label,date,value,units\r\nglobal,Global,2024-01-12,9007199254740993,bytes\r\n"
    );
    // 2024-01-14, the newest day.
    assert_eq!(time, Some(1_705_190_400));
    assert_eq!(collection().csv_archive().expect("again"), bytes);
}

#[test]
fn csv_keeps_labels_whole_and_formulas_harmless() {
    let (files, _) = untar(&collection().csv_archive().expect("an archive"));
    let mut reader = csv::Reader::from_reader(&files["record-delta-category/countries/views.csv"][..]);
    let rows: Vec<Vec<String>> =
        reader.records().map(|r| r.expect("a row").iter().map(str::to_owned).collect()).collect();
    assert_eq!(
        rows,
        [
            ["US", "United \"States\", <of> & 'co'", "2023-12-31", "1", "unique views"],
            ["US", "United \"States\", <of> & 'co'", "2024-01-13", "2", "unique views"],
            ["01abc", "'=HYPERLINK(\"x\")", "2024-01-12", "0", "unique views"],
        ]
    );
}

#[test]
fn the_old_form_loses_the_year_only_where_there_is_one() {
    let old = Collection { dates: DateStyle::LegacyMonthDay, ..collection() };
    let (files, _) = untar(&old.csv_archive().expect("an archive"));
    assert!(text(&files, "record-delta-category/global/records.csv").contains("Global,01-12,3,records"));
    let countries = text(&files, "record-delta-category/countries/views.csv");
    assert!(countries.contains(",2023-12-31,1,") && countries.contains(",01-12,0,"), "{countries}");
    let xml = String::from_utf8(old.xml().expect("XML")).expect("text");
    assert!(xml.contains("<point date=\"01-12\" value=\"3\"/>") && xml.contains("<startDate>2023-12-31</startDate>"));
}

fn parts(book: &[u8]) -> BTreeMap<String, String> {
    let mut zip = zip::ZipArchive::new(Cursor::new(book)).expect("a workbook");
    let names: Vec<String> = zip.file_names().map(|name| name.expect("a name").into_owned()).collect();
    names
        .into_iter()
        .map(|name| {
            let mut text = String::new();
            zip.by_name(&name).expect("a part").read_to_string(&mut text).expect("text");
            (name, text)
        })
        .collect()
}

/// A worksheet as rows of texts, shared strings looked up.
fn rows(parts: &BTreeMap<String, String>, sheet: usize) -> Vec<Vec<String>> {
    let strings = elements(&parts["xl/sharedStrings.xml"], "t");
    let mut reader = Reader::from_str(&parts[&format!("xl/worksheets/sheet{sheet}.xml")]);
    let (mut rows, mut shared, mut in_value) = (Vec::new(), false, false);
    loop {
        match reader.read_event().expect("XML") {
            Event::Start(e) if e.name().as_ref() == "row" => rows.push(Vec::new()),
            Event::Start(e) if e.name().as_ref() == "c" => {
                shared = e.try_get_attribute("t").expect("attributes").is_some_and(|a| a.value.as_ref() == "s");
            }
            Event::Start(e) if e.name().as_ref() == "v" => in_value = true,
            Event::End(e) if e.name().as_ref() == "v" => in_value = false,
            Event::Text(t) if in_value => {
                let value = t.to_string();
                let value = if shared { strings[value.parse::<usize>().expect("an index")].clone() } else { value };
                rows.last_mut().expect("a row").push(value);
            }
            Event::Eof => return rows,
            _ => {}
        }
    }
}

/// The texts of all elements of a name, without entities.
fn elements(xml: &str, name: &str) -> Vec<String> {
    let end = format!("</{name}>");
    xml.split(&format!("<{name}"))
        .skip(1)
        .filter(|rest| rest.starts_with(['>', ' ']))
        .map(|rest| {
            let inner = &rest[rest.find('>').expect("closed") + 1..rest.find(&end).expect("an end")];
            quick_xml::escape::unescape(inner).expect("entities").into_owned()
        })
        .collect()
}

#[test]
fn xlsx_has_a_workbook_for_every_subcount() {
    let bytes = collection().xlsx_archive().expect("an archive");
    assert_eq!(collection().xlsx_archive().expect("again"), bytes);
    let (files, _) = untar(&bytes);
    assert_eq!(
        files.keys().collect::<Vec<_>>(),
        [
            "my_own_name/global.xlsx",
            "record-delta-category/countries.xlsx",
            "record-delta-category/global.xlsx",
            "record-delta-category/languages.xlsx",
        ]
    );
    let global = parts(&files["record-delta-category/global.xlsx"]);
    let book = &global["xl/workbook.xml"];
    assert!(book.contains("name=\"records\"") && book.contains("name=\"dataVolume\"") && !book.contains("uploaders"));
    assert_eq!(
        rows(&global, 1),
        [
            ["id", "label", "date", "value", "units"],
            ["global", "Global", "2024-01-12", "3", "records"],
            ["global", "Global", "2024-01-13", "-1", "records"],
        ]
    );
    // More digits than a spreadsheet's numbers have: a text, so that none is lost.
    assert_eq!(rows(&global, 2)[1][3], "9007199254740993");
    assert!(global["xl/styles.xml"].contains("FFCCCCCC") && global["xl/styles.xml"].contains("<b/>"));
    assert!(global["docProps/core.xml"].contains("2024-01-14T00:00:00Z"), "{}", global["docProps/core.xml"]);
    let countries = parts(&files["record-delta-category/countries.xlsx"]);
    assert_eq!(rows(&countries, 1)[3][1], "=HYPERLINK(\"x\")");
    assert!(!countries["xl/worksheets/sheet1.xml"].contains("<f>"));
}

#[test]
fn a_subcount_without_points_says_so() {
    let (files, _) = untar(&collection().xlsx_archive().expect("an archive"));
    let languages = parts(&files["record-delta-category/languages.xlsx"]);
    assert!(languages["xl/workbook.xml"].contains("name=\"No Data\""));
    let rows = rows(&languages, 1);
    assert_eq!((rows.len(), rows[0][0].as_str()), (3, "No Data Available"));
}

/// Every element as `depth name key=value…` and its text.
fn outline(xml: &str) -> Vec<String> {
    let mut reader = Reader::from_str(xml);
    let (mut lines, mut depth) = (Vec::<String>::new(), 0);
    loop {
        let event = reader.read_event().expect("well-formed XML");
        match event {
            Event::Start(ref e) | Event::Empty(ref e) => {
                let mut line = format!("{depth} {}", e.name().as_ref());
                for attribute in e.attributes() {
                    let attribute = attribute.expect("an attribute");
                    let value = quick_xml::escape::unescape(&attribute.value).expect("entities").into_owned();
                    line += &format!(" {}={value}", attribute.key.as_ref());
                }
                lines.push(line);
                if matches!(event, Event::Start(_)) {
                    depth += 1;
                }
            }
            Event::End(_) => depth -= 1,
            Event::Text(t) => lines.last_mut().expect("an element").push_str(&format!(": {}", &*t)),
            Event::GeneralRef(r) => lines.last_mut().expect("an element").push_str(&format!("&{};", &*r)),
            Event::Eof => return lines,
            _ => {}
        }
    }
}

#[test]
fn xml_counts_what_it_holds() {
    let bytes = collection().xml().expect("XML");
    assert_eq!(collection().xml().expect("again"), bytes);
    let lines = outline(&String::from_utf8(bytes).expect("text"));
    let has = |line: &str| assert!(lines.iter().any(|l| l == line), "no `{line}` in\n{}", lines.join("\n"));
    has("0 dataSeriesCollection xmlns=https://github.com/MESH-Research/invenio-stats-dashboard \
         xmlns:dc=http://purl.org/dc/elements/1.1/ version=1.0");
    for line in [
        "2 dc:type: Dataset",
        "2 dc:date: 2024-02-01",
        "2 generatedAt: 2024-02-01T10:00:00Z",
        "2 totalCategories: 2",
        "2 totalDataPoints: 7",
        "3 startDate: 2023-12-31",
        "3 endDate: 2024-01-14",
        "3 slug: one",
        "1 category name=record-delta-category id=record-delta-category metricsCount=3",
        "1 category name=my/own name id=my_own_name metricsCount=1",
        "2 seriesSet name=global id=global metricsCount=2",
        "2 seriesSet name=languages id=languages metricsCount=0",
        "3 metric name=dataVolume id=dataVolume dataPointsCount=1 unit=bytes measurementType=volume aggregationMethod=daily \
         description=bytes, change per UTC day",
        "4 series id=global name=Global type=bar valueType=filesize label=Global description=dataVolume of global",
        "4 series id=_01abc name==HYPERLINK(\"x\") type=line valueType=number label==HYPERLINK(\"x\") description=views of 01abc",
        "5 dataPoints count=2",
        "6 point date=2023-12-31 value=1",
        "6 point date=2024-01-13 value=-1",
        "6 point date=2024-01-14 value=7",
    ] {
        has(line);
    }
    assert_eq!(lines.iter().filter(|l| l.contains(" point ")).count(), 7);
    assert!(lines.iter().any(|l| l.contains("One ") && l.contains('\u{fffd}')), "{}", lines.join("\n"));
}

#[test]
fn nothing_is_an_answer_too() {
    let empty = Collection { queries: Vec::new(), community: None, ..collection() };
    assert!(untar(&empty.csv_archive().expect("an archive")).0.is_empty());
    assert!(untar(&empty.xlsx_archive().expect("an archive")).0.is_empty());
    let lines = outline(&String::from_utf8(empty.xml().expect("XML")).expect("text"));
    assert!(lines.contains(&"2 totalDataPoints: 0".to_owned()) && !lines.iter().any(|l| l.contains("timeRange")));
}

#[test]
fn queries_whose_names_become_the_same_stay_apart() {
    let mut twice = collection();
    twice.queries[0].name = "a/b".to_owned();
    twice.queries[1].name = "a?b".to_owned();
    let (files, _) = untar(&twice.csv_archive().expect("an archive"));
    assert!(files.contains_key("a_b/global/records.csv") && files.contains_key("a_b_2/global/records.csv"));
}

/// Validates with xmllint (Debian's libxml2-utils; scripts/install-test-tools); answers what it says.
fn xmllint(xml: &[u8]) -> Result<(), String> {
    let folder = std::env::temp_dir().join(format!("tallykeep-xml-{}-{:p}", std::process::id(), xml));
    std::fs::create_dir_all(&folder).expect("a folder");
    let file = folder.join("series.xml");
    std::fs::write(&file, xml).expect("written");
    let schema = concat!(env!("CARGO_MANIFEST_DIR"), "/schema/data_series.xsd");
    let said = std::process::Command::new("xmllint")
        .args(["--nonet", "--noout", "--schema", schema])
        .arg(&file)
        .output()
        .expect("xmllint runs (scripts/install-test-tools puts it here)");
    std::fs::remove_dir_all(&folder).expect("removed");
    if said.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&said.stderr).into_owned()) }
}

#[test]
fn xml_is_valid_against_our_schema() {
    let full = collection();
    let legacy = Collection { dates: DateStyle::LegacyMonthDay, ..collection() };
    let empty = Collection { queries: Vec::new(), community: None, ..collection() };
    for (name, one) in [("full", full), ("legacy", legacy), ("empty", empty)] {
        let xml = one.xml().expect("XML");
        xmllint(&xml).unwrap_or_else(|error| panic!("{name}: {error}"));
    }
    // The schema is no rubber stamp.
    let xml = String::from_utf8(collection().xml().expect("XML")).expect("text");
    for (right, wrong) in [
        ("version=\"1.0\">", "version=\"2.0\">"),
        ("date=\"2024-01-12\"", "date=\"2024-13-12\""),
        ("type=\"bar\"", "type=\"pie\""),
        ("<totalDataPoints>", "<totalDataPoints>many"),
        ("value=\"-1\"", "value=\"\""),
        (" dataPointsCount=\"2\"", ""),
        ("<dc:creator>Tallykeep</dc:creator>", ""),
    ] {
        assert!(xml.contains(right), "{right}");
        assert!(xmllint(xml.replacen(right, wrong, 1).as_bytes()).is_err(), "{wrong} is accepted");
    }
}
