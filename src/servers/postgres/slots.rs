//! Replication slots: what was committed, kept for consumers until they have confirmed it.
//!
//! How far a consumer has come is written down at checkpoints only. After a crash a slot is where it was at the last one,
//! and what was confirmed since comes again, as from a real server.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use crate::runtime::Doing;
use crate::runtime::time::Instant;

use super::engine::Decoded;
use super::refusal::Refusal;

/// The longest name of a slot.
const LONGEST_NAME: usize = 63;

/// A transaction in the log.
#[derive(Debug)]
pub(super) struct Logged {
    pub(super) transaction: Decoded,
    /// What it was committed for.
    pub(super) doing: Doing,
}

/// All slots of a server, and the transactions that they keep.
#[derive(Debug)]
pub(super) struct Slots {
    by_name: BTreeMap<String, Slot>,
    /// In order; the first is one that some slot may have to give.
    log: VecDeque<Arc<Logged>>,
    checkpoint: Duration,
    consumers: u64,
}

#[derive(Debug)]
struct Slot {
    /// Up to here its consumer has all, and needs it no more.
    confirmed: u64,
    /// What a crash would leave of that.
    saved: u64,
    made: Instant,
    /// How many checkpoints there had been when `confirmed` was last changed.
    checkpoints: u64,
    consumer: Option<u64>,
    wake: Arc<Notify>,
}

/// A consumer of a slot.
#[derive(Debug)]
pub(super) struct Consumer {
    pub(super) slot: String,
    id: u64,
    /// Woken when there is more, or the slot is lost.
    pub(super) wake: Arc<Notify>,
    /// Up to here all has been sent.
    pub(super) sent: u64,
}

impl Slot {
    /// Writes down what there was to write down at the checkpoints since the last change.
    fn catch_up(&mut self, now: Instant, every: Duration) {
        let since = now.saturating_duration_since(self.made).as_nanos();
        let checkpoints = since.checked_div(every.as_nanos()).map_or(u64::MAX, |count| count as u64);
        if checkpoints > self.checkpoints || every.is_zero() {
            (self.saved, self.checkpoints) = (self.confirmed, checkpoints);
        }
    }
}

impl Slots {
    /// No slots yet; a checkpoint comes so often.
    pub(super) fn new(checkpoint: Duration) -> Self {
        Self { by_name: BTreeMap::new(), log: VecDeque::new(), checkpoint, consumers: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_name.is_empty()
    }

    /// Makes a slot that gives what is committed from `lsn` on.
    pub(super) fn create(&mut self, name: &str, lsn: u64) -> Result<(), Refusal> {
        let fits = name.bytes().all(|byte| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'_'));
        if !fits || name.is_empty() || name.len() > LONGEST_NAME {
            let detail = "Replication slot names may only contain lower case letters, numbers, and the underscore \
                          character, and 63 of them.";
            let refusal = Refusal::new("42602", format!("replication slot name \"{name}\" is not valid"));
            return Err(Refusal { detail: Some(detail.to_owned()), ..refusal });
        }
        if self.by_name.contains_key(name) {
            return Err(Refusal::new("42710", format!("replication slot \"{name}\" already exists")));
        }
        let (made, wake) = (Instant::now(), Arc::default());
        let slot = Slot { confirmed: lsn, saved: lsn, made, checkpoints: 0, consumer: None, wake };
        self.by_name.insert(name.to_owned(), slot);
        Ok(())
    }

    /// Drops a slot that nobody consumes.
    pub(super) fn drop_idle(&mut self, name: &str) -> Result<(), Refusal> {
        free(self.slot(name)?, name)?;
        self.by_name.remove(name);
        self.trim();
        Ok(())
    }

    /// Loses the `n`-th slot, counted round and round, whoever consumes it. Returns its name.
    pub(super) fn lose(&mut self, n: u64) -> Option<String> {
        let place = n.checked_rem(self.by_name.len() as u64)?;
        let name = self.by_name.keys().nth(place as usize)?.clone();
        let slot = self.by_name.remove(&name)?;
        slot.wake.notify_one();
        self.trim();
        Some(name)
    }

