//! Why a message did not leave.

/// Messages are one line, name the server or host, and hold no password and no path of a webhook.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotifyError {
    /// What the operator configured cannot be used; names the setting.
    #[error("{0}")]
    Settings(String),
    #[error("`{address}` is not a mail address: {reason}")]
    Address { address: String, reason: String },
    #[error("the message cannot be written: {0}")]
    Message(String),
    /// The server said no, or the connection failed. A temporary one may be tried again later.
    #[error("the mail server {server} did not take the message: {reason}")]
    Mail { server: String, reason: String, is_temporary: bool },
    #[error("the webhook at {host} did not take the message: {reason}")]
    Webhook { host: String, reason: String, is_temporary: bool },
}

impl NotifyError {
    /// Whether trying again later may help.
    pub fn is_temporary(&self) -> bool {
        matches!(self, Self::Mail { is_temporary: true, .. } | Self::Webhook { is_temporary: true, .. })
    }
}
