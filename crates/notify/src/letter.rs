//! A message before it leaves: who it is for, what it says as text and HTML, what is attached.

use jiff::Timestamp;
use lettre::{
    Message,
    message::{
        Attachment as Attached, Mailbox, MultiPart, SinglePart,
        header::{ContentType, HeaderName, HeaderValue},
    },
};

use crate::{NotifyError, one_line};

/// A file that goes with a letter.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attachment {
    pub name: String,
    /// E.g. `text/csv; charset=utf-8`.
    pub content_type: String,
    pub bytes: Vec<u8>,
}

/// One mail. Each receiver gets it in an envelope of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Letter {
    /// `name@host` or `Name <name@host>`.
    pub to: Vec<String>,
    pub subject: String,
    pub text: String,
    pub html: Option<String>,
    pub attachments: Vec<Attachment>,
    /// A page that ends the subscription, also by one POST (RFC 8058).
    pub unsubscribe: Option<String>,
}

/// Whether a text can be written to.
pub fn is_address(text: &str) -> bool {
    mailbox(text).is_ok()
}

/// The address alone, in lower case: `Ann <Ann@example.org>` and `ann@example.org` are one receiver. `None` for what cannot be written to.
pub fn receiver(text: &str) -> Option<String> {
    mailbox(text).ok().map(|mailbox| mailbox.email.to_string().to_lowercase())
}

pub(crate) fn mailbox(text: &str) -> Result<Mailbox, NotifyError> {
    text.trim().parse().map_err(|error: lettre::address::AddressError| NotifyError::Address {
        address: one_line(text, 80),
        reason: error.to_string(),
    })
}

impl Letter {
    /// The letter as it is sent. Errors: an address that is none, a header that cannot be.
    pub(crate) fn written(&self, from: &Mailbox, now: Timestamp) -> Result<Message, NotifyError> {
        if self.to.is_empty() {
            return Err(NotifyError::Message("nobody is to get it".to_owned()));
        }
        let domain = from.email.domain();
        let mut builder = Message::builder()
            .from(from.clone())
            .date(now.into())
            .subject(one_line(&self.subject, 200))
            .message_id(Some(format!("<{}@{domain}>", uuid::Uuid::new_v4().simple())))
            .raw_header(header("Auto-Submitted", "auto-generated"));
        for to in &self.to {
            builder = builder.to(mailbox(to)?);
        }
        if let Some(page) = &self.unsubscribe {
            builder = builder
                .raw_header(header("List-Unsubscribe", &format!("<{}>", one_line(page, 900))))
                .raw_header(header("List-Unsubscribe-Post", "List-Unsubscribe=One-Click"));
        }
        let plain = SinglePart::plain(self.text.clone());
        let made = match (&self.html, self.attachments.is_empty()) {
            (None, true) => builder.singlepart(plain),
            (Some(html), true) => builder.multipart(MultiPart::alternative_plain_html(self.text.clone(), html.clone())),
            (html, false) => {
                let mut mixed = match html {
                    None => MultiPart::mixed().singlepart(plain),
                    Some(html) => {
                        MultiPart::mixed().multipart(MultiPart::alternative_plain_html(self.text.clone(), html.clone()))
                    }
                };
                for attachment in &self.attachments {
                    let kind = ContentType::parse(&attachment.content_type)
                        .map_err(|error| NotifyError::Message(format!("the type of {}: {error}", attachment.name)))?;
                    let name = one_line(&attachment.name, 120);
                    mixed = mixed.singlepart(Attached::new(name).body(attachment.bytes.clone(), kind));
                }
                builder.multipart(mixed)
            }
        };
        made.map_err(|error| NotifyError::Message(error.to_string()))
    }
}

fn header(name: &'static str, value: &str) -> HeaderValue {
    HeaderValue::new(HeaderName::new_from_ascii_str(name), value.to_owned())
}
