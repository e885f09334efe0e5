//! Leases: what only one process may do at a time. A live owner renews; a dead owner's lease ends by itself, and at once where the
//! machine knows that its process is gone.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tokio::{sync::oneshot, task::JoinHandle};

use crate::{Control, ControlError, from_micros, micros, owner};

/// How long a lease holds without renewal. A dead owner's lease ends within this time (outside.md: 10 s).
const HOLD: Duration = Duration::from_secs(9);
const RENEW: Duration = Duration::from_secs(2);

/// Who holds a lease.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseHolder {
    pub name: String,
    pub owner: String,
    /// What the owner says it is doing, e.g. `aggregate (process 4711)`.
    pub what: String,
    pub since: Timestamp,
    pub until: Timestamp,
}

/// The outcome of asking for a lease.
pub enum Lease {
    Taken(LeaseGuard),
    HeldBy(LeaseHolder),
}

/// Holds a lease and renews it in the background until dropped or released.
pub struct LeaseGuard {
    name: Arc<str>,
    control: Control,
    stop: Option<oneshot::Sender<()>>,
    renewal: Option<JoinHandle<()>>,
}

// Leases are kept in the machine's own time even when the process's clock is frozen: they are about processes, not data.
fn wall() -> i64 {
    micros(Timestamp::now())
}

fn until() -> i64 {
    wall() + i64::try_from(HOLD.as_micros()).unwrap_or(i64::MAX)
}

impl Control {
    /// Takes a lease, or says who holds it. Never waits.
    pub async fn lease(&self, name: &str, what: &str) -> Result<Lease, ControlError> {
        while !self.take(name, what).await? {
            match self.kept_leases().await?.into_iter().find(|holder| holder.name == name) {
                Some(holder) if !owner::is_gone(&holder.owner) => return Ok(Lease::HeldBy(holder)),
                // Nobody will give it back. Only this owner's is taken away: another process may have been faster.
                Some(dead) => self.free(name, &dead.owner).await?,
                // Given back between the two looks.
                None => {}
            }
        }
        let (stop, mut stopped) = oneshot::channel();
        let (control, lease_name) = (self.clone(), Arc::<str>::from(name));
        let renewed = lease_name.clone();
        let renewal = tokio::spawn(async move {
            while tokio::time::timeout(RENEW, &mut stopped).await.is_err() {
                if let Err(error) = control.renew(&renewed).await {
                    tracing::warn!(lease = %renewed, %error, "could not renew the lease");
                }
            }
        });
        Ok(Lease::Taken(LeaseGuard {
            name: lease_name,
            control: self.clone(),
            stop: Some(stop),
            renewal: Some(renewal),
        }))
    }

    /// Takes a lease or fails with `Busy`, naming the holder.
    pub async fn lease_or_busy(&self, name: &str, what: &str) -> Result<LeaseGuard, ControlError> {
        match self.lease(name, what).await? {
            Lease::Taken(guard) => Ok(guard),
            Lease::HeldBy(holder) => {
                Err(ControlError::Busy { what: name.to_owned(), owner: holder.what, since: holder.since.to_string() })
            }
        }
    }

    /// Writes this process down as the holder, unless another one is; answers whether it is now.
    async fn take(&self, name: &str, what: &str) -> Result<bool, ControlError> {
        let taken: Option<(String,)> = sqlx::query_as(
            "insert into lease (name, owner, what, taken_at, lease_until) values ($1, $2, $3, $4, $5)
             on conflict (name) do update set owner = excluded.owner, what = excluded.what,
                 taken_at = excluded.taken_at, lease_until = excluded.lease_until
             where lease.lease_until < $4 returning owner",
        )
        .bind(name)
        .bind(self.owner())
        .bind(what)
        .bind(wall())
        .bind(until())
        .fetch_optional(&self.pool)
        .await?;
        Ok(taken.is_some())
    }

