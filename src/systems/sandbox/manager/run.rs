//! Running a script, or the one step that a request is about, under the lock.

use std::sync::Arc;

use super::Manager;
use super::destroy::lost;
use super::state::{doubtful, unapplied};
use super::steps::{self, StepResult, Trouble};
use crate::runtime::point;
use crate::storage::RowsError;
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::lock::{Lease, Mode};
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::{Confirm, Fence, Readers};
use crate::systems::sandbox::session::{Key, Session};
use crate::systems::sandbox::store::Hand;
use crate::systems::sandbox::tree::Tree;
use crate::systems::sandbox::workload::Step;

impl Manager {
    /// Runs steps in their order, under a lock that is shared with others if none of the steps is a write.
    pub(crate) async fn run(self: &Arc<Self>, key: &Key, script: &[Step]) -> Result<Vec<StepResult>, Failure> {
        let mode = if script.iter().any(Step::is_write) { Mode::Exclusive } else { Mode::Shared };
        let lease = self.locks.acquire(&key.tenant, &key.id, mode).await?;
        let result = self.run_locked(key, script, mode, &lease).await;
        lease.release().await;
        result
    }

    async fn run_locked(
        self: &Arc<Self>,
        key: &Key,
        script: &[Step],
        mode: Mode,
        lease: &Lease,
    ) -> Result<Vec<StepResult>, Failure> {
        point(points::LOCKED, &key.id).await;
        let session = self.session(key).await?.enter();
        match (mode, self.policy.fence) {
            (Mode::Shared, _) => self.read(&session, script, lease).await,
            (Mode::Exclusive, Fence::CompareAndBump) => self.write_fenced(&session, script, lease).await,
            (Mode::Exclusive, Fence::Nothing) => self.write_loose(&session, script, lease).await,
        }
    }

    async fn read(
        self: &Arc<Self>,
        session: &Arc<Session>,
        script: &[Step],
        lease: &Lease,
    ) -> Result<Vec<StepResult>, Failure> {
        let id = &session.key.id;
        let confirmed = self.fresh(session).await?;
        point(points::CONFIRMED, id).await;
        let _local = session.local.clone().read_owned().await;
        let mut hand = Hand::Loose(&session.rows);
        let mut results = Vec::with_capacity(script.len());
        for (number, step) in script.iter().enumerate() {
            if number > 0 {
                point(points::STEP, id).await;
            }
            let tree = match self.policy.readers {
                Readers::Snapshot => confirmed.clone(),
                Readers::Shared => session.tree().unwrap_or_else(|| confirmed.clone()),
            };
            results.push(match steps::look(step, session, &tree, &mut hand).await {
                Ok(printed) => Ok(printed),
                Err(Trouble::Complaint(failure)) => Err(failure),
                Err(Trouble::Database(error)) => return Err(unapplied(id, &error)),
            });
        }
        // Where the row has confirmed what was read, nobody needs the lock for it to be right.
        if lease.is_lost() && self.policy.confirm == Confirm::Counter {
            return Err(lost(Code::Elocklost, id));
        }
        Ok(results)
    }

    /// All of the script in one transaction, which the row admits only if the sandbox is as the session has it.
    async fn write_fenced(
        self: &Arc<Self>,
        session: &Arc<Session>,
        script: &[Step],
        lease: &Lease,
    ) -> Result<Vec<StepResult>, Failure> {
        let id = &session.key.id;
        let likely = self.likely(session).await?;
        let _local = session.local.clone().write_owned().await;
        point(points::CONFIRMED, id).await;
        let (base, mut hand) = self.pass_fence(session, likely).await?;
        let mut tree = (*base).clone();
        let mut results = Vec::with_capacity(script.len());
        let mut changed = false;
        for (number, step) in script.iter().enumerate() {
            if number > 0 {
                point(points::STEP, id).await;
            }
            match steps::act(step, session, &mut tree, &mut hand).await {
                Ok((printed, change)) => {
                    changed |= change;
                    results.push(Ok(printed));
                }
                // A step may have come half its way only where the tree is not what the row vouched for.
                Err(Trouble::Complaint(failure)) if failure.path => results.push(Err(failure)),
                Err(Trouble::Complaint(failure)) => {
                    hand.rollback().await;
                    session.distrust();
                    return Err(Failure::new(Code::EruntimeBusy, failure.message));
                }
                Err(Trouble::Database(error)) => return Err(unapplied(id, &error)),
            }
        }
        if !changed {
            hand.rollback().await;
            return Ok(results);
        }
        point(points::COMMIT, id).await;
        if lease.is_lost() {
            hand.rollback().await;
            return Err(lost(Code::Elocklost, id));
        }
        if let Err(error) = hand.commit().await {
            session.distrust();
            return Err(doubtful(id, &error));
        }
        tree.stamp = base.stamp.next();
        session.install(Arc::new(tree));
        self.finish(session, lease).await.map(|()| results)
    }

