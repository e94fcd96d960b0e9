//! The hardened form's one way to change a record: by compare-and-set, made again on whatever is there by then.
//!
//! It rests on two things. No two writes have the same text, for each is signed; so a write whose reply was lost is known
//! again when it is seen, and a write that arrives late finds other text and does nothing. And a change says itself when
//! there is nothing left to do, so that making it again is safe.

use super::state::{Manager, outage};
use crate::runtime::time::Instant;
use crate::systems::session::live::Refusal;
use crate::systems::session::record::Record;
use crate::systems::session::records::{Stored, Swapped, Time};
use crate::systems::session::timeouts::CONTENTION;

/// What a change makes of a record.
pub(super) enum Change {
    /// This, unsigned.
    To(Record),
    /// Nothing: it is already so.
    Already,
    /// It cannot be made.
    Refused(Refusal),
}

impl Manager {
    /// Changes a record and returns it as storage holds it, confirmed. `known` saves the first look.
    ///
    /// # Errors
    /// Not found: there is no record. Unavailable: storage failed, or others were faster for too long; the change may
    /// have been made, or may still be.
    pub(super) async fn amend(
        &self,
        id: &str,
        operation: &str,
        known: Option<Stored>,
        time: Time,
        change: impl Fn(&Record) -> Change,
    ) -> Result<Stored, Refusal> {
        let began = Instant::now();
        let mut current = if let Some(known) = known {
            known
        } else {
            let found = self.records.load(id, time).await.map_err(|error| outage(id, &error))?;
            found.ok_or(Refusal::NotFound)?
        };
        loop {
            let next = match change(&current.record) {
                Change::To(mut record) => {
                    record.sign(operation, &self.dialer.stamp());
                    Stored::from(record)
                }
                Change::Already => return Ok(current),
                Change::Refused(refusal) => return Err(refusal),
            };
            current = match self.records.swap(id, &current, &next, time).await {
                Ok(Swapped::Done) => return Ok(next),
                Ok(Swapped::Differs(other)) => other.ok_or(Refusal::NotFound)?,
                Err(error) => {
                    // Perhaps it was written all the same: only storage knows.
                    tracing::warn!(session = id, operation, %error, "a write went unconfirmed");
                    let seen = self.records.peek(id, time).await.map_err(|error| outage(id, &error))?;
                    let seen = seen.ok_or(Refusal::NotFound)?;
                    if seen.text == next.text {
                        return Ok(seen);
                    }
                    seen
                }
            };
            if began.elapsed() > CONTENTION {
                return Err(Refusal::Unavailable);
            }
        }
    }
}
