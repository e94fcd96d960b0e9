//! Tearing down a stack that is to go: the one that its row says, and no other that has come to have the name.

use super::cluster::{Cluster, Silence};
use super::row::{OWNER, Stack};
use super::timeouts::ASK;
use crate::servers::cluster::Phase;

/// Deletes a stack's namespace, if there is one still that belongs to it.
pub(crate) async fn tear_down(cluster: &Cluster, stack: &Stack) -> Result<(), Silence> {
    let Some((view, _)) = cluster.get(&stack.namespace, ASK).await? else { return Ok(()) };
    if view.phase == Phase::Terminating || view.labels.get(OWNER) != Some(&stack.id) {
        return Ok(());
    }
    // Gone meanwhile, or another by now: either way it is not there any more.
    cluster.delete(&view.name, Some(&view.uid)).await.map(drop)
}
