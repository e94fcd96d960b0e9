//! The slot: who has it, what it gives, and what it is told.

use std::sync::Arc;

use super::Stack;
use super::collector::ToCollector;
use crate::runtime::time;
use crate::storage::{Slot, SlotChange, SlotError, SlotEvent, SlotTransaction};
use crate::systems::shapes::actors::{Address, Context, Mail, Reason, Reply};
use crate::systems::shapes::consumer::{RowChange, Tx};
use crate::systems::shapes::query::{Row, Table};
use crate::systems::shapes::timeouts::{PAUSE, STATEMENT};

/// The name of the slot.
pub(crate) const SLOT: &str = "shapes";

/// What replication is told.
pub(crate) enum ToReplication {
    /// Get hold of the slot, however long it takes. Answers with the position that it begins after; `None`: there is no such slot.
    Acquire(Reply<Option<u64>>),
    /// Make the slot, and get hold of it.
    Create(Reply<u64>),
    /// Pass on to the collector what the slot gives.
    Stream(Address<ToCollector>),
    /// All up to here is on disk.
    Settled(u64),
}

struct Replication {
    stack: Arc<Stack>,
    slot: Option<Slot>,
    started: u64,
}

/// Keeps hold of the slot until it is told to end, or the slot is lost.
pub(super) async fn replicate(mut context: Context<ToReplication>, stack: Arc<Stack>) -> Reason {
    let mut this = Replication { stack, slot: None, started: 0 };
    let collector = loop {
        match context.next().await {
            Mail::Letter(ToReplication::Acquire(reply)) => reply.send(this.acquire().await),
            Mail::Letter(ToReplication::Create(reply)) => reply.send(this.create().await),
            Mail::Letter(ToReplication::Stream(collector)) => break collector,
            Mail::Letter(ToReplication::Settled(_)) | Mail::Exit(..) | Mail::Down(..) => {}
        }
    };
    loop {
        if this.slot.is_none() && this.acquire().await.is_none() {
            return Reason::Tagged("slot lost");
        }
        let me = context.address().clone();
        let started = this.started;
        if let Err(reason) = collector.call(|reply| ToCollector::Starts(started, me, reply)).await {
            return reason.in_call();
        }
        match this.stream(&mut context, &collector).await {
            Ok(never) => match never {},
            Err(Ended::Lost) => return Reason::Tagged("slot lost"),
            Err(Ended::Broken(error)) => tracing::warn!(%error, "the slot gives nothing"),
            Err(Ended::Alone(reason)) => return reason.in_call(),
        }
        this.slot = None;
        time::sleep(PAUSE).await;
    }
}

enum Never {}

/// Why nothing more comes of a connection.
enum Ended {
    /// There is no such slot any more.
    Lost,
    /// The connection is of no use.
    Broken(SlotError),
    /// There is nobody to pass it on to.
    Alone(Reason),
}

impl From<SlotError> for Ended {
    fn from(error: SlotError) -> Self {
        if error.is_missing() { Self::Lost } else { Self::Broken(error) }
    }
}

impl Replication {
    async fn acquire(&mut self) -> Option<u64> {
        loop {
            match self.try_acquire().await {
                Ok(started) => return Some(started),
                Err(error) if error.is_missing() => return None,
                Err(error) => tracing::debug!(%error, "no hold of the slot yet"),
            }
            time::sleep(PAUSE).await;
        }
    }

    async fn try_acquire(&mut self) -> Result<u64, SlotError> {
        let mut slot = Slot::connect(&self.stack.slots, STATEMENT).await?;
        let late = |_| SlotError::Unavailable(format!("no answer in {STATEMENT:?}"));
        self.started = time::timeout(STATEMENT, slot.start(SLOT, None)).await.map_err(late)??;
        self.slot = Some(slot);
        Ok(self.started)
    }

    async fn create(&mut self) -> u64 {
        loop {
            let created = async {
                let mut slot = Slot::connect(&self.stack.slots, STATEMENT).await?;
                slot.create(SLOT).await
            };
            match time::timeout(STATEMENT, created).await {
                Ok(Err(error)) if !error.is_duplicate() => tracing::warn!(%error, "the slot is not made yet"),
                Err(_) => tracing::warn!("the slot is not made yet"),
                Ok(_) => {
                    if let Some(started) = self.acquire().await {
                        return started;
                    }
                }
            }
            time::sleep(PAUSE).await;
        }
    }

    /// Passes on what comes, and confirms what is on disk.
    async fn stream(
        &mut self,
        context: &mut Context<ToReplication>,
        collector: &Address<ToCollector>,
    ) -> Result<Never, Ended> {
        let Some(slot) = &mut self.slot else {
            return Err(Ended::Broken(SlotError::Unavailable("there is no connection".to_owned())));
        };
        loop {
            tokio::select! {
                biased;
                mail = context.next() => {
                    if let Mail::Letter(ToReplication::Settled(lsn)) = mail {
                        slot.flushed(lsn).await?;
                        self.stack.has_acknowledged(lsn);
                    }
                }
                event = slot.next() => match event? {
                    SlotEvent::Keepalive(lsn) => collector.send(ToCollector::Idle(lsn)),
                    SlotEvent::Transaction(transaction) => {
                        let transaction = read(transaction)?;
                        let passed = collector.call(|reply| ToCollector::Collect(transaction, reply)).await;
                        passed.map_err(Ended::Alone)?;
                    }
                },
            }
        }
    }
}

/// A transaction as shapes see it: what it does to tables that they know.
fn read(transaction: SlotTransaction) -> Result<Tx, SlotError> {
    let SlotTransaction { lsn, changes, .. } = transaction;
    let changes = changes.into_iter().filter_map(|change| {
        let table = Table::named(&change.table)?;
        Some(read_change(table, change))
    });
    Ok(Tx { lsn, changes: changes.collect::<Result<_, _>>()? })
}

fn read_change(table: Table, change: SlotChange) -> Result<RowChange, SlotError> {
    let row = |columns: Option<_>| {
        let row = columns.map(|columns| serde_json::from_value::<Row>(serde_json::Value::Object(columns)));
        row.transpose().map_err(|error| SlotError::Corrupt(format!("a row of {table}: {error}")))
    };
    Ok(RowChange { table, old: row(change.old)?, new: row(change.new)? })
}
