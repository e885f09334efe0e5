//! Expression × image → the conversations that match.

use super::{ExpressionError, Field, Node, Operand, Operator, Test};
use crate::{
    image::{ChatImage, NEVER, NONE},
    instant::Micros,
};

/// Bots, people and tags named with `=`, `!=` or `in` must exist: a misspelt name must not silently match nothing.
pub(super) fn check(node: &Node, image: &ChatImage) -> Result<(), ExpressionError> {
    match node {
        Node::All(nodes) | Node::Any(nodes) => nodes.iter().try_for_each(|node| check(node, image)),
        Node::Not(node) => check(node, image),
        Node::Test(test) if test.operator == Operator::Contains => Ok(()),
        Node::Test(test) => {
            for (at, value) in &test.values {
                let Operand::Text(text) = value else { continue };
                let found = match test.field {
                    Field::Bot => !bots(image, text, false).is_empty(),
                    Field::Participant => !people(image, text, false).is_empty(),
                    Field::Tag => !tags(image, text, false).is_empty(),
                    _ => true,
                };
                if !found {
                    let what = match test.field {
                        Field::Bot => "chatbot",
                        Field::Participant => "participant",
                        _ => "tag",
                    };
                    return Err(ExpressionError { at: *at, reason: format!("this team has no {what} `{text}`") });
                }
            }
            Ok(())
        }
    }
}

pub(super) fn matching(node: &Node, image: &ChatImage) -> Vec<bool> {
    let slots = image.sessions.slots();
    let mut matches = match node {
        Node::All(nodes) => nodes.iter().map(|node| matching(node, image)).fold(vec![true; slots], |mut all, one| {
            all.iter_mut().zip(one).for_each(|(all, one)| *all &= one);
            all
        }),
        Node::Any(nodes) => nodes.iter().map(|node| matching(node, image)).fold(vec![false; slots], |mut any, one| {
            any.iter_mut().zip(one).for_each(|(any, one)| *any |= one);
            any
        }),
        Node::Not(node) => matching(node, image).into_iter().map(|matches| !matches).collect(),
        Node::Test(test) => matching_test(test, image),
    };
    matches[0] = false;
    matches
}

fn matching_test(test: &Test, image: &ChatImage) -> Vec<bool> {
    let sessions = &image.sessions;
    let slots = 0..sessions.slots();
    match test.field {
        Field::Bot => {
            let wanted = named(test, |text, part| bots(image, text, part), image.experiments.len());
            slots.map(|slot| picks(test, &wanted, sessions.experiment[slot])).collect()
        }
        Field::Participant => {
            let wanted = named(test, |text, part| people(image, text, part), image.participants.len());
            slots.map(|slot| picks(test, &wanted, sessions.participant[slot])).collect()
        }
        Field::Tag => {
            let mut has = vec![false; sessions.slots()];
            for (_, value) in &test.values {
                let Operand::Text(text) = value else { continue };
                for tag in tags(image, text, test.operator == Operator::Contains) {
                    for slot in image.tagged.marked(tag) {
                        has[*slot as usize] = true;
                    }
                }
            }
            if test.operator == Operator::NotEqual {
                has.iter_mut().for_each(|has| *has = !*has);
            }
            has
        }
        Field::Platform => slots
            .map(|slot| {
                let platform = u32::try_from(slot).ok().and_then(|slot| sessions.platform(slot));
                text_test(test, platform.map(crate::words::Platform::as_str))
            })
            .collect(),
        Field::Status => slots.map(|slot| text_test(test, Some(sessions.status[slot].as_str()))).collect(),
        Field::Duration => slots.map(|slot| number_test(test, sessions.minutes(slot))).collect(),
        Field::Messages => turns(image).into_iter().map(|(h, a)| number_test(test, Some(f64::from(h + a)))).collect(),
        Field::HumanMessages => turns(image).into_iter().map(|(h, _)| number_test(test, Some(f64::from(h)))).collect(),
        Field::AiMessages => turns(image).into_iter().map(|(_, a)| number_test(test, Some(f64::from(a)))).collect(),
        Field::Created => slots.map(|slot| time_test(test, sessions.created_at[slot])).collect(),
        Field::Ended => slots.map(|slot| time_test(test, sessions.ended_at[slot])).collect(),
        Field::Completed => slots
            .map(|slot| {
                let completed = sessions.ended_at[slot] != NEVER;
                let is = test.values.iter().any(|(_, value)| *value == Operand::Truth(completed));
                is != (test.operator == Operator::NotEqual)
            })
            .collect(),
    }
}

