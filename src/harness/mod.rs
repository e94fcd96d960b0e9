//! A system as sexton sees it, and one run of it from seed to verdict.
//!
//! A stranger's service implements [`System`] and nothing else; the five systems of this crate are only its first users.

mod deployment;
mod draw;
mod invariant;
mod plan;
mod run;
mod strike;
mod system;

pub use deployment::{CLIENT, Deployment, Host};
pub use draw::Draw;
pub use invariant::{Findings, Invariant, Observed, Record, Violation};
pub use plan::{Hold, Limits, Plan, Step};
pub use run::{Fingerprint, Fork, NO_ESCAPE, NO_PANIC, Run, RunOptions, Verdict, run};
pub use strike::Strike;
pub(crate) use strike::{Misfit, Part};
pub use system::{Configured, Load, System};

pub use crate::world::Engine;
pub use crate::world::clock::EPOCH;
pub use crate::world::history::{Activity, ActivityId, Event, Fact, History, What};
pub use crate::world::nemesis::{Drawn, Fault, Tally};
pub use crate::world::tape::Decision;
