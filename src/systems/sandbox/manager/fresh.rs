//! Whether what a session has in memory is still good, and what takes its place where it is not.

use std::sync::Arc;

use super::Manager;
use super::state::{forbidden, unapplied};
use crate::runtime::{fact, point};
use crate::storage::StorageError;
use crate::systems::sandbox::errors::{Code, Failure};
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::{Absent, Confirm, Flight, Garbled, GoneAnswer, NoRows, Readers};
use crate::systems::sandbox::session::Session;
use crate::systems::sandbox::snapshot::Wanted;
use crate::systems::sandbox::stamp::Stamp;
use crate::systems::sandbox::store;
use crate::systems::sandbox::tree::Tree;
use crate::systems::sandbox::version::{Count, Mark};

/// What a look came to: a tree that is good, or that the sandbox has gone.
pub(crate) type Looked = Result<Option<Arc<Tree>>, Failure>;

impl Manager {
    /// A tree that was good at some moment after this was asked, as far as the policy makes sure of that.
    pub(super) async fn fresh(self: &Arc<Self>, session: &Arc<Session>) -> Result<Arc<Tree>, Failure> {
        let looked = match self.policy.flight {
            Flight::Loads => self.look(session).await,
            Flight::Whole => {
                let (this, own) = (self.clone(), session.clone());
                session.looks.run((), async move { this.look(&own).await }).await
            }
        };
        self.settle(session, looked).await
    }

    /// The tree that a write behind the fence may start from: the fence finds out if it is no longer good.
    pub(super) async fn likely(self: &Arc<Self>, session: &Arc<Session>) -> Result<Arc<Tree>, Failure> {
        if self.policy.confirm == Confirm::Counter {
            return self.fresh(session).await;
        }
        let mark = self.counters.read(&session.key.tenant, &session.key.id).await;
        point(points::COUNTED, &session.key.id).await;
        if let Some(tree) = unsuspected(session, &mark) {
            return Ok(tree);
        }
        let looked = self.reload(session, count_of(&mark)).await;
        self.settle(session, looked).await
    }

    /// The tree as it is in Postgres now.
    pub(super) async fn reloaded(self: &Arc<Self>, session: &Arc<Session>) -> Result<Arc<Tree>, Failure> {
        let looked = self.reload(session, None).await;
        self.settle(session, looked).await
    }

    async fn settle(&self, session: &Arc<Session>, looked: Looked) -> Result<Arc<Tree>, Failure> {
        match looked {
            Ok(Some(tree)) if *tree.owner == *session.key.tenant => Ok(tree),
            Ok(Some(_)) => Err(forbidden(&session.key.id)),
            Ok(None) => {
                point(points::TEARDOWN, &session.key.id).await;
                self.tear_down(session, "gone");
                match self.policy.gone_answer {
                    GoneAnswer::NotFound => Err(Failure::gone(&session.key.id)),
                    GoneAnswer::Closing => Err(closing(session)),
                }
            }
            // Where a pool may be closed under those who use it, this is taken for the reason.
            Err(_) if session.is_closing() && self.policy.readers == Readers::Shared => Err(closing(session)),
            Err(failure) => Err(failure),
        }
    }

    async fn look(&self, session: &Arc<Session>) -> Looked {
        let mark = self.counters.read(&session.key.tenant, &session.key.id).await;
        point(points::COUNTED, &session.key.id).await;
        match self.policy.confirm {
            Confirm::Row => self.look_at_row(session, &mark).await,
            Confirm::Counter => self.look_at_counter(session, mark).await,
        }
    }

    /// The counter says no more than where to look first: the row decides.
    async fn look_at_row(&self, session: &Arc<Session>, mark: &Result<Mark, StorageError>) -> Looked {
        let Some(tree) = unsuspected(session, mark) else {
            return self.reload(session, count_of(mark)).await;
        };
        let id = &session.key.id;
        match store::meta(&session.rows, id).await.map_err(|error| unapplied(id, &error))? {
            None => Ok(self.vanished(session)),
            Some(meta) if meta.stamp == tree.stamp => Ok(Some(tree)),
            Some(meta) => match self.snapshots.find(&session.key.tenant, id, Wanted::Row(meta.stamp)).await {
                Some(tree) => Ok(Some(install(session, tree, "snapshot"))),
                None => self.reload(session, count_of(mark)).await,
            },
        }
    }

