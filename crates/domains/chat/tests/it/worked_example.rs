//! Every figure of spec/chat §4 for the data of §3.

use serde_json::json;
use tallykeep_chat::{filter::Params, image::ChatImage, metrics::*, rows::*, words::*};

use crate::acme::{acme, ask, at, changes, params};

fn value(answer: impl serde::Serialize) -> serde_json::Value {
    serde_json::to_value(answer).unwrap()
}

#[test]
fn overview_counts_what_section_2_says() {
    let image = acme();
    assert_eq!(
        value(ask(&image, "", overview)),
        json!({"total_experiments":2,"total_participants":3,"total_sessions":4,"total_messages":9,"human_messages":4,"ai_messages":5,
               "active_experiments":2,"active_participants":2,"completed_sessions":2,"completion_rate":50.0,
               "avg_messages_per_session":2.25,"avg_sessions_per_participant":2.0})
    );
}

#[test]
fn overview_under_each_filter() {
    let image = acme();
    let row = |query: &str| {
        let o = ask(&image, query, overview);
        (
            o.total_experiments,
            o.total_participants,
            o.total_sessions,
            o.total_messages,
            o.active_experiments,
            o.active_participants,
            o.completed_sessions,
        )
    };
    assert_eq!(row("experiments=1"), (1, 3, 2, 5, 1, 2, 1));
    assert_eq!(row("channels=telegram"), (1, 1, 2, 3, 1, 1, 0));
    assert_eq!(row("tags=1"), (1, 2, 2, 5, 1, 2, 1));
    let telegram = ask(&image, "channels=telegram", overview);
    assert_eq!(
        (telegram.completion_rate, telegram.avg_messages_per_session, telegram.avg_sessions_per_participant),
        (0.0, 1.5, 2.0)
    );
    // A channel's id means its platform and its bot; a team-wide channel narrows no bots.
    assert_eq!(row("channels=2"), (1, 1, 1, 2, 1, 1, 0));
    assert_eq!(row("channels=1").0, 2);
    assert_eq!(row("channels=web"), row("channels=1"));
    assert_eq!(row("participants=1"), (2, 1, 2, 6, 2, 1, 2));
    assert_eq!(row("experiments=1,2"), row("experiments=2&experiments=1"));
}

#[test]
fn active_participants_have_no_bucket_without_a_human() {
    let image = acme();
    let points = ask(&image, "", active_participants).unwrap();
    let points: Vec<_> = points.iter().map(|p| (p.date.as_str(), p.active_participants)).collect();
    assert_eq!(points, [("2026-06-02", 1), ("2026-06-03", 1), ("2026-06-09", 1)]);
}

#[test]
fn session_analytics_by_day_week_and_hour() {
    let image = acme();
    let rows = |query: &str| {
        let a = ask(&image, query, session_analytics).unwrap();
        assert!(a.sessions.iter().map(|s| &s.date).eq(a.participants.iter().map(|p| &p.date)));
        a.sessions
            .iter()
            .zip(&a.participants)
            .map(|(s, p)| (s.date.clone(), s.active_sessions, p.active_participants))
            .collect::<Vec<_>>()
    };
    let day = |d: &str, s, p| (format!("2026-06-{d}"), s, p);
    assert_eq!(rows(""), [day("02", 1, 1), day("03", 1, 1), day("04", 1, 0), day("09", 1, 1), day("10", 1, 0)]);
    assert_eq!(rows("granularity=weekly"), [day("01T00:00:00+00:00", 2, 2), day("08T00:00:00+00:00", 2, 1)]);
    let hours: Vec<String> = rows("granularity=hourly")
        .into_iter()
        .map(|(d, s, _)| {
            assert_eq!(s, 1);
            d
        })
        .collect();
    assert_eq!(hours, ["02T09", "03T23", "04T00", "09T10", "10T08"].map(|h| format!("2026-06-{h}:00:00+00:00")));
}