    /// Lets a consumer in, who has all up to `after`.
    pub(super) fn attach(&mut self, name: &str, after: Option<u64>) -> Result<Consumer, Refusal> {
        let id = self.consumers + 1;
        let slot = self.slot(name)?;
        free(slot, name)?;
        slot.consumer = Some(id);
        let sent = slot.confirmed.max(after.unwrap_or_default());
        let consumer = Consumer { slot: name.to_owned(), id, wake: slot.wake.clone(), sent };
        self.consumers = id;
        Ok(consumer)
    }

    /// A consumer has gone.
    pub(super) fn detach(&mut self, consumer: &Consumer) {
        if let Ok(slot) = self.slot_of(consumer) {
            slot.consumer = None;
        }
    }

    /// A consumer needs nothing up to here any more.
    pub(super) fn confirm(&mut self, consumer: &Consumer, lsn: u64) -> Result<(), Refusal> {
        let every = self.checkpoint;
        let slot = self.slot_of(consumer)?;
        slot.catch_up(Instant::now(), every);
        slot.confirmed = slot.confirmed.max(lsn);
        if every.is_zero() {
            slot.saved = slot.confirmed;
        }
        self.trim();
        Ok(())
    }

    /// What a consumer is to be sent next, at most so many.
    pub(super) fn due(&mut self, consumer: &Consumer, most: usize) -> Result<Vec<Arc<Logged>>, Refusal> {
        self.slot_of(consumer)?;
        let first = self.log.partition_point(|logged| logged.transaction.lsn <= consumer.sent);
        Ok(self.log.iter().skip(first).take(most).cloned().collect())
    }

    /// Transactions have been committed.
    pub(super) fn extend(&mut self, committed: impl Iterator<Item = Logged>) {
        let before = self.log.len();
        self.log.extend(committed.map(Arc::new));
        if self.log.len() > before {
            self.by_name.values().for_each(|slot| slot.wake.notify_one());
        }
    }

    /// The server has crashed: consumers are gone, and each slot is where it was at the last checkpoint.
    pub(super) fn crash(&mut self) {
        for slot in self.by_name.values_mut() {
            slot.catch_up(Instant::now(), self.checkpoint);
            slot.confirmed = slot.saved;
            slot.consumer = None;
            slot.wake.notify_one();
        }
    }

    fn slot(&mut self, name: &str) -> Result<&mut Slot, Refusal> {
        self.by_name
            .get_mut(name)
            .ok_or_else(|| Refusal::new("42704", format!("replication slot \"{name}\" does not exist")))
    }

    /// The slot that a consumer still has.
    fn slot_of(&mut self, consumer: &Consumer) -> Result<&mut Slot, Refusal> {
        let slot = self.slot(&consumer.slot)?;
        if slot.consumer == Some(consumer.id) {
            return Ok(slot);
        }
        // One of the same name that was made since.
        Err(Refusal::new("42704", format!("replication slot \"{}\" does not exist", consumer.slot)))
    }

    /// Forgets what no slot will ever give again.
    fn trim(&mut self) {
        let needed = self.by_name.values().map(|slot| slot.saved).min().unwrap_or(u64::MAX);
        while self.log.front().is_some_and(|logged| logged.transaction.lsn <= needed) {
            self.log.pop_front();
        }
    }

    #[cfg(test)]
    pub(super) fn kept(&self) -> usize {
        self.log.len()
    }
}

/// Refuses a slot that somebody consumes.
fn free(slot: &Slot, name: &str) -> Result<(), Refusal> {
    match slot.consumer {
        None => Ok(()),
        Some(id) => Err(Refusal::new("55006", format!("replication slot \"{name}\" is active for consumer {id}"))),
    }
}
