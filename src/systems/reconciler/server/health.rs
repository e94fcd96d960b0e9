//! Heartbeats, and the sweep for agents that have fallen silent.

use super::intents::Refusal;
use super::state::Server;
use crate::systems::reconciler::row::Status;
use crate::systems::reconciler::sql;

impl Server {
    /// An agent says that it is alive.
    pub(crate) async fn heartbeat(&self, id: &str, instance: &str, status: Status) -> Result<(), Refusal> {
        let word = status.word();
        match self.workspaces.change(sql::HEARTBEAT, id, &[&instance, &word]).await {
            Ok(true) => Ok(()),
            Ok(false) => Err(Refusal::Conflict),
            Err(_) => Err(Refusal::Unavailable),
        }
    }

    /// Sweeps once.
    pub(super) async fn sweep_health(&self) {
        match self.workspaces.sweep(sql::HEALTH).await {
            Ok(0) => {}
            Ok(silent) => tracing::info!(silent, "agents have fallen silent"),
            Err(error) => tracing::warn!(%error, "cannot look for silent agents"),
        }
    }
}
