//! Marks in the code under test: points, activities, accesses and facts.
//!
//! In production each of them is a no-op; inside a world they are where it interleaves and what oracles read.

use std::future::Future;
use std::sync::Arc;

use super::{Access, Field};
#[cfg(feature = "sim")]
use crate::world::history::What;

/// A named place where a world may interleave: hold this task, crash its host, let others run.
///
/// `subject` says what the place is about, for example a session id; together they are what a scripted hold names.
/// In production it returns at once.
pub async fn point(name: &'static str, subject: &str) {
    #[cfg(feature = "sim")]
    crate::world::pass(name, subject).await;
    #[cfg(not(feature = "sim"))]
    let _ = (name, subject);
}

/// Runs `future` as an activity of its own: one client operation, one sweep. What it spawns inherits it.
///
/// In production it only awaits the future.
pub async fn activity<F: Future>(name: impl Into<Arc<str>>, future: F) -> F::Output {
    #[cfg(feature = "sim")]
    {
        crate::world::activity(name, future).await
    }
    #[cfg(not(feature = "sim"))]
    {
        let _ = name;
        future.await
    }
}

/// Reports an access to shared state under the current activity.
pub fn access(access: Access) {
    #[cfg(feature = "sim")]
    record(|| What::Access(access));
    #[cfg(not(feature = "sim"))]
    drop(access);
}

/// Reports something that is so, for oracles to read: `fact("backend.opened", [("connection", 7u64.into())])`.
pub fn fact<const N: usize>(name: &'static str, fields: [Field; N]) {
    #[cfg(feature = "sim")]
    record(|| What::Fact { name, fields: fields.into() });
    #[cfg(not(feature = "sim"))]
    let _ = (name, fields);
}

/// Reports that a server committed `value` under `key` (`None`: it is gone), and why: `set`, `del`, `expired`, `evicted`.
///
/// Further causes are `lost` (after a crash or fail-over), `flushed`, and `insert`, `update` and `delete` of a row. This is ground truth, reported by simulated servers at the moment of the effect, whether or not a reply arrives.
pub fn commit(store: &str, key: &str, value: Option<&str>, cause: &'static str) {
    #[cfg(feature = "sim")]
    record(|| What::Commit { store: store.into(), key: key.into(), value: value.map(Arc::from), cause });
    #[cfg(not(feature = "sim"))]
    let _ = (store, key, value, cause);
}

/// What the caller works for, so that another can report its part of it: see [`Doing::commit`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Doing(#[cfg(feature = "sim")] crate::world::history::ActivityId);

/// The activity that the caller works for.
pub fn doing() -> Doing {
    Doing(
        #[cfg(feature = "sim")]
        crate::world::World::with(|world| world.context().activity).unwrap_or_default(),
    )
}

impl Doing {
    /// As [`commit`], for this activity: of a server that does at the end of one request what another has waited for.
    pub fn commit(self, store: &str, key: &str, value: Option<&str>, cause: &'static str) {
        #[cfg(feature = "sim")]
        crate::world::World::with(|world| {
            let what = What::Commit { store: store.into(), key: key.into(), value: value.map(Arc::from), cause };
            world.record_within(self.0, what);
        });
        #[cfg(not(feature = "sim"))]
        let _ = (store, key, value, cause);
    }

    /// As [`fact`], for this activity.
    pub fn fact<const N: usize>(self, name: &'static str, fields: [Field; N]) {
        #[cfg(feature = "sim")]
        crate::world::World::with(|world| world.record_within(self.0, What::Fact { name, fields: fields.into() }));
        #[cfg(not(feature = "sim"))]
        let _ = (name, fields);
    }

    /// Runs `future` as a part of this activity: what it sends is sent for whom that works for.
    pub async fn within<F: Future>(self, future: F) -> F::Output {
        #[cfg(feature = "sim")]
        {
            crate::world::resume_activity(self.0, future).await
        }
        #[cfg(not(feature = "sim"))]
        future.await
    }
}

/// The name of the host that the caller runs on, inside a world.
pub fn host() -> Option<Arc<str>> {
    #[cfg(feature = "sim")]
    return crate::world::World::with(|world| world.host_name());
    #[cfg(not(feature = "sim"))]
    None
}

#[cfg(feature = "sim")]
fn record(what: impl FnOnce() -> What) {
    crate::world::World::with(|world| world.record(what()));
}
