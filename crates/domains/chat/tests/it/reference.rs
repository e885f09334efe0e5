//! 1,000 random teams against a slow reference that reads like spec/chat §2.

use std::collections::BTreeSet;

use jiff::tz::TimeZone;
use proptest::prelude::*;
use tallykeep_chat::{
    filter::*,
    image::ChatImage,
    metrics::{
        Question, channel_breakdown, message_volume, overview, session_analytics, session_lengths, tag_analytics,
        user_engagement,
    },
    rows::*,
    words::*,
};

pub const DAY: i64 = 86_400_000_000;
pub const ZONES: [&str; 5] = ["UTC", "Asia/Kolkata", "Asia/Kathmandu", "America/New_York", "Australia/Lord_Howe"];
/// 2026-03-01: clock changes of New York lie in the data.
pub const BASE: i64 = 1_772_323_200_000_000;

pub fn session() -> impl Strategy<Value = (i64, i64, usize, usize, i64, Option<i64>)> {
    (1..5_i64, 1..6_i64, 0..5_usize, 0..6_usize, 0..20 * DAY, prop::option::of(0..DAY))
}

pub fn message() -> impl Strategy<Value = (i64, usize, i64)> {
    (1..13_i64, 0..3_usize, prop_oneof![0..20 * DAY, (0..20 * 96_i64).prop_map(|q| q * 900_000_000)])
}

pub fn platform(code: usize) -> Option<Platform> {
    [Some(Platform::Web), Some(Platform::Telegram), Some(Platform::Slack), Some(Platform::Evaluations), None][code]
}

pub type Case = (Vec<(i64, i64, usize, usize, i64, Option<i64>)>, Vec<(i64, usize, i64)>, Vec<(i64, bool, i64)>);

pub fn rows((sessions, messages, links): &Case) -> Changes {
    Changes {
        experiments: (1..5)
            .map(|id| ExperimentRow { id, name: format!("b{id}"), archived: id == 4, working_version: None })
            .collect(),
        channels: vec![
            ChannelRow { id: 1, experiment: None, platform: Platform::Web, deleted: false },
            ChannelRow { id: 2, experiment: Some(1), platform: Platform::Telegram, deleted: false },
            ChannelRow { id: 3, experiment: Some(2), platform: Platform::Slack, deleted: true },
        ],
        participants: (1..6)
            .map(|id| ParticipantRow {
                id,
                name: String::new(),
                identifier: format!("p{id}"),
                platform: platform((id % 4) as usize).unwrap(),
                created_at: None,
            })
            .collect(),
        sessions: sessions
            .iter()
            .zip(1..)
            .map(|((experiment, participant, platform_code, status, at, length), id)| SessionRow {
                id,
                experiment: *experiment,
                participant: Some(*participant),
                platform: platform(*platform_code),
                status: Status::ALL[*status],
                created_at: BASE + at,
                ended_at: length.map(|length| BASE + at + length),
            })
            .collect(),
        messages: messages
            .iter()
            .zip(1..)
            .filter(|((session, ..), _)| *session <= sessions.len() as i64)
            .map(|((session, kind, at), id)| MessageRow {
                id,
                session: Some(*session),
                kind: MessageKind::ALL[*kind],
                created_at: BASE + at,
            })
            .collect(),
        tags: (1..4)
            .map(|id| TagRow {
                id,
                name: format!("t{id}"),
                category: if id == 3 { "error".into() } else { String::new() },
            })
            .collect(),
        tag_links: links
            .iter()
            .map(|(tag, on_message, target)| TagLinkRow {
                tag: *tag,
                kind: if *on_message { TargetKind::Message } else { TargetKind::Chat },
                target: *target,
                own: true,
            })
            .collect::<std::collections::HashSet<_>>()
            .into_iter()
            .collect(),
        ..Changes::default()
    }
}

/// §2 and §5, word by word.
pub struct Reference<'a> {
    pub rows: &'a Changes,
    pub from: i64,
    pub to: i64,
    pub experiments: Vec<i64>,
    pub platforms: Vec<Platform>,
    pub participants: Vec<i64>,
    pub tags: Vec<i64>,
}

