//! The sweep for failures: deployments that did not come up.

use super::state::{Trouble, Worker};
use crate::servers::cluster::{Phase, View};
use crate::systems::sweeper::cluster::{age, fares_for};
use crate::systems::sweeper::policy::{Fetch, Key};
use crate::systems::sweeper::row::token;
use crate::systems::sweeper::timeouts::{ASK, FAILED_GRACE, GRACE};

impl Worker {
    /// Deletes failed namespaces that no row has, and takes down deployments that have failed for long.
    pub(super) async fn sweep_failures(&self) -> Result<(), Trouble> {
        let mut failed = self.cluster.failed().await?;
        failed.items.retain(|view| view.phase == Phase::Active && token(&view.name).is_some());
        if failed.items.is_empty() {
            return Ok(());
        }
        let live = self.primary.live(Key::Namespace, Fetch::Whole, self.page).await?;
        if self.distrusts(&live) {
            return Ok(());
        }
        let (kept, orphans): (Vec<View>, Vec<View>) =
            failed.items.into_iter().partition(|view| live.contains(&view.name));
        for view in &kept {
            if fares_for(view, failed.date).is_some_and(|time| time >= FAILED_GRACE) {
                self.cluster.withdraw(&view.name, &view.uid).await?;
            }
        }
        let mut old = Vec::new();
        for orphan in orphans {
            // The list may be old, and says nothing of when it was made.
            match self.cluster.get(&orphan.name, ASK).await? {
                Some((view, date)) if age(&view, date).is_some_and(|age| age >= GRACE) => old.push(view),
                _ => {}
            }
        }
        let old = self.recheck(Key::Namespace, old).await?;
        self.delete(&old).await;
        Ok(())
    }
}
