//! Why an upstream gave no usable answer, in words for people.

use std::error::Error;

use jiff::Timestamp;
use rustls::CertificateError;
use serde_json::Value;

use crate::hosts::OutOfReach;

/// Why an upstream gave no usable answer. Messages are one line, name the upstream, and hold no token and no query.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CollectError {
    /// A status outside 2xx that trying again would not change, or that stayed after the last try.
    #[error("{status} from {upstream}{detail}")]
    Status { status: u16, upstream: String, detail: String },
    /// The upstream asks for more patience than we have now.
    #[error("{status} from {upstream}: asks to wait until {until}")]
    Throttled { status: u16, upstream: String, until: Timestamp },
    #[error("no answer from {upstream} within {seconds} s")]
    Timeout { upstream: String, seconds: u64 },
    #[error("could not reach {upstream}: {reason}")]
    Connect { upstream: String, reason: String },
    /// Somebody answered who is not proved to be the upstream. Nothing was told to them.
    #[error("{upstream} is not trusted: {reason}")]
    Untrusted { upstream: String, reason: String },
    #[error("the body from {upstream} is larger than {limit} bytes")]
    TooLarge { upstream: String, limit: usize },
    #[error("{status} from {upstream}, but the body is not JSON: {reason}")]
    NotJson { status: u16, upstream: String, reason: String },
    #[error("the answer from {upstream} is not understood: {reason}")]
    Shape { upstream: String, reason: String },
    #[error("what was remembered of {upstream} could not be read or kept: {reason}")]
    Memory { upstream: String, reason: String },
}

impl CollectError {
    /// Whether the upstream says the thing does not exist (any more).
    pub fn is_not_found(&self) -> bool {
        matches!(self, Self::Status { status: 404 | 410, .. })
    }

    /// When it may be tried again, if the upstream said so.
    pub fn try_again_at(&self) -> Option<Timestamp> {
        match self {
            Self::Throttled { until, .. } => Some(*until),
            _ => None,
        }
    }
}

/// Why the other end is not who it should be; `None` where the failure was another.
pub(super) fn untrusted(error: &(dyn Error + 'static)) -> Option<String> {
    let mut cause = Some(error);
    while let Some(inner) = cause {
        if let Some(tls) = inner.downcast_ref::<rustls::Error>() {
            return in_words(tls);
        }
        // An error of IO does not count what it carries among its causes.
        let carried = inner.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        cause = carried.map(|carried| carried as &(dyn Error + 'static)).or_else(|| inner.source());
    }
    None
}

fn in_words(error: &rustls::Error) -> Option<String> {
    let rustls::Error::InvalidCertificate(reason) = error else {
        let is_other = matches!(error, rustls::Error::InvalidMessage(_));
        return is_other.then(|| "what answers there does not speak TLS (http instead of https?)".to_owned());
    };
    Some(match reason {
        CertificateError::UnknownIssuer => "its certificate is signed by no authority that is trusted here".to_owned(),
        // Authorities made anew under the old name.
        CertificateError::BadSignature => {
            "its certificate is signed with another key than that of the authority trusted here".to_owned()
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired".to_owned(),
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet (is this machine's clock right?)".to_owned()
        }
        CertificateError::Revoked => "its certificate is revoked".to_owned(),
        CertificateError::NotValidForName => "its certificate is for another name".to_owned(),
        CertificateError::NotValidForNameContext { presented, .. } => {
            format!("its certificate is for another name ({})", one_line(&presented.join(", "), 100))
        }
        other => format!("its certificate is not accepted: {}", one_line(&other.to_string(), 120)),
    })
}

/// Whether a request was not made because nobody may ask there.
pub(super) fn is_out_of_reach(error: &reqwest::Error) -> bool {
    let mut cause = error.source();
    while let Some(inner) = cause {
        if inner.is::<OutOfReach>() {
            return true;
        }
        cause = inner.source();
    }
    false
}

/// What a JSON error body says, `: text`; nothing for HTML and the like.
pub(super) fn detail(body: &[u8]) -> String {
    let Ok(value) = serde_json::from_slice::<Value>(body) else { return String::new() };
    let text = value["message"]
        .as_str()
        .or_else(|| value["error"].as_str())
        .or_else(|| value["error"]["message"].as_str())
        .or_else(|| value["errors"][0]["detail"].as_str())
        .or_else(|| value["errors"][0]["message"].as_str());
    if let Some(text) = text {
        return format!(": {}", one_line(text, 160));
    }
    // Search servers: the first cause says more than the error around it.
    let error = &value["error"];
    let cause = [&error["root_cause"][0], error].into_iter().find(|e| e["type"].is_string());
    cause.map_or_else(String::new, |cause| {
        let (kind, reason) = (cause["type"].as_str().unwrap_or(""), cause["reason"].as_str().unwrap_or(""));
        format!(": {}", one_line(&format!("{kind}: {reason}"), 200))
    })
}

/// One line of at most `longest` characters.
pub fn one_line(text: &str, longest: usize) -> String {
    let mut line: String = text.split_whitespace().collect::<Vec<_>>().join(" ");
    if line.chars().count() > longest {
        line = line.chars().take(longest.saturating_sub(1)).collect::<String>() + "…";
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_with_a_certificate_is_said_in_words() {
        for (reason, said) in [
            (CertificateError::Expired, "has expired"),
            (CertificateError::NotValidYet, "not valid yet"),
            (CertificateError::Revoked, "is revoked"),
            (CertificateError::UnknownIssuer, "signed by no authority"),
            (CertificateError::NotValidForName, "for another name"),
            (CertificateError::BadSignature, "with another key"),
            (CertificateError::BadEncoding, "not accepted"),
        ] {
            // As it comes out of a request: inside an error of IO.
            let error = std::io::Error::other(rustls::Error::InvalidCertificate(reason));
            let words = untrusted(&error).expect("it is about trust");
            assert!(words.contains(said), "{words}");
        }
        let plain = rustls::Error::InvalidMessage(rustls::InvalidMessage::InvalidContentType);
        assert!(untrusted(&std::io::Error::other(plain)).is_some_and(|words| words.contains("http instead of https")));
        assert_eq!(untrusted(&std::io::Error::other("the wire is cut")), None);
    }
}
