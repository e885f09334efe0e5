//! Invented conversations for the demo: the same seed and day give the same rows.

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use rand::{RngExt, SeedableRng};
use rand_chacha::ChaCha8Rng;
use tallykeep_control::TeamControl;
use tallykeep_lake::Lake;

use crate::{
    instant::{MINUTE, Micros, SECOND, utc_midnight},
    rows::*,
    service::ChatError,
    store::append,
    words::{Confidence, MessageKind, Platform, ServiceKind, Status, TargetKind, UsageSource},
};

/// How much to invent.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub days: i64,
    pub participants: usize,
    /// Mean number of sessions on a weekday at the end; it grows towards it.
    pub sessions_a_day: f64,
    pub cast: &'static Cast,
}

impl Default for Size {
    fn default() -> Self {
        Self { days: 240, participants: 320, sessions_a_day: 24.0, cast: &COLLEGE }
    }
}

impl Size {
    /// A second team beside the first: other bots, fewer people.
    pub fn second() -> Self {
        Self { days: 150, participants: 90, sessions_a_day: 9.0, cast: &FERRIES }
    }
}

/// Whose bots they are, and what people talk about.
#[derive(Debug)]
pub struct Cast {
    /// Names of bots; the last one is archived. Each has the platforms people reach it on.
    bots: [(&'static str, bool, &'static [Platform]); 4],
    topics: [&'static str; 4],
}

static COLLEGE: Cast = Cast {
    bots: [
        ("Admissions Helper", false, &[Platform::Web, Platform::Telegram, Platform::EmbeddedWidget]),
        ("Clinic Line", false, &[Platform::Whatsapp, Platform::Web]),
        ("Library Desk", false, &[Platform::EmbeddedWidget, Platform::Slack]),
        ("Summer School 2025", true, &[Platform::Web]),
    ],
    topics: ["deadline", "fees", "needs a person", "opening hours"],
};
static FERRIES: Cast = Cast {
    bots: [
        ("Island Timetable", false, &[Platform::Web, Platform::Whatsapp]),
        ("Lost Property", false, &[Platform::Email, Platform::Web]),
        ("Crew Rota", false, &[Platform::Slack, Platform::Telegram]),
        ("Storm Desk 2025", true, &[Platform::Web]),
    ],
    topics: ["delay", "bicycles", "needs a person", "refund"],
};
/// Tags after the four topics.
const TAGS: [(&str, &str); 5] = [
    ("helpful", "response_rating"),
    ("not helpful", "response_rating"),
    ("timeout", "error"),
    ("v1", "experiment_version"),
    ("v2", "experiment_version"),
];
const FIRST: [&str; 16] = [
    "Amara", "Bela", "Chidi", "Dana", "Elif", "Femi", "Grace", "Hana", "Ivan", "Joao", "Kira", "Lena", "Mateo",
    "Nadia", "Omar", "Priya",
];
const LAST: [&str; 12] =
    ["Adeyemi", "Berg", "Costa", "Duran", "Eze", "Fischer", "Gupta", "Haddad", "Ito", "Jensen", "Kovacs", "Lopez"];

/// Invents a team's chats up to `now`. The same arguments give the same rows.
pub fn invent(now: Timestamp, size: Size, seed: u64) -> Changes {
    let mut inventor = Inventor {
        random: ChaCha8Rng::seed_from_u64(seed),
        changes: Changes::default(),
        now: now.as_microsecond(),
        cast: size.cast,
    };
    inventor.entities(size);
    let today = now.to_zoned(TimeZone::UTC).date();
    for back in (0..size.days).rev() {
        inventor.day(today.saturating_sub(back.days()), 1.0 - back as f64 / size.days as f64, size);
    }
    inventor.changes
}

/// Writes invented chats into a team that has none yet, and turns cost tracking on. Answers the number of messages; 0 when there were chats.
pub async fn seed_demo(control: &TeamControl, lake: &Lake, size: Size, seed: u64) -> Result<usize, ChatError> {
    if control.chat_state().await?.taken > 0 {
        return Ok(0);
    }
    let changes = invent(control.clock().now(), size, seed);
    let messages = changes.messages.len();
    write_changes(control, lake, changes).await?;
    control.set_setting("cost_tracking", serde_json::Value::Bool(true)).await?;
    control.chat_save_expression("Long talks", "messages >= 12", "demo").await?;
    control.chat_save_expression("Needs a person", "tag = \"needs a person\" and not completed", "demo").await?;
    Ok(messages)
}

/// Writes new rows of a team and lets them be read.
pub async fn write_changes(control: &TeamControl, lake: &Lake, changes: Changes) -> Result<(), ChatError> {
    let lake = lake.team(&control.team().slug);
    append(&lake, changes.experiments, false, control.chat_take_number().await?).await?;
    append(&lake, changes.channels, false, control.chat_take_number().await?).await?;
    append(&lake, changes.participants, false, control.chat_take_number().await?).await?;
    append(&lake, changes.tags, false, control.chat_take_number().await?).await?;
    append(&lake, changes.sessions, false, control.chat_take_number().await?).await?;
    append(&lake, changes.messages, false, control.chat_take_number().await?).await?;
    append(&lake, changes.tag_links, false, control.chat_take_number().await?).await?;
    append(&lake, changes.traces, false, control.chat_take_number().await?).await?;
    append(&lake, changes.usage, false, control.chat_take_number().await?).await?;
    control.chat_publish().await?;
    Ok(())
}

struct Inventor {
    random: ChaCha8Rng,
    changes: Changes,
    now: Micros,
    cast: &'static Cast,
}

fn id(index: usize) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX) + 1
}

