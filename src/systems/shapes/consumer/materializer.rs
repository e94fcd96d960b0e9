//! The materializer of a shape that others depend on: how often each value is in its rows, and who is to hear of it.
//!
//! It does not trap exits: told to stop, it is gone at once, whoever calls it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::actor::ToConsumer;
use super::holding::Event;
use super::starter::Seed;
use crate::runtime::point;
use crate::systems::shapes::actors::{Address, Context, Mail, Reason, Reply};
use crate::systems::shapes::points;
use crate::systems::shapes::policy::{Down, Handed, Policy, Subscribe, View};
use crate::systems::shapes::query::{Column, Row};
use crate::systems::shapes::stack::Stack;
use crate::systems::shapes::store::{Handle, Log, Transaction};
use crate::systems::shapes::timeouts::SUBSCRIBE;

/// What a materializer is told.
pub(crate) enum ToMaterializer {
    /// Its source has a transaction more.
    NewChanges(Arc<Transaction>, Reply<()>),
    /// Somebody depends on the values of a column, and has rows as of a position, or none.
    Subscribe {
        /// Who.
        who: Address<ToConsumer>,
        /// The column.
        column: Column,
        /// The position.
        at: Option<u64>,
        /// Gets the values to begin with.
        reply: Reply<Seed>,
    },
}

/// How often each value is in the rows, by column.
type Counts = BTreeMap<(Column, Arc<str>), u32>;

struct Materializer {
    stack: Arc<Stack>,
    handle: Handle,
    log: Arc<Log>,
    position: u64,
    /// What it was told of last: its source puts that into the log only after it has told of it.
    latest: Option<Arc<Transaction>>,
    rows: BTreeMap<Arc<str>, Row>,
    counts: Counts,
    subscribers: Vec<(Address<ToConsumer>, Column)>,
}

/// Follows a source until that ends.
pub(crate) async fn run(
    mut context: Context<ToMaterializer>,
    stack: Arc<Stack>,
    handle: Handle,
    source: Address<ToConsumer>,
) -> Reason {
    context.monitor(source.pid());
    let me = context.address().clone();
    let follow = move |reply| ToConsumer::Follow(me, reply);
    let followed = match stack.policy.subscribe {
        Subscribe::FiveSeconds => source.call_within(SUBSCRIBE, follow).await,
        Subscribe::Unbounded => source.call(follow).await,
    };
    let (position, log) = match followed {
        Ok(followed) => followed,
        Err(reason) => return reason.in_call(),
    };
    point(points::REPLAYING, &handle).await;
    let rows = log.rows_at(position);
    let counts = count(rows.values());
    let mut this = Materializer { stack, handle, log, position, latest: None, rows, counts, subscribers: Vec::new() };
    loop {
        match context.next().await {
            Mail::Letter(ToMaterializer::NewChanges(transaction, reply)) => {
                this.take(transaction);
                reply.send(());
            }
            Mail::Letter(ToMaterializer::Subscribe { who, column, at, reply }) => {
                reply.send(this.seed(column, at));
                this.subscribers.push((who, column));
            }
            Mail::Down(_, reason) => {
                if !invalidates(&this.stack.policy, &reason) {
                    return Reason::Shutdown;
                }
                for (who, _) in &this.subscribers {
                    who.send(ToConsumer::Invalidated(this.handle.clone()));
                }
                return Reason::Tagged("invalidated");
            }
            Mail::Exit(..) => {}
        }
    }
}

/// Whether the end of its consumer says that a shape is no more.
fn invalidates(policy: &Policy, reason: &Reason) -> bool {
    match reason {
        Reason::Tagged(word) => matches!(*word, "cleanup" | "removed"),
        Reason::Normal | Reason::Shutdown => false,
        Reason::Killed => policy.down_killed == Down::Cleans,
        Reason::Absent => policy.down_absent == Down::Cleans,
        Reason::Late | Reason::Failed(_) | Reason::InCall(_) => policy.down_crashed == Down::Cleans,
    }
}

