//! Users, their roles in teams, and who may read restricted communities.

use jiff::Timestamp;
use serde::Serialize;
use tallykeep_model::{Team, TeamSlug};

use crate::{Control, ControlError, TeamControl, from_micros, micros};

/// A user. The password's hash is not part of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Person {
    pub id: i64,
    pub email: String,
    pub name: String,
    pub instance_admin: bool,
    pub disabled: bool,
    pub has_password: bool,
    pub created_at: Timestamp,
    pub signed_in_at: Option<Timestamp>,
}

/// What a new user starts with.
#[derive(Debug, Clone, Default)]
pub struct NewPerson {
    pub email: String,
    pub name: String,
    /// The PHC text of the password's hash.
    pub password_hash: Option<String>,
    pub instance_admin: bool,
    /// `<issuer> <subject>` of an OpenID Connect provider.
    pub external_id: Option<String>,
}

/// A member of a team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Member {
    pub person_id: i64,
    pub email: String,
    pub name: String,
    pub role: String,
    pub since: Timestamp,
}

type PersonRow = (i64, String, String, i64, i64, i64, i64, Option<i64>);

const PERSON: &str =
    "id, email, name, instance_admin, disabled, case when password is null then 0 else 1 end, created_at, signed_in_at";

impl Control {
    /// Whether there is any user; the first one turns login on.
    pub async fn has_people(&self) -> Result<bool, ControlError> {
        let row: Option<(i64,)> = sqlx::query_as("select id from person limit 1").fetch_optional(&self.pool).await?;
        Ok(row.is_some())
    }

