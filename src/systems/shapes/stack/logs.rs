//! The logs of living consumers: each is there for as long as its consumer is.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::systems::shapes::store::{Handle, Log};

type ByHandle = Arc<Mutex<BTreeMap<Handle, Arc<Log>>>>;

/// The logs of living consumers.
#[derive(Default)]
pub(crate) struct Logs(ByHandle);

/// Keeps a log among the others until it is dropped.
pub(crate) struct Kept {
    logs: ByHandle,
    handle: Handle,
    log: Arc<Log>,
}

impl Logs {
    /// The log of a shape; `None`: it has no living consumer.
    pub(crate) fn of(&self, handle: &str) -> Option<Arc<Log>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).get(handle).cloned()
    }

    /// Puts a log among the others.
    pub(crate) fn keep(&self, handle: &Handle, log: &Arc<Log>) -> Kept {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).insert(handle.clone(), log.clone());
        Kept { logs: self.0.clone(), handle: handle.clone(), log: log.clone() }
    }
}

impl Drop for Kept {
    fn drop(&mut self) {
        let mut logs = self.logs.lock().unwrap_or_else(PoisonError::into_inner);
        if logs.get(&self.handle).is_some_and(|log| Arc::ptr_eq(log, &self.log)) {
            logs.remove(&self.handle);
        }
    }
}
