//! What must hold of shapes, as separate invariants over the history.
//!
//! They read the database's own commits, what the stack reports of itself, and every answer that a client was given; never
//! how the system is configured. What a client has of a shape is put together from the answers here once more, across
//! all restarts, and held against the states that the database has had.
//!
//! Each way in which such a service is known to fail, and the invariant that sees it:
//!
//! | failure | invariant |
//! |---|---|
//! | a consumer takes the end of another part for the end of its shape; shapes are dropped at boot | `no-spurious-invalidation` |
//! | the table of handles is gone with its owner; a materializer waits for five seconds and no longer | `no-server-error` |
//! | a stack calls itself active before it has caught up | `no-false-out-of-bounds` |
//! | a transaction is applied once more after a restart; a view is ahead of the rows | `valid-stream`, `view-coupling` |
//! | a materializer never hears of a change; an error passes for no change | `content-is-current`, `converges` |
//! | a removal is cut short | `atomic-removal` |
//! | a dependency is gone, and whoever depends on it is waited for | `active-in-time`, `active-again` |
//! | what a dead consumer had not put on disk is waited for | `slot-advances` |
//! | a held request is forgotten | `held-is-answered` |
//! | a client's operation hangs | `answered` |

mod answers;
mod boots;
mod causes;
mod checks;
mod content;
mod coupling;
mod holding;
mod invalidation;
mod lens;
mod reading;
mod removal;
mod slot;
mod states;
mod stream;
#[cfg(test)]
mod tests;

pub(super) use checks::all;
