//! Messages that leave: mail by SMTP ([`Mailer`]) and JSON by webhook ([`Webhook`]). Knows no domain.
//!
//! Only addresses the operator configured are written to. A webhook follows no redirect, and neither secrets nor paths of an
//! address are in errors: paths of webhooks are often secrets themselves.

mod circle;
mod error;
mod letter;
mod mail;
mod settings;
mod webhook;

pub use circle::Circle;
pub use error::NotifyError;
pub use letter::{Attachment, Letter, is_address, receiver};
pub use mail::{Delivery, Mailer, Refusal};
pub use settings::{Encryption, MailConfig, MailSettings};
pub use webhook::Webhook;

/// One line of at most `longest` characters, as headers and errors need it.
fn one_line(text: &str, longest: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() <= longest {
        return line;
    }
    line.chars().take(longest.saturating_sub(1)).collect::<String>() + "…"
}
