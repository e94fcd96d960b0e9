//! Restoring: a live object made of a record, on a pod that had none.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::get::admit;
use super::shelf::Added;
use super::state::{Got, Manager, label, outage};
use crate::runtime::time::Instant;
use crate::runtime::{fact, point};
use crate::systems::session::connection::Connection;
use crate::systems::session::live::{MultiSession, Refusal};
use crate::systems::session::points;
use crate::systems::session::policy::{Identity, OnExpired, OnPresent, Restore};
use crate::systems::session::records::{Stored, Time};
use crate::systems::session::timeouts::{LOAD, RESTORE, RESTORE_WRITE};

impl Manager {
    /// Makes a live object of a record and caches it.
    pub(super) async fn restore(self: &Arc<Self>, id: &Arc<str>, leader: &str) -> Got {
        fact("session.restoring", [("session", id.clone().into())]);
        let found = self.records.load(id, Time::each(LOAD)).await.map_err(|error| outage(id, &error))?;
        let stored = found.filter(|stored| stored.record.is_live()).ok_or(Refusal::NotFound)?;
        if self.policy.identity == Identity::FlightLeader {
            admit(&stored.record, leader)?;
        }
        let Some(backends) = stored.record.backends() else {
            tracing::warn!(session = %id, "the record names no backends at all");
            return Err(Refusal::NotFound);
        };
        point(points::RESTORE_LOADED, label(id)).await;
        let registered: BTreeSet<&str> = self.dialer.registered().collect();
        let wanted = backends.intersection(&registered);
        let wanted = wanted.map(|backend| ((*backend).to_owned(), stored.record.hint(backend).to_owned())).collect();
        let until = Instant::now() + RESTORE;
        let connections = self.dialer.open_all(id, stored.record.owner(), wanted, Some(until)).await;
        point(points::RESTORE_CONNECTED, label(id)).await;
        let session = self.restored(id, stored.clone(), connections).await?;
        let session = self.shelve(id, session, stored).await?;
        fact("session.restored", [("session", id.clone().into()), ("object", session.number().into())]);
        Ok(session)
    }

    /// The object, with what it claims of itself.
    async fn restored(&self, id: &Arc<str>, stored: Stored, connections: BTreeMap<String, Connection>) -> Got {
        if self.policy.restore == Restore::AsStored {
            return Ok(MultiSession::new(id, stored, connections, &self.dialer));
        }
        let hints: BTreeMap<_, _> =
            connections.iter().map(|(backend, connection)| (backend.clone(), connection.hint().to_owned())).collect();
        let mut record = stored.record;
        record.set_backends(&hints);
        if self.policy.restore == Restore::WrittenBack {
            record.sign("restore", &self.dialer.stamp());
        }
        let session = MultiSession::new(id, record.into(), connections, &self.dialer);
        if self.policy.restore == Restore::WrittenBack {
            match self.records.update(id, session.record(), Time::each(RESTORE_WRITE)).await {
                Ok(true) => {}
                Ok(false) => {
                    self.shelf.close(session).await;
                    return Err(Refusal::NotFound);
                }
                Err(error) => tracing::warn!(session = %id, %error, "restored metadata was not written back"),
            }
        }
        Ok(session)
    }

    /// Caches the object, unless there is another by now.
    async fn shelve(&self, id: &Arc<str>, session: Arc<MultiSession>, stored: Stored) -> Got {
        let present = match self.shelf.add(id, &session).await {
            Added::Done => return Ok(session),
            Added::Refused => {
                self.shelf.close(session).await;
                let refusal = if self.shelf.is_draining() { Refusal::Unavailable } else { Refusal::NotFound };
                return Err(refusal);
            }
            Added::Present(present) => present,
        };
        if self.policy.on_present == OnPresent::NotFound || Arc::ptr_eq(&present, &self.sentinel) {
            self.shelf.close(session).await;
            return Err(Refusal::NotFound);
        }
        point(points::RESTORE_PRESENT, label(id)).await;
        match (self.shelf.get(id), self.policy.on_present) {
            (Some(winner), _) => {
                self.shelf.close(session).await;
                // What was loaded may be newer than what the winner knows.
                if self.policy.on_expired == OnExpired::Adopt && winner.record().number() < stored.record.number() {
                    return Ok(self.adopt(winner, stored).await);
                }
                Ok(winner)
            }
            (None, OnPresent::WinnerOrUncached) => Ok(session),
            (None, OnPresent::WinnerOrNotFound) => {
                self.shelf.close(session).await;
                Err(Refusal::NotFound)
            }
            (None, OnPresent::WinnerOrInsert | OnPresent::NotFound) => match self.shelf.add(id, &session).await {
                Added::Done => Ok(session),
                Added::Present(_) | Added::Refused => {
                    self.shelf.close(session).await;
                    Err(Refusal::Unavailable)
                }
            },
        }
    }
}