#[test]
fn message_volume_by_day_week_and_month() {
    let image = acme();
    let rows = |query: &str| {
        let v = ask(&image, query, message_volume).unwrap();
        assert!(v.totals.iter().zip(&v.human_messages).all(|(t, h)| t.date == h.date && t.human_messages == h.count));
        assert!(v.totals.iter().zip(&v.ai_messages).all(|(t, a)| t.date == a.date && t.ai_messages == a.count));
        v.totals
            .iter()
            .map(|t| (t.date[5..10].to_owned(), t.human_messages, t.ai_messages, t.total_messages))
            .collect::<Vec<_>>()
    };
    let row = |d: &str, h, a, t| (d.to_owned(), h, a, t);
    assert_eq!(
        rows(""),
        [
            row("06-02", 2, 1, 3),
            row("06-03", 1, 0, 1),
            row("06-04", 0, 1, 1),
            row("06-09", 1, 2, 3),
            row("06-10", 0, 1, 1)
        ]
    );
    assert_eq!(rows("granularity=weekly"), [row("06-01", 3, 2, 5), row("06-08", 1, 3, 4)]);
    assert_eq!(rows("granularity=monthly"), [row("06-01", 4, 5, 9)]);
}

#[test]
fn a_bucket_of_system_messages_only_is_absent_and_fill_returns_every_bucket() {
    let mut image = acme();
    image.apply(Changes {
        messages: vec![MessageRow {
            id: 50,
            session: Some(101),
            kind: MessageKind::System,
            created_at: at("06-07 10:00"),
        }],
        ..Changes::default()
    });
    assert_eq!(ask(&image, "", message_volume).unwrap().totals.len(), 5);
    let filled = ask(&image, "fill=1", message_volume).unwrap().totals;
    assert_eq!(filled.len(), 14);
    assert_eq!(filled.iter().map(|t| t.total_messages).sum::<u64>(), 9);
    assert_eq!(ask(&image, "fill=1", active_participants).unwrap().len(), 14);
    assert_eq!(ask(&image, "fill=1", average_response_time).unwrap().len(), 14);
}

fn page(image: &ChatImage, query: &str) -> BotPage {
    let order = BotOrder::from_params(&params(query)).unwrap();
    let rows = ask(image, query, |q| bot_rows(q, |id| format!("/a/acme/chatbots/{id}/")));
    bot_page(rows, &order, true)
}

#[test]
fn bot_performance_lists_bots_that_are_not_archived() {
    let answer = value(page(&acme(), ""));
    assert_eq!(
        answer["results"],
        json!([
            {"experiment_id":1,"experiment_name":"Helper","experiment_url":"/a/acme/chatbots/1/","participants":2,"sessions":2,"messages":5,
             "avg_session_duration":30.0,"completion_rate":0.5,"avg_messages_per_session":2.5,"cost":0.4,"cost_per_session":0.2},
            {"experiment_id":2,"experiment_name":"Seller","experiment_url":"/a/acme/chatbots/2/","participants":1,"sessions":1,"messages":3,
             "avg_session_duration":100.0,"completion_rate":1.0,"avg_messages_per_session":3.0,"cost":0.5,"cost_per_session":0.5}
        ])
    );
    assert_eq!(
        (answer["total_count"].clone(), answer["total_pages"].clone(), answer["has_next"].clone()),
        (json!(2), json!(1), json!(false))
    );
    assert_eq!((answer["order_by"].clone(), answer["order_dir"].clone()), (json!("messages"), json!("desc")));
}

#[test]
fn bot_performance_pages_and_orders() {
    let image = acme();
    let names = |query: &str| page(&image, query).results.iter().map(|r| r.experiment_name.clone()).collect::<Vec<_>>();
    assert_eq!(names("order_by=cost"), ["Seller", "Helper"]);
    assert_eq!(names("order_by=cost&order_dir=asc"), ["Helper", "Seller"]);
    assert_eq!(names("order_by=name&order_dir=desc"), ["Seller", "Helper"]);
    assert_eq!(names("order_by=nonsense"), ["Helper", "Seller"]);
    let past = page(&image, "page=9");
    assert_eq!((past.results.len(), past.has_next, past.has_previous), (0, false, true));
    for (query, field) in [
        ("page=0", "page"),
        ("page=x", "page"),
        ("page_size=0", "page_size"),
        ("page_size=101", "page_size"),
        ("page=-1", "page"),
    ] {
        let errors = BotOrder::from_params(&params(query)).unwrap_err();
        assert!(errors.0.contains_key(field), "{query}");
        assert!(errors.to_string().contains(query.split_once('=').unwrap().1), "{query}: {errors}");
    }
}

