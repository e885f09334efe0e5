//! Days in the viewer's zone (spec/chat §6): Kolkata, Kathmandu, and the clock changes of New York.

use jiff::tz::TimeZone;
use tallykeep_chat::{
    filter::*,
    image::{ChatImage, Messages},
    metrics::{Question, channel_breakdown, message_volume, overview, session_analytics, user_engagement},
    rows::*,
    words::*,
};

use crate::acme::{NOW, ask, changes, params};

fn buckets(query: &str) -> Vec<Bucket> {
    let params = params(query);
    let window = Window::from_params(&params, NOW.parse().unwrap(), &TimeZone::UTC).unwrap();
    window.buckets(Bucketing::from_params(&params).unwrap()).unwrap()
}

#[test]
fn days_with_a_clock_change_are_23_or_25_hours_long() {
    let hours = |day: &str| {
        let all = buckets(&format!("date_range=custom&start_date={day}&end_date={day}&tz=America/New_York"));
        assert_eq!(all.len(), 1);
        (all[0].span.end - all[0].span.start) / 3_600_000_000
    };
    assert_eq!((hours("2026-03-08"), hours("2026-03-09"), hours("2026-11-01")), (23, 24, 25));
}

#[test]
fn the_hour_that_comes_twice_is_two_buckets_with_their_offsets() {
    let all =
        buckets("date_range=custom&start_date=2026-11-01&end_date=2026-11-01&tz=America/New_York&granularity=hourly");
    assert_eq!(all.len(), 25);
    assert_eq!(all[1].label, "2026-11-01T01:00:00-04:00");
    assert_eq!(all[2].label, "2026-11-01T01:00:00-05:00");
    assert_eq!(all[3].label, "2026-11-01T02:00:00-05:00");
}

#[test]
fn weeks_begin_on_monday_even_before_the_window() {
    let all =
        buckets("date_range=custom&start_date=2026-11-01&end_date=2026-11-02&granularity=weekly&tz=America/New_York");
    // 1 November 2026 is a Sunday; its week began in summer time.
    assert_eq!(
        all.iter().map(|b| b.label.as_str()).collect::<Vec<_>>(),
        ["2026-10-26T00:00:00-04:00", "2026-11-02T00:00:00-05:00"]
    );
}

fn per_day(zone: &str, image: &ChatImage) -> Vec<(String, u64)> {
    let params = params(&format!("date_range=custom&start_date=2026-06-01&end_date=2026-06-14&tz={zone}"));
    let window = Window::from_params(&params, NOW.parse().unwrap(), &TimeZone::UTC).unwrap();
    let filter = Filter::from_params(&params, window, image).unwrap();
    let question = Question::new(image, &filter, Bucketing::Daily);
    message_volume(&question).unwrap().totals.into_iter().map(|t| (t.date, t.total_messages)).collect()
}

#[test]
fn days_of_kolkata_and_kathmandu_are_exact() {
    let mut image = ChatImage::default();
    let mut all = changes();
    // The last microsecond before and the first of midnight in Kolkata (18:30 UTC) and Kathmandu (18:15 UTC).
    for (id, time) in [
        (101, "2026-06-05T18:14:59.999999Z"),
        (102, "2026-06-05T18:15:00Z"),
        (103, "2026-06-05T18:29:59.999999Z"),
        (104, "2026-06-05T18:30:00Z"),
    ] {
        let created_at = tallykeep_chat::instant::parse_instant(time).unwrap();
        all.messages.push(MessageRow { id, session: Some(101), kind: MessageKind::Human, created_at });
    }
    image.apply(all);
    let count = |zone: &str, day: &str| per_day(zone, &image).iter().find(|(d, _)| d == day).map_or(0, |(_, n)| *n);
    assert_eq!((count("Asia/Kolkata", "2026-06-05"), count("Asia/Kolkata", "2026-06-06")), (3, 1));
    assert_eq!((count("Asia/Kathmandu", "2026-06-05"), count("Asia/Kathmandu", "2026-06-06")), (1, 3));
    assert_eq!((count("UTC", "2026-06-05"), count("UTC", "2026-06-06")), (4, 0));
}

#[test]
fn views_over_whole_days_never_look_at_messages() {
    let mut image = ChatImage::default();
    image.apply(changes());
    let answers = |image: &ChatImage| {
        let mut answers = Vec::new();
        for zone in ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York"] {
            for filter in ["", "&experiments=1", "&channels=telegram", "&participants=1"] {
                let query = format!("tz={zone}{filter}");
                answers.push(serde_json::json!([
                    ask(image, &query, overview),
                    ask(image, &query, |q| message_volume(q).unwrap()),
                    ask(image, &query, |q| session_analytics(q).unwrap()),
                    ask(image, &query, |q| user_engagement(q, 10, |id| id.to_string())),
                    ask(image, &query, channel_breakdown),
                ]));
            }
        }
        answers
    };
    let before = answers(&image);
    assert_eq!(before[0][0]["total_messages"], 9);
    // Were they looked at, they would be missed.
    image.messages = Messages::default();
    assert_eq!(answers(&image), before);
}

#[test]
fn a_range_of_too_many_buckets_is_refused() {
    let params = params("date_range=custom&start_date=1900-01-01&end_date=2026-01-01");
    let window = Window::from_params(&params, NOW.parse().unwrap(), &TimeZone::UTC).unwrap();
    assert!(window.buckets(Bucketing::Hourly).unwrap_err().0.contains_key("granularity"));
    assert!(window.buckets(Bucketing::Daily).is_ok());
}
