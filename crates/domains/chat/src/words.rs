//! The fixed words of chat data (spec/chat §1): platforms, session states, kinds of message.

use std::{fmt, str::FromStr};

/// A text that is none of the words a field may hold.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{value}` is not a {what}: use {allowed}")]
pub struct UnknownWord {
    pub what: &'static str,
    pub value: String,
    pub allowed: String,
}

/// An enum whose variants are the words of a field, as files, queries and answers spell them.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal { $($variant:ident = $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[repr(u8)]
        pub enum $name { $($variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text),+ }
            }

            /// The number it is stored as inside columns.
            pub fn code(self) -> u8 {
                self as u8
            }

            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                match text {
                    $($text => Ok(Self::$variant),)+
                    other => Err(UnknownWord {
                        what: $what,
                        value: other.to_owned(),
                        allowed: Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
                    }),
                }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }
    };
}

words!(
    /// Where people reach a bot.
    Platform, "platform" {
        Telegram = "telegram",
        Web = "web",
        Whatsapp = "whatsapp",
        Facebook = "facebook",
        Sureadhere = "sureadhere",
        Api = "api",
        Slack = "slack",
        CommcareConnect = "commcare_connect",
        Evaluations = "evaluations",
        EmbeddedWidget = "embedded_widget",
        Email = "email",
    }
);

words!(
    /// How far a session is, as the bot platform says. Completion looks at `ended_at`, never at this.
    Status, "session status" {
        Setup = "setup",
        Pending = "pending",
        Active = "active",
        PendingReview = "pending-review",
        Complete = "complete",
        Unknown = "unknown",
    }
);

words!(
    /// Who wrote a message. System messages are never turns.
    MessageKind, "message type" { Human = "human", Ai = "ai", System = "system" }
);

words!(
    /// What a tag hangs on: one message, or a whole conversation.
    TargetKind, "target kind" { Message = "message", Chat = "chat" }
);

words!(
    /// What caused a cost: people's chats, or automatic evaluations.
    UsageSource, "usage source" { Chat = "chat", Evaluation = "evaluation" }
);

words!(
    /// What was paid for.
    ServiceKind, "service kind" {
        LlmInput = "llm_input",
        LlmOutput = "llm_output",
        LlmCachedInput = "llm_cached_input",
        LlmCacheWrite = "llm_cache_write",
    }
);

words!(
    /// How sure a cost is.
    Confidence, "confidence" { Exact = "exact", Estimated = "estimated", Unknown = "unknown" }
);

impl Platform {
    pub fn label(self) -> &'static str {
        match self {
            Self::Telegram => "Telegram",
            Self::Web => "Web",
            Self::Whatsapp => "WhatsApp",
            Self::Facebook => "Facebook",
            Self::Sureadhere => "SureAdhere",
            Self::Api => "API",
            Self::Slack => "Slack",
            Self::CommcareConnect => "CommCare Connect",
            Self::Evaluations => "Evaluations",
            Self::EmbeddedWidget => "Chat Widget & API",
            Self::Email => "Email",
        }
    }

    /// At most one channel per team, through which every bot can be reached.
    pub fn is_team_global(self) -> bool {
        matches!(self, Self::Api | Self::Web | Self::Evaluations)
    }
}

/// What people read for a tag's category; an unknown category is shown as it is spelt.
pub fn category_label(category: &str) -> &str {
    match category {
        "" => "User Defined",
        "bot_response" => "Bot Response",
        "safety_layer_response" => "Safety Layer Response",
        EXPERIMENT_VERSION => "Experiment Version",
        "response_rating" => "Response Rating",
        "error" => "Error",
        "media_type" => "Media Type",
        other => other,
    }
}

/// The category of tags that name a bot's version: never listed, never a filter.
pub const EXPERIMENT_VERSION: &str = "experiment_version";
