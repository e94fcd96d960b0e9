//! What must hold of sessions, as separate invariants over the history.
//!
//! They read storage's and the backends' own ground truth, what pods report, and what clients saw; never how the system is
//! configured. An answer is held against what was true *at some moment* between invocation and return, an effect against
//! every request that may have caused it: one that its client gave up may take effect at any later time. What storage
//! itself takes back (the cause `lost`) breaks a promise like any other write, unless the scenario grants that; pods are
//! not blamed for what they make of it.
//!
//! Each way in which such a service is known to fail, and the invariant that sees it:
//!
//! | failure | invariant |
//! |---|---|
//! | a write that looked before the termination lands after it: decoration, notification, creation | `no-resurrection` |
//! | a termination is acknowledged because another seems to be under way | `no-resurrection` |
//! | a mark of termination is overwritten: it only marks, and the writer looks only whether the key exists | `termination-absorbing` |
//! | a rollback or a late publication puts an object of an ended session into the cache | `no-dead-entry` |
//! | a pod that cannot reach storage serves what was terminated elsewhere | `no-use-after-terminate` |
//! | an absent session is an error, so its client retries for ever | `termination-is-told` |
//! | a restored object takes a live one for a sentinel; an overtaken object is evicted and the caller turned away; a restore that got only part of its backends, or fresh ids from them, never matches its record | `no-false-not-found` |
//! | tools go to the object that was there when they were registered | `no-stale-handle` |
//! | a check that is out of date evicts the object that has replaced the one checked | `no-wrongful-eviction` |
//! | a snapshot that is out of date is written back over a notification; a restore writes back only what it reached | `monotone-backends` |
//! | a notification is acknowledged, but not in storage, or not seen by a cache | `notify-effective` |
//! | two decorations at a time, one lost | `decoration-kept` |
//! | an object is dropped from the cache, replaced in it, or never put into it, and not closed | `connections-conserved` |
//! | a termination leaves its own pod's connections to be found out some day | `freed-after-terminate` |
//! | nothing is ever evicted | `bounded-cache` |
//! | a lock is held while a call is drained | `no-head-of-line-blocking` |
//! | coalesced requests share the identity of one of them | `caller-identity` |
//! | the calls of one operation share one deadline | `full-deadline` |
//! | a request, or a client's operation, hangs | `bounded-latency`, `answered` |
//! | a live session is refused again and again with nothing in the way | `live-session-served` |
//! | something keeps what nobody asks for any more | `placeholder-expires` |

mod checks;
mod ending;
mod expiry;
mod identity;
mod latency;
mod lens;
mod reading;
mod record;
mod refusals;
mod resources;
#[cfg(test)]
mod tests;

pub(super) use checks::{ALLOWANCES, all};
