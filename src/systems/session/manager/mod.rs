//! The session manager of one pod: generate, validate, create, get, call, decorate, terminate, notify, sweep, drain.
//!
//! Each operation awaits in the order that SYSTEMS.md's S1 gives, in whatever form the policy asks for. The shelf is the
//! pod's cache and what must happen around it; `amend` is the hardened form's one way to change a record.

mod amend;
mod create;
mod decorate;
mod get;
mod notify;
mod restore;
mod shelf;
mod state;
mod sweep;
mod terminate;

pub(crate) use state::{Manager, label};
