//! Building a stack that has a row: its namespace, its deployment, and the word that it is up.
//!
//! It goes on in a task that dies with the process; the sweep for stuck builds sees to what is left.

use crate::runtime::point;
use crate::runtime::time::{self, Instant};
use crate::servers::cluster::{Phase, Rollout, View};
use crate::systems::sweeper::cluster::{Silence, Turned, age};
use crate::systems::sweeper::row::{OWNER, Stack, Status};
use crate::systems::sweeper::timeouts::{ASK, BUILD, BUILD_PAUSE, GRACE};
use crate::systems::sweeper::{points, sql};

use super::state::Api;

impl Api {
    /// Builds until it is up, has failed, or has taken too long.
    pub(super) async fn build(&self, stack: Stack) {
        let deadline = Instant::now() + BUILD;
        let mut status = Status::Failed;
        while Instant::now() < deadline {
            match self.advance(&stack).await {
                Ok(Rollout::Running) => {
                    status = Status::Healthy;
                    break;
                }
                Ok(Rollout::Failed) => break,
                Ok(Rollout::Absent | Rollout::Pending) => {}
                Err(error) => tracing::warn!(slug = stack.slug, %error, "not built yet"),
            }
            time::sleep(BUILD_PAUSE).await;
        }
        point(points::BUILT, &stack.slug).await;
        if let Err(error) = self.stacks.change(sql::SETTLE, &stack.id, &[&status.word()]).await {
            tracing::warn!(slug = stack.slug, %error, "left to the sweep for stuck builds");
        }
    }

    /// Does what is next, and says how the deployment fares.
    async fn advance(&self, stack: &Stack) -> Result<Rollout, Silence> {
        let view = match self.cluster.get(&stack.namespace, ASK).await? {
            Some((view, _)) if view.labels.get(OWNER) == Some(&stack.id) => view,
            Some((stranger, date)) => {
                // One that is young may be somebody's whose row is not there yet.
                let is_old = age(&stranger, date).is_some_and(|age| age >= GRACE);
                if is_old && stranger.phase == Phase::Active {
                    self.cluster.delete(&stranger.name, Some(&stranger.uid)).await?;
                }
                return Ok(Rollout::Absent);
            }
            None => match self.cluster.create(&stack.namespace, &stack.id).await? {
                Turned::Done(view) => view,
                Turned::Absent | Turned::Conflict => return Ok(Rollout::Absent),
            },
        };
        let View { phase, deployment, uid, .. } = view;
        if phase == Phase::Active && deployment == Rollout::Absent {
            self.cluster.deploy(&stack.namespace, &uid).await?;
        }
        Ok(deployment)
    }
}
