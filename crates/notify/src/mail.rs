//! Mail by SMTP: one envelope per receiver, temporary failures tried again, every wait bounded.

use std::time::Duration;

use jiff::Timestamp;
use lettre::{
    AsyncSmtpTransport, AsyncTransport, Tokio1Executor,
    address::Envelope,
    message::Mailbox,
    transport::smtp::{
        authentication::Credentials,
        client::{Tls, TlsParameters},
    },
};
use secrecy::ExposeSecret;

use crate::{Encryption, Letter, MailSettings, NotifyError, letter::mailbox, one_line};

/// Hands letters to one mail server. Cheap to clone; every letter takes a connection of its own.
#[derive(Clone)]
pub struct Mailer {
    transport: AsyncSmtpTransport<Tokio1Executor>,
    from: Mailbox,
    /// `host:port`, for messages.
    server: String,
    timeout: Duration,
    tries: u32,
    retry_base: Duration,
}

/// A receiver the server would not take.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refusal {
    pub to: String,
    pub reason: String,
}

/// What became of a letter: at least one receiver was taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Delivery {
    pub taken: Vec<String>,
    pub refused: Vec<Refusal>,
}

impl Mailer {
    /// Errors: TLS cannot be set up with what is configured.
    pub fn new(settings: &MailSettings) -> Result<Self, NotifyError> {
        let parameters = || {
            let mut builder = TlsParameters::builder(settings.host.clone());
            for root in &settings.roots {
                builder = builder.add_root_certificate(root.clone());
            }
            builder.build_rustls().map_err(|error| NotifyError::Settings(format!("[mail] TLS: {error}")))
        };
        let tls = match settings.encryption {
            Encryption::Off => Tls::None,
            Encryption::Starttls => Tls::Required(parameters()?),
            Encryption::Tls => Tls::Wrapper(parameters()?),
        };
        let mut builder = AsyncSmtpTransport::<Tokio1Executor>::builder_dangerous(&settings.host)
            .port(settings.port)
            .timeout(Some(settings.timeout))
            .tls(tls);
        if let Some((user, password)) = &settings.login {
            builder = builder.credentials(Credentials::new(user.clone(), password.expose_secret().to_owned()));
        }
        Ok(Self {
            transport: builder.build(),
            from: settings.from.clone(),
            server: format!("{}:{}", settings.host, settings.port),
            timeout: settings.timeout,
            tries: settings.tries.max(1),
            retry_base: settings.retry_base,
        })
    }

    /// `host:port`.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Sends a letter to each of its receivers. Whom the server refuses for good is told beside those it took.
    ///
    /// Errors: no receiver was taken; an address that is none. Nothing was sent when an address is wrong.
    pub async fn send(&self, letter: &Letter, now: Timestamp) -> Result<Delivery, NotifyError> {
        let message = letter.written(&self.from, now)?;
        let bytes = message.formatted();
        let mut delivery = Delivery::default();
        let mut last = None;
        for to in &letter.to {
            let address = mailbox(to)?.email;
            let envelope = Envelope::new(Some(self.from.email.clone()), vec![address])
                .map_err(|error| NotifyError::Message(error.to_string()))?;
            match self.send_one(&envelope, &bytes).await {
                Ok(()) => delivery.taken.push(to.clone()),
                Err(error) => {
                    delivery.refused.push(Refusal { to: to.clone(), reason: error.to_string() });
                    // A server that does not answer will not answer for the next receiver either.
                    let is_temporary = error.is_temporary();
                    last = Some(error);
                    if is_temporary && delivery.taken.is_empty() {
                        break;
                    }
                }
            }
        }
        match last {
            Some(error) if delivery.taken.is_empty() => Err(error),
            _ => Ok(delivery),
        }
    }

    async fn send_one(&self, envelope: &Envelope, bytes: &[u8]) -> Result<(), NotifyError> {
        let mut tried = 0;
        loop {
            tried += 1;
            // lettre bounds each answer; a server that drips answers must not hold the letter for ever either.
            let whole = self.timeout.saturating_mul(4);
            let error = match tokio::time::timeout(whole, self.transport.send_raw(envelope, bytes)).await {
                Ok(Ok(_)) => return Ok(()),
                Ok(Err(error)) => self.told(&error),
                Err(_) => self.mail_error(format!("no end within {} s", whole.as_secs()), true),
            };
            if !error.is_temporary() || tried >= self.tries {
                return Err(error);
            }
            tracing::debug!(server = %self.server, %error, "trying again");
            tokio::time::sleep(self.retry_base * 2_u32.saturating_pow(tried - 1)).await;
        }
    }

    fn told(&self, error: &lettre::transport::smtp::Error) -> NotifyError {
        // An answer that breaks off is the connection's end, not the server's word.
        let is_temporary = !(error.is_permanent() || error.is_client() || error.is_tls());
        if error.is_timeout() {
            return self.mail_error(format!("no answer within {} s", self.timeout.as_secs()), true);
        }
        let mut reason = error.to_string();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            let text = inner.to_string();
            if !reason.contains(&text) {
                reason = format!("{reason}: {text}");
            }
            cause = inner.source();
        }
        self.mail_error(reason, is_temporary)
    }

    fn mail_error(&self, reason: String, is_temporary: bool) -> NotifyError {
        NotifyError::Mail { server: self.server.clone(), reason: one_line(&reason, 240), is_temporary }
    }
}