    /// The transaction, and the tree that it starts from: the one that was likely, or else the one there is.
    async fn pass_fence<'a>(
        self: &Arc<Self>,
        session: &'a Arc<Session>,
        likely: Arc<Tree>,
    ) -> Result<(Arc<Tree>, Hand<'a>), Failure> {
        let id = &session.key.id;
        let first = likely.stamp;
        let mut tree = likely;
        for attempt in 0..2 {
            let passed = Hand::fenced(&session.rows, id, tree.stamp).await;
            if let Some(hand) = passed.map_err(|error| unapplied(id, &error))? {
                return Ok((tree, hand));
            }
            if attempt == 0 {
                tree = self.reloaded(session).await?;
            }
        }
        session.distrust();
        let code = if tree.stamp.epoch == first.epoch { Code::Estale } else { Code::Estaleepoch };
        Err(Failure::new(code, format!("{id} is changed all the time")))
    }

    /// Each statement for itself, on what the session has, which only the lock keeps others from changing.
    async fn write_loose(
        self: &Arc<Self>,
        session: &Arc<Session>,
        script: &[Step],
        lease: &Lease,
    ) -> Result<Vec<StepResult>, Failure> {
        let id = &session.key.id;
        let fresh = self.fresh(session).await?;
        let _local = session.local.clone().write_owned().await;
        point(points::CONFIRMED, id).await;
        if lease.is_lost() {
            return Err(lost(Code::Elocklost, id));
        }
        let mut tree = (*session.tree().unwrap_or(fresh)).clone();
        let mut hand = Hand::Loose(&session.rows);
        let mut results = Vec::with_capacity(script.len());
        let mut changed = false;
        for (number, step) in script.iter().enumerate() {
            if number > 0 {
                point(points::STEP, id).await;
            }
            match steps::act(step, session, &mut tree, &mut hand).await {
                Ok((printed, change)) => {
                    changed |= change;
                    results.push(Ok(printed));
                }
                Err(Trouble::Complaint(failure)) => results.push(Err(failure)),
                // What the database objects to is the step's own trouble.
                Err(Trouble::Database(RowsError::Refused { message, .. })) => {
                    results.push(Err(Failure::new(Code::Eio, message)));
                }
                Err(Trouble::Database(error)) => {
                    session.distrust();
                    let failure = doubtful(id, &error);
                    return Err(if changed { Failure::new(Code::Eio, failure.message) } else { failure });
                }
            }
        }
        if !changed {
            return Ok(results);
        }
        session.install(Arc::new(tree));
        self.finish(session, lease).await.map(|()| results)
    }

    /// It is in Postgres: what is left is to tell others, and to know whether the lock was held all along.
    async fn finish(&self, session: &Arc<Session>, lease: &Lease) -> Result<(), Failure> {
        let id = &session.key.id;
        point(points::PUBLISH, id).await;
        let told = self.publish(session, "writer").await;
        if self.policy.confirm == Confirm::Counter
            && let Err(error) = told
        {
            return Err(Failure::new(Code::Ecoherence, format!("{id} was written, but others do not know: {error}")));
        }
        if lease.is_lost() { Err(lost(Code::ElocklostApplied, id)) } else { Ok(()) }
    }
}
