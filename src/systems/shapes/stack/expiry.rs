//! Shapes that nobody has asked for in a long time are removed.

use std::sync::Arc;

use super::{Stack, ToCleanup};
use crate::runtime::time;
use crate::systems::shapes::actors::{Context, Reason};
use crate::systems::shapes::timeouts::{EXPIRY, EXPIRY_ROUND};

/// Looks around now and then until it is told to end.
pub(super) async fn expire(_context: Context<()>, stack: Arc<Stack>) -> Reason {
    loop {
        time::sleep(EXPIRY_ROUND).await;
        for handle in stack.table.idle(EXPIRY).unwrap_or_default() {
            if let Some(cleanup) = stack.names().cleanup() {
                cleanup.send(ToCleanup::Remove { handle, why: "expired", of: None, begun: None });
            }
        }
    }
}
