//! What must hold of stacks and their namespaces, as separate invariants over the history.
//!
//! They read the database's and the cluster's own ground truth, what workers report, and what clients saw; never how the
//! system is configured. Who did something is told by where it began: at a client's operation, or at a pass that goes on by
//! itself. Which namespace is a stack's is told by the label that its creator has written on it, for names come back.
//!
//! Each way in which such a service is known to fail, and the invariant that sees it:
//!
//! | failure | invariant |
//! |---|---|
//! | what is live is not recognised, read too early, too late, in pieces, or from an empty place; a name has come to be another's; nobody waits for a row that is on its way; an extended stack expires | `no-living-deleted` |
//! | a stack goes that a user was told has another day | `extension-kept` |
//! | an error counts as an empty answer | `uncertainty-inert` |
//! | namespaces go that are none of ours | `precision` |
//! | a stack is told to be well whose namespace is gone, or the other way round | `honest-status` |
//! | a row goes and its namespace stays | `expired-with-namespace` |
//! | orphans stay for ever | `orphans-go` |
//! | one failure ends a pass | `one-failure-alone` |
//! | stacks do not expire | `expires` |
//! | a client's operation hangs | `answered` |

mod checks;
mod expiry;
mod lens;
mod living;
mod orphans;
mod passes;
mod reading;
mod status;
#[cfg(test)]
mod tests;

pub(super) use checks::{ALLOWANCES, all};
