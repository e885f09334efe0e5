//! What the commands about people share: the accounts, who acts, writing down.

use std::io::Write;

use anyhow::Context as _;
use tallykeep_access::{Accounts, InstallationKey};
use tallykeep_control::{AuditEntry, Person, TeamControl};
use tallykeep_model::TeamSlug;

use crate::{context::Context, exit::usage};

/// Passwords, links and tokens of this installation.
pub async fn accounts(context: &Context) -> anyhow::Result<Accounts> {
    let key = InstallationKey::open(&context.options.data_dir)?;
    Ok(Accounts::new(context.control().await?.clone(), context.config.access.clone(), key)?)
}

/// The user of a mail address. Errors: none such.
pub async fn user(context: &Context, email: &str) -> anyhow::Result<Person> {
    let found = context.control().await?.find_person_by_email(email).await?;
    found.with_context(|| format!("no user `{email}`; add one: tallykeep user add {email}"))
}

/// The team a command names, else the one of `--team`.
pub async fn team(context: &Context, slug: Option<&TeamSlug>) -> anyhow::Result<TeamControl> {
    Ok(context.control().await?.team(slug.unwrap_or(&context.options.team)).await?)
}

/// Writes into the audit log that whoever may run this program on this machine did something.
pub async fn record(context: &Context, team: Option<&TeamSlug>, action: &str, target: String) -> anyhow::Result<()> {
    let name = ["SUDO_USER", "USER", "LOGNAME"].iter().find_map(|variable| std::env::var(variable).ok());
    let name = name.filter(|name| !name.is_empty()).unwrap_or_else(|| "unknown".to_owned());
    let entry = AuditEntry {
        team: team.map(ToString::to_string),
        actor: format!("cli:{name}"),
        actor_name: name,
        action: action.to_owned(),
        target,
        address: "cli".to_owned(),
        ..AuditEntry::default()
    };
    context.control().await?.audit(&entry).await?;
    Ok(())
}

/// A note for the person at the terminal; standard output stays for the result.
pub fn note(text: &str) {
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "{text}");
}

/// A day or an instant. A day stands for its end, UTC: what expires on a day works throughout it.
pub fn day_or_instant(text: &str) -> Result<jiff::Timestamp, String> {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Ok(instant);
    }
    let day: jiff::civil::Date = text
        .parse()
        .map_err(|_| "use a day such as 2027-01-31 or an instant such as 2027-01-31T12:00:00Z".to_owned())?;
    let next = day.tomorrow().map_err(|error| error.to_string())?;
    let start = next.to_zoned(jiff::tz::TimeZone::UTC).map_err(|error| error.to_string())?;
    Ok(start.timestamp())
}

/// The first line of standard input, as a password.
pub fn password_from_stdin() -> anyhow::Result<tallykeep_access::SecretString> {
    let mut line = String::new();
    std::io::stdin().read_line(&mut line).context("could not read the password from standard input")?;
    let password = line.trim_end_matches(['\n', '\r']);
    if password.is_empty() {
        return Err(usage("--password-stdin: the first line of standard input is empty"));
    }
    Ok(password.to_owned().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_expires_on_a_day_works_throughout_it() {
        assert_eq!(day_or_instant("2026-12-31").map(|t| t.to_string()), Ok("2027-01-01T00:00:00Z".to_owned()));
        assert_eq!(
            day_or_instant("2026-12-31T12:00:00+01:00").map(|t| t.to_string()),
            Ok("2026-12-31T11:00:00Z".to_owned())
        );
        assert!(day_or_instant("soon").is_err());
    }
}
