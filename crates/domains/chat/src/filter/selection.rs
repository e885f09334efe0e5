//! A checked filter, and the bots, people and sessions that pass it.

use std::{collections::BTreeSet, sync::Arc};

use serde_json::{Value, json};
use sha1::{Digest, Sha1};

use super::{Expression, FieldErrors, Params, Span, Window};
use crate::{
    image::{ChatImage, NO_SESSION, NONE},
    instant::iso_utc,
    words::Platform,
};

/// One value of the `channels` parameter: a platform, or a channel of the team that means its platform and its bot if it has one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct ChannelChoice {
    pub platform: Platform,
    pub experiment: Option<i64>,
}

/// A checked filter: values inside one field are or-ed, fields are and-ed, an empty field narrows nothing.
#[derive(Debug, Clone)]
pub struct Filter {
    pub window: Window,
    pub experiments: BTreeSet<i64>,
    pub channels: BTreeSet<ChannelChoice>,
    pub participants: BTreeSet<i64>,
    pub tags: BTreeSet<i64>,
    /// Conversations that match; several are and-ed.
    pub expressions: Vec<Arc<Expression>>,
}

/// What passes a filter. `None` in a list means everything does.
#[derive(Debug)]
pub struct Selection {
    /// By session slot: it counts (§2) and passes. Slot 0 (no session) passes when nothing is narrowed.
    pub sessions: Vec<bool>,
    /// By experiment index: listed and passing.
    pub experiments: Vec<bool>,
    /// By participant index: of a platform that counts, and passing.
    pub participants: Vec<bool>,
}

impl Filter {
    /// Checks parameters against what the team has. An id of another team reads like one that does not exist.
    ///
    /// Errors: by field, naming each value that is wrong.
    pub fn from_params(params: &Params, window: Window, image: &ChatImage) -> Result<Self, FieldErrors> {
        let mut errors = FieldErrors::default();
        let mut filter = Self {
            window,
            experiments: BTreeSet::new(),
            channels: BTreeSet::new(),
            participants: BTreeSet::new(),
            tags: BTreeSet::new(),
            expressions: Vec::new(),
        };
        for text in params.list("experiments") {
            match text.parse().ok().filter(|id| image.experiment_index(*id).is_some_and(|e| image.is_listed(e))) {
                Some(id) => _ = filter.experiments.insert(id),
                None => errors.add("experiments", format!("`{text}` is not a chatbot of this team")),
            }
        }
        for text in params.list("channels") {
            match channel_choice(text, image) {
                Some(choice) => _ = filter.channels.insert(choice),
                None => errors.add("channels", format!("`{text}` is not a channel of this team")),
            }
        }
        for text in params.list("participants") {
            match text.parse().ok().filter(|id| image.participant_index(*id).is_some()) {
                Some(id) => _ = filter.participants.insert(id),
                None => errors.add("participants", format!("`{text}` is not a participant of this team")),
            }
        }
        for text in params.list("tags") {
            match text.parse().ok().filter(|id| image.tag_index(*id).is_some_and(|tag| image.is_listed_tag(tag))) {
                Some(id) => _ = filter.tags.insert(id),
                None => errors.add("tags", format!("`{text}` is not a tag of this team")),
            }
        }
        for text in params.all("q") {
            match Expression::parse(text) {
                Ok(expression) => match expression.check(image) {
                    Ok(()) => filter.expressions.push(Arc::new(expression)),
                    Err(error) => errors.add("q", error.to_string()),
                },
                Err(error) => errors.add("q", error.to_string()),
            }
        }
        errors.check()?;
        Ok(filter)
    }

    /// Everything of a window.
    pub fn everything(window: Window) -> Self {
        Self {
            window,
            experiments: BTreeSet::new(),
            channels: BTreeSet::new(),
            participants: BTreeSet::new(),
            tags: BTreeSet::new(),
            expressions: Vec::new(),
        }
    }

    /// Whether anything but the window narrows.
    pub fn is_narrowed(&self) -> bool {
        !(self.experiments.is_empty()
            && self.channels.is_empty()
            && self.participants.is_empty()
            && self.tags.is_empty()
            && self.expressions.is_empty())
    }

    /// The same filter over another stretch of time.
    pub fn over(&self, span: Span) -> Self {
        let mut other = self.clone();
        other.window.span = span;
        other
    }

    /// SHA-1 hex of the canonical JSON of the resolved filter (§8): no names, no content; order and repetition of ids do not matter.
    pub fn key(&self) -> String {
        let platforms: Vec<String> = self
            .channels
            .iter()
            .map(|choice| match choice.experiment {
                Some(experiment) => format!("{}@{experiment}", choice.platform),
                None => choice.platform.to_string(),
            })
            .collect();
        let mut expressions: Vec<String> = self.expressions.iter().map(|e| hex(&e.canonical())).collect();
        expressions.sort();
        let zone = self.window.zone.iana_name().unwrap_or("UTC");
        // Keys in alphabetical order, no blanks: the canonical form.
        let canonical = json!({
            "end_date": iso_utc(self.window.span.end),
            "experiment_ids": self.experiments,
            "expressions": expressions,
            "participant_ids": self.participants,
            "platform_names": platforms,
            "start_date": iso_utc(self.window.span.start),
            "tag_ids": self.tags,
            "time_zone": zone,
        });
        hex(&canonical.to_string())
    }

