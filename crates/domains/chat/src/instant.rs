//! Instants as microseconds UTC, and how files spell them.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Microseconds since 1970-01-01T00:00Z.
pub type Micros = i64;

pub const SECOND: Micros = 1_000_000;
pub const MINUTE: Micros = 60 * SECOND;
pub const DAY: Micros = 24 * 60 * MINUTE;

/// Reads ISO 8601: `2026-06-02T09:00:00.000001Z`. Seconds, fraction and zone may be missing (UTC then), a blank may stand for the T,
/// an offset is applied. `None` when it is no instant, or one before 0001 or after 9998.
pub fn parse_instant(text: &str) -> Option<Micros> {
    let bytes = text.as_bytes();
    let days = parse_days(bytes.get(..10)?)?;
    if bytes.len() == 10 || !matches!(bytes[10], b'T' | b't' | b' ') {
        return None;
    }
    let hour = two(bytes.get(11..13)?)?;
    let minute = (*bytes.get(13)? == b':').then(|| bytes.get(14..16).and_then(two)).flatten()?;
    let mut at = 16;
    let mut second = 0;
    let mut fraction = 0;
    if bytes.get(at) == Some(&b':') {
        second = two(bytes.get(at + 1..at + 3)?)?;
        at += 3;
        if matches!(bytes.get(at), Some(b'.' | b',')) {
            at += 1;
            let start = at;
            let mut unit = 100_000;
            while let Some(digit) = bytes.get(at).filter(|b| b.is_ascii_digit()) {
                // Digits finer than a microsecond are cut off.
                fraction += Micros::from(digit - b'0') * unit;
                unit /= 10;
                at += 1;
            }
            if at == start {
                return None;
            }
        }
    }
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let offset = parse_offset(bytes.get(at..)?)?;
    Some(days * DAY + (hour * 60 + minute) * MINUTE + second * SECOND + fraction - offset * MINUTE)
}

/// Minutes east of UTC of `Z`, `+05:30`, `+0530`, `+05` or nothing.
fn parse_offset(bytes: &[u8]) -> Option<Micros> {
    let (sign, rest) = match bytes {
        [] | [b'Z' | b'z'] => return Some(0),
        [b'+', rest @ ..] => (1, rest),
        [b'-', rest @ ..] => (-1, rest),
        _ => return None,
    };
    let (hours, minutes) = match rest {
        [a, b] => (two(&[*a, *b])?, 0),
        [a, b, c, d] | [a, b, b':', c, d] => (two(&[*a, *b])?, two(&[*c, *d])?),
        _ => return None,
    };
    (hours < 24 && minutes < 60).then_some(sign * (hours * 60 + minutes))
}

fn two(bytes: &[u8]) -> Option<Micros> {
    match bytes {
        [a @ b'0'..=b'9', b @ b'0'..=b'9'] => Some(Micros::from(a - b'0') * 10 + Micros::from(b - b'0')),
        _ => None,
    }
}

/// Days since 1970-01-01 of `YYYY-MM-DD`.
fn parse_days(bytes: &[u8]) -> Option<Micros> {
    if bytes[4] != b'-' || bytes[7] != b'-' {
        return None;
    }
    let year = two(&bytes[..2])? * 100 + two(&bytes[2..4])?;
    let (month, day) = (two(&bytes[5..7])?, two(&bytes[8..10])?);
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let length = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 => 28 + Micros::from(leap),
        _ => return None,
    };
    if !(1..=9998).contains(&year) || day < 1 || day > length {
        return None;
    }
    // Days of the proleptic Gregorian calendar, counted from 0000-03-01.
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, month) = (shifted.div_euclid(400), (month + 9) % 12);
    let of_era = shifted.rem_euclid(400);
    let of_year = (153 * month + 2) / 5 + day - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// The UTC month of an instant, counted from January of the year 0.
pub fn month_number(at: Micros) -> i64 {
    // Days of the proleptic Gregorian calendar, counted from 0000-03-01.
    let days = at.div_euclid(DAY) + 719_468;
    let of_era = days.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted = (5 * of_year + 2) / 153;
    let month = if shifted < 10 { shifted + 3 } else { shifted - 9 };
    let year = year_of_era + days.div_euclid(146_097) * 400 + i64::from(month <= 2);
    year * 12 + month - 1
}

/// `2026-06` of a month's number.
pub fn month_name(number: i64) -> String {
    format!("{:04}-{:02}", number.div_euclid(12), number.rem_euclid(12) + 1)
}

/// `2026-06-09T10:30:00+00:00`, in UTC, with the fraction only when there is one.
pub fn iso_utc(at: Micros) -> String {
    let Ok(instant) = Timestamp::from_microsecond(at) else { return at.to_string() };
    instant.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S%.f+00:00").to_string()
}

/// Midnight UTC of a day.
pub fn utc_midnight(day: Date) -> Micros {
    let since = day.since(Date::new(1970, 1, 1).unwrap_or(day)).map_or(0, |span| i64::from(span.get_days()));
    since * DAY
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fast_reading_agrees_with_a_calendar() {
        for text in
            ["2026-06-02T09:00:00Z", "1969-12-31T23:59:59.999999Z", "2024-02-29T00:00:00.5Z", "0001-01-01T00:00:00Z"]
        {
            let slow: Timestamp = text.parse().expect("an instant");
            assert_eq!(parse_instant(text), Some(slow.as_microsecond()), "{text}");
        }
        assert_eq!(parse_instant("2026-06-02 09:00"), parse_instant("2026-06-02T09:00:00Z"));
        assert_eq!(parse_instant("2026-06-02T14:30:00+05:30"), parse_instant("2026-06-02T09:00:00Z"));
        for bad in [
            "",
            "2026-06-02",
            "2026-02-29T00:00Z",
            "2026-13-01T00:00Z",
            "2026-06-02T24:00Z",
            "2026-06-02T09:00:00.Z",
            "2026-06-02T09:00:00 x",
        ] {
            assert_eq!(parse_instant(bad), None, "{bad}");
        }
    }

    #[test]
    fn months_agree_with_a_calendar() {
        for day in (-700_000..2_900_000).step_by(13) {
            assert_eq!(month_name(month_number(day * DAY + 5)), iso_utc(day * DAY)[..7], "{day}");
        }
    }

    #[test]
    fn an_instant_is_written_with_its_offset() {
        assert_eq!(iso_utc(parse_instant("2026-06-09T10:30Z").expect("an instant")), "2026-06-09T10:30:00+00:00");
        assert_eq!(iso_utc(1), "1970-01-01T00:00:00.000001+00:00");
        assert_eq!(
            utc_midnight(jiff::civil::date(2000, 3, 1)),
            parse_instant("2000-03-01T00:00Z").expect("an instant")
        );
    }
}
