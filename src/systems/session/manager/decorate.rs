//! Decoration: a session gets something more to offer, in the cache and in its record.

use std::sync::Arc;

use super::amend::Change;
use super::state::{Manager, label, outage};
use crate::runtime::point;
use crate::systems::session::live::{MultiSession, Refusal};
use crate::systems::session::points;
use crate::systems::session::policy::{Publish, TerminateLocal, Write};
use crate::systems::session::record::Record;
use crate::systems::session::records::{Stored, Time};
use crate::systems::session::timeouts::DECORATE;

impl Manager {
    /// Decorates a session with `decoration`.
    pub(crate) async fn decorate(
        self: &Arc<Self>,
        id: &Arc<str>,
        caller: &str,
        decoration: &str,
    ) -> Result<(), Refusal> {
        let session = self.get(id, caller).await?;
        let mut record = session.record().clone();
        record.decorate(decoration);
        record.sign("decorate", &self.dialer.stamp());
        let decorated = session.knowing(record.into());
        let swapped = self.policy.publish == Publish::SwapFirst;
        if swapped && !self.shelf.swap(&session, &decorated).await {
            return Err(Refusal::Conflict);
        }
        point(points::DECORATE_SWAPPED, label(id)).await;
        let stored = match self.write_decorated(id, &session, &decorated, decoration).await {
            Ok(stored) => stored,
            Err(refusal) => {
                if swapped {
                    self.shelf.swap(&decorated, &session).await;
                }
                if refusal == Refusal::NotFound && self.policy.terminate_local == TerminateLocal::Remove {
                    self.shelf.remove(id).await;
                }
                return Err(refusal);
            }
        };
        point(points::DECORATE_WRITTEN, label(id)).await;
        match self.policy.publish {
            Publish::SwapFirst => {}
            Publish::Set => self.shelf.set(id, session.knowing(stored)).await,
            Publish::Claim => drop(self.adopt(session, stored).await),
        }
        Ok(())
    }

    async fn write_decorated(
        &self,
        id: &Arc<str>,
        session: &MultiSession,
        decorated: &MultiSession,
        decoration: &str,
    ) -> Result<Stored, Refusal> {
        let time = Time::each(DECORATE);
        if self.policy.decorate_write != Write::CompareAndSet {
            let written = self.overwrite(self.policy.decorate_write, id, decorated.record(), time).await;
            let written = written.map_err(|error| outage(id, &error))?;
            return if written { Ok(decorated.stored().clone()) } else { Err(Refusal::NotFound) };
        }
        let change = |record: &Record| {
            if !record.is_live() {
                return Change::Refused(Refusal::NotFound);
            }
            if record.decorations().contains(decoration) {
                return Change::Already;
            }
            let mut record = record.clone();
            record.decorate(decoration);
            Change::To(record)
        };
        self.amend(id, "decorate", Some(session.stored().clone()), time, change).await
    }
}