    /// The counter decides.
    async fn look_at_counter(&self, session: &Arc<Session>, mark: Result<Mark, StorageError>) -> Looked {
        let Ok(mark) = mark else {
            // Whether it is good is not known: what is loaded is, though what has been seen of the counter stays.
            return self.reload(session, session.seen()).await;
        };
        let count = match mark {
            Mark::Destroyed(None) => return Ok(None),
            Mark::Destroyed(Some(epoch)) => {
                // That of an earlier incarnation says nothing of this one.
                if session.stamp().is_some_and(|stamp| stamp.epoch <= epoch) {
                    return Ok(None);
                }
                None
            }
            Mark::Count(count) => Some(count),
            Mark::Absent => (self.policy.absent == Absent::Zero).then_some(Count::Number(0)),
            Mark::Garbled => (self.policy.garbled == Garbled::Clamped).then_some(Count::Number(0)),
        };
        if agrees(session, count)
            && let Some(tree) = session.tree()
        {
            return Ok(Some(tree));
        }
        if let Some(count) = count
            && let Some(tree) = self.snapshots.find(&session.key.tenant, &session.key.id, Wanted::Counter(count)).await
        {
            session.see(Some(count));
            session.install(Arc::new(tree));
            return Ok(session.tree());
        }
        self.reload(session, count).await
    }

    /// Loads the tree; `count` is what the counter said before.
    async fn reload(&self, session: &Arc<Session>, count: Option<Count>) -> Looked {
        let id = &session.key.id;
        let Some(tree) = store::load(&session.rows, id).await.map_err(|error| unapplied(id, &error))? else {
            return Ok(self.vanished(session));
        };
        let tree = match self.policy.confirm {
            Confirm::Row => install(session, tree, "rows"),
            Confirm::Counter => {
                let tree = Arc::new(tree);
                loaded(session, tree.stamp, "rows");
                session.install(tree.clone());
                tree
            }
        };
        session.see(count);
        Ok(Some(tree))
    }

    /// There are no rows.
    fn vanished(&self, session: &Session) -> Option<Arc<Tree>> {
        match self.policy.no_rows {
            NoRows::Gone => None,
            NoRows::Empty => {
                let stamp = session.stamp().unwrap_or(Stamp { epoch: 0, version: 0 });
                session.install(Arc::new(Tree::gone(stamp, &session.key.tenant)));
                session.tree()
            }
        }
    }
}

/// The tree that it has, if the counter says nothing else.
fn unsuspected(session: &Session, mark: &Result<Mark, StorageError>) -> Option<Arc<Tree>> {
    let tree = session.tree()?;
    agrees(session, count_of(mark)).then_some(tree)
}

/// Whether the counter says what it did when the tree was last known to be good; stamped, whether it says what the tree
/// itself does.
fn agrees(session: &Session, count: Option<Count>) -> bool {
    let seen = session.seen();
    let equal = match count {
        Some(Count::Stamp(stamp)) => session.stamp() == Some(stamp),
        Some(Count::Number(_)) => count == seen,
        None => false,
    };
    let text = |count: Option<Count>| count.map(Count::text).unwrap_or_default();
    fact(
        "sandbox.compared",
        [
            ("sandbox", session.key.id.clone().into()),
            ("session", session.identity.clone().into()),
            ("stamp", session.stamp().map(|stamp| stamp.to_string()).unwrap_or_default().into()),
            ("seen", text(seen).into()),
            ("counter", text(count).into()),
            ("equal", equal.into()),
        ],
    );
    equal
}

/// A tree that the row has confirmed: it is good for whoever asked, and for the session unless that has a newer one.
pub(super) fn install(session: &Session, tree: Tree, from: &'static str) -> Arc<Tree> {
    let tree = Arc::new(tree);
    loaded(session, tree.stamp, from);
    session.advance(tree.clone());
    tree
}

fn loaded(session: &Session, stamp: Stamp, from: &'static str) {
    fact(
        "sandbox.loaded",
        [
            ("sandbox", session.key.id.clone().into()),
            ("session", session.identity.clone().into()),
            ("stamp", stamp.to_string().into()),
            ("from", from.into()),
        ],
    );
}

fn count_of(mark: &Result<Mark, StorageError>) -> Option<Count> {
    match mark {
        Ok(Mark::Count(count)) => Some(*count),
        _ => None,
    }
}

fn closing(session: &Session) -> Failure {
    Failure::new(Code::Esessionclosing, format!("the session of {} is closing", session.key.id))
}