impl Materializer {
    fn take(&mut self, transaction: Arc<Transaction>) {
        self.position = self.position.max(transaction.lsn);
        let changes = apply(&mut self.rows, &mut self.counts, &transaction);
        for (who, column) in &self.subscribers {
            let event = self.event(&transaction, *column, &changes);
            if event.says_something() {
                who.send(ToConsumer::Event(event));
            }
        }
        self.latest = Some(transaction);
    }

    /// The transactions that it has taken in after a position.
    fn after(&self, at: u64) -> Vec<Arc<Transaction>> {
        let mut all = self.log.after(at);
        let known = all.last().map_or(at, |last| last.lsn);
        let unlogged = self.latest.iter().filter(|latest| latest.lsn > known);
        if self.stack.policy.handed == Handed::Taken {
            all.extend(unlogged.cloned());
        }
        all
    }

    /// The latest position that any row is as of that it has taken in.
    fn ahead_at(&self, position: u64) -> u64 {
        let latest = self.latest.iter().filter(|latest| latest.lsn <= position);
        let unlogged = latest.map(|latest| latest.ahead).max().filter(|_| self.stack.policy.handed == Handed::Taken);
        self.log.ahead_at(position).max(unlogged.unwrap_or_default())
    }

    fn event(&self, transaction: &Transaction, column: Column, changes: &[(Column, Arc<str>, bool)]) -> Event {
        let changes = changes.iter().filter(|(of, ..)| *of == column).cloned().collect();
        Event { of: self.handle.clone(), lsn: transaction.lsn, ahead: transaction.ahead, changes }
    }

    /// The values to begin with: as of a position and what has become of them since, or as they are.
    fn seed(&self, column: Column, at: Option<u64>) -> Seed {
        match at {
            Some(at) if self.stack.policy.view == View::AtPosition && at < self.position => {
                let mut rows = self.log.rows_at(at);
                let mut counts = count(rows.values());
                let values = values(&counts, column);
                let mut later = Vec::new();
                for transaction in self.after(at) {
                    let changes = apply(&mut rows, &mut counts, &transaction);
                    later.push(self.event(&transaction, column, &changes));
                }
                later.retain(Event::says_something);
                Seed { values, position: at, ahead: self.ahead_at(at), later }
            }
            _ => Seed {
                values: values(&self.counts, column),
                position: self.position,
                ahead: self.ahead_at(self.position),
                later: Vec::new(),
            },
        }
    }
}

/// What a transaction makes of rows and counts: each value that there is now, or is no more.
fn apply(
    rows: &mut BTreeMap<Arc<str>, Row>,
    counts: &mut Counts,
    transaction: &Transaction,
) -> Vec<(Column, Arc<str>, bool)> {
    let mut touched: BTreeMap<(Column, Arc<str>), bool> = BTreeMap::new();
    let mut shift = |row: &Row, by: i64| {
        for (column, text) in row.cells() {
            let value = (column, text.clone());
            let count = counts.entry(value.clone()).or_default();
            touched.entry(value).or_insert(*count > 0);
            *count = (i64::from(*count) + by).max(0) as u32;
        }
    };
    for logged in &transaction.changes {
        let message = &logged.message;
        let before = match &message.row {
            Some(row) => rows.insert(message.key.clone(), row.clone()),
            None => rows.remove(&message.key),
        };
        if let Some(before) = before {
            shift(&before, -1);
        }
        if let Some(row) = &message.row {
            shift(row, 1);
        }
    }
    let mut changes = Vec::new();
    for ((column, value), before) in touched {
        let key = (column, value.clone());
        let now = counts.get(&key).is_some_and(|count| *count > 0);
        if !now {
            counts.remove(&key);
        }
        if now != before {
            changes.push((column, value, now));
        }
    }
    changes
}

fn count<'a>(rows: impl Iterator<Item = &'a Row>) -> Counts {
    let mut counts = Counts::new();
    for row in rows {
        for (column, text) in row.cells() {
            *counts.entry((column, text.clone())).or_default() += 1;
        }
    }
    counts
}

fn values(counts: &Counts, column: Column) -> BTreeSet<Arc<str>> {
    counts.keys().filter(|(of, _)| *of == column).map(|(_, value)| value.clone()).collect()
}
