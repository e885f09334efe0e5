//! Team acme of spec/chat §3, and how tests ask.

use jiff::tz::TimeZone;
use tallykeep_chat::{
    filter::{Bucketing, FieldErrors, Filter, Params, Window},
    image::ChatImage,
    instant::parse_instant,
    metrics::Question,
    rows::*,
};

pub const NOW: &str = "2026-06-15T12:00:00Z";
pub const JUNE: &str = "date_range=custom&start_date=2026-06-01&end_date=2026-06-14";

/// `06-02 09:00` of 2026.
pub fn at(text: &str) -> i64 {
    parse_instant(&format!("2026-{text}")).unwrap()
}

fn table<T>(text: &str, row: impl Fn(Vec<&str>) -> T) -> Vec<T> {
    text.lines().map(str::trim).filter(|l| !l.is_empty()).map(|l| row(l.split('|').map(str::trim).collect())).collect()
}

fn some(text: &str) -> Option<i64> {
    text.parse().ok()
}

pub fn changes() -> Changes {
    Changes {
        experiments: table("1|Helper|\n2|Seller|\n3|Old Bot|archived", |c| ExperimentRow {
            id: c[0].parse().unwrap(),
            name: c[1].into(),
            archived: c[2] == "archived",
            working_version: None,
        }),
        channels: table("1||web\n2|1|telegram\n3|3|telegram", |c| ChannelRow {
            id: c[0].parse().unwrap(),
            experiment: some(c[1]),
            platform: c[2].parse().unwrap(),
            deleted: false,
        }),
        participants: table("1|Ana|ana@x|web\n2||ben@x|telegram\n3|Cy|cy@x|web", |c| ParticipantRow {
            id: c[0].parse().unwrap(),
            name: c[1].into(),
            identifier: c[2].into(),
            platform: c[3].parse().unwrap(),
            created_at: None,
        }),
        sessions: table(
            "101|1|1|web|complete|06-02 09:00|06-02 09:30
             102|1|2|telegram|active|06-03 23:50|
             103|2|1|web|complete|06-09 10:00|06-09 11:40
             104|1|1|web|setup|06-05 10:00|
             105|1|3|evaluations|active|06-05 10:00|
             106|3|2|telegram|active|06-10 08:00|",
            |c| SessionRow {
                id: c[0].parse().unwrap(),
                experiment: c[1].parse().unwrap(),
                participant: some(c[2]),
                platform: c[3].parse().ok(),
                status: c[4].parse().unwrap(),
                created_at: at(c[5]),
                ended_at: (!c[6].is_empty()).then(|| at(c[6])),
            },
        ),
        messages: table(
            "1|101|human|06-02 09:00
             2|101|ai|06-02 09:01
             3|101|system|06-02 09:02
             4|101|human|06-02 09:20
             5|102|human|06-03 23:55
             6|102|ai|06-04 00:05
             7|102|human|06-15 00:00
             8|103|ai|06-09 10:00
             9|103|human|06-09 10:30
             10|103|ai|06-09 10:31
             11|104|human|06-05 10:00
             12|105|human|06-05 10:00
             13|106|ai|06-10 08:00",
            |c| MessageRow {
                id: c[0].parse().unwrap(),
                session: some(c[1]),
                kind: c[2].parse().unwrap(),
                created_at: at(c[3]),
            },
        ),
        tags: table("1|billing|\n2|timeout|error\n3|v2|experiment_version", |c| TagRow {
            id: c[0].parse().unwrap(),
            name: c[1].into(),
            category: c[2].into(),
        }),
        tag_links: table("1|message|1\n1|message|4\n2|message|9\n3|message|1\n1|chat|102", |c| TagLinkRow {
            tag: c[0].parse().unwrap(),
            kind: c[1].parse().unwrap(),
            target: c[2].parse().unwrap(),
            own: true,
        }),
        traces: table("1|101|06-02 09:01|1200\n2|101|06-02 09:20|800\n3|103|06-09 10:31|3456", |c| TraceRow {
            id: c[0].parse().unwrap(),
            session: c[1].parse().unwrap(),
            experiment: None,
            at: at(c[2]),
            duration_ms: some(c[3]),
        }),
        usage: table(
            "chat|llm_input|openai|m-small|1000|10|exact|1|101|1|1|06-02 09:01
             chat|llm_output|openai|m-small|400|30|exact|1|101|1|2|06-02 09:20
             chat|llm_output|anthropic|m-big|200|50|estimated|2|103|1|3|06-09 10:31
             evaluation|llm_output|openai|m-small|800|25|exact|1|105|3||06-05 10:00
             chat|llm_output|openai|m-small|500|40|exact|1|101|1||05-20 09:00",
            |c| UsageRow {
                key: at(c[11]),
                at: at(c[11]),
                source: c[0].parse().unwrap(),
                service: c[1].parse().unwrap(),
                provider: c[2].into(),
                model: c[3].into(),
                quantity: some(c[4]),
                cost: c[5].parse::<i64>().unwrap() * 1_000_000,
                confidence: c[6].parse().unwrap(),
                priced: true,
                experiment: some(c[7]),
                session: some(c[8]),
                participant: some(c[9]),
                trace: some(c[10]),
            },
        ),
        gone: Gone::default(),
    }
}

pub fn acme() -> ChatImage {
    let mut image = ChatImage::default();
    image.apply(changes());
    image
}

pub fn params(query: &str) -> Params {
    Params::from_pairs(query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (key.to_owned(), value.to_owned())
    }))
}

pub fn filter(image: &ChatImage, query: &str) -> Result<Filter, FieldErrors> {
    let params = params(query);
    let window = Window::from_params(&params, NOW.parse().unwrap(), &TimeZone::UTC)?;
    Filter::from_params(&params, window, image)
}

/// Asks with the question's own parameters; `query` is added to the June window.
pub fn ask<T>(image: &ChatImage, query: &str, answer: impl FnOnce(&Question<'_>) -> T) -> T {
    let query = format!("{JUNE}&{query}");
    let filter = filter(image, &query).unwrap();
    let params = params(&query);
    let mut question = Question::new(image, &filter, Bucketing::from_params(&params).unwrap());
    question.fill = params.flag("fill").unwrap();
    question.cost_tracking = true;
    answer(&question)
}