    async fn renew(&self, name: &str) -> Result<(), ControlError> {
        sqlx::query("update lease set lease_until = $1 where name = $2 and owner = $3")
            .bind(until())
            .bind(name)
            .bind(self.owner())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// The live holder of a lease.
    pub async fn lease_holder(&self, name: &str) -> Result<Option<LeaseHolder>, ControlError> {
        Ok(self.leases().await?.into_iter().find(|holder| holder.name == name))
    }

    /// Every live lease, by name.
    pub async fn leases(&self) -> Result<Vec<LeaseHolder>, ControlError> {
        let mut kept = self.kept_leases().await?;
        kept.retain(|holder| !owner::is_gone(&holder.owner));
        Ok(kept)
    }

    /// Every lease whose time is not over, whatever became of its owner.
    async fn kept_leases(&self) -> Result<Vec<LeaseHolder>, ControlError> {
        let rows: Vec<(String, String, String, i64, i64)> = sqlx::query_as(
            "select name, owner, what, taken_at, lease_until from lease where lease_until >= $1 order by name",
        )
        .bind(wall())
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(name, owner, what, since, until)| {
                Ok(LeaseHolder { name, owner, what, since: from_micros(since)?, until: from_micros(until)? })
            })
            .collect()
    }

    async fn free(&self, name: &str, owner: &str) -> Result<(), ControlError> {
        sqlx::query("delete from lease where name = $1 and owner = $2")
            .bind(name)
            .bind(owner)
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Frees a lease whoever holds it. Answers whether it was held.
    pub async fn break_lease(&self, name: &str) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from lease where name = $1").bind(name).execute(&self.pool).await?;
        Ok(done.rows_affected() > 0)
    }
}

impl LeaseGuard {
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether this process still holds it: a lease somebody broke, or that ran out, is lost.
    pub async fn is_held(&self) -> Result<bool, ControlError> {
        Ok(self.control.lease_holder(&self.name).await?.is_some_and(|holder| holder.owner == self.control.owner()))
    }

    /// Gives it back at once. Dropping gives it back too, a moment later.
    pub async fn release(mut self) -> Result<(), ControlError> {
        self.stop_renewal();
        self.control.free(&self.name, self.control.owner()).await
    }

    fn stop_renewal(&mut self) {
        drop(self.stop.take());
        if let Some(renewal) = self.renewal.take() {
            renewal.abort();
        }
    }
}

impl Drop for LeaseGuard {
    fn drop(&mut self) {
        if self.renewal.is_none() {
            return;
        }
        self.stop_renewal();
        if let Ok(runtime) = tokio::runtime::Handle::try_current() {
            let (control, name) = (self.control.clone(), self.name.clone());
            runtime.spawn(async move {
                if let Err(error) = control.free(&name, control.owner()).await {
                    tracing::warn!(lease = %name, %error, "could not give the lease back; it ends by itself");
                }
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use tallykeep_model::Clock;

    use super::*;

    #[tokio::test]
    async fn what_a_killed_process_held_is_free_at_once() {
        let dir = tempfile::tempdir().expect("a folder");
        let control = Control::open(dir.path(), Clock::System).await.expect("a database");
        // This process under the number of one that started a moment later: there is no such process.
        let mut parts: Vec<String> = control.owner().split('/').map(str::to_owned).collect();
        parts[2].push('0');
        let dead = Control { owner: parts.join("/").into(), ..control.clone() };
        let Lease::Taken(guard) = dead.lease("table", "the dead one").await.expect("it answers") else {
            panic!("free")
        };
        assert!(control.lease_holder("table").await.expect("it answers").is_none(), "not among the living");
        let Lease::Taken(taken) = control.lease("table", "the next").await.expect("it answers") else {
            panic!("its owner is gone")
        };
        // What is left of the dead one takes nothing away from the next.
        guard.release().await.expect("nothing to give back");
        assert!(taken.is_held().await.expect("it answers"));
    }
}
