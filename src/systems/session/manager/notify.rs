//! A backend has expired for a session: it is dropped from the record, and from what this pod holds.

use std::sync::Arc;

use super::amend::Change;
use super::state::{Manager, label, outage};
use crate::runtime::point;
use crate::systems::session::live::Refusal;
use crate::systems::session::points;
use crate::systems::session::policy::{NotifyAnswer, NotifyCache, NotifyInput, Write};
use crate::systems::session::record::Record;
use crate::systems::session::records::{Stored, Time};
use crate::systems::session::timeouts::NOTIFY;

impl Manager {
    /// Drops an expired backend from a session.
    pub(crate) async fn notify(self: &Arc<Self>, id: &Arc<str>, backend: &str) -> Result<(), Refusal> {
        let dropped = self.drop_backend(id, backend).await;
        match (self.policy.notify_answer, dropped) {
            (NotifyAnswer::Confirmed, dropped) => dropped,
            (NotifyAnswer::Accepted, Ok(())) => Ok(()),
            (NotifyAnswer::Accepted, Err(refusal)) => {
                tracing::warn!(session = %id, backend, %refusal, "an expired backend was not dropped");
                Ok(())
            }
        }
    }

    async fn drop_backend(self: &Arc<Self>, id: &Arc<str>, backend: &str) -> Result<(), Refusal> {
        let stored = if self.policy.notify_write == Write::CompareAndSet {
            self.drop_by_swap(id, backend).await?
        } else {
            let Some(stored) = self.drop_by_overwrite(id, backend).await? else { return Ok(()) };
            stored
        };
        point(points::NOTIFY_WRITTEN, label(id)).await;
        match self.policy.notify_cache {
            NotifyCache::DeleteUnclosed => self.shelf.forget(id),
            NotifyCache::Leave => {}
            NotifyCache::Adopt => {
                if let Some(cached) = self.shelf.peek(id)
                    && cached.record().number() < stored.record.number()
                    && !Arc::ptr_eq(&cached, &self.sentinel)
                {
                    self.adopt(cached, stored).await;
                }
            }
        }
        Ok(())
    }

    async fn drop_by_swap(&self, id: &str, backend: &str) -> Result<Stored, Refusal> {
        let time = Self::time(self.policy.notify_deadline, NOTIFY);
        let known = match self.policy.notify_input {
            NotifyInput::Stored => {
                let found = self.records.load(id, time).await.map_err(|error| outage(id, &error))?;
                Some(found.ok_or(Refusal::NotFound)?)
            }
            NotifyInput::Cached => self.shelf.peek(&id.into()).map(|cached| cached.stored().clone()),
        };
        point(points::NOTIFY_LOADED, label(id)).await;
        let change = |record: &Record| {
            if !record.is_live() {
                return Change::Refused(Refusal::NotFound);
            }
            if !record.has_backend(backend) {
                return Change::Already;
            }
            let mut record = record.clone();
            record.drop_backend(backend);
            Change::To(record)
        };
        self.amend(id, "notify", known, time, change).await
    }

    /// The historical ways. `None`: there was nothing to drop it from.
    async fn drop_by_overwrite(&self, id: &Arc<str>, backend: &str) -> Result<Option<Stored>, Refusal> {
        let cached = match self.policy.notify_input {
            NotifyInput::Cached => self.shelf.peek(id).map(|cached| cached.record().clone()),
            NotifyInput::Stored => None,
        };
        let record = if cached.is_some() {
            cached
        } else {
            let found = self.records.load(id, Time::each(NOTIFY)).await.map_err(|error| outage(id, &error))?;
            found.map(|stored| stored.record)
        };
        let Some(mut record) = record.filter(|record| !record.is_terminated() && record.backends().is_some()) else {
            return Err(Refusal::NotFound);
        };
        record.drop_backend(backend);
        record.sign("notify", &self.dialer.stamp());
        point(points::NOTIFY_LOADED, label(id)).await;
        let stored = Stored::from(record);
        let written = self.update_metadata(id, &stored.record).await?;
        Ok(written.then_some(stored))
    }

    async fn update_metadata(&self, id: &Arc<str>, record: &Record) -> Result<bool, Refusal> {
        let time = Self::time(self.policy.notify_deadline, NOTIFY);
        if self.policy.notify_write == Write::Upsert {
            if self.shelf.peek(id).is_some_and(|cached| Arc::ptr_eq(&cached, &self.sentinel)) {
                return Ok(false);
            }
            // It asks whether the record exists, and not what it says.
            let found = self.records.load(id, time).await.map_err(|error| outage(id, &error))?;
            if found.is_none() {
                return Ok(false);
            }
            point(points::NOTIFY_CHECKED, label(id)).await;
        }
        self.overwrite(self.policy.notify_write, id, record, time).await.map_err(|error| outage(id, &error))
    }
}
