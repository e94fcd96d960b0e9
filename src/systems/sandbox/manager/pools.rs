//! The pools of connections that a replica has open, each for one session.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::runtime::fact;
use crate::storage::Rows;
use crate::systems::sandbox::session::Session;

/// Pools by the identity of their sessions. One that nobody closes stays open, whatever becomes of its session.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pools(Arc<Mutex<BTreeMap<Arc<str>, Rows>>>);

impl Pools {
    fn open_ones(&self) -> MutexGuard<'_, BTreeMap<Arc<str>, Rows>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A session has a pool.
    pub(crate) fn open(&self, identity: &Arc<str>, rows: &Rows) {
        self.open_ones().insert(identity.clone(), rows.clone());
    }

    /// Closes a session's pool, if it is open.
    pub(crate) fn close(&self, session: &Session) {
        let open = self.open_ones().remove(&session.identity);
        if let Some(rows) = open {
            rows.close();
            fact(
                "sandbox.pool-closed",
                [("sandbox", session.key.id.clone().into()), ("session", session.identity.clone().into())],
            );
        }
    }

    /// The identities of the sessions whose pools are open.
    pub(super) fn identities(&self) -> Vec<String> {
        self.open_ones().keys().map(ToString::to_string).collect()
    }
}
