//! What must hold of sessions: the invariants S1-I1 to S1-I7 and the bounds S1-L1 and S1-L2 of SYSTEMS.md, and what its
//! other findings need to be seen.
//!
//! They read what clients saw, what Redis committed, what backends counted and what pods reported; never how the pods are
//! configured. `lens` reads the history once for all of them.

mod checks;
mod ending;
mod identity;
mod latency;
mod lens;
mod record;
mod resources;

pub(super) use checks::invariants;
