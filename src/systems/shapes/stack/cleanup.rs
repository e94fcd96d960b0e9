//! The removal of shapes, by tasks that outlive whoever asked for it.

use std::collections::BTreeSet;
use std::io;
use std::sync::Arc;

use super::Stack;
use super::collector::ToCollector;
use super::database::ToDatabase;
use crate::runtime::{fact, point, time};
use crate::systems::shapes::actors::{Address, Context, Mail, Pid, Reason, Reply, Start};
use crate::systems::shapes::points;
use crate::systems::shapes::policy::{Again, Removal};
use crate::systems::shapes::store::{Handle, Record};
use crate::systems::shapes::timeouts::{CLEANUP, PAUSE, STOP_CONSUMER};

/// What whoever removes shapes is told.
pub(crate) enum ToCleanup {
    /// Remove a shape.
    Remove {
        /// Its handle.
        handle: Handle,
        /// Why.
        why: &'static str,
        /// The shape that it depends on, where that is why.
        of: Option<Handle>,
        /// Told once requests find it no more.
        begun: Option<Reply<()>>,
    },
}

/// Starts a task for each removal, until it is told to end; then they end with it.
pub(super) async fn clean(mut context: Context<ToCleanup>, stack: Arc<Stack>) -> Reason {
    loop {
        match context.next().await {
            Mail::Letter(ToCleanup::Remove { handle, why, of, begun }) => {
                let removal = Task { stack: stack.clone(), handle, why, of };
                let name = format!("removal {}", removal.handle).into();
                let start = Start { name, parent: Some(context.pid()), traps: false };
                let _: Address<()> = context.actors().spawn(start, |context| async move {
                    let work = removal.run(context.pid(), begun);
                    let done = match removal.stack.policy.removal {
                        Removal::RowFirst => time::timeout(CLEANUP, work).await,
                        // What is written down is to be done, however long that takes.
                        Removal::Intent => Ok(work.await),
                    };
                    match done {
                        Ok(Ok(())) => Reason::Normal,
                        Ok(Err(failed)) => {
                            tracing::warn!(handle = %removal.handle, %failed, "a shape is not removed to the end");
                            Reason::failed(failed)
                        }
                        Err(_) => Reason::Late,
                    }
                });
            }
            Mail::Exit(from, reason) if context.is_parent(from) => return reason,
            Mail::Exit(..) | Mail::Down(..) => {}
        }
    }
}

/// Why a removal ends before it is done.
#[derive(Debug, thiserror::Error)]
enum Failed {
    #[error("a part of the stack has ended: {0}")]
    Ended(Reason),
    #[error(transparent)]
    Io(#[from] io::Error),
}

impl From<Reason> for Failed {
    fn from(reason: Reason) -> Self {
        Self::Ended(reason)
    }
}

/// One removal.
struct Task {
    stack: Arc<Stack>,
    handle: Handle,
    why: &'static str,
    of: Option<Handle>,
}

impl Task {
    async fn run(&self, me: Pid, begun: Option<Reply<()>>) -> Result<(), Failed> {
        match self.stack.policy.removal {
            Removal::RowFirst => self.row_first(me, begun).await,
            Removal::Intent => self.by_intent(me, begun).await,
        }
    }

    /// The row first, then the rest: whatever fails ends it there.
    async fn row_first(&self, me: Pid, begun: Option<Reply<()>>) -> Result<(), Failed> {
        let (stack, handle) = (&self.stack, &self.handle);
        tell_removing(handle, self.why, self.of.as_ref());
        let removed = handle.clone();
        let there = self.database()?.call(|reply| ToDatabase::Remove(removed, reply)).await??;
        if !there && stack.policy.again == Again::StopsShort {
            return Ok(());
        }
        // Where there is no table, there is nothing in it.
        let _ = stack.table.remove(handle);
        stack.bells.ring(handle);
        if let Some(begun) = begun {
            begun.send(());
        }
        point(points::REMOVAL_BEGUN, handle).await;
        let consumer = stack.names().consumer(handle);
        if let Some(consumer) = consumer {
            let end = stack.actors.end_of(consumer.pid());
            stack.actors.signal(me, consumer.pid(), Reason::Tagged("removed"));
            time::timeout(STOP_CONSUMER, end).await.map_err(|_| Reason::Late)?;
        }
        point(points::REMOVAL_STOPPED, handle).await;
        stack.files.remove(handle).await?;
        point(points::REMOVAL_CLEARED, handle).await;
        let collector = stack.names().collector().ok_or(Reason::Absent)?;
        let gone = handle.clone();
        collector.call(|reply| ToCollector::Remove(gone, reply)).await?;
        fact("shapes.removed", [("handle", handle.clone().into())]);
        Ok(())
    }

