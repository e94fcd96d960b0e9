//! Termination: the record first or last, by form; then whatever this pod holds of the session.

use std::sync::Arc;

use super::amend::Change;
use super::state::{Manager, label, outage};
use crate::runtime::point;
use crate::systems::session::live::{MultiSession, Refusal};
use crate::systems::session::points;
use crate::systems::session::policy::{TerminateLocal, TerminateWrite, Write};
use crate::systems::session::record::Record;
use crate::systems::session::records::Time;
use crate::systems::session::timeouts::TERMINATE;

impl Manager {
    /// Ends a session. A session that storage does not know is one that has ended.
    pub(crate) async fn terminate(self: &Arc<Self>, id: &Arc<str>) -> Result<(), Refusal> {
        let local = self.shelf.peek(id);
        if local.as_ref().is_some_and(|local| Arc::ptr_eq(local, &self.sentinel)) {
            return Ok(());
        }
        let marked = local.clone().filter(|_| self.policy.terminate_local == TerminateLocal::Sentinel);
        if marked.is_some() {
            // Upstream's threads let another termination in here, which then holds the same session.
            point(points::TERMINATE_PEEKED, label(id)).await;
            self.shelf.set(id, self.sentinel.clone()).await;
        }
        let time = Self::time(self.policy.terminate_deadline, TERMINATE);
        let written = match self.policy.terminate_write {
            TerminateWrite::Tombstone => self.bury_record(id, time).await,
            TerminateWrite::ByRecord => self.end_by_record(id, Write::Update, time).await,
            TerminateWrite::Guess => match &local {
                Some(_) => {
                    point(points::TERMINATE_LOADED, label(id)).await;
                    self.records.delete(id, time).await.map_err(|error| outage(id, &error))
                }
                None => self.end_by_record(id, Write::Upsert, time).await,
            },
        };
        point(points::TERMINATE_WRITTEN, label(id)).await;
        if let Err(refusal) = written {
            if let Some(session) = marked {
                self.shelf.set(id, session).await;
            }
            return Err(refusal);
        }
        self.end_locally(id, marked).await;
        tracing::info!(session = %id, "session terminated");
        Ok(())
    }

    async fn bury_record(&self, id: &str, time: Time) -> Result<(), Refusal> {
        let found = self.records.load(id, time).await.map_err(|error| outage(id, &error))?;
        let Some(found) = found else { return Ok(()) };
        point(points::TERMINATE_LOADED, label(id)).await;
        let change = |record: &Record| {
            if record.is_terminated() {
                return Change::Already;
            }
            let mut record = record.clone();
            record.terminate();
            Change::To(record)
        };
        match self.amend(id, "terminate", Some(found), time, change).await {
            Ok(_) | Err(Refusal::NotFound) => Ok(()),
            Err(refusal) => Err(refusal),
        }
    }

    /// Deletes a full record and marks a placeholder. In the oldest form only what is not cached here comes this way,
    /// and all of it is taken for placeholders.
    async fn end_by_record(&self, id: &str, mark: Write, time: Time) -> Result<(), Refusal> {
        let found = self.records.load(id, time).await.map_err(|error| outage(id, &error))?;
        let Some(found) = found else { return Ok(()) };
        point(points::TERMINATE_LOADED, label(id)).await;
        if found.record.is_full() && mark != Write::Upsert {
            return self.records.delete(id, time).await.map_err(|error| outage(id, &error));
        }
        let mut record = found.record;
        record.terminate();
        record.sign("terminate", &self.dialer.stamp());
        match self.overwrite(mark, id, &record, time).await {
            Ok(_) => Ok(()),
            Err(error) => {
                tracing::warn!(session = id, %error, "cannot mark a session as terminated, so it is deleted");
                self.records.delete(id, Time::each(TERMINATE)).await.map_err(|error| outage(id, &error))
            }
        }
    }

    async fn end_locally(&self, id: &Arc<str>, marked: Option<Arc<MultiSession>>) {
        match self.policy.terminate_local {
            TerminateLocal::Sentinel => {
                if let Some(session) = marked {
                    self.shelf.forget(id);
                    self.shelf.close(session).await;
                }
            }
            TerminateLocal::Remove => self.shelf.remove(id).await,
            TerminateLocal::Lazy => return,
            TerminateLocal::Bury => self.shelf.bury(id).await,
        }
        self.deregister(id);
    }
}