impl Inventor {
    fn chance(&mut self, probability: f64) -> bool {
        self.random.random_bool(probability)
    }

    fn below(&mut self, limit: usize) -> usize {
        self.random.random_range(0..limit)
    }

    /// Around `mean`, mostly smaller, sometimes much larger.
    fn skewed(&mut self, mean: f64) -> f64 {
        let even: f64 = self.random.random_range(0.000_1..1.0);
        -mean * even.ln()
    }

    fn entities(&mut self, size: Size) {
        for (index, (name, archived, platforms)) in self.cast.bots.iter().enumerate() {
            let row =
                ExperimentRow { id: id(index), name: (*name).to_owned(), archived: *archived, working_version: None };
            self.changes.experiments.push(row);
            for platform in *platforms {
                let experiment = (!platform.is_team_global()).then(|| id(index));
                let known = |channel: &ChannelRow| channel.platform == *platform && channel.experiment == experiment;
                if !self.changes.channels.iter().any(known) {
                    let row = ChannelRow {
                        id: id(self.changes.channels.len()),
                        experiment,
                        platform: *platform,
                        deleted: false,
                    };
                    self.changes.channels.push(row);
                }
            }
        }
        let topics = self.cast.topics.iter().map(|topic| (*topic, ""));
        for (index, (name, category)) in topics.chain(TAGS).enumerate() {
            let row = TagRow { id: id(index), name: name.to_owned(), category: category.to_owned() };
            self.changes.tags.push(row);
        }
        for index in 0..size.participants {
            let bot = self.below(self.cast.bots.len());
            let platforms = self.cast.bots[bot].2;
            let platform = platforms[self.below(platforms.len())];
            let (first, last) = (FIRST[self.below(FIRST.len())], LAST[self.below(LAST.len())]);
            let name = if self.chance(0.7) { format!("{first} {last}") } else { String::new() };
            let identifier = format!("{}{}@example.org", first.to_lowercase(), 100 + index);
            let row = ParticipantRow { id: id(index), name, identifier, platform, created_at: None };
            self.changes.participants.push(row);
        }
    }

    fn day(&mut self, day: Date, growth: f64, size: Size) {
        let weekend = day.weekday().to_monday_zero_offset() >= 5;
        let mean = size.sessions_a_day * (0.25 + 0.75 * growth) * if weekend { 0.35 } else { 1.0 };
        let spread = self.random.random_range(0.7..1.3);
        for _ in 0..(mean * spread).round() as usize {
            self.session(utc_midnight(day), growth);
        }
        if !weekend {
            self.evaluation(utc_midnight(day) + 240 * MINUTE);
        }
    }

    /// The nightly check of the first bot: it costs, and belongs to no conversation.
    fn evaluation(&mut self, at: Micros) {
        let tokens = 30_000 + self.skewed(9_000.0) as i64;
        if at > self.now {
            return;
        }
        self.changes.usage.push(UsageRow {
            key: id(self.changes.usage.len()),
            at,
            source: UsageSource::Evaluation,
            service: ServiceKind::LlmInput,
            provider: "openai".to_owned(),
            model: "quick-small".to_owned(),
            quantity: Some(tokens),
            cost: tokens * 15,
            confidence: Confidence::Exact,
            priced: true,
            experiment: Some(1),
            session: None,
            participant: None,
            trace: None,
        });
    }

    fn session(&mut self, midnight: Micros, growth: f64) {
        // A few people come often; newer ones turn up later.
        let reach = 1.0 - (1.0 - growth) * 0.6;
        let luck: f64 = self.random.random_range(0.0..1.0);
        let people = self.changes.participants.len();
        let person = ((luck * luck * reach * people as f64) as usize).min(people - 1);
        let platform = self.changes.participants[person].platform;
        let bots = &self.cast.bots;
        let fitting: Vec<usize> =
            (0..bots.len()).filter(|bot| bots[*bot].2.contains(&platform) && (!bots[*bot].1 || growth < 0.4)).collect();
        let Some(bot) = fitting.get(self.below(fitting.len().max(1))).copied() else { return };
        // Most talk by day, some in the evening.
        let hour = 7.5 + self.random.random_range(0.0..6.0) + self.random.random_range(0.0..6.0);
        let start = midnight + (hour * 60.0 * MINUTE as f64) as Micros;
        if start > self.now {
            return;
        }
        let session = id(self.changes.sessions.len());
        let version = if bot == 0 && growth > 0.6 && self.chance(0.5) { 8 } else { 7 };
        let turns = 2 + (self.skewed(3.0 + f64::from(u8::from(version == 8))) as usize).min(30);
        let last = self.conversation(session, bot, id(person), start, turns);
        if bot == 0 {
            let link = TagLinkRow { tag: id(version), kind: TargetKind::Chat, target: session, own: true };
            self.changes.tag_links.push(link);
        }
        let completed = self.chance(if version == 8 { 0.82 } else { 0.71 });
        let (status, ended_at) = if completed { (Status::Complete, Some(last)) } else { (Status::Active, None) };
        let row = SessionRow {
            id: session,
            experiment: id(bot),
            participant: Some(id(person)),
            platform: Some(platform),
            status,
            created_at: start,
            ended_at,
        };
        self.changes.sessions.push(row);
    }