impl Reference<'_> {
    pub fn session(&self, id: i64) -> Option<&SessionRow> {
        self.rows.sessions.iter().find(|s| s.id == id)
    }

    pub fn carries_a_tag(&self, session: &SessionRow) -> bool {
        self.rows.tag_links.iter().any(|link| {
            self.tags.contains(&link.tag)
                && match link.kind {
                    TargetKind::Chat => link.target == session.id,
                    TargetKind::Message => {
                        self.rows.messages.iter().any(|m| m.id == link.target && m.session == Some(session.id))
                    }
                }
        })
    }

    fn passes(&self, session: &SessionRow) -> bool {
        session.platform != Some(Platform::Evaluations)
            && session.status != Status::Setup
            && (self.experiments.is_empty() || self.experiments.contains(&session.experiment))
            && (self.platforms.is_empty() || session.platform.is_some_and(|p| self.platforms.contains(&p)))
            && (self.participants.is_empty() || self.participants.contains(&session.participant.unwrap()))
            && (self.tags.is_empty() || self.carries_a_tag(session))
    }

    /// Turns of M inside any stretch.
    pub fn turns(&self, from: i64, to: i64) -> Vec<&MessageRow> {
        let mine = |m: &&MessageRow| {
            m.kind != MessageKind::System
                && m.created_at >= from
                && m.created_at < to
                && m.session.and_then(|id| self.session(id)).is_some_and(|s| self.passes(s))
        };
        self.rows.messages.iter().filter(mine).collect()
    }

    fn people(&self, turns: &[&MessageRow]) -> BTreeSet<i64> {
        let human = turns.iter().filter(|m| m.kind == MessageKind::Human);
        human.map(|m| self.session(m.session.unwrap()).unwrap().participant.unwrap()).collect()
    }
}

/// What both ways of counting are asked.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Days of [`BASE`] on, in the zone.
    first: i64,
    length: i64,
    pub zone: &'static str,
    pub size: Bucketing,
    experiments: BTreeSet<i64>,
    platforms: BTreeSet<usize>,
    participants: BTreeSet<i64>,
    tags: BTreeSet<i64>,
}

/// Questions in buckets of at least the `least`-th size, with fewer than `most` of each thing to narrow by.
pub fn asked(least: usize, most: usize) -> impl Strategy<Value = Asked> {
    let narrowed = (
        prop::collection::btree_set(1..4_i64, 0..most),
        prop::collection::btree_set(0..3_usize, 0..most),
        prop::collection::btree_set(1..6_i64, 0..most),
        prop::collection::btree_set(1..4_i64, 0..2),
    );
    (0..20_i64, 0..10_i64, 0..ZONES.len(), least..4, narrowed).prop_map(
        |(first, length, zone, size, (experiments, platforms, participants, tags))| Asked {
            first,
            length,
            zone: ZONES[zone],
            size: [Bucketing::Hourly, Bucketing::Daily, Bucketing::Weekly, Bucketing::Monthly][size],
            experiments,
            platforms,
            participants,
            tags,
        },
    )
}

impl Asked {
    fn platforms(&self) -> Vec<Platform> {
        self.platforms.iter().map(|code| platform(*code).unwrap()).collect()
    }

    /// As the program reads it from a request.
    pub fn of(&self, image: &ChatImage) -> (Window, Filter) {
        let day = |n: i64| jiff::Timestamp::from_microsecond(BASE + n * DAY).unwrap().to_zoned(TimeZone::UTC).date();
        let list = |ids: &BTreeSet<i64>| ids.iter().map(i64::to_string).collect::<Vec<_>>().join(",");
        let params = Params::from_pairs([
            ("date_range", "custom".to_owned()),
            ("start_date", day(self.first).to_string()),
            ("end_date", day(self.first + self.length).to_string()),
            ("tz", self.zone.to_owned()),
            ("experiments", list(&self.experiments)),
            ("channels", self.platforms().iter().map(ToString::to_string).collect::<Vec<_>>().join(",")),
            ("participants", list(&self.participants)),
            ("tags", list(&self.tags)),
        ]);
        let window = Window::from_params(&params, jiff::Timestamp::UNIX_EPOCH, &TimeZone::UTC).unwrap();
        let filter = Filter::from_params(&params, window.clone(), image).unwrap();
        (window, filter)
    }

