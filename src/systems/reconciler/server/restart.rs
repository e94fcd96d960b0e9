//! Restarts: not two of a workspace within a minute, not two at a time; and how one begins.

use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use super::state::{Server, fresh};
use crate::runtime::time::{self, Instant};
use crate::runtime::{activity, fact, point, task};
use crate::systems::reconciler::policy::{Begin, Dropped};
use crate::systems::reconciler::row::Workspace;
use crate::systems::reconciler::store::Outage;
use crate::systems::reconciler::timeouts::DEBOUNCE;
use crate::systems::reconciler::{points, sql};

/// A restart as it was decided on: the instance that is to go, and the generation of the row.
#[derive(Clone, Debug)]
pub(super) struct Decision {
    instance: Option<String>,
    generation: String,
}

/// What a process knows of a workspace's restarts.
#[derive(Debug)]
pub(crate) struct Recent {
    begun: Instant,
    under_way: bool,
    /// One more, as soon as the one under way is done.
    next: Option<Decision>,
}

/// Whether a restart may begin.
enum Admitted {
    Now,
    After(Duration),
    Coalesced,
}

impl Server {
    /// Has a workspace restarted, if it is not too soon; returns at once.
    pub(super) fn restart(self: &Arc<Self>, id: String, instance: Option<String>, generation: String) {
        let decision = Decision { instance, generation };
        match self.admit(&id, &decision) {
            Admitted::Now => {
                let this = self.clone();
                let name = format!("restart {id}");
                drop(task::spawn(activity(name, async move { this.keep_restarting(&id, decision).await })));
            }
            Admitted::Coalesced => {}
            Admitted::After(remaining) => {
                fact("reconciler.dropped", [("workspace", id.as_str().into())]);
                if self.policy.dropped == Dropped::Owed {
                    let this = self.clone();
                    drop(task::spawn(async move {
                        time::sleep(remaining).await;
                        this.restart(id, decision.instance, decision.generation);
                    }));
                }
            }
        }
    }

    fn admit(&self, id: &str, decision: &Decision) -> Admitted {
        let mut restarts = self.recent();
        if let Some(recent) = restarts.get_mut(id) {
            if recent.under_way {
                recent.next = Some(decision.clone());
                return Admitted::Coalesced;
            }
            let since = recent.begun.elapsed();
            if since < DEBOUNCE {
                return Admitted::After(DEBOUNCE.saturating_sub(since));
            }
        }
        restarts.insert(id.to_owned(), Recent { begun: Instant::now(), under_way: true, next: None });
        Admitted::Now
    }

    /// Restarts it, and once more if that was asked for meanwhile.
    async fn keep_restarting(self: Arc<Self>, id: &str, decision: Decision) {
        let mut next = Some(decision);
        while let Some(decision) = next {
            if let Err(error) = self.restart_now(id, decision).await {
                tracing::warn!(workspace = id, %error, "cannot begin a restart");
            }
            next = self.recent().get_mut(id).and_then(|recent| {
                let next = recent.next.take();
                recent.under_way = next.is_some();
                next
            });
        }
    }

    async fn restart_now(self: &Arc<Self>, id: &str, decision: Decision) -> Result<(), Outage> {
        let next = fresh();
        let begun = match self.policy.begin {
            Begin::Claimed => {
                self.workspaces.write(sql::BEGIN_CLAIMED, id, &[&decision.generation, &next, &self.me]).await?
            }
            Begin::ByStatus | Begin::Blind => {
                let seen = self.workspaces.read(id).await?;
                if !seen.is_some_and(|seen: Workspace| !seen.status.is_put_away() && seen.runtime == "cloud") {
                    return Ok(());
                }
                point(points::RESTART_SEEN, id).await;
                let begin = if self.policy.begin == Begin::Blind { sql::BEGIN_BLIND } else { sql::BEGIN_BY_STATUS };
                self.workspaces.write(begin, id, &[&next, &self.me]).await?
            }
        };
        if let Some(row) = begun {
            point(points::RESTART_BEGUN, id).await;
            self.spawn_work(row, decision.instance);
        }
        Ok(())
    }

    fn recent(&self) -> MutexGuard<'_, std::collections::BTreeMap<String, Recent>> {
        // A panic elsewhere leaves nothing half-done under this lock.
        self.restarts.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
