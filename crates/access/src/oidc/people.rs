//! Whom a provider's claims let in, and as what.

use serde_json::Value;
use tallykeep_control::Person;
use tallykeep_model::TeamSlug;

use super::{OidcError, Provider, Said};
use crate::Role;

impl Provider<'_> {
    /// The user of a token: known by subject, else by verified mail address, else new where the domain is allowed
    /// (spec/packages §9.6: verified mail, hosted domain equal, address in the domain).
    pub(super) async fn person(&self, said: &Said) -> Result<Person, OidcError> {
        let Some(email) = said.email.as_deref().filter(|_| said.email_verified) else {
            return Err(OidcError::NotAllowed("somebody without a verified mail address".to_owned()));
        };
        let refused = || OidcError::NotAllowed(email.to_owned());
        let hosted = said.other.get("hd").and_then(Value::as_str);
        if let Some(domain) = &self.config.hosted_domain
            && !hosted.is_some_and(|hd| hd.eq_ignore_ascii_case(domain))
        {
            return Err(refused());
        }
        let config = self.accounts.config();
        if !config.mail_domains.is_empty() && !config.allows_domain_of(email) {
            return Err(refused());
        }
        let known = self.control.find_person_by_external_id(&said.external_id).await?;
        let person = match known {
            Some(person) if person.disabled => return Err(refused()),
            Some(person) => person,
            None => {
                let person = self.accounts.vouched_person(email, &said.name).await?.ok_or_else(refused)?;
                // A user tied to another subject stays with it: a mail address can change hands.
                if !self.control.set_external_id(person.id, &said.external_id).await? {
                    return Err(refused());
                }
                person
            }
        };
        self.apply_groups(&person, said).await?;
        self.control.find_person(person.id).await?.ok_or_else(refused)
    }

    /// Makes memberships what the groups say, in the teams that the rules name; other teams stay as they are.
    async fn apply_groups(&self, person: &Person, said: &Said) -> Result<(), OidcError> {
        let rules = &self.config.groups;
        if rules.is_empty() {
            return Ok(());
        }
        let groups: Vec<&str> = match said.other.get(&self.config.groups_claim) {
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let mut teams: Vec<&TeamSlug> = rules.iter().filter_map(|rule| rule.team.as_ref()).collect();
        teams.sort_unstable();
        teams.dedup();
        for slug in teams {
            let team = self.control.team(slug).await?;
            let matching =
                rules.iter().filter(|rule| rule.team.as_ref() == Some(slug) && groups.contains(&rule.group.as_str()));
            match matching.map(|rule| rule.role.unwrap_or(Role::Viewer)).max() {
                Some(role) => team.set_member(person.id, role.as_str()).await?,
                None => {
                    team.remove_member(person.id).await?;
                }
            }
        }
        if rules.iter().any(|rule| rule.instance_admin) {
            let admin = rules.iter().any(|rule| rule.instance_admin && groups.contains(&rule.group.as_str()));
            // The last instance admin stays one, whatever the groups say.
            self.control.set_instance_admin(person.id, admin).await?;
        }
        Ok(())
    }
}
