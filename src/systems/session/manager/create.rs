//! Creation: a placeholder becomes a session with live connections.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::amend::Change;
use super::shelf::Added;
use super::state::{Manager, label, outage};
use crate::runtime::point;
use crate::systems::session::live::{MultiSession, Refusal};
use crate::systems::session::points;
use crate::systems::session::policy::{Publish, Write};
use crate::systems::session::record::Record;
use crate::systems::session::records::{Stored, Time};
use crate::systems::session::timeouts;

const TIME: fn() -> Time = || Time::each(timeouts::CREATE);

impl Manager {
    /// Makes a session of a placeholder: `owner`'s, with all backends that let themselves be connected.
    pub(crate) async fn create(self: &Arc<Self>, id: &Arc<str>, owner: &str) -> Result<(), Refusal> {
        let placeholder = self.placeholder(id).await?;
        if placeholder.record.is_full() && self.policy.create_write == Write::CompareAndSet {
            return Err(Refusal::Conflict);
        }
        point(points::CREATE_CHECKED, label(id)).await;
        let wanted = self.dialer.registered().map(|backend| (backend.to_owned(), String::new())).collect();
        let connections = self.dialer.open_all(id, owner, wanted, None).await;
        if connections.is_empty() {
            tracing::warn!(session = %id, "no backend could be connected");
            self.give_up(id, placeholder).await;
            return Err(Refusal::Backend);
        }
        let hints: BTreeMap<_, _> =
            connections.iter().map(|(backend, connection)| (backend.clone(), connection.hint().to_owned())).collect();
        let mut record = placeholder.record.clone();
        record.fill(owner, &self.dialer.stamp(), &hints);
        record.sign("create", &self.dialer.stamp());
        let session = MultiSession::new(id, record.into(), connections, &self.dialer);

        let written = match self.placeholder(id).await {
            Ok(placeholder) => {
                point(points::CREATE_RECHECKED, label(id)).await;
                self.write_created(id, &session, placeholder).await
            }
            Err(refusal) => Err(refusal),
        };
        let stored = match written {
            Ok(stored) => stored,
            Err(refusal) => {
                self.shelf.close(session).await;
                return Err(refusal);
            }
        };
        point(points::CREATE_WRITTEN, label(id)).await;
        self.publish_created(id, session.knowing(stored)).await;
        tracing::info!(session = %id, backends = hints.len(), "session created");
        Ok(())
    }

    /// The record, while it is not terminated.
    async fn placeholder(&self, id: &str) -> Result<Stored, Refusal> {
        let found = self.records.load(id, TIME()).await.map_err(|error| outage(id, &error))?;
        found.filter(|stored| !stored.record.is_terminated()).ok_or(Refusal::NotFound)
    }

    async fn write_created(
        &self,
        id: &Arc<str>,
        session: &MultiSession,
        placeholder: Stored,
    ) -> Result<Stored, Refusal> {
        let full = session.record();
        if self.policy.create_write != Write::CompareAndSet {
            let written = self.overwrite(self.policy.create_write, id, full, TIME()).await;
            let written = written.map_err(|error| outage(id, &error))?;
            return if written { Ok(session.stored().clone()) } else { Err(Refusal::NotFound) };
        }
        let change = |record: &Record| match record {
            record if record.is_terminated() => Change::Refused(Refusal::NotFound),
            record if record.creation() == full.creation() => Change::Already,
            record if record.is_full() => Change::Refused(Refusal::Conflict),
            _ => Change::To(full.clone()),
        };
        self.amend(id, "create", Some(placeholder), TIME(), change).await
    }

    async fn publish_created(&self, id: &Arc<str>, session: Arc<MultiSession>) {
        self.register(&session);
        if self.policy.publish != Publish::Claim {
            return self.shelf.set(id, session).await;
        }
        match self.shelf.add(id, &session).await {
            Added::Done => {}
            // A Get has restored the session meanwhile, or somebody has terminated it: this one is not needed.
            Added::Present(_) | Added::Refused => self.shelf.close(session).await,
        }
    }

    /// Marks the placeholder of a session that could not be made, as far as that can be done.
    async fn give_up(&self, id: &Arc<str>, placeholder: Stored) {
        let marked = if self.policy.create_write == Write::CompareAndSet {
            let change = |record: &Record| match record {
                record if record.is_terminated() => Change::Already,
                record if record.is_full() => Change::Refused(Refusal::Conflict),
                record => {
                    let mut record = record.clone();
                    record.terminate();
                    Change::To(record)
                }
            };
            self.amend(id, "give-up", Some(placeholder), TIME(), change).await.map(drop)
        } else {
            let mut record = placeholder.record;
            record.terminate();
            record.sign("give-up", &self.dialer.stamp());
            let marked = self.overwrite(self.policy.create_write, id, &record, TIME()).await;
            marked.map(drop).map_err(|error| outage(id, &error))
        };
        if let Err(refusal) = marked {
            tracing::warn!(session = %id, %refusal, "a placeholder is left to expire");
        }
    }
}