/// Human and AI turns per session, of all time.
fn turns(image: &ChatImage) -> Vec<(u32, u32)> {
    let mut turns = vec![(0, 0); image.sessions.slots()];
    let everything = (image.messages.at.first(), image.messages.at.last());
    if let (Some(first), Some(last)) = everything {
        image.visit_turns(*first, *last + 1, |fact| {
            turns[fact.session as usize].0 += fact.human;
            turns[fact.session as usize].1 += fact.ai;
        });
    }
    turns
}

fn named(test: &Test, find: impl Fn(&str, bool) -> Vec<u32>, len: usize) -> Vec<bool> {
    let mut wanted = vec![false; len];
    for (_, value) in &test.values {
        let Operand::Text(text) = value else { continue };
        for index in find(text, test.operator == Operator::Contains) {
            wanted[index as usize] = true;
        }
    }
    wanted
}

fn picks(test: &Test, wanted: &[bool], index: u32) -> bool {
    let is = index != NONE && wanted[index as usize];
    if test.operator == Operator::NotEqual { index != NONE && !is } else { is }
}

fn text_test(test: &Test, text: Option<&str>) -> bool {
    let Some(text) = text else { return false };
    let is = test.values.iter().any(|(_, value)| matches!(value, Operand::Text(wanted) if wanted == text));
    is != (test.operator == Operator::NotEqual)
}

fn number_test(test: &Test, number: Option<f64>) -> bool {
    let Some(number) = number else { return false };
    let one = |value: &Operand| {
        let Operand::Number(wanted) = value else { return false };
        match test.operator {
            Operator::Less => number < *wanted,
            Operator::LessOrEqual => number <= *wanted,
            Operator::More => number > *wanted,
            Operator::MoreOrEqual => number >= *wanted,
            _ => (number - wanted).abs() < 1e-9,
        }
    };
    let is = test.values.iter().any(|(_, value)| one(value));
    is != (test.operator == Operator::NotEqual)
}

fn time_test(test: &Test, at: Micros) -> bool {
    if at == NEVER {
        return false;
    }
    let one = |value: &Operand| {
        let Operand::Time(start, end) = value else { return false };
        let last = (*end - 1).max(*start);
        match test.operator {
            Operator::Less => at < *start,
            Operator::LessOrEqual => at <= last,
            Operator::More => at > last,
            Operator::MoreOrEqual => at >= *start,
            _ => (*start..=last).contains(&at),
        }
    };
    let is = test.values.iter().any(|(_, value)| one(value));
    is != (test.operator == Operator::NotEqual)
}

fn bots(image: &ChatImage, text: &str, part: bool) -> Vec<u32> {
    let id: Option<i64> = text.parse().ok();
    indices(image.experiments.len(), |index| {
        let bot = &image.experiments[index];
        fits(&bot.name, text, part) || (!part && id == Some(bot.id))
    })
}

fn people(image: &ChatImage, text: &str, part: bool) -> Vec<u32> {
    let id: Option<i64> = text.parse().ok();
    indices(image.participants.len(), |index| {
        let number = u32::try_from(index).unwrap_or(NONE);
        let people = &image.participants;
        fits(people.name(number), text, part)
            || fits(people.identifier(number), text, part)
            || (!part && id == Some(people.id[index]))
    })
}

fn tags(image: &ChatImage, text: &str, part: bool) -> Vec<u32> {
    indices(image.tags.len(), |index| fits(&image.tags[index].name, text, part))
}

fn indices(len: usize, fits: impl Fn(usize) -> bool) -> Vec<u32> {
    (0..len).filter(|index| fits(*index)).filter_map(|index| u32::try_from(index).ok()).collect()
}

/// The same text whatever the case, or a part of it.
fn fits(text: &str, wanted: &str, part: bool) -> bool {
    if text.is_empty() {
        return false;
    }
    let (text, wanted) = (text.to_lowercase(), wanted.to_lowercase());
    if part { text.contains(&wanted) } else { text == wanted }
}
