//! A cloud: machines that run instances, and the control plane that is asked about them over HTTP.
//!
//! From the bottom up: `state` is what an instance can be in; `fleet` is all instances and how they change, without a
//! clock of its own; `trouble` is what a bad hour does to answers; `host` knows clocks, tasks and the network; `routes`
//! is the HTTP side.
//!
//! | request | answer |
//! |---|---|
//! | `POST /instances` `{"tag", "token"}` | the instance; the same token gets the same instance again |
//! | `GET /instances?tag=` | those that are not terminated, as they are |
//! | `GET /instances/status?instance_id=` | the state, from a copy that may lag; with `&read=consistent` as it is |
//! | `POST /instances/{id}/stop`, `/start` | the state after it |
//! | `DELETE /instances/{id}` | terminates it |
//! | `POST /operator/kill?tag=`, `/operator/impair?tag=` | what befalls the machine below: an instance dies, or limps |
//!
//! Ground truth: a commit of the store `cloud` under the instance's id for each change of state, and the fact
//! `cloud.created` with `instance`, `tag` and `token`.

mod fleet;
mod host;
mod routes;
mod state;
#[cfg(test)]
mod tests;
mod trouble;

pub use host::{Cloud, FAULTS, Options, Powered};
pub use state::State;
