//! Get: the session as a live object, found in the cache and held against its record, or restored from it.
//!
//! How a session is restored is in `restore.rs`.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::state::{Got, Manager, label};
use crate::runtime::point;
use crate::systems::session::live::{MultiSession, Refusal};
use crate::systems::session::points;
use crate::systems::session::policy::{Drift, Flight, Identity, OnExpired, OnOutage};
use crate::systems::session::record::Record;
use crate::systems::session::records::{Stored, Time};
use crate::systems::session::timeouts::LOAD;

/// How often a Get takes part in a restore of others before it makes its own.
const SHARED_ATTEMPTS: u32 = 2;

/// A cached object, held against its record.
enum Check {
    /// Borne out.
    Good,
    /// The record has moved on, to this.
    Moved(Stored),
    /// There is no such session any more.
    Gone,
    /// Storage did not answer.
    Unknown,
}

/// What became of a cached object that a Get found.
enum Hit {
    /// It is served, or one like it.
    Served(Arc<MultiSession>),
    /// It was evicted: restore the session.
    Reload,
}

impl Manager {
    /// The session as a live object, for `caller`.
    ///
    /// # Errors
    /// Not found, forbidden, or unavailable.
    pub(crate) async fn get(self: &Arc<Self>, id: &Arc<str>, caller: &str) -> Got {
        let session = match self.policy.flight {
            Flight::Misses => self.get_sharing_misses(id, caller).await?,
            Flight::Whole => self.get_sharing_all(id, caller).await?,
            Flight::Restores => self.get_sharing_restores(id, caller).await?,
        };
        if self.policy.identity == Identity::EachCaller {
            admit(session.record(), caller)?;
        }
        Ok(session)
    }

    async fn get_sharing_misses(self: &Arc<Self>, id: &Arc<str>, caller: &str) -> Got {
        if let Some(cached) = self.shelf.get(id)
            && let Hit::Served(session) = self.hit(cached, Some(caller)).await?
        {
            return Ok(session);
        }
        let (manager, wanted, leader) = (self.clone(), id.clone(), caller.to_owned());
        let flight = async move {
            // Somebody may have cached it between the look and the flight; that one is taken unchecked.
            match manager.shelf.peek(&wanted) {
                Some(present) if Arc::ptr_eq(&present, &manager.sentinel) => Err(Refusal::NotFound),
                Some(present) => Ok(present),
                None => manager.restore(&wanted, &leader).await,
            }
        };
        self.flights.run(id.clone(), flight).await
    }

    async fn get_sharing_all(self: &Arc<Self>, id: &Arc<str>, caller: &str) -> Got {
        let (manager, wanted, leader) = (self.clone(), id.clone(), caller.to_owned());
        let flight = async move {
            if let Some(cached) = manager.shelf.get(&wanted)
                && let Hit::Served(session) = manager.hit(cached, Some(&leader)).await?
            {
                return Ok(session);
            }
            manager.restore(&wanted, &leader).await
        };
        self.flights.run(id.clone(), flight).await
    }

    /// Shares the work of restoring, but never the look at storage: a flight that was under way when the caller came may
    /// have looked before the session was created, terminated or decorated, which the caller may know of.
    async fn get_sharing_restores(self: &Arc<Self>, id: &Arc<str>, caller: &str) -> Got {
        for _ in 0..SHARED_ATTEMPTS {
            if let Some(cached) = self.shelf.get(id)
                && let Hit::Served(session) = self.hit(cached, Some(caller)).await?
            {
                return Ok(session);
            }
            let led = Arc::new(AtomicBool::new(false));
            let (manager, wanted, leader, leading) = (self.clone(), id.clone(), caller.to_owned(), led.clone());
            let flight = async move {
                leading.store(true, Ordering::Relaxed);
                manager.restore(&wanted, &leader).await
            };
            let landed = self.flights.run(id.clone(), flight).await;
            if led.load(Ordering::Relaxed) {
                return landed;
            }
            match landed {
                Ok(session) => {
                    if let Hit::Served(session) = self.hit(session, None).await? {
                        return Ok(session);
                    }
                }
                Err(refusal) if self.policy.identity == Identity::FlightLeader => return Err(refusal),
                Err(_) => {}
            }
        }
        self.restore(id, caller).await
    }

