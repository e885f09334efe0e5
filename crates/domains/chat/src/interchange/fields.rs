//! Fields → values, with the reason when they are none.

use std::str::FromStr;

use crate::instant::{Micros, parse_instant};

/// Why a line cannot be used.
pub(crate) type Reason = String;

pub(super) fn required<'a>(name: &str, text: &'a str) -> Result<&'a str, Reason> {
    if text.is_empty() { Err(format!("`{name}` is empty")) } else { Ok(text) }
}

pub(super) fn id(name: &str, text: &str) -> Result<i64, Reason> {
    required(name, text)?.parse().map_err(|_| format!("`{name}` is `{text}`, which is not a whole number"))
}

pub(super) fn some_id(name: &str, text: &str) -> Result<Option<i64>, Reason> {
    if text.is_empty() { Ok(None) } else { id(name, text).map(Some) }
}

/// `true` or `false`; empty is false.
pub(super) fn truth(name: &str, text: &str) -> Result<bool, Reason> {
    match text {
        "true" | "True" | "t" | "1" => Ok(true),
        "" | "false" | "False" | "f" | "0" => Ok(false),
        other => Err(format!("`{name}` is `{other}`, which is neither true nor false")),
    }
}

pub(super) fn word<W: FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<W, Reason> {
    required(name, text)?.parse().map_err(|error| format!("`{name}`: {error}"))
}

pub(super) fn some_word<W: FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<Option<W>, Reason> {
    if text.is_empty() { Ok(None) } else { word(name, text).map(Some) }
}

pub(super) fn instant(name: &str, text: &str) -> Result<Micros, Reason> {
    parse_instant(required(name, text)?)
        .ok_or_else(|| format!("`{name}` is `{text}`, which is not an instant such as 2026-06-02T09:00:00Z"))
}

pub(super) fn some_instant(name: &str, text: &str) -> Result<Option<Micros>, Reason> {
    if text.is_empty() { Ok(None) } else { instant(name, text).map(Some) }
}

/// A decimal with up to 8 places, in 1/100,000,000. Further digits must be zeros: money is not rounded behind anybody's back.
pub(crate) fn money(name: &str, text: &str) -> Result<i64, Reason> {
    let wrong = || format!("`{name}` is `{text}`, which is not an amount with up to 8 decimals");
    let (negative, digits) = match text.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, text),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let (fraction, rest) = fraction.split_at(fraction.len().min(8));
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !plain(whole) || !plain(fraction) || rest.bytes().any(|b| b != b'0')
    {
        return Err(wrong());
    }
    let units: i64 = format!("{whole}{fraction:0<8}").parse().map_err(|_| wrong())?;
    Ok(if negative { -units } else { units })
}

/// The same where nothing may be written: no cost was worked out yet.
pub(super) fn some_money(name: &str, text: &str) -> Result<Option<i64>, Reason> {
    if text.is_empty() { Ok(None) } else { money(name, text).map(Some) }
}

/// A duration in milliseconds; a fraction is rounded.
pub(super) fn some_millis(name: &str, text: &str) -> Result<Option<i64>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let value: f64 = text.parse().map_err(|_| format!("`{name}` is `{text}`, which is not a number"))?;
    if !value.is_finite() || !(0.0..1e15).contains(&value) {
        return Err(format!("`{name}` is `{text}`, which is not a duration"));
    }
    Ok(Some(value.round() as i64))
}

/// A count of tokens; written as a whole number or a decimal that is one.
pub(super) fn some_count(name: &str, text: &str) -> Result<Option<i64>, Reason> {
    if text.is_empty() {
        return Ok(None);
    }
    let whole =
        text.split_once('.').map_or(text, |(whole, rest)| if rest.bytes().all(|b| b == b'0') { whole } else { text });
    whole.parse().map(Some).map_err(|_| format!("`{name}` is `{text}`, which is not a whole number"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn money_is_exact() {
        assert_eq!(money("cost", "0.1"), Ok(10_000_000));
        assert_eq!(money("cost", "12"), Ok(1_200_000_000));
        assert_eq!(money("cost", ".00000001"), Ok(1));
        assert_eq!(money("cost", "-0.5000000000"), Ok(-50_000_000));
        for bad in ["", "-", "1e3", "0.000000001", "1,5", "99999999999999"] {
            assert!(money("cost", bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn reasons_name_the_field_and_the_value() {
        assert_eq!(id("session_id", "x"), Err("`session_id` is `x`, which is not a whole number".to_owned()));
        assert!(
            word::<crate::words::Platform>("platform", "fax")
                .is_err_and(|reason| reason.contains("`fax` is not a platform"))
        );
    }
}
