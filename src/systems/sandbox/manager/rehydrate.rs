//! How a replica comes by a session for a sandbox that it has none of.

use std::sync::Arc;

use super::Manager;
use super::state::{doubtful, unapplied};
use crate::runtime::point;
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::{Absent, Counter, Garbled, MarkAtCreation, Ready, Rehydrate};
use crate::systems::sandbox::session::{Key, Session};
use crate::systems::sandbox::stamp::Stamp;
use crate::systems::sandbox::store;
use crate::systems::sandbox::tree::Tree;
use crate::systems::sandbox::version::{Count, Mark};

/// How often it is tried again where the sandbox ends and begins meanwhile.
const ATTEMPTS: u32 = 3;

impl Manager {
    /// The session of a sandbox: the one there is, or a new one.
    pub(super) async fn session(self: &Arc<Self>, key: &Key) -> Result<Arc<Session>, Failure> {
        for _ in 0..ATTEMPTS {
            if let Some(session) = self.lookup(key) {
                return Ok(session);
            }
            self.owned(key).await?;
            point(points::REHYDRATE_SEEN, &key.id).await;
            let (this, own) = (self.clone(), key.clone());
            match self.making.run(key.clone(), async move { this.make(&own).await }).await {
                Ok(session) if !session.is_closing() => return Ok(session),
                // It ended meanwhile, or had when somebody else began to make a session of it.
                Ok(_) => {}
                Err(failure) if failure.code == Code::Enoent => {}
                Err(failure) => return Err(failure),
            }
        }
        // If it has ended for good, that is the answer.
        self.owned(key).await?;
        Err(Failure::new(Code::Esessionclosing, format!("{} ends and begins again all the time", key.id)))
    }

    async fn make(self: &Arc<Self>, key: &Key) -> Result<Arc<Session>, Failure> {
        if let Some(session) = self.lookup(key) {
            return Ok(session);
        }
        let session = self.make_session(key);
        if let Err(failure) = self.fill(&session).await {
            session.close("gone");
            session.disconnect();
            return Err(failure);
        }
        point(points::REGISTER, &key.id).await;
        self.register(&session);
        Ok(session)
    }

    async fn fill(&self, session: &Session) -> Result<(), Failure> {
        let Key { tenant, id } = &session.key;
        if self.policy.rehydrate == Rehydrate::Insert {
            // That there is one already is what is expected.
            store::create(&session.rows, id, tenant).await.map_err(|error| doubtful(id, &error))?;
        }
        point(points::READY, id).await;
        let tree = store::load(&session.rows, id).await.map_err(|error| unapplied(id, &error))?;
        let tree = match tree {
            Some(tree) => tree,
            None if self.policy.ready == Ready::Unguarded => Tree::gone(Stamp { epoch: 0, version: 0 }, tenant),
            None => return Err(Failure::gone(id)),
        };
        session.install(Arc::new(tree));
        session.see(self.first_count(session).await);
        Ok(())
    }

    /// What the counter says to a new session.
    async fn first_count(&self, session: &Session) -> Option<Count> {
        let Key { tenant, id } = &session.key;
        let zero = |zero: bool| zero.then_some(Count::Number(0));
        match self.counters.read(tenant, id).await.ok()? {
            Mark::Count(count) => Some(count),
            Mark::Absent => zero(self.policy.absent == Absent::Zero),
            Mark::Garbled => zero(self.policy.garbled == Garbled::Clamped),
            Mark::Destroyed(_) if self.policy.counter == Counter::Stamped => None,
            Mark::Destroyed(_) => {
                if self.policy.mark_at_creation == MarkAtCreation::Cleared {
                    self.counters.clear(tenant, id).await.ok()?;
                }
                Some(Count::Number(0))
            }
        }
    }
}
