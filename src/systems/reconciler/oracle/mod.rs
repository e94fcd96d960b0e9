//! What must hold of workspaces, as separate invariants over the history.
//!
//! They read the database's and the cloud's own ground truth, what processes report, and what clients saw; never how the
//! system is configured. Who did something is told by where it began: at a client's operation, or at a cycle or sweep that
//! goes on by itself.
//!
//! Each way in which such a service is known to fail, and the invariant that sees it:
//!
//! | failure | invariant |
//! |---|---|
//! | a restart terminates whatever the row has by then | `no-wrongful-termination` |
//! | a row without an instance counts as one whose instance is dead; a success that says nothing does; an instance that was gone and is back does | `no-wrongful-flip` |
//! | an error counts as proof of death | `uncertainty-inert` |
//! | a write that looked before the user's decision lands after it | `user-intent-absorbing` |
//! | a decision is acknowledged, but not in the row | `intent-recorded` |
//! | two processes provision one workspace side by side | `single-flight` |
//! | a row lets go of an instance that it has got meanwhile | `no-lost-instance` |
//! | the dead are looked at last, or not at all | `fairness` |
//! | a cycle takes as long as its checks | `bounded-cycle` |
//! | a restart that came too soon is forgotten | `replacement` |
//! | the word that a workspace is offline is lost | `told-offline` |
//! | something is left over when all has settled | `settles` |
//! | a client's operation hangs | `answered` |

mod checks;
mod cycles;
mod fairness;
mod flight;
mod flips;
mod intent;
mod lens;
mod reading;
mod replacement;
mod settling;
mod termination;
#[cfg(test)]
mod tests;

pub(super) use checks::all;