#[test]
fn ties_are_listed_by_name_in_both_directions() {
    let mut image = acme();
    image.apply(Changes {
        experiments: ["Zed", "Amy"]
            .iter()
            .zip(7..)
            .map(|(n, id)| ExperimentRow { id, name: (*n).into(), archived: false, working_version: None })
            .collect(),
        ..Changes::default()
    });
    let names = |query: &str| page(&image, query).results.iter().map(|r| r.experiment_name.clone()).collect::<Vec<_>>();
    assert_eq!(names("order_by=messages"), ["Helper", "Seller", "Amy", "Zed"]);
    assert_eq!(names("order_by=messages&order_dir=asc"), ["Amy", "Zed", "Seller", "Helper"]);
}

#[test]
fn user_engagement_ranks_people_and_measures_sessions() {
    let image = acme();
    let e = ask(&image, "", |q| user_engagement(q, 10, |id| format!("/a/acme/participants/{id}")));
    let rows: Vec<_> = e
        .most_active_participants
        .iter()
        .map(|r| (r.participant_name.as_str(), r.total_messages, r.total_sessions, r.last_activity.as_str(), r.cost))
        .collect();
    assert_eq!(
        rows,
        [
            ("Ana", 3, 2, "2026-06-09T10:30:00+00:00", Some(0.9)),
            ("ben@x", 1, 1, "2026-06-03T23:55:00+00:00", Some(0.0))
        ]
    );
    assert_eq!(e.least_active_participants[0].participant_name, "ben@x");
    assert_eq!((e.total_participants, e.most_active_participants[0].experiments_count), (2, 2));
    assert_eq!(e.most_active_participants[0].participant_url, "/a/acme/participants/1");
    let bins: Vec<_> = e.session_length_distribution.iter().map(|b| (b.bin_start, b.bin_end, b.count)).collect();
    assert_eq!((bins.len(), bins[0], bins[9]), (10, (30.0, 37.0, 1), (93.0, 100.0, 1)));
    assert!(bins[1..9].iter().all(|b| b.2 == 0));
    assert_eq!(e.session_length_distribution[0].label, "30.0-37.0 min");
}

#[test]
fn equally_long_sessions_fill_one_bin_and_none_fill_none() {
    let image = acme();
    let one = ask(&image, "experiments=1", session_lengths);
    assert_eq!((one.len(), one[0].bin_start, one[0].bin_end, one[0].count), (1, 30.0, 30.0, 1));
    assert!(ask(&image, "channels=telegram", session_lengths).is_empty());
}

#[test]
fn limits_outside_1_to_100_are_refused() {
    for bad in ["0", "101", "-1", "x", "1.5", "99999999999999999999"] {
        let errors = Params::from_pairs([("limit", bad)]).number("limit", 10, 1, 100).unwrap_err();
        assert!(errors.0["limit"][0].contains(bad));
    }
}

#[test]
fn channel_breakdown_adds_up_to_the_overview() {
    let mut image = acme();
    let rows = |image: &ChatImage| {
        let b = ask(image, "", channel_breakdown);
        (b.platforms.iter().map(|p| (p.platform, p.sessions)).collect::<Vec<_>>(), b.totals.sessions)
    };
    assert_eq!(rows(&image), (vec![(Some("telegram"), 2), (Some("web"), 2)], 4));
    // A platform whose channel is gone keeps its sessions; evaluations are never listed; a live channel without sessions is.
    image.apply(Changes {
        channels: vec![
            ChannelRow { id: 1, experiment: None, platform: Platform::Web, deleted: true },
            ChannelRow { id: 8, experiment: None, platform: Platform::Evaluations, deleted: false },
            ChannelRow { id: 9, experiment: Some(2), platform: Platform::Slack, deleted: false },
        ],
        ..Changes::default()
    });
    assert_eq!(rows(&image), (vec![(Some("telegram"), 2), (Some("web"), 2), (Some("slack"), 0)], 4));
    let web = ask(&image, "", channel_breakdown).platforms.remove(1);
    assert_eq!((web.messages, web.human_messages, web.ai_messages, web.participants), (6, 3, 3, 1));
    assert_eq!((web.session_percentage, web.participant_percentage), (50.0, 50.0));
}

#[test]
fn tag_analytics_counts_links() {
    let image = acme();
    let answer = value(ask(&image, "", tag_analytics));
    assert_eq!(answer["tag_categories"], json!({"User Defined":{"billing":2},"Error":{"timeout":1}}));
    assert_eq!(
        (answer["total_tagged_messages"].clone(), answer["distinct_tagged_messages"].clone()),
        (json!(3), json!(3))
    );
    assert_eq!(answer["tagged_sessions"], json!({"User Defined":{"billing":1}}));
}

