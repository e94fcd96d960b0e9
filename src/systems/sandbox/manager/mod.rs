//! The session manager of one replica: create, run, get, list, destroy; publish, drain, reap, shut down.
//!
//! Each operation awaits in the order that SYSTEMS.md's S0 gives, in whatever form the policy asks for.

mod create;
mod destroy;
mod fresh;
mod pools;
mod publish;
mod reap;
mod rehydrate;
mod run;
mod state;
mod steps;

pub(crate) use fresh::Looked;
pub(crate) use pools::Pools;
pub(crate) use state::{Manager, Options};
pub(crate) use steps::StepResult;