    /// Question and answer in turn. Answers the instant of the last message.
    fn conversation(&mut self, session: i64, bot: usize, person: i64, start: Micros, turns: usize) -> Micros {
        let mut at = start;
        for _ in 0..turns {
            at += 5 * SECOND + (self.skewed(70.0) * SECOND as f64) as Micros;
            if at > self.now {
                break;
            }
            let question = self.message(session, MessageKind::Human, at);
            if self.chance(0.08) {
                let tag = self.below(4);
                self.changes.tag_links.push(TagLinkRow {
                    tag: id(tag),
                    kind: TargetKind::Message,
                    target: question,
                    own: true,
                });
            }
            let mean = [2.1, 3.4, 1.6, 2.8][bot];
            let took = 400 + (self.skewed(mean * 1000.0) as i64).min(45_000);
            if at + took * 1000 > self.now {
                break;
            }
            at += took * 1000;
            let answer = self.message(session, MessageKind::Ai, at);
            let tag = match self.random.random_range(0.0..1.0) {
                x if x < 0.06 => Some(4),
                x if x < 0.08 => Some(5),
                x if x < 0.09 => Some(6),
                _ => None,
            };
            if let Some(tag) = tag {
                self.changes.tag_links.push(TagLinkRow {
                    tag: id(tag),
                    kind: TargetKind::Message,
                    target: answer,
                    own: true,
                });
            }
            self.work(session, bot, person, at, took);
        }
        at.min(self.now)
    }

    fn message(&mut self, session: i64, kind: MessageKind, at: Micros) -> i64 {
        let id = id(self.changes.messages.len());
        self.changes.messages.push(MessageRow { id, session: Some(session), kind, created_at: at });
        id
    }

    /// The trace behind a reply, and what it cost.
    fn work(&mut self, session: i64, bot: usize, person: i64, at: Micros, took: i64) {
        let trace = id(self.changes.traces.len());
        let row = TraceRow { id: trace, session, experiment: Some(id(bot)), at, duration_ms: Some(took) };
        self.changes.traces.push(row);
        let (provider, model, input_price, output_price) =
            if bot == 1 { ("anthropic", "careful-large", 300, 1500) } else { ("openai", "quick-small", 15, 60) };
        for (service, mean, price) in
            [(ServiceKind::LlmInput, 1_400.0, input_price), (ServiceKind::LlmOutput, 260.0, output_price)]
        {
            let tokens = 40 + self.skewed(mean) as i64;
            let estimated = self.chance(0.03);
            // A model tried out before its price was known.
            let unpriced = self.chance(0.002);
            let model = if unpriced { "quick-preview" } else { model };
            self.changes.usage.push(UsageRow {
                key: id(self.changes.usage.len()),
                at,
                source: UsageSource::Chat,
                service,
                provider: provider.to_owned(),
                model: model.to_owned(),
                quantity: Some(tokens),
                // Prices are per million tokens in cents, amounts in 1/100,000,000.
                cost: if unpriced { 0 } else { tokens * price },
                confidence: if estimated { Confidence::Estimated } else { Confidence::Exact },
                priced: !unpriced,
                experiment: Some(id(bot)),
                session: Some(session),
                participant: Some(person),
                trace: Some(trace),
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::ChatImage;

    #[test]
    fn the_same_seed_gives_the_same_rows_and_they_are_believable() {
        let now: Timestamp = "2026-06-15T12:00:00Z".parse().expect("an instant");
        let one = invent(now, Size::default(), 7);
        assert_eq!(one, invent(now, Size::default(), 7));
        assert_ne!(one, invent(now, Size::default(), 8));
        assert!((10_000..80_000).contains(&one.messages.len()), "{}", one.messages.len());
        assert!(one.messages.iter().all(|message| message.created_at <= now.as_microsecond()));
        assert!(!one.traces.is_empty() && !one.usage.is_empty() && !one.tag_links.is_empty());
        let mut image = ChatImage::default();
        image.apply(one);
        assert!(image.facts.len() < image.messages.len() / 2);
    }
}
