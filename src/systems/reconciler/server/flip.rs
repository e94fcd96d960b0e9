//! Taking a workspace offline whose instance is dead, saying so, and having it restarted.

use std::future::Future;
use std::sync::Arc;

use super::state::{Server, fresh};
use crate::runtime::time::{self, Instant};
use crate::runtime::{fact, point};
use crate::systems::reconciler::policy::{Broadcast, Dropped, Flip};
use crate::systems::reconciler::row::{Owed, Workspace};
use crate::systems::reconciler::store::{Event, Outage, With};
use crate::systems::reconciler::timeouts::CONFIRM;
use crate::systems::reconciler::{points, sql};

/// Each statement of taking a workspace offline has its own time, whatever is left of the cycle's.
async fn confirm<T>(work: impl Future<Output = Result<T, Outage>>) -> Result<T, Outage> {
    time::timeout(CONFIRM, work).await.unwrap_or(Err(Outage::Late(CONFIRM)))
}

/// What is told when a workspace loses its instance.
pub(crate) const OFFLINE: &str = "WORKSPACE_OFFLINE";
/// What is told when one loses its instance that has never come up on it.
pub(crate) const STILLBORN: &str = "WORKSPACE_STILLBORN";

impl Server {
    /// `row` is as it was selected; `asked` is the instance that is dead. The cycle ends at `deadline`.
    pub(super) async fn take_offline(
        self: &Arc<Self>,
        row: &Workspace,
        asked: Option<String>,
        deadline: Option<Instant>,
    ) {
        match self.flip(row, asked.as_deref(), deadline).await {
            Ok(Some(flipped)) => self.restart(flipped.id, asked, flipped.generation),
            Ok(None) => {}
            Err(error) => tracing::warn!(workspace = row.id, %error, "cannot take a workspace offline"),
        }
    }

    async fn flip(
        &self,
        row: &Workspace,
        asked: Option<&str>,
        deadline: Option<Instant>,
    ) -> Result<Option<Workspace>, Outage> {
        let (next, owed) = (fresh(), self.restart_owed());
        let by_id: [With<'_>; 2] = [&next, &owed];
        let kind = if row.status.is_up() { OFFLINE } else { STILLBORN };
        let event = Event { kind, workspace: &row.id, instance: asked };
        let (sql, with): (_, Vec<With<'_>>) = match self.policy.flip {
            Flip::Guarded => {
                let Some(instance) = &row.instance else { return Ok(None) };
                (sql::FLIP, vec![instance, &row.generation, &next, &owed])
            }
            Flip::Rechecked => {
                let now = confirm(self.workspaces.read(&row.id)).await?;
                if !now.is_some_and(|now| now.status.is_up() && now.instance.is_some() && now.instance == row.instance)
                {
                    return Ok(None);
                }
                point(points::CONFIRMED, &row.id).await;
                (sql::FLIP_BY_ID, by_id.to_vec())
            }
            Flip::Blind => (sql::FLIP_BY_ID, by_id.to_vec()),
        };
        let flipped = match (self.policy.broadcast, self.policy.flip) {
            (Broadcast::WithFlip, Flip::Guarded | Flip::Rechecked) => {
                confirm(self.workspaces.write_and_tell(sql, &row.id, &with, &event)).await?
            }
            (Broadcast::WithFlip, Flip::Blind) => {
                let flipped = confirm(self.workspaces.write(sql, &row.id, &with)).await?;
                confirm(self.workspaces.tell(&event)).await?;
                flipped
            }
            (Broadcast::CycleDeadline, _) => {
                let flipped = confirm(self.workspaces.write(sql, &row.id, &with)).await?;
                if flipped.is_none() && self.policy.flip != Flip::Blind {
                    return Ok(None);
                }
                point(points::FLIPPED, &row.id).await;
                let told = self.workspaces.tell(&event);
                match deadline {
                    Some(deadline) => {
                        let _ = time::timeout_at(deadline, told).await;
                    }
                    None => told.await?,
                }
                flipped
            }
        };
        if flipped.is_some() {
            fact(
                "reconciler.flipped",
                [("workspace", row.id.as_str().into()), ("instance", asked.unwrap_or("").into())],
            );
        }
        Ok(flipped)
    }

    /// What a row owes that is to be restarted.
    pub(super) fn restart_owed(&self) -> &'static str {
        match self.policy.dropped {
            Dropped::Owed => Owed::Restart.word(),
            Dropped::Forgotten => Owed::Nothing.word(),
        }
    }
}