    /// Every user, by mail address.
    pub async fn people(&self) -> Result<Vec<Person>, ControlError> {
        let rows: Vec<PersonRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("select {PERSON} from person order by email")))
                .fetch_all(&self.pool)
                .await?;
        rows.into_iter().map(person).collect()
    }

    pub async fn find_person(&self, id: i64) -> Result<Option<Person>, ControlError> {
        let row: Option<PersonRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("select {PERSON} from person where id = $1")))
                .bind(id)
                .fetch_optional(&self.pool)
                .await?;
        row.map(person).transpose()
    }

    /// The user of a mail address; case does not matter.
    pub async fn find_person_by_email(&self, email: &str) -> Result<Option<Person>, ControlError> {
        let row: Option<PersonRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("select {PERSON} from person where email = $1")))
                .bind(normal_email(email))
                .fetch_optional(&self.pool)
                .await?;
        row.map(person).transpose()
    }

    /// The user who signed in through a provider as `<issuer> <subject>` before.
    pub async fn find_person_by_external_id(&self, external_id: &str) -> Result<Option<Person>, ControlError> {
        let row: Option<PersonRow> =
            sqlx::query_as(sqlx::AssertSqlSafe(format!("select {PERSON} from person where external_id = $1")))
                .bind(external_id)
                .fetch_optional(&self.pool)
                .await?;
        row.map(person).transpose()
    }

    /// Adds a user. Errors: `PersonExists`.
    pub async fn add_person(&self, new: &NewPerson) -> Result<Person, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let id = Self::take_positions(&mut transaction, "person", 1).await?;
        let email = normal_email(&new.email);
        let done = sqlx::query(
            "insert into person (id, email, name, password, instance_admin, external_id, created_at)
             values ($1, $2, $3, $4, $5, $6, $7) on conflict do nothing",
        )
        .bind(id)
        .bind(&email)
        .bind(new.name.trim())
        .bind(new.password_hash.as_deref())
        .bind(i64::from(new.instance_admin))
        .bind(new.external_id.as_deref())
        .bind(micros(self.clock.now()))
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(ControlError::PersonExists(email));
        }
        transaction.commit().await?;
        self.find_person(id).await?.ok_or_else(|| ControlError::NoPerson(email))
    }

    /// Adds the first user as an instance admin, or does nothing when there is a user already.
    pub async fn add_first_person(&self, new: &NewPerson) -> Result<Option<Person>, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let id = Self::take_positions(&mut transaction, "person", 1).await?;
        let done = sqlx::query(
            "insert into person (id, email, name, password, instance_admin, created_at)
             select $1, $2, $3, $4, 1, $5 where not exists (select 1 from person)",
        )
        .bind(id)
        .bind(normal_email(&new.email))
        .bind(new.name.trim())
        .bind(new.password_hash.as_deref())
        .bind(micros(self.clock.now()))
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Ok(None);
        }
        transaction.commit().await?;
        self.find_person(id).await
    }

    /// The hash of a user's password, if there is one.
    pub async fn password_hash(&self, person_id: i64) -> Result<Option<String>, ControlError> {
        let row: Option<(Option<String>,)> = sqlx::query_as("select password from person where id = $1")
            .bind(person_id)
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.and_then(|r| r.0))
    }

    /// Sets a user's password. Sessions and links are the caller's to end.
    pub async fn set_password_hash(&self, person_id: i64, hash: &str) -> Result<(), ControlError> {
        sqlx::query("update person set password = $1 where id = $2")
            .bind(hash)
            .bind(person_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    pub async fn rename_person(&self, person_id: i64, name: &str) -> Result<(), ControlError> {
        sqlx::query("update person set name = $1 where id = $2")
            .bind(name.trim())
            .bind(person_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Makes or unmakes an instance admin. Refuses (`false`) to unmake the last one who can sign in.
    pub async fn set_instance_admin(&self, person_id: i64, admin: bool) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "update person set instance_admin = $1 where id = $2 and ($1 = 1 or instance_admin = 0 or exists
                 (select 1 from person as other where other.instance_admin = 1 and other.disabled = 0 and other.id <> $2))",
        )
        .bind(i64::from(admin))
        .bind(person_id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Disables or enables a user; disabling ends every session. Refuses (`false`) to disable the last instance admin.
    pub async fn set_disabled(&self, person_id: i64, disabled: bool) -> Result<bool, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let done = sqlx::query(
            "update person set disabled = $1 where id = $2 and ($1 = 0 or instance_admin = 0 or exists
                 (select 1 from person as other where other.instance_admin = 1 and other.disabled = 0 and other.id <> $2))",
        )
        .bind(i64::from(disabled))
        .bind(person_id)
        .execute(&mut *transaction)
        .await?;
        if disabled && done.rows_affected() > 0 {
            sqlx::query("delete from web_session where person_id = $1")
                .bind(person_id)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    pub async fn note_sign_in(&self, person_id: i64) -> Result<(), ControlError> {
        sqlx::query("update person set signed_in_at = $1 where id = $2")
            .bind(micros(self.clock.now()))
            .bind(person_id)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ties a user to `<issuer> <subject>` of a provider. Refuses (`false`) one who is tied to another already.
    pub async fn set_external_id(&self, person_id: i64, external_id: &str) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "update person set external_id = $1 where id = $2 and (external_id is null or external_id = $1)",
        )
        .bind(external_id)
        .bind(person_id)
        .execute(&self.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }

    /// The role of a user in a team, as stored.
    pub async fn role_in(&self, team_id: i64, person_id: i64) -> Result<Option<String>, ControlError> {
        let row: Option<(String,)> =
            sqlx::query_as("select role from membership where team_id = $1 and person_id = $2")
                .bind(team_id)
                .bind(person_id)
                .fetch_optional(&self.pool)
                .await?;
        Ok(row.map(|r| r.0))
    }

    /// The teams a user is a member of, with the role, by slug.
    pub async fn teams_of_person(&self, person_id: i64) -> Result<Vec<(Team, String)>, ControlError> {
        let rows: Vec<(i64, String, String, String)> = sqlx::query_as(
            "select team.id, team.slug, team.name, membership.role from membership
             join team on team.id = membership.team_id where membership.person_id = $1 order by team.slug",
        )
        .bind(person_id)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(id, slug, name, role)| {
                let slug: TeamSlug = slug.parse().map_err(|_| ControlError::Damaged(format!("team slug `{slug}`")))?;
                Ok((Team { id, slug, name }, role))
            })
            .collect()
    }
}

impl TeamControl {
    /// The team's members, by mail address.
    pub async fn members(&self) -> Result<Vec<Member>, ControlError> {
        let rows: Vec<(i64, String, String, String, i64)> = sqlx::query_as(
            "select person.id, person.email, person.name, membership.role, membership.created_at from membership
             join person on person.id = membership.person_id where membership.team_id = $1 order by person.email",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(person_id, email, name, role, since)| {
                Ok(Member { person_id, email, name, role, since: from_micros(since)? })
            })
            .collect()
    }

    /// Makes somebody a member, or changes a member's role.
    pub async fn set_member(&self, person_id: i64, role: &str) -> Result<(), ControlError> {
        sqlx::query(
            "insert into membership (team_id, person_id, role, created_at) values ($1, $2, $3, $4)
             on conflict (team_id, person_id) do update set role = excluded.role",
        )
        .bind(self.team.id)
        .bind(person_id)
        .bind(role)
        .bind(micros(self.clock().now()))
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// Ends a membership and what hung on it. Answers whether there was one.
    pub async fn remove_member(&self, person_id: i64) -> Result<bool, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let done = sqlx::query("delete from membership where team_id = $1 and person_id = $2")
            .bind(self.team.id)
            .bind(person_id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("delete from community_reader where team_id = $1 and person_id = $2")
            .bind(self.team.id)
            .bind(person_id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Lets a user read a restricted community, or takes it back.
    pub async fn set_community_reader(
        &self,
        community_id: &str,
        person_id: i64,
        reads: bool,
    ) -> Result<(), ControlError> {
        let statement = if reads {
            "insert into community_reader (team_id, community_id, person_id) values ($1, $2, $3) on conflict do nothing"
        } else {
            "delete from community_reader where team_id = $1 and community_id = $2 and person_id = $3"
        };
        sqlx::query(statement)
            .bind(self.team.id)
            .bind(community_id)
            .bind(person_id)
            .execute(&self.control.pool)
            .await?;
        Ok(())
    }

    /// Whether a user was let into a restricted community.
    pub async fn is_community_reader(&self, community_id: &str, person_id: i64) -> Result<bool, ControlError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "select person_id from community_reader where team_id = $1 and community_id = $2 and person_id = $3",
        )
        .bind(self.team.id)
        .bind(community_id)
        .bind(person_id)
        .fetch_optional(&self.control.pool)
        .await?;
        Ok(row.is_some())
    }

    /// Who was let into restricted communities, as (community id, mail address).
    pub async fn community_readers(&self) -> Result<Vec<(String, String)>, ControlError> {
        Ok(sqlx::query_as(
            "select community_reader.community_id, person.email from community_reader
             join person on person.id = community_reader.person_id
             where community_reader.team_id = $1 order by community_reader.community_id, person.email",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?)
    }
}

/// How a mail address is stored and compared.
pub(crate) fn normal_email(email: &str) -> String {
    email.trim().to_lowercase()
}

fn person(row: PersonRow) -> Result<Person, ControlError> {
    let (id, email, name, instance_admin, disabled, has_password, created_at, signed_in_at) = row;
    Ok(Person {
        id,
        email,
        name,
        instance_admin: instance_admin != 0,
        disabled: disabled != 0,
        has_password: has_password != 0,
        created_at: from_micros(created_at)?,
        signed_in_at: signed_in_at.map(from_micros).transpose()?,
    })
}
