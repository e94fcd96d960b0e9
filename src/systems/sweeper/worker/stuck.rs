//! The sweep for stuck builds: rows that say `building` though nobody is at it any more.

use super::state::{Trouble, Worker};
use crate::servers::cluster::{Phase, Rollout};
use crate::systems::sweeper::row::{OWNER, Status};
use crate::systems::sweeper::sql;
use crate::systems::sweeper::timeouts::PODS;

impl Worker {
    /// Writes down what has become of builds that are half an hour old.
    pub(super) async fn settle_stuck(&self) -> Result<(), Trouble> {
        for stack in self.primary.all(sql::STUCK, &[]).await? {
            let found = match self.cluster.get(&stack.namespace, PODS).await {
                Ok(found) => found,
                Err(error) => {
                    tracing::warn!(slug = stack.slug, %error, "left to the next sweep");
                    continue;
                }
            };
            let is_up = found.is_some_and(|(view, _)| {
                view.labels.get(OWNER) == Some(&stack.id)
                    && view.phase == Phase::Active
                    && view.deployment == Rollout::Running
            });
            let status = if is_up { Status::Healthy } else { Status::Failed }.word();
            self.primary.change(sql::SETTLE, &stack.id, &[&status]).await?;
        }
        Ok(())
    }
}