#[test]
fn a_tag_on_a_system_message_counts_and_a_link_of_another_team_does_not() {
    let mut image = acme();
    let link = |tag, target, own| TagLinkRow { tag, kind: TargetKind::Message, target, own };
    image.apply(Changes {
        tag_links: vec![link(2, 3, true), link(1, 9, false), link(77, 9, true)],
        ..Changes::default()
    });
    let tags = ask(&image, "", tag_analytics);
    assert_eq!(tags.tag_categories["Error"]["timeout"], 2);
    assert_eq!(tags.tag_categories["User Defined"]["billing"], 2);
}

#[test]
fn average_response_time_is_of_finished_traces_in_the_window() {
    let mut image = acme();
    let trace = |id, session, at, duration_ms| TraceRow { id, session, experiment: None, at, duration_ms };
    image.apply(Changes {
        traces: vec![
            trace(10, 101, at("05-20 09:00"), Some(9000)), // outside the window
            trace(11, 101, at("06-02 09:30"), None),       // still pending
            trace(12, 105, at("06-02 09:30"), Some(9000)), // an evaluation
        ],
        ..Changes::default()
    });
    let points = ask(&image, "", average_response_time).unwrap();
    let points: Vec<_> = points.iter().map(|p| (p.date.as_str(), p.avg_response_time_sec)).collect();
    assert_eq!(points, [("2026-06-02", 1.0), ("2026-06-09", 3.46)]);
}

#[test]
fn cost_over_time_by_source() {
    let image = acme();
    let answer = value(ask(&image, "granularity=hourly", cost_timeseries).unwrap());
    assert_eq!(
        answer,
        json!([{"date":"2026-06-02","chat":0.4,"evaluation":0.0},{"date":"2026-06-05","chat":0.0,"evaluation":0.25},
               {"date":"2026-06-09","chat":0.5,"evaluation":0.0}])
    );
    let narrowed = value(ask(&image, "experiments=1&granularity=weekly", cost_timeseries).unwrap());
    assert_eq!(narrowed, json!([{"date":"2026-06-01T00:00:00Z","chat":0.4}]));
    assert_eq!(value(ask(&image, "channels=web", cost_timeseries).unwrap()).as_array().unwrap().len(), 2);
}

#[test]
fn cost_by_model_and_kind() {
    assert_eq!(
        value(ask(&acme(), "", cost_breakdown)),
        json!({"by_model":[{"provider_type":"openai","model_name":"m-small","cost":0.65},{"provider_type":"anthropic","model_name":"m-big","cost":0.5}],
               "by_service_kind":[{"service_kind":"llm_input","cost":0.1,"tokens":1000},{"service_kind":"llm_output","cost":1.05,"tokens":1400}]})
    );
}

#[test]
fn cost_p95_is_the_nearest_rank_per_trace() {
    assert_eq!(
        value(ask(&acme(), "", cost_p95).unwrap()),
        json!([{"experiment_id":2,"experiment_name":"Seller","points":[{"date":"2026-06-09","p95":0.5}]},
               {"experiment_id":1,"experiment_name":"Helper","points":[{"date":"2026-06-02","p95":0.3}]}])
    );
}

#[test]
fn cost_summary_compares_with_the_stretch_before() {
    let s = ask(&acme(), "", cost_summary);
    assert_eq!(
        (s.total, s.previous_total, s.change_percent, s.exact, s.estimated),
        (1.15, 0.4, Some(187.5), 0.65, 0.5)
    );
    assert_eq!((s.unknown_count, s.unpriced_count), (0, 0));
    let web = ask(&acme(), "tags=2", cost_summary);
    assert_eq!((web.total, web.previous_total, web.change_percent), (0.5, 0.0, None));
}

#[test]
fn a_snapshot_is_as_of_the_end_of_its_day() {
    let s = value(snapshot(&acme(), jiff::civil::date(2026, 6, 9)));
    assert_eq!(
        s,
        json!({"date":"2026-06-09","total_experiments":2,"total_participants":3,"total_sessions":3,"total_messages":8,"active_experiments":1,
               "active_participants":1,"new_participants":0,"new_sessions":1,"messages_sent":3,"human_messages":1,"ai_messages":2,
               "channel_stats":{"web":{"sessions":1,"messages":3,"participants":1}},"avg_session_duration_minutes":100.0,
               "avg_messages_per_session":3.0,"session_completion_rate":1.0})
    );
    let none = value(snapshot(&acme(), jiff::civil::date(2026, 6, 1)));
    assert_eq!((none["avg_messages_per_session"].clone(), none["total_sessions"].clone()), (json!(null), json!(0)));
}

