//! Dates and instants as repositories write them.

use jiff::{Timestamp, civil::Date, civil::DateTime, tz::TimeZone};

/// An instant: RFC 3339, or without zone (UTC is meant), or a day (its start). `None` when it is none of these.
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    if let Ok(local) = text.parse::<DateTime>() {
        return local.to_zoned(TimeZone::UTC).ok().map(|z| z.timestamp());
    }
    day(text).and_then(|d| d.to_zoned(TimeZone::UTC).ok()).map(|z| z.timestamp())
}

/// The UTC day of an instant.
pub fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// A calendar day `YYYY-MM-DD`, which must exist.
pub fn day(text: &str) -> Option<Date> {
    (text.len() == 10).then(|| text.parse().ok()).flatten()
}

/// A publication date's first day (spec/invenio §1.4); `None` means the record has no published start.
///
/// `2010` → its 1 January, `2020-10` → its first day, `2020-10-13`, ranges of years (`2020-2021`, `2020/2021`) and of EDTF
/// (`2020-10/2021-02`) → the first bound, anything else that parses as an instant → its day.
pub fn publication_day(text: &str) -> Option<Date> {
    let text = text.trim();
    let first = text.split('/').next().unwrap_or(text);
    match first.len() {
        4 => first.parse().ok().and_then(|year| Date::new(year, 1, 1).ok()),
        7 => day(&format!("{first}-01")),
        9 if first.as_bytes().get(4) == Some(&b'-') => {
            // "2020-2021": two years with a hyphen.
            let (from, to) = first.split_at(4);
            to[1..].parse::<i16>().ok()?;
            from.parse().ok().and_then(|year| Date::new(year, 1, 1).ok())
        }
        10 => day(first),
        _ => instant(first).map(utc_day),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn publication_dates_as_the_spec_lists_them() {
        let table = [
            ("2010", Some("2010-01-01")),
            ("2020-10", Some("2020-10-01")),
            ("2020-10-13", Some("2020-10-13")),
            ("2020-2021", Some("2020-01-01")),
            ("2020-10/2021-02", Some("2020-10-01")),
            ("2020/2021", Some("2020-01-01")),
            ("2020-10-13T08:00:00Z", Some("2020-10-13")),
            ("2020-13", None),
            ("2023-02-30", None),
            ("last spring", None),
            ("", None),
        ];
        for (text, expected) in table {
            assert_eq!(publication_day(text).map(|d| d.to_string()).as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn instants_without_a_zone_are_utc() {
        assert_eq!(
            instant("2024-01-12T10:00:00.120").map(|t| t.to_string()).as_deref(),
            Some("2024-01-12T10:00:00.12Z")
        );
        assert_eq!(
            instant("2024-01-12T10:00:00+02:00").map(|t| t.to_string()).as_deref(),
            Some("2024-01-12T08:00:00Z")
        );
        assert_eq!(instant("2024-02-30T10:00:00"), None);
    }
}
