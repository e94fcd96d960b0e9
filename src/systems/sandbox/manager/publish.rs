//! Telling other replicas of a write: by its writer, or later where that failed.

use std::sync::Arc;

use super::Manager;
use super::fresh::install;
use crate::runtime::{activity, fact, point, time};
use crate::storage::StorageError;
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::{Counter, Drain};
use crate::systems::sandbox::session::{Key, Session};
use crate::systems::sandbox::stamp::Stamp;
use crate::systems::sandbox::store;
use crate::systems::sandbox::timeouts::DRAIN;
use crate::systems::sandbox::version::Count;

impl Manager {
    /// Tells other replicas of the tree that a session has. Where that fails it is left for later.
    pub(super) async fn publish(&self, session: &Arc<Session>, by: &'static str) -> Result<(), StorageError> {
        let Some(tree) = session.tree() else {
            // What it was is not known any more, and those who ask find out.
            self.settled(session);
            return Ok(());
        };
        let Key { tenant, id } = &session.key;
        let published = match self.policy.counter {
            Counter::Bare => {
                let published = self.counters.publish(tenant, id, tree.stamp).await;
                if let Ok(count) = published {
                    self.snapshots.leave(tenant, id, count, &tree).await;
                }
                published
            }
            // What the snapshot says of itself is known beforehand, so both are sent together.
            Counter::Stamped => {
                let count = Count::Stamp(tree.stamp);
                let leave = self.snapshots.leave(tenant, id, count, &tree);
                tokio::join!(self.counters.publish(tenant, id, tree.stamp), leave).0
            }
        };
        match published {
            Ok(count) => {
                session.see(Some(count));
                self.settled(session);
                tell("sandbox.published", session, tree.stamp, by);
                Ok(())
            }
            Err(error) => {
                tracing::warn!(sandbox = %session.key.id, %error, "a write could not be told to other replicas");
                session.see(None);
                session.set_pending(true);
                tell("sandbox.unpublished", session, tree.stamp, by);
                self.pending().insert(session.identity.clone(), session.clone());
                self.stranded.notify_one();
                Err(error)
            }
        }
    }

    fn settled(&self, session: &Session) {
        if session.set_pending(false) {
            self.pending().remove(&session.identity);
        }
    }

    /// Publishes what could not be published, now and then, for ever.
    pub(crate) async fn keep_draining(self: Arc<Self>) {
        loop {
            let stranded = self.stranded.notified();
            if self.pending().is_empty() {
                stranded.await;
            }
            time::sleep(DRAIN).await;
            let pending: Vec<_> = self.pending().values().cloned().collect();
            for session in pending {
                activity(format!("drain {}", session.key.id), self.flush(&session, "drainer")).await;
            }
        }
    }

    /// Publishes what a session has to publish, if that is still so.
    pub(super) async fn flush(&self, session: &Arc<Session>, by: &'static str) {
        let _local = session.local.clone().write_owned().await;
        if !session.is_pending() {
            return;
        }
        point(points::DRAIN, &session.key.id).await;
        if self.policy.drain != Drain::Blind {
            let Some(tree) = session.tree() else { return self.flush_unknown(session, by).await };
            match store::meta(&self.rows, &session.key.id).await {
                Ok(Some(meta)) if meta.stamp == tree.stamp => {}
                Ok(_) => {
                    self.settled(session);
                    return tell("sandbox.dropped", session, tree.stamp, by);
                }
                Err(_) => return,
            }
        }
        let _ = self.publish(session, by).await;
    }

    /// The same where nobody knows any more what it was: a later write may or may not have been done, and nobody else tells
    /// of either.
    async fn flush_unknown(&self, session: &Arc<Session>, by: &'static str) {
        if self.policy.drain == Drain::Known {
            return self.settled(session);
        }
        match store::load(&self.rows, &session.key.id).await {
            Ok(Some(tree)) => {
                install(session, tree, "rows");
                let _ = self.publish(session, by).await;
            }
            Ok(None) => {
                self.settled(session);
                tell("sandbox.dropped", session, None, by);
            }
            // It is tried again.
            Err(_) => {}
        }
    }
}

fn tell(what: &'static str, session: &Session, stamp: impl Into<Option<Stamp>>, by: &'static str) {
    let stamp = stamp.into().map(|stamp| stamp.to_string());
    fact(
        what,
        [
            ("sandbox", session.key.id.clone().into()),
            ("session", session.identity.clone().into()),
            ("stamp", stamp.unwrap_or_default().into()),
            ("by", by.into()),
        ],
    );
}