    /// First it is written down that it is to be removed, with all that depends on it; the row goes last. What is
    /// not done is tried again, and done at boot if need be.
    async fn by_intent(&self, me: Pid, begun: Option<Reply<()>>) -> Result<(), Failed> {
        let stack = &self.stack;
        let records = self.database()?.call(ToDatabase::All).await?;
        let going = going(&records, &self.handle);
        for (place, (handle, of)) in going.iter().enumerate() {
            let why = if place == 0 { self.why } else { "dependency" };
            tell_removing(handle, why, of.as_ref().or(self.of.as_ref()));
        }
        let intended: Vec<Handle> = going.iter().map(|(handle, _)| handle.clone()).collect();
        loop {
            let intended = intended.clone();
            match self.database()?.call(|reply| ToDatabase::Intend(intended, reply)).await? {
                Ok(()) => break,
                Err(error) => tracing::warn!(handle = %self.handle, %error, "a removal is not written down yet"),
            }
            time::sleep(PAUSE).await;
        }
        for (handle, _) in &going {
            let _ = stack.table.remove(handle);
            stack.bells.ring(handle);
        }
        if let Some(begun) = begun {
            begun.send(());
        }
        point(points::REMOVAL_BEGUN, &self.handle).await;
        // Those that depend on others first.
        for (handle, _) in going.iter().rev() {
            let consumer = stack.names().consumer(handle);
            if let Some(consumer) = consumer {
                stack.actors.stop(me, consumer.pid(), Reason::Tagged("removed"), STOP_CONSUMER).await;
            }
            stack.end_starter(handle).await;
            point(points::REMOVAL_STOPPED, handle).await;
            while let Err(error) = stack.files.remove(handle).await {
                tracing::warn!(%handle, %error, "files are not removed yet");
                time::sleep(PAUSE).await;
            }
            point(points::REMOVAL_CLEARED, handle).await;
            let collector = stack.names().collector();
            if let Some(collector) = collector {
                let gone = handle.clone();
                // Where it has ended, it knows nothing any more.
                let _ = collector.call(|reply| ToCollector::Remove(gone, reply)).await;
            }
            loop {
                let gone = handle.clone();
                match self.database()?.call(|reply| ToDatabase::Remove(gone, reply)).await? {
                    Ok(_) => break,
                    Err(error) => tracing::warn!(%handle, %error, "a row is not removed yet"),
                }
                time::sleep(PAUSE).await;
            }
            fact("shapes.removed", [("handle", handle.clone().into())]);
        }
        Ok(())
    }

    fn database(&self) -> Result<Address<ToDatabase>, Failed> {
        Ok(self.stack.names().database().ok_or(Reason::Absent)?)
    }
}

/// Reports that a shape is to be removed.
pub(super) fn tell_removing(handle: &Handle, why: &'static str, of: Option<&Handle>) {
    let of = of.map(ToString::to_string).unwrap_or_default();
    fact("shapes.removing", [("handle", handle.clone().into()), ("why", why.into()), ("of", of.into())]);
}

/// A shape and all that depend on it, each after what it depends on, with that.
fn going(records: &[Record], first: &Handle) -> Vec<(Handle, Option<Handle>)> {
    let mut going: Vec<(Handle, Option<Handle>)> = vec![(first.clone(), None)];
    let mut seen: BTreeSet<&Handle> = BTreeSet::new();
    let mut place = 0;
    while let Some((of, _)) = going.get(place).cloned() {
        place += 1;
        for record in records {
            if record.dependencies.contains(&of) && record.handle != *first && seen.insert(&record.handle) {
                going.push((record.handle.clone(), Some(of.clone())));
            }
        }
    }
    going
}
