//! What the session manager of one pod is made of; generation, validation, calls and the end of it all.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::shelf::Shelf;
use crate::cache::SingleFlight;
use crate::runtime::{point, time};
use crate::storage::KeyValue;
use crate::systems::session::live::{Dialer, MultiSession, Refusal};
use crate::systems::session::outcome::PodView;
use crate::systems::session::points;
use crate::systems::session::policy::{Deadline, Handlers, Policy, ValidateAbsent, Write};
use crate::systems::session::record::Record;
use crate::systems::session::records::{Outage, Records, Time};
use crate::systems::session::timeouts::{GENERATE, SHUTDOWN, VALIDATE};

/// How often generation tries, each time with a fresh id.
const GENERATE_ATTEMPTS: u32 = 2;
/// How often a tool call looks its session up again after the one it had was closed.
const CALL_ATTEMPTS: u32 = 3;

pub(super) type Got = Result<Arc<MultiSession>, Refusal>;

/// The session manager of one pod.
pub(crate) struct Manager {
    pub(super) policy: Policy,
    pub(super) records: Records,
    pub(super) shelf: Shelf,
    pub(super) flights: SingleFlight<Arc<str>, Got>,
    pub(super) dialer: Arc<Dialer>,
    /// Stands in the cache for a session that is being terminated, in forms that do so.
    pub(super) sentinel: Arc<MultiSession>,
    /// The objects that registered tools go to, in forms that capture them.
    handlers: Mutex<BTreeMap<Arc<str>, Arc<MultiSession>>>,
}

impl Manager {
    /// The manager of a pod that has just started.
    pub(crate) fn new(pod: &str, policy: Policy, capacity: u32, store: KeyValue, dialer: Dialer) -> Arc<Self> {
        let dialer = Arc::new(dialer);
        Arc::new(Self {
            shelf: Shelf::new(pod, capacity, &policy),
            records: Records::new(store),
            flights: SingleFlight::new(),
            sentinel: MultiSession::sentinel(&dialer),
            handlers: Mutex::default(),
            policy,
            dialer,
        })
    }

    /// A new session id, with a placeholder in storage. `label` is what the client calls it.
    pub(crate) async fn generate(&self, label: &str) -> Result<Arc<str>, Refusal> {
        if self.shelf.is_draining() {
            return Err(Refusal::Unavailable);
        }
        for _ in 0..GENERATE_ATTEMPTS {
            let id = format!("{label}-{}", uuid::Uuid::new_v4().simple());
            let mut placeholder = Record::default();
            placeholder.sign("generate", &self.dialer.stamp());
            match self.records.create(&id, &placeholder, Time::each(GENERATE)).await {
                Ok(true) => return Ok(id.into()),
                Ok(false) => tracing::warn!(session = id, "a fresh session id is taken"),
                Err(error) => tracing::warn!(session = id, %error, "cannot store a placeholder"),
            }
        }
        Err(Refusal::Unavailable)
    }

    /// Whether a session is good for further requests.
    pub(crate) async fn validate(&self, id: &str) -> Result<(), Refusal> {
        match self.records.load(id, Time::each(VALIDATE)).await {
            Ok(Some(stored)) if stored.record.is_terminated() => Err(Refusal::NotFound),
            Ok(Some(_)) => Ok(()),
            Ok(None) => match self.policy.validate_absent {
                ValidateAbsent::Error => Err(Refusal::Unavailable),
                ValidateAbsent::Terminated => Err(Refusal::NotFound),
            },
            Err(error) => Err(outage(id, &error)),
        }
    }

    /// Calls a tool of a session on behalf of `caller`.
    pub(crate) async fn call(
        self: &Arc<Self>,
        id: &Arc<str>,
        caller: &str,
        backend: &str,
        takes: Duration,
    ) -> Result<(), Refusal> {
        for _ in 0..CALL_ATTEMPTS {
            let current = self.get(id, caller).await?;
            let session = match self.policy.handlers {
                Handlers::LookedUp => current,
                Handlers::Captured => self.captured(current),
            };
            point(points::CALL_ADMITTED, label(id)).await;
            match session.call(backend, takes, caller).await {
                // It was evicted between the look and the call: the session itself may be well.
                Err(Refusal::Closed) if self.policy.handlers == Handlers::LookedUp => {}
                result => return result,
            }
        }
        Err(Refusal::Unavailable)
    }

    /// The object that the session's tools were registered with, which is this one if they were not yet.
    fn captured(&self, current: Arc<MultiSession>) -> Arc<MultiSession> {
        let mut handlers = self.handlers.lock().unwrap_or_else(PoisonError::into_inner);
        handlers.entry(current.id().clone()).or_insert(current).clone()
    }

    /// Registers a new session's tools.
    pub(super) fn register(&self, session: &Arc<MultiSession>) {
        if self.policy.handlers == Handlers::Captured {
            self.captured(session.clone());
        }
    }

    /// Forgets the tools of a session that this pod has ended.
    pub(super) fn deregister(&self, id: &str) {
        self.handlers.lock().unwrap_or_else(PoisonError::into_inner).remove(id);
    }

    /// What the pod holds.
    pub(crate) fn view(&self) -> PodView {
        let all = self.shelf.all();
        PodView {
            boot: self.dialer.boot().to_owned(),
            sessions: all.iter().map(|session| session.id().to_string()).collect(),
            connections: all.iter().flat_map(|session| session.connections()).collect(),
        }
    }

    /// Takes no more sessions, and closes all there are once their calls have ended.
    pub(crate) async fn drain(&self) {
        if time::timeout(SHUTDOWN, self.shelf.drain()).await.is_err() {
            tracing::warn!("some sessions did not finish their calls in time");
        }
    }

    /// Time for the storage calls of an operation.
    pub(super) fn time(deadline: Deadline, limit: Duration) -> Time {
        match deadline {
            Deadline::Shared => Time::shared(limit),
            Deadline::Each => Time::each(limit),
        }
    }

    /// Writes a changed record in one of the historical ways; false: there was none to write over.
    pub(super) async fn overwrite(&self, how: Write, id: &str, record: &Record, time: Time) -> Result<bool, Outage> {
        match how {
            Write::Upsert => self.records.upsert(id, record, time).await.map(|()| true),
            Write::Update | Write::CompareAndSet => self.records.update(id, record, time).await,
        }
    }
}

/// What a session is called by people: its id without what makes it unique.
pub(crate) fn label(id: &str) -> &str {
    id.split_once('-').map_or(id, |(label, _)| label)
}

/// Storage did not answer: says so in the log, and to the caller that the service is unavailable.
pub(super) fn outage(id: &str, error: &Outage) -> Refusal {
    tracing::warn!(session = id, %error, "storage failed");
    Refusal::Unavailable
}