    /// The filter for people and exports: names of fields and their values, empty ones left out.
    pub fn describe(&self) -> Value {
        let mut map = serde_json::Map::new();
        map.insert("start".into(), json!(super::label_of(self.window.span.start, &self.window.zone)));
        map.insert("end".into(), json!(super::label_of(self.window.span.end, &self.window.zone)));
        map.insert("tz".into(), json!(self.window.zone.iana_name().unwrap_or("UTC")));
        if !self.experiments.is_empty() {
            map.insert("experiments".into(), json!(self.experiments));
        }
        if !self.channels.is_empty() {
            let channels: Vec<_> = self.channels.iter().map(|choice| choice.platform.as_str()).collect();
            map.insert("channels".into(), json!(channels));
        }
        if !self.participants.is_empty() {
            map.insert("participants".into(), json!(self.participants));
        }
        if !self.tags.is_empty() {
            map.insert("tags".into(), json!(self.tags));
        }
        if !self.expressions.is_empty() {
            map.insert("q".into(), json!(self.expressions.iter().map(|e| e.canonical()).collect::<Vec<_>>()));
        }
        Value::Object(map)
    }

    /// Which bots, people and sessions pass (§2 and §5).
    pub fn select(&self, image: &ChatImage) -> Selection {
        let sessions = &image.sessions;
        let by_expression: Vec<Vec<bool>> = self.expressions.iter().map(|e| e.matching(image)).collect();
        let by_tag = (!self.tags.is_empty()).then(|| self.tagged_sessions(image));
        let experiment_wanted = wanted(&self.experiments, image.experiments.len(), |id| image.experiment_index(id));
        let participant_wanted = wanted(&self.participants, image.participants.len(), |id| image.participant_index(id));
        let of = |wanted: &Option<Vec<bool>>, index: u32| {
            wanted.as_ref().is_none_or(|wanted| index != NONE && wanted[index as usize])
        };
        let mut passing = vec![false; sessions.slots()];
        passing[NO_SESSION as usize] = !self.is_narrowed();
        for slot in 1..sessions.slots() {
            passing[slot] = sessions.counts(slot)
                && of(&experiment_wanted, sessions.experiment[slot])
                && of(&participant_wanted, sessions.participant[slot])
                && self.passes_channel(image, slot)
                && by_tag.as_ref().is_none_or(|tagged| tagged[slot])
                && by_expression.iter().all(|matching| matching[slot]);
        }
        Selection {
            sessions: passing,
            experiments: self.select_experiments(image, &participant_wanted, &by_tag, &by_expression),
            participants: self.select_participants(
                image,
                &experiment_wanted,
                &participant_wanted,
                &by_tag,
                &by_expression,
            ),
        }
    }

    /// Sessions whose channel, tags and expressions match, whatever their bot, person or state: what cost is attributed by.
    pub fn sessions_by_conversation(&self, image: &ChatImage) -> Vec<bool> {
        let sessions = &image.sessions;
        let by_expression: Vec<Vec<bool>> = self.expressions.iter().map(|e| e.matching(image)).collect();
        let by_tag = (!self.tags.is_empty()).then(|| self.tagged_sessions(image));
        (0..sessions.slots())
            .map(|slot| {
                sessions.exists[slot]
                    && self.passes_channel(image, slot)
                    && by_tag.as_ref().is_none_or(|tagged| tagged[slot])
                    && by_expression.iter().all(|matching| matching[slot])
            })
            .collect()
    }

    fn passes_channel(&self, image: &ChatImage, slot: usize) -> bool {
        self.channels.is_empty()
            || self.channels.iter().any(|choice| {
                let sessions = &image.sessions;
                sessions.platform_code(slot) == choice.platform.code()
                    && choice.experiment.is_none_or(|id| image.experiment_index(id) == Some(sessions.experiment[slot]))
            })
    }

    fn tagged_sessions(&self, image: &ChatImage) -> Vec<bool> {
        let mut tagged = vec![false; image.sessions.slots()];
        for tag in self.tags.iter().filter_map(|id| image.tag_index(*id)) {
            for slot in image.tagged.marked(tag) {
                tagged[*slot as usize] = true;
            }
        }
        tagged
    }