    pub fn reference<'a>(&self, rows: &'a Changes, window: &Window) -> Reference<'a> {
        Reference {
            rows,
            from: window.span.start,
            to: window.span.end,
            experiments: self.experiments.iter().copied().collect(),
            platforms: self.platforms(),
            participants: self.participants.iter().copied().collect(),
            tags: self.tags.iter().copied().collect(),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn every_figure_agrees_with_the_slow_reading(
        sessions in prop::collection::vec(session(), 0..12),
        messages in prop::collection::vec(message(), 0..40),
        links in prop::collection::vec((1..4_i64, any::<bool>(), 1..40_i64), 0..12),
        asked in asked(0, 3),
        halves in any::<bool>(),
    ) {
        let case = (sessions, messages, links);
        let all = rows(&case);
        let mut image = ChatImage::default();
        if halves {
            // In two steps, children before edits: the same image must come out.
            let mut early = all.clone();
            early.messages.truncate(all.messages.len() / 2);
            for message in &mut early.messages {
                message.created_at += DAY;
            }
            early.tag_links.truncate(all.tag_links.len() / 2);
            image.apply(early);
        }
        image.apply(all.clone());
        let (window, filter) = asked.of(&image);
        let question = Question::new(&image, &filter, asked.size);
        let slow = asked.reference(&all, &window);
        let turns = slow.turns(slow.from, slow.to);
        let active: BTreeSet<i64> = turns.iter().map(|m| m.session.unwrap()).collect();
        let fast = overview(&question);
        prop_assert_eq!(fast.total_messages, turns.len() as u64);
        prop_assert_eq!(fast.total_sessions, active.len() as u64);
        prop_assert_eq!(fast.active_participants, slow.people(&turns).len() as u64);
        let completed = active.iter().filter(|id| slow.session(**id).unwrap().ended_at.is_some()).count();
        prop_assert_eq!(fast.completed_sessions, completed as u64);
        let bots: BTreeSet<i64> = active.iter().map(|id| slow.session(*id).unwrap().experiment).filter(|e| *e != 4).collect();
        // A bot is listed as active when the filters list it at all (a channel filter asks for a live channel).
        let listed: Vec<i64> = (0..4).filter(|i| question.selection.experiments[*i]).map(|i| image.experiments[i].id).collect();
        prop_assert_eq!(fast.active_experiments, bots.iter().filter(|b| listed.contains(b)).count() as u64);

        // Buckets: every turn lies in exactly one, and each bucket's distinct counts are those of its turns.
        let volume = message_volume(&question).unwrap().totals;
        let analytics = session_analytics(&question).unwrap();
        prop_assert_eq!(volume.iter().map(|v| v.total_messages).sum::<u64>(), turns.len() as u64);
        let buckets = window.buckets(asked.size).unwrap();
        let mut row = 0;
        for bucket in &buckets {
            let inside = slow.turns(bucket.span.start, bucket.span.end);
            if inside.is_empty() {
                continue;
            }
            let human = inside.iter().filter(|m| m.kind == MessageKind::Human).count() as u64;
            prop_assert_eq!(&volume[row].date, &bucket.label);
            prop_assert_eq!((volume[row].human_messages, volume[row].total_messages), (human, inside.len() as u64));
            let in_bucket: BTreeSet<i64> = inside.iter().map(|m| m.session.unwrap()).collect();
            prop_assert_eq!(analytics.sessions[row].active_sessions, in_bucket.len() as u64);
            prop_assert_eq!(analytics.participants[row].active_participants, slow.people(&inside).len() as u64);
            row += 1;
        }
        prop_assert_eq!(row, volume.len());

        // A local date, told by the calendar itself, never disagrees with a daily label.
        if asked.size == Bucketing::Daily {
            for message in &turns {
                let local = jiff::Timestamp::from_microsecond(message.created_at).unwrap().in_tz(asked.zone).unwrap().date();
                prop_assert!(volume.iter().any(|v| v.date == local.to_string()));
            }
        }

        // Tags on messages of any type.
        let tagged = tag_analytics(&question);
        let count = all.tag_links.iter().filter(|link| link.kind == TargetKind::Message).filter(|link| {
            all.messages.iter().any(|m| m.id == link.target && m.created_at >= slow.from && m.created_at < slow.to
                && slow.session(m.session.unwrap()).is_some_and(|s| slow.passes(s)))
        }).count();
        prop_assert_eq!(tagged.total_tagged_messages, count as u64);

        // The histogram holds every completed session, the platforms every active one, the people every author.
        let lengths = session_lengths(&question);
        prop_assert_eq!(lengths.iter().map(|b| b.count).sum::<u64>(), completed as u64);
        let channels = channel_breakdown(&question);
        prop_assert_eq!(channels.totals.sessions, active.len() as u64);
        prop_assert_eq!(channels.platforms.iter().map(|p| p.sessions).sum::<u64>(), active.len() as u64);
        let people = user_engagement(&question, 100, |_| String::new());
        prop_assert_eq!(people.most_active_participants.len(), slow.people(&turns).len());
        prop_assert_eq!(
            people.most_active_participants.iter().map(|p| p.total_messages).sum::<u64>(),
            turns.iter().filter(|m| m.kind == MessageKind::Human).count() as u64
        );
        for person in &people.most_active_participants {
            let last = turns.iter().filter(|m| m.kind == MessageKind::Human
                && slow.session(m.session.unwrap()).unwrap().participant == Some(person.participant_id)).map(|m| m.created_at).max().unwrap();
            prop_assert_eq!(&person.last_activity, &tallykeep_chat::instant::iso_utc(last));
        }
    }
}
