//! What a consumer makes of a transaction: of its own rows, of what others have made of it, and of being behind them.

use std::sync::Arc;

use super::{Consumer, ToConsumer};
use crate::runtime::{fact, point, time};
use crate::systems::shapes::actors::{Context, Reason};
use crate::systems::shapes::consumer::holding::{Event, Tx};
use crate::systems::shapes::consumer::materializer::ToMaterializer;
use crate::systems::shapes::consumer::starter::select;
use crate::systems::shapes::points;
use crate::systems::shapes::policy::{Notify, Replayed};
use crate::systems::shapes::store::{Logged, Transaction};
use crate::systems::shapes::timeouts::PAUSE;

impl Consumer {
    /// Takes in what others have made of transactions up to here, of which none is about its own table.
    pub(super) async fn advance(&mut self, context: &mut Context<ToConsumer>, lsn: u64) -> Result<(), Reason> {
        if self.events.iter().any(|event| event.lsn <= lsn) || self.must_look(lsn) {
            self.apply(context, &Tx { lsn, changes: Vec::new() }).await?;
        }
        Ok(())
    }

    /// Takes in a transaction, and what others have made of it.
    pub(super) async fn apply(&mut self, context: &mut Context<ToConsumer>, transaction: &Tx) -> Result<(), Reason> {
        let lsn = transaction.lsn;
        let (mut due, later): (Vec<Event>, Vec<Event>) =
            std::mem::take(&mut self.events).into_iter().partition(|event| event.lsn <= lsn);
        self.events = later;
        due.sort_by_key(|event| event.lsn);
        if lsn <= self.position && self.stack.policy.replayed == Replayed::Skipped {
            let before = self.ahead;
            for event in &due {
                self.hear_event(event);
            }
            if self.ahead > before {
                let ahead = self.tell_ahead();
                self.notify(&ahead).await?;
            }
            return Ok(());
        }
        self.tell_seeds();
        let mut changes: Vec<Logged> = Vec::new();
        let before = self.position;
        let mut changed = self.holding.catches_up(before, lsn);
        let mut looks = false;
        for event in &due {
            let news = self.hear_event(event);
            changed |= news;
            looks |= news && event.lsn > before && event.ahead <= event.lsn;
        }
        if self.must_look(lsn) {
            (looks, self.look_at) = (true, None);
        }
        for change in &transaction.changes {
            self.holding.change(lsn, change, &mut changes);
        }
        if changed || looks {
            self.holding.reconsider(lsn, &mut changes);
        }
        if looks {
            let found = loop {
                let asking = select(&self.stack.rows, self.holding.query());
                match context.unless_told(asking).await? {
                    Ok(found) => break found,
                    Err(error) => tracing::warn!(handle = %self.handle, %error, "rows that come in are not known yet"),
                }
                context.unless_told(time::sleep(PAUSE)).await?;
            };
            self.ahead = self.ahead.max(found.lsn);
            self.holding.admit(lsn, &found, &mut changes);
        }
        self.position = self.position.max(lsn);
        let done = Arc::new(Transaction { lsn, ahead: self.ahead.max(lsn), changes });
        if looks || done.ahead > lsn || !done.changes.is_empty() {
            self.write(&done)?;
            if looks {
                // It cannot be made again from the transactions alone: nobody may see what could be lost.
                self.flush(true).await?;
            }
            point(points::APPENDED, &self.handle).await;
            self.notify(&done).await?;
        }
        self.log.push(done);
        self.stack.bells.ring(&self.handle);
        point(points::NOTIFIED, &self.handle).await;
        Ok(())
    }

    /// Lets readers know that the rows are what the database had only where it is by then.
    pub(super) fn tell_ahead(&self) -> Arc<Transaction> {
        let told = Arc::new(Transaction { lsn: self.position, ahead: self.ahead, changes: Vec::new() });
        self.log.push(told.clone());
        told
    }

    /// Takes in what has become of the values of a dependency. True: that is news.
    fn hear_event(&mut self, event: &Event) -> bool {
        self.follow_ahead(event.ahead, event.lsn.max(self.position));
        self.holding.hear(event)
    }

    /// A dependency is ahead up to here: where it is not what the database had, this is not either.
    pub(super) fn follow_ahead(&mut self, ahead: u64, of: u64) {
        self.ahead = self.ahead.max(ahead);
        if ahead > of {
            self.look_at = self.look_at.max(Some(ahead));
        }
    }

    fn must_look(&self, lsn: u64) -> bool {
        self.look_at.is_some_and(|at| at <= lsn)
    }

    /// Tells, once, as of when it saw what it depends on as live changes began.
    fn tell_seeds(&mut self) {
        for (dependency, seed) in self.holding.dependencies().iter().zip(std::mem::take(&mut self.seeds)) {
            // What came after the values, up to its own rows, has been taken in by now.
            let view = seed.max(self.position);
            fact(
                "shapes.seeded",
                [
                    ("handle", self.handle.clone().into()),
                    ("of", dependency.handle.clone().into()),
                    ("view", view.into()),
                    ("stored", self.position.into()),
                ],
            );
        }
    }

    /// Lets its materializer know of a transaction.
    async fn notify(&mut self, transaction: &Arc<Transaction>) -> Result<(), Reason> {
        let Some(materializer) = &self.materializer else { return Ok(()) };
        let told = materializer.call(|reply| ToMaterializer::NewChanges(transaction.clone(), reply)).await;
        let Err(reason) = told else { return Ok(()) };
        match (self.stack.policy.notify, &reason) {
            (Notify::Swallowed, Reason::Absent | Reason::Normal | Reason::Shutdown) => Ok(()),
            (Notify::LeavesOff, _) => Err(Reason::Shutdown),
            _ => Err(reason.in_call()),
        }
    }
}
