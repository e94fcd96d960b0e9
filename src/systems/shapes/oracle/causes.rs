//! Why a shape may be taken from its clients.

use std::time::Duration;

use super::lens::{Lens, Removal};
use crate::oracle::Moment;
use crate::systems::shapes::outcome::Asked;
use crate::systems::shapes::timeouts::EXPIRY;

/// Why a client that had a handle was told to fetch all again.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Cause<'a> {
    /// It had to be.
    Good,
    /// There was nothing that would explain it.
    None,
    /// The service removed it, for no good reason.
    Bad(&'a str),
}

/// Why a handle was refused that was asked about for this query, at a moment.
pub(super) fn cause<'a>(seen: &'a Lens, handle: &str, query: &str, moment: Moment) -> Cause<'a> {
    let Some(shape) = seen.shapes.get(handle) else { return Cause::None };
    if *shape.query != *query {
        return Cause::Good;
    }
    let removals = || shape.removals.iter().filter(|removal| removal.moment < moment);
    if removals().any(|removal| is_good(seen, handle, removal)) {
        return Cause::Good;
    }
    removals().next().map_or(Cause::None, |removal| Cause::Bad(first(seen, removal)))
}

/// Why the first of the shapes was removed that went one after another.
fn first<'a>(seen: &'a Lens, removal: &'a Removal) -> &'a str {
    let of = seen.shapes.get(&removal.of).filter(|_| &*removal.why == "dependency");
    let before = of.and_then(|of| of.removals.iter().find(|before| before.moment <= removal.moment));
    before.map_or(&removal.why, |before| first(seen, before))
}

/// Whether a shape had to be removed when it was.
fn is_good(seen: &Lens, handle: &str, removal: &Removal) -> bool {
    match &*removal.why {
        "deleted" => seen.told.iter().any(|told| {
            matches!(&told.exchange.asked, Asked::Delete { handle: deleted } if **deleted == *handle)
                && seen.op(told).invoked < removal.moment
        }),
        "expired" => !was_used(seen, handle, removal.moment.at),
        "slot-lost" => seen.lost_slots.iter().any(|lost| *lost < removal.moment),
        // What it depends on was removed, and that was right.
        "dependency" => goes_rightly(seen, &removal.of, removal.moment),
        "dangling" => seen.shapes.get(handle).is_some_and(|shape| {
            shape.dependencies.iter().any(|dependency| goes_rightly(seen, dependency, removal.moment))
        }),
        // Nobody has anything of it.
        "incomplete" => !seen.told.iter().any(|told| {
            told.answer().is_some_and(|answer| answer.status == 200 && answer.body.handle.as_deref() == Some(handle))
                && seen.op(told).returned < removal.moment
        }),
        _ => false,
    }
}

fn goes_rightly(seen: &Lens, handle: &str, by: Moment) -> bool {
    let Some(shape) = seen.shapes.get(handle) else { return false };
    shape.removals.iter().any(|removal| removal.moment < by && is_good(seen, handle, removal))
}

/// Whether a shape was made or asked about within the time after which it expires.
fn was_used(seen: &Lens, handle: &str, at: Duration) -> bool {
    let since = at.saturating_sub(EXPIRY);
    let made = seen.shapes.get(handle).is_some_and(|shape| shape.created.at > since);
    made || seen.told.iter().filter(|told| told.handle().is_some_and(|asked| **asked == *handle)).any(|told| {
        let op = seen.op(told);
        op.invoked.at < at && op.returned.at > since
    })
}
