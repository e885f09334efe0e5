//! Windows and filters (spec/chat §5): what is refused, and that nothing is ever widened.

use tallykeep_chat::{filter::Expression, metrics::overview};

use crate::acme::{acme, ask, filter};

#[test]
fn anything_invalid_is_named_and_never_widens() {
    let image = acme();
    for (query, field, value) in [
        ("experiments=99", "experiments", "`99`"),
        ("experiments=3", "experiments", "`3`"), // archived
        ("experiments=1,x", "experiments", "`x`"),
        ("channels=fax", "channels", "`fax`"),
        ("channels=evaluations", "channels", "`evaluations`"),
        ("channels=99", "channels", "`99`"),
        ("participants=99", "participants", "`99`"),
        ("tags=99", "tags", "`99`"),
        ("tags=3", "tags", "`3`"), // a version tag
        ("date_range=31", "date_range", "`31`"),
        ("start_date=2026-6-1", "start_date", "`2026-6-1`"),
        ("start_date=2026-02-30", "start_date", "`2026-02-30`"),
        ("date_range=custom&start_date=2026-06-01", "__all__", "both"),
        ("date_range=custom&start_date=2026-06-02&end_date=2026-06-01", "__all__", "2026-06-01"),
        ("tz=Mars/Olympus", "tz", "`Mars/Olympus`"),
        ("tz=../../etc/passwd", "tz", "`../../etc/passwd`"),
        ("q=bot", "q", "at character 4"),
    ] {
        let errors = filter(&image, query).err().unwrap_or_else(|| panic!("{query} was accepted"));
        assert_eq!(errors.0.len(), 1, "{query}");
        assert!(errors.0[field][0].contains(value), "{query}: {errors}");
        assert_eq!(errors.body()["success"], false);
    }
}

#[test]
fn windows_are_what_section_5_says() {
    let image = acme();
    let window = |query: &str| {
        let span = filter(&image, query).unwrap().window.span;
        let text = |at: i64| jiff::Timestamp::from_microsecond(at).unwrap().to_string();
        (text(span.start), text(span.end))
    };
    let row = |a: &str, b: &str| (a.to_owned(), b.to_owned());
    assert_eq!(window("date_range=7"), row("2026-06-08T00:00:00Z", "2026-06-16T00:00:00Z"));
    assert_eq!(window("date_range=7&start_date=nonsense"), window("date_range=7"));
    assert_eq!(
        window("date_range=custom&start_date=2026-06-01&end_date=2026-06-14"),
        row("2026-06-01T00:00:00Z", "2026-06-15T00:00:00Z")
    );
    assert_eq!(window(""), row("2026-05-16T12:00:00Z", "2026-06-15T12:00:00Z"));
    assert_eq!(window("start_date=2026-06-01"), row("2026-06-01T00:00:00Z", "2026-06-15T12:00:00Z"));
    assert_eq!(window("end_date=2026-06-14").1, "2026-06-15T00:00:00Z");
    assert_eq!(window("date_range=7&tz=America/New_York"), row("2026-06-08T04:00:00Z", "2026-06-16T04:00:00Z"));
}

#[test]
fn the_key_knows_what_is_asked_and_not_how_it_was_spelt() {
    let image = acme();
    let key = |query: &str| filter(&image, query).unwrap().key();
    assert_eq!(key("experiments=1&experiments=2"), key("experiments=2,1,1"));
    assert_eq!(key("q=messages > 2"), key("q=messages   >  2"));
    let mut keys: Vec<String> = [
        "",
        "experiments=1",
        "channels=web",
        "participants=1",
        "tags=1",
        "tz=Asia/Kolkata",
        "date_range=7",
        "q=messages>2",
        "channels=telegram",
        "channels=2",
    ]
    .iter()
    .map(|q| key(q))
    .collect();
    keys.sort();
    keys.dedup();
    assert_eq!(keys.len(), 10);
    assert!(keys.iter().all(|key| key.len() == 40));
}

fn sessions(query: &str) -> Vec<i64> {
    let image = acme();
    let matching = Expression::parse(query).unwrap().matching(&image);
    (1..image.sessions.slots()).filter(|slot| matching[*slot]).map(|slot| image.sessions.id[slot]).collect()
}

#[test]
fn expressions_find_conversations() {
    assert_eq!(sessions("bot = Helper and platform = web"), [101, 104]);
    assert_eq!(sessions("bot = 2"), [103]);
    assert_eq!(sessions("not (platform = web or platform = telegram)"), [105]);
    assert_eq!(sessions("platform in (web, telegram) and completed"), [101, 103]);
    assert_eq!(sessions("platform not in (web, telegram)"), [105]);
    assert_eq!(sessions("tag = billing"), [101, 102]);
    assert_eq!(sessions("tag != billing and bot = Helper"), [104, 105]);
    assert_eq!(sessions("duration > 45m"), [103]);
    assert_eq!(sessions("duration <= 0.5h"), [101]);
    assert_eq!(sessions("messages >= 3"), [101, 102, 103]);
    assert_eq!(sessions("human_messages = 2 and ai_messages = 1"), [101, 102]);
    assert_eq!(sessions("created = 2026-06-05"), [104, 105]);
    assert_eq!(sessions("created >= 2026-06-09T10:00Z and ended < 2026-06-10"), [103]);
    assert_eq!(sessions("participant = 'ben@x' and not status = setup"), [102, 106]);
    assert_eq!(sessions("participant ~ an OR bot ~ OLD"), [101, 103, 104, 106]);
}

#[test]
fn an_expression_narrows_every_figure_like_a_filter() {
    let image = acme();
    let o = ask(&image, "q=tag = billing", overview);
    assert_eq!(o, ask(&image, "tags=1", overview));
}

#[test]
fn expression_errors_point_at_the_character() {
    for (text, at, part) in [
        ("", 1, "not a field"),
        ("colour = red", 1, "`colour` is not a field"),
        ("platform = fax", 12, "`fax` is not a platform"),
        ("messages > many", 12, "whole number"),
        ("platform > web", 10, "cannot be compared"),
        ("(bot = 1", 9, "expected `)`"),
        ("bot = 1 messages > 2", 9, "expected `and`"),
        ("bot = \"x", 7, "does not end"),
        ("bot = 1 & tag = x", 9, "means nothing"),
        ("created > yesterday", 11, "neither a day"),
        ("tag in web", 8, "expected `(`"),
        ("duration < 5w", 12, "length of time"),
    ] {
        let error = Expression::parse(text).unwrap_err();
        assert_eq!(error.at, at, "{text}: {error}");
        assert!(error.reason.contains(part), "{text}: {error}");
    }
    let image = acme();
    let error = Expression::parse("messages > 1 and bot = Helpr").unwrap().check(&image).unwrap_err();
    assert_eq!((error.at, error.reason.as_str()), (24, "this team has no chatbot `Helpr`"));
    assert!(Expression::parse(&"(".repeat(100)).is_err());
}