    fn select_experiments(
        &self,
        image: &ChatImage,
        participant_wanted: &Option<Vec<bool>>,
        by_tag: &Option<Vec<bool>>,
        by_expression: &[Vec<bool>],
    ) -> Vec<bool> {
        let mut passing: Vec<bool> = (0..image.experiments.len())
            .map(|index| {
                let id = image.experiments[index].id;
                image.is_listed(u32::try_from(index).unwrap_or(NONE))
                    && (self.experiments.is_empty() || self.experiments.contains(&id))
                    && self.is_reachable(image, id)
            })
            .collect();
        // Bots the person ever had a session with; bots with at least one matching conversation of any date.
        let mut keep_those_with = |matches: &dyn Fn(usize) -> bool| {
            let mut having = vec![false; passing.len()];
            for slot in (1..image.sessions.slots()).filter(|slot| image.sessions.exists[*slot] && matches(*slot)) {
                if let Some(having) = having.get_mut(image.sessions.experiment[slot] as usize) {
                    *having = true;
                }
            }
            passing.iter_mut().zip(having).for_each(|(passes, having)| *passes &= having);
        };
        if let Some(wanted) = participant_wanted {
            keep_those_with(&|slot| {
                let participant = image.sessions.participant[slot];
                participant != NONE && wanted[participant as usize]
            });
        }
        for matching in by_tag.iter().chain(by_expression) {
            keep_those_with(&|slot| matching[slot]);
        }
        passing
    }

    /// Bots with a live channel of a chosen platform; any bot when a chosen platform is the whole team's.
    fn is_reachable(&self, image: &ChatImage, experiment: i64) -> bool {
        self.channels.is_empty()
            || self.channels.iter().any(|choice| {
                choice.experiment.is_none_or(|id| id == experiment)
                    && (choice.platform.is_team_global()
                        || image.channels.iter().any(|channel| {
                            !channel.deleted
                                && channel.platform == choice.platform
                                && channel.experiment == Some(experiment)
                        }))
            })
    }

    fn select_participants(
        &self,
        image: &ChatImage,
        experiment_wanted: &Option<Vec<bool>>,
        participant_wanted: &Option<Vec<bool>>,
        by_tag: &Option<Vec<bool>>,
        by_expression: &[Vec<bool>],
    ) -> Vec<bool> {
        let people = &image.participants;
        let mut passing: Vec<bool> = (0..people.len())
            .map(|index| {
                people.platform[index] != Platform::Evaluations
                    && participant_wanted.as_ref().is_none_or(|wanted| wanted[index])
            })
            .collect();
        let mut keep = |passes: &dyn Fn(usize) -> bool| {
            passing.iter_mut().enumerate().for_each(|(index, passing)| *passing = *passing && passes(index));
        };
        let having = |matches: &dyn Fn(usize) -> bool| {
            let mut having = vec![false; people.len()];
            for slot in (1..image.sessions.slots()).filter(|slot| image.sessions.exists[*slot] && matches(*slot)) {
                if let Some(having) = having.get_mut(image.sessions.participant[slot] as usize) {
                    *having = true;
                }
            }
            having
        };
        // Anyone who ever had any session with the bot, evaluation and setup sessions included.
        if let Some(wanted) = experiment_wanted {
            let any = having(&|slot| {
                let experiment = image.sessions.experiment[slot];
                experiment != NONE && wanted[experiment as usize]
            });
            keep(&|index| any[index]);
        }
        if !self.channels.is_empty() {
            let choices: Vec<(Platform, Option<Vec<bool>>)> = self
                .channels
                .iter()
                .map(|choice| {
                    let with_bot = choice.experiment.map(|id| {
                        let bot = image.experiment_index(id).unwrap_or(NONE);
                        having(&|slot| image.sessions.experiment[slot] == bot)
                    });
                    (choice.platform, with_bot)
                })
                .collect();
            keep(&|index| {
                choices.iter().any(|(platform, with_bot)| {
                    people.platform[index] == *platform && with_bot.as_ref().is_none_or(|with| with[index])
                })
            });
        }
        for matching in by_tag.iter().chain(by_expression) {
            let any = having(&|slot| matching[slot]);
            keep(&|index| any[index]);
        }
        passing
    }
}

fn channel_choice(text: &str, image: &ChatImage) -> Option<ChannelChoice> {
    let choice = if text.bytes().all(|b| b.is_ascii_digit()) {
        let channel = image.channel(text.parse().ok()?)?;
        ChannelChoice { platform: channel.platform, experiment: channel.experiment }
    } else {
        ChannelChoice { platform: text.parse().ok()?, experiment: None }
    };
    (choice.platform != Platform::Evaluations).then_some(choice)
}

fn wanted(ids: &BTreeSet<i64>, len: usize, index: impl Fn(i64) -> Option<u32>) -> Option<Vec<bool>> {
    if ids.is_empty() {
        return None;
    }
    let mut wanted = vec![false; len];
    for index in ids.iter().filter_map(|id| index(*id)) {
        wanted[index as usize] = true;
    }
    Some(wanted)
}

fn hex(text: &str) -> String {
    Sha1::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