#[test]
fn late_edited_and_deleted_messages_correct_every_figure() {
    let mut image = acme();
    image.apply(Changes {
        messages: vec![
            MessageRow { id: 1, session: Some(101), kind: MessageKind::Human, created_at: at("06-12 09:00") },
            MessageRow { id: 20, session: Some(102), kind: MessageKind::Ai, created_at: at("06-01 00:00") },
        ],
        gone: Gone { messages: vec![13], ..Gone::default() },
        ..Changes::default()
    });
    let o = ask(&image, "", overview);
    assert_eq!((o.total_sessions, o.human_messages, o.ai_messages), (3, 4, 5));
    // The tags of the edited message went with it.
    assert_eq!(ask(&image, "end_date=2026-06-11", tag_analytics).tag_categories["User Defined"]["billing"], 1);
    let mut fresh = ChatImage::default();
    let mut all = changes();
    all.messages.retain(|m| m.id != 1 && m.id != 13);
    all.messages.push(MessageRow {
        id: 1,
        session: Some(101),
        kind: MessageKind::Human,
        created_at: at("06-12 09:00"),
    });
    all.messages.push(MessageRow { id: 20, session: Some(102), kind: MessageKind::Ai, created_at: at("06-01 00:00") });
    fresh.apply(all);
    assert_eq!(o, ask(&fresh, "", overview));
    assert_eq!(ask(&image, "", message_volume), ask(&fresh, "", message_volume));
}

#[test]
fn a_message_without_a_session_counts_only_where_nothing_is_narrowed() {
    let mut image = acme();
    image.apply(Changes {
        messages: vec![MessageRow { id: 60, session: None, kind: MessageKind::Human, created_at: at("06-07 10:00") }],
        ..Changes::default()
    });
    let o = ask(&image, "", overview);
    assert_eq!((o.total_messages, o.total_sessions, o.active_participants), (10, 4, 2));
    assert_eq!(ask(&image, "experiments=1", overview).total_messages, 5);
}

#[test]
fn versions_of_a_bot_are_compared() {
    let image = acme();
    let comparison = ask(&image, "", |q| compare_versions(q, 1)).unwrap();
    assert_eq!((comparison.variants.len(), comparison.untagged_sessions, comparison.mixed_sessions), (1, 1, 0));
    assert_eq!((comparison.variants[0].version.as_str(), comparison.variants[0].sessions), ("v2", 1));
    assert_eq!(comparison.variants[0].response_time_sec.value, Some(1.0));
    assert!(ask(&image, "", |q| compare_versions(q, 99)).is_none());
}

#[test]
fn engagement_views_look_back_seven_months() {
    let image = acme();
    let filter = crate::acme::filter(&image, "").unwrap();
    let views = engagement_views(&image, &filter, crate::acme::NOW.parse().unwrap());
    assert_eq!(views.monthly_active_users.len(), 7);
    let june = &views.monthly_active_users[6];
    assert_eq!((june.month.as_str(), june.in_progress, june.monthly_active_users), ("2026-06", true, 2));
    // Ana wrote in the weeks of 06-01 and 06-08, Ben in those of 06-01 and 06-15.
    assert_eq!(june.core_user_rate, 1.0);
    assert_eq!((views.frequency[6].one_week, views.frequency[6].two_weeks), (0, 2));
    let weeks: Vec<_> =
        views.weekly_new_returning.iter().rev().take(3).map(|w| (w.week.to_string(), w.new, w.returning)).collect();
    assert_eq!(
        weeks,
        [("2026-06-15".to_owned(), 0, 1), ("2026-06-08".to_owned(), 0, 1), ("2026-06-01".to_owned(), 2, 0)]
    );
    assert_eq!(views.session_length[6].avg_session_minutes, Some(65.0));
    assert_eq!(
        (views.top_chatbots[0].name.as_str(), views.top_chatbots[0].sessions, views.top_chatbots[0].share),
        ("Helper", 2, 50.0)
    );
}
