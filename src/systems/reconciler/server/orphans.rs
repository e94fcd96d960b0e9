//! The sweep for what is left over: work that nobody is at any more, and instances that nobody has.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::state::Server;
use super::work::{Trouble, has};
use crate::runtime::{point, time};
use crate::systems::reconciler::plane::Listed;
use crate::systems::reconciler::row::{Owed, Workspace};
use crate::systems::reconciler::timeouts::{CHECK, ORPHAN_SWEEP};
use crate::systems::reconciler::{points, sql};

impl Server {
    /// Sweeps once.
    pub(super) async fn sweep_orphans(self: &Arc<Self>) {
        let both = async {
            let (work, strays) = (self.take_over().await, self.sweep_strays().await);
            work.and(strays)
        };
        match time::timeout(ORPHAN_SWEEP, both).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(%error, "cannot sweep what is left over"),
            Err(_) => tracing::warn!("did not get to the end of what is left over"),
        }
    }

    async fn take_over(self: &Arc<Self>) -> Result<(), Trouble> {
        for row in self.workspaces.all(sql::OWED, &[]).await? {
            if row.owed == Owed::Restart {
                self.restart(row.id, row.instance, row.generation);
                continue;
            }
            let owed = row.owed.word();
            let adopted = self.workspaces.write(sql::ADOPT, &row.id, &[&row.generation, &owed, &self.me]).await?;
            if let Some(row) = adopted {
                self.spawn_work(row, None);
            }
        }
        Ok(())
    }

    /// First what there is, then who has it: a row that does not have an instance of an earlier decision by then never will.
    async fn sweep_strays(&self) -> Result<(), Trouble> {
        let listed = self.plane.list(CHECK).await?;
        let live: Vec<Listed> = listed.into_iter().filter(|instance| instance.state.is_live()).collect();
        if live.is_empty() {
            return Ok(());
        }
        let mut tags: Vec<&str> = live.iter().map(|instance| &*instance.tag).collect();
        tags.sort_unstable();
        tags.dedup();
        let rows = self.workspaces.all(sql::AMONG, &[&tags]).await?;
        let rows: BTreeMap<&str, &Workspace> = rows.iter().map(|row| (&*row.id, row)).collect();
        for instance in live {
            match rows.get(&*instance.tag) {
                Some(row) if row.owed != Owed::Nothing && row.generation == instance.token => {}
                Some(row) if row.owed == Owed::Nothing && row.status.is_put_away() && has(row, &instance.id) => {
                    // Somebody started it late.
                    point(points::STRAY_FOUND, &instance.tag).await;
                    self.plane.stop(&instance.id).await?;
                }
                Some(row) if has(row, &instance.id) => {}
                _ => {
                    point(points::STRAY_FOUND, &instance.tag).await;
                    self.plane.terminate(&instance.id).await?;
                }
            }
        }
        Ok(())
    }
}
