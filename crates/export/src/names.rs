//! Names of other worlds: files, worksheets, XML.

use std::{borrow::Cow, collections::HashSet};

/// Longest name of a file, in characters: with a suffix it stays below the 255 bytes of most file systems.
const LONGEST_FILE_NAME: usize = 60;
/// Longest name of a worksheet, in characters.
const LONGEST_SHEET_NAME: usize = 31;

/// `data_volume` → `dataVolume`, as keys stand in the JSON answers.
pub fn camel_case(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut upper = false;
    for c in key.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}

/// A name that every file system and every header takes: ASCII letters, digits, `-`, `_` and dots inside; `_` for anything else.
pub fn file_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .take(LONGEST_FILE_NAME)
        .map(|c| if c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.') { c } else { '_' })
        .collect();
    let plain = plain.trim_matches('.');
    let stem = plain.split('.').next().unwrap_or_default().to_ascii_uppercase();
    // Windows opens devices under these names, whatever their ending.
    let numbered =
        |device: &str| stem.strip_prefix(device).is_some_and(|n| n.len() == 1 && n.as_bytes()[0].is_ascii_digit());
    let device = matches!(stem.as_str(), "CON" | "PRN" | "AUX" | "NUL") || numbered("COM") || numbered("LPT");
    if plain.is_empty() || device { format!("_{plain}") } else { plain.to_owned() }
}

/// A name a spreadsheet takes for a worksheet: at most 31 characters, none of `\ / ? * [ ] :`, no apostrophe at either end.
pub(crate) fn sheet_name(name: &str) -> String {
    let plain: String = name
        .chars()
        .take(LONGEST_SHEET_NAME)
        .map(|c| if matches!(c, '\\' | '/' | '?' | '*' | '[' | ']' | ':') || c.is_control() { '_' } else { c })
        .collect();
    let plain = plain.trim_matches('\'');
    if plain.is_empty() || plain.eq_ignore_ascii_case("history") { format!("_{plain}") } else { plain.to_owned() }
}

/// A worksheet's name with a number behind, still short enough.
pub(crate) fn numbered_sheet_name(name: &str, number: usize) -> String {
    let suffix = format!(" ({number})");
    let stem: String = name.chars().take(LONGEST_SHEET_NAME - suffix.len()).collect();
    stem + &suffix
}

/// A name XML takes as an id (without colons): `_` for every other character, and before a first one that may not stand first.
pub(crate) fn xml_id(name: &str) -> String {
    let id: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() && c.is_ascii() || matches!(c, '_' | '-' | '.') { c } else { '_' })
        .collect();
    match id.chars().next() {
        Some(c) if c.is_ascii_alphabetic() || c == '_' => id,
        _ => format!("_{id}"),
    }
}

/// Text without the characters that XML 1.0 cannot hold at all; each becomes U+FFFD.
pub(crate) fn xml_text(text: &str) -> Cow<'_, str> {
    let holds = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    if text.chars().all(holds) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| if holds(c) { c } else { '\u{fffd}' }).collect())
}

/// Names given away in one place. Two that became the same get numbers, so that nothing is overwritten.
#[derive(Default)]
pub(crate) struct Taken(HashSet<String>);

impl Taken {
    /// The name, or the first of its numbered forms that is free. Case does not tell names apart.
    pub(crate) fn take(&mut self, name: String, numbered: impl Fn(&str, usize) -> String) -> String {
        if self.0.insert(name.to_lowercase()) {
            return name;
        }
        let mut number = 2;
        loop {
            let other = numbered(&name, number);
            if self.0.insert(other.to_lowercase()) {
                return other;
            }
            number += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_become_files() {
        let cases = [
            ("usage-delta-category", "usage-delta-category"),
            ("../../etc/passwd", "_.._etc_passwd"),
            ("a b:c", "a_b_c"),
            ("Ünï", "_n_"),
            ("", "_"),
            ("..", "_"),
            ("con", "_con"),
            ("nul.txt", "_nul.txt"),
            ("COM7", "_COM7"),
            ("common", "common"),
        ];
        for (name, file) in cases {
            assert_eq!(file_name(name), file, "{name}");
        }
        assert_eq!(file_name(&"x".repeat(300)).len(), LONGEST_FILE_NAME);
    }

    #[test]
    fn names_become_worksheets() {
        assert_eq!(sheet_name(r"a\b/c?d*e[f]g:h"), "a_b_c_d_e_f_g_h");
        assert_eq!(sheet_name("'quoted'"), "quoted");
        assert_eq!(sheet_name("History"), "_History");
        assert_eq!(sheet_name(&"ä".repeat(40)).chars().count(), 31);
        assert_eq!(numbered_sheet_name(&"x".repeat(31), 12), format!("{} (12)", "x".repeat(26)));
    }

    #[test]
    fn names_become_ids() {
        assert_eq!(xml_id("countriesByView"), "countriesByView");
        assert_eq!(xml_id("01abc"), "_01abc");
        assert_eq!(xml_id("https://ror.org/01"), "https___ror.org_01");
        assert_eq!(xml_id(""), "_");
        assert_eq!(xml_text("a\u{0}b\u{1b}c\td"), "a\u{fffd}b\u{fffd}c\td");
    }

    #[test]
    fn no_name_is_given_twice() {
        let mut taken = Taken::default();
        let mut take = |name: &str| taken.take(name.to_owned(), |name, number| format!("{name}_{number}"));
        assert_eq!([take("a"), take("A"), take("a_2"), take("a")], ["a", "A_2", "a_2_2", "a_3"]);
    }

    #[test]
    fn keys_are_written_as_in_json() {
        assert_eq!(camel_case("download_unique_files"), "downloadUniqueFiles");
        assert_eq!(camel_case("global"), "global");
    }
}