    /// Holds a cached object against its record, and serves it, its successor, or nothing.
    ///
    /// `caller` is the one whose identity counts here; `None`: it has been looked at already.
    async fn hit(self: &Arc<Self>, cached: Arc<MultiSession>, caller: Option<&str>) -> Result<Hit, Refusal> {
        if Arc::ptr_eq(&cached, &self.sentinel) {
            return Err(Refusal::NotFound);
        }
        if let (Identity::FlightLeader, Some(caller)) = (self.policy.identity, caller) {
            admit(cached.record(), caller)?;
        }
        let check = self.check(&cached).await;
        point(points::GET_CHECKED, label(cached.id())).await;
        let moved = match check {
            Check::Good => return Ok(Hit::Served(cached)),
            Check::Unknown => {
                return match self.policy.on_outage {
                    OnOutage::ServeCached => Ok(Hit::Served(cached)),
                    OnOutage::Refuse => Err(Refusal::Unavailable),
                };
            }
            Check::Moved(stored) => Some(stored),
            Check::Gone => None,
        };
        match (self.policy.on_expired, moved) {
            (OnExpired::Adopt, Some(stored)) => Ok(Hit::Served(self.adopt(cached, stored).await)),
            (OnExpired::NotFound, _) | (OnExpired::Adopt, None) => {
                self.shelf.evict(&cached).await;
                Err(Refusal::NotFound)
            }
            (OnExpired::Reload, _) => {
                self.shelf.evict(&cached).await;
                Ok(Hit::Reload)
            }
        }
    }

    async fn check(&self, cached: &MultiSession) -> Check {
        let stored = match self.records.load(cached.id(), Time::each(LOAD)).await {
            Ok(Some(stored)) if !stored.record.is_live() => return Check::Gone,
            Ok(Some(stored)) => stored,
            Ok(None) => return Check::Gone,
            Err(error) => {
                tracing::warn!(session = %cached.id(), %error, "cannot check a cached session");
                return Check::Unknown;
            }
        };
        if self.has_drifted(cached, &stored) { Check::Moved(stored) } else { Check::Good }
    }

    /// Whether a record has moved on from what a cached object knows of it.
    pub(super) fn has_drifted(&self, cached: &MultiSession, stored: &Stored) -> bool {
        let (known, found) = (cached.record(), &stored.record);
        match self.policy.drift {
            Drift::BackendIdsIfKnown => known.backends().is_some() && known.backends() != found.backends(),
            Drift::WholeMetadata => !known.same_metadata(found),
            Drift::BackendIds => known.backends() != found.backends(),
            Drift::Revision => known.revision() != found.revision(),
        }
    }

    /// Takes a newer record over: an object that knows it, around the same connections, in the place of the old one.
    pub(super) async fn adopt(&self, cached: Arc<MultiSession>, stored: Stored) -> Arc<MultiSession> {
        let successor = cached.knowing(stored);
        successor.retain(&successor.record().backends().unwrap_or_default()).await;
        let mut place = cached;
        while !self.shelf.swap(&place, &successor).await {
            // Others may have taken over an older or a newer record meanwhile; the newest stays.
            match self.shelf.peek(successor.id()) {
                Some(current)
                    if current.shares(&successor) && current.record().number() < successor.record().number() =>
                {
                    place = current;
                }
                _ => break,
            }
        }
        successor
    }
}

/// Whether a session is the caller's.
pub(super) fn admit(record: &Record, caller: &str) -> Result<(), Refusal> {
    if record.owner() == caller {
        return Ok(());
    }
    tracing::warn!("a session was refused to another identity");
    Err(Refusal::Forbidden)
}
