//! The sweep for orphans: namespaces that no row has.

use super::state::{Trouble, Worker};
use crate::runtime::point;
use crate::systems::sweeper::points;

impl Worker {
    /// Deletes the namespaces that no row has.
    pub(super) async fn sweep_orphans(&self) -> Result<(), Trouble> {
        let Some((listing, live)) = self.survey().await? else { return Ok(()) };
        let orphans = self.judge(listing, &live);
        if orphans.is_empty() {
            return Ok(());
        }
        point(points::JUDGED, &self.name).await;
        let orphans = self.recheck(self.policy.key, orphans).await?;
        self.delete(&orphans).await;
        Ok(())
    }
}
