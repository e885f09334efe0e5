//! Search expressions (spec §13.3): `platform = web and not (tag = "billing" or messages < 3)`. The language is in docs/chat.md.
//!
//! An expression is about one conversation as it stands now, whatever the window; a comparison with something a conversation does not
//! have (the end of one that goes on) is false.

mod matching;
mod parse;

use std::fmt;

use crate::{image::ChatImage, instant::Micros};

/// A checked expression.
#[derive(Debug, Clone, PartialEq)]
pub struct Expression {
    root: Node,
}

/// What is wrong, and where: characters counted from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("at character {at}: {reason}")]
pub struct ExpressionError {
    pub at: usize,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq)]
enum Node {
    All(Vec<Node>),
    Any(Vec<Node>),
    Not(Box<Node>),
    Test(Test),
}

/// `field operator value…`; with several values the operator is `in`.
#[derive(Debug, Clone, PartialEq)]
struct Test {
    field: Field,
    operator: Operator,
    values: Vec<(usize, Operand)>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Field {
    Bot,
    Platform,
    Status,
    Participant,
    Tag,
    Duration,
    Messages,
    HumanMessages,
    AiMessages,
    Created,
    Ended,
    Completed,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    More,
    MoreOrEqual,
    Contains,
    In,
}

#[derive(Debug, Clone, PartialEq)]
enum Operand {
    Text(String),
    /// A number, or a length of time in minutes.
    Number(f64),
    /// An instant, or a whole UTC day (start and end).
    Time(Micros, Micros),
    Truth(bool),
}

impl Expression {
    /// Errors: with the character it is about.
    pub fn parse(text: &str) -> Result<Self, ExpressionError> {
        parse::parse(text).map(|root| Self { root })
    }

    /// Whether the bots, people and tags it names exist in the team.
    pub fn check(&self, image: &ChatImage) -> Result<(), ExpressionError> {
        matching::check(&self.root, image)
    }

    /// By session slot: whether the conversation matches.
    pub fn matching(&self, image: &ChatImage) -> Vec<bool> {
        matching::matching(&self.root, image)
    }

    /// One spelling for all expressions that read the same.
    pub fn canonical(&self) -> String {
        self.root.to_string()
    }
}

impl Field {
    const ALL: &'static [(&'static str, Self)] = &[
        ("bot", Self::Bot),
        ("platform", Self::Platform),
        ("status", Self::Status),
        ("participant", Self::Participant),
        ("tag", Self::Tag),
        ("duration", Self::Duration),
        ("messages", Self::Messages),
        ("human_messages", Self::HumanMessages),
        ("ai_messages", Self::AiMessages),
        ("created", Self::Created),
        ("ended", Self::Ended),
        ("completed", Self::Completed),
    ];

    fn as_str(self) -> &'static str {
        Self::ALL.iter().find(|(_, field)| *field == self).map_or("", |(name, _)| name)
    }
}

impl Operator {
    fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Less => "<",
            Self::LessOrEqual => "<=",
            Self::More => ">",
            Self::MoreOrEqual => ">=",
            Self::Contains => "~",
            Self::In => "in",
        }
    }
}

impl fmt::Display for Node {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let list = |f: &mut fmt::Formatter<'_>, nodes: &[Self], word: &str| {
            f.write_str("(")?;
            for (index, node) in nodes.iter().enumerate() {
                if index > 0 {
                    write!(f, " {word} ")?;
                }
                node.fmt(f)?;
            }
            f.write_str(")")
        };
        match self {
            Self::All(nodes) => list(f, nodes, "and"),
            Self::Any(nodes) => list(f, nodes, "or"),
            Self::Not(node) => write!(f, "not {node}"),
            Self::Test(test) => test.fmt(f),
        }
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", self.field.as_str(), self.operator.as_str())?;
        let values: Vec<String> = self.values.iter().map(|(_, value)| value.to_string()).collect();
        if self.operator == Operator::In {
            write!(f, "({})", values.join(", "))
        } else {
            f.write_str(&values.join(", "))
        }
    }
}

impl fmt::Display for Operand {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => write!(f, "\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\"")),
            Self::Number(number) => write!(f, "{number}"),
            Self::Time(start, end) if start == end => f.write_str(&crate::instant::iso_utc(*start)),
            Self::Time(start, _) => f.write_str(&crate::instant::iso_utc(*start)[..10]),
            Self::Truth(truth) => write!(f, "{truth}"),
        }
    }
}
