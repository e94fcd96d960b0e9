//! What must hold of sandboxes, as separate invariants over the history.
//!
//! They read Postgres' and Redis' own ground truth, what replicas report, and what clients saw; never how the system is
//! configured. An answer is held against what was true *at some moment* between invocation and return. What a commit was
//! for is the client's operation at the root of its activity, so a promise that nothing was applied is held against every
//! later commit.
//!
//! Each way in which such a service is known to fail, and the invariant that sees it:
//!
//! | failure | invariant |
//! |---|---|
//! | a replica that has the tree in memory serves a sandbox that was destroyed: its mark never came, is gone again, or is not looked at | `no-ghost` |
//! | a reload that finds nothing makes an empty tree, and a script runs on it | `no-ghost` |
//! | a tombstone without a destruction, or one that a creation has left | `no-false-not-found` |
//! | a request that finds its sandbox gone is told to try again | `destroyed-is-told` |
//! | a replica makes a session by creating what it has just seen | `no-resurrection` |
//! | a tree of an earlier incarnation, or from before an acknowledged write | `content-is-current`, `linearizable-files` |
//! | a tree is replaced between two steps of one reader | `one-snapshot` |
//! | a pool is closed under a reader | `look-is-no-error` |
//! | an append to what is out of date | `append-keeps` |
//! | a write is acknowledged, and nowhere | `acknowledged-is-durable` |
//! | a request goes on without its lock, and says that nothing was applied | `refused-is-not-applied` |
//! | two sessions for one sandbox, or a new one taken out by a straggler | `one-session` |
//! | a pool that nobody closes | `pools-closed` |
//! | a counter that starts again is taken for that of an earlier incarnation | `counter-within-incarnation` |
//! | a counter that cannot be counted up, for ever | `writes-are-published` |
//! | a session of what was destroyed long ago | `destroyed-is-let-go` |
//! | a write that other replicas are never told of | `publish-flushed` |
//! | an operation hangs | `answered` |

mod checks;
mod content;
mod existence;
mod files;
mod lens;
mod letting_go;
mod promises;
mod reading;
mod structure;
#[cfg(test)]
mod tests;
mod tree;

pub(super) use checks::all;
