//! `tallykeep user …`

use serde_json::json;

use super::people::{accounts, note, password_from_stdin, record, user};
use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum User {
    /// Add a user; the first one turns login on
    #[command(
        after_help = "Example: echo 'a long password' | tallykeep user add ada@example.org --admin --password-stdin"
    )]
    Add(Add),
    /// List the users
    #[command(after_help = "Example: tallykeep user list")]
    List,
    /// Make a link with which a user sets a new password, once
    #[command(after_help = "Example: tallykeep user password-link ada@example.org")]
    PasswordLink { email: String },
    /// End every session of a user
    #[command(after_help = "Example: tallykeep user sign-out ada@example.org")]
    SignOut { email: String },
    /// Keep a user from signing in; ends every session
    #[command(after_help = "Example: tallykeep user disable ada@example.org")]
    Disable { email: String },
    /// Let a disabled user sign in again
    #[command(after_help = "Example: tallykeep user enable ada@example.org")]
    Enable { email: String },
    /// Make a user an admin of the installation
    #[command(after_help = "Example: tallykeep user grant-admin ada@example.org")]
    GrantAdmin { email: String },
    /// Take that back; the last one stays
    #[command(after_help = "Example: tallykeep user take-admin ada@example.org")]
    TakeAdmin { email: String },
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// What the user signs in with
    email: String,
    /// Name for people
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
    /// Make the user an admin of the installation
    #[arg(long)]
    admin: bool,
    /// Read the password from the first line of standard input; without it a link to set one is printed
    #[arg(long)]
    password_stdin: bool,
}

impl User {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run(context).await,
            Self::List => list(context).await,
            Self::PasswordLink { email } => {
                let person = user(context, &email).await?;
                let link = password_link(context, person.id).await?;
                record(context, None, "password.link", format!("user:{} {}", person.id, person.email)).await?;
                context.print(&json!({ "email": person.email, "link": link }), || link.clone())
            }
            Self::SignOut { email } => {
                let person = user(context, &email).await?;
                let ended = context.control().await?.end_sessions_of(person.id, None).await?;
                record(context, None, "session.end", format!("user:{} {} all", person.id, person.email)).await?;
                context.print(&json!({ "email": person.email, "ended": ended }), || format!("ended {ended} sessions"))
            }
            Self::Disable { email } => set_disabled(context, &email, true).await,
            Self::Enable { email } => set_disabled(context, &email, false).await,
            Self::GrantAdmin { email } => set_admin(context, &email, true).await,
            Self::TakeAdmin { email } => set_admin(context, &email, false).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let password = if self.password_stdin { Some(password_from_stdin()?) } else { None };
        let accounts = accounts(context).await?;
        let person = accounts.add_person(&self.email, &self.name, password.as_ref(), self.admin).await?;
        let rank = if self.admin { " as instance admin" } else { "" };
        record(context, None, "user.add", format!("user:{} {}{rank}", person.id, person.email)).await?;
        let link = if password.is_none() { Some(password_link(context, person.id).await?) } else { None };
        let document = json!({ "id": person.id, "email": person.email, "instance_admin": self.admin, "link": link });
        context.print(&document, || match &link {
            None => format!("added user {}", person.email),
            Some(link) => format!("added user {}; to set a password, once: {link}", person.email),
        })
    }
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let people = context.control().await?.people().await?;
    context.print(&people, || {
        let line = |person: &tallykeep_control::Person| {
            let admin = if person.instance_admin { "instance admin" } else { "" };
            let state = if person.disabled { "disabled" } else { "" };
            format!("{}\t{}\t{admin}\t{state}\n", person.email, person.name)
        };
        people.iter().map(line).collect()
    })
}

/// A link with which the user sets a password; a path where nobody said under which address people reach the server.
async fn password_link(context: &Context, person: i64) -> anyhow::Result<String> {
    let secret = accounts(context).await?.new_password_link(person).await?;
    let base = context.config.access.public_url.as_deref().unwrap_or("").trim_end_matches('/');
    Ok(format!("{base}/new-password?link={secret}"))
}

async fn set_disabled(context: &Context, email: &str, disabled: bool) -> anyhow::Result<()> {
    let person = user(context, email).await?;
    let done = context.control().await?.set_disabled(person.id, disabled).await?;
    anyhow::ensure!(done, "{} is the last instance admin", person.email);
    let (action, word) = if disabled { ("user.disable", "disabled") } else { ("user.enable", "enabled") };
    record(context, None, action, format!("user:{} {}", person.id, person.email)).await?;
    context.print(&json!({ "email": person.email, "disabled": disabled }), || format!("{} is {word}", person.email))
}

async fn set_admin(context: &Context, email: &str, admin: bool) -> anyhow::Result<()> {
    let person = user(context, email).await?;
    let done = context.control().await?.set_instance_admin(person.id, admin).await?;
    anyhow::ensure!(done, "{} is the last instance admin", person.email);
    let action = if admin { "user.grant-admin" } else { "user.take-admin" };
    record(context, None, action, format!("user:{} {}", person.id, person.email)).await?;
    if admin && person.disabled {
        note("the user is disabled and cannot sign in");
    }
    let word = if admin { "is" } else { "is not" };
    context.print(&json!({ "email": person.email, "instance_admin": admin }), || {
        format!("{} {word} an admin of the installation", person.email)
    })
}
