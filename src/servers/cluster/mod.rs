//! A cluster: namespaces, each with a deployment at most, behind an API over HTTP.
//!
//! From the bottom up: `namespaces` is what there is and how it changes, without a clock of its own; `trouble` is what a bad
//! hour does to answers; `host` knows clocks, tasks and the network; `routes` is the HTTP side.
//!
//! | request | answer |
//! |---|---|
//! | `GET /namespaces?prefix=&label_selector=&limit=&continue=` | `items` in order of their names; with a limit, the `continue` of the next page |
//! | `POST /namespaces` `{"name", "labels"}` | the namespace; 409 while one of that name is there, be it terminating |
//! | `GET /namespaces/{name}` | the namespace as it is |
//! | `DELETE /namespaces/{name}?uid=` | it is `Terminating`, and listed until it is gone; 409 if it has another UID |
//! | `PUT`, `DELETE /namespaces/{name}/deployment?uid=` | the namespace with a deployment that comes up, or with none |
//! | `GET /deployments?phase=` | the namespaces whose deployment is in that phase |
//! | `POST /operator/lose?name=` | an operator deletes a namespace, by accident |
//!
//! A label selector is `name:value`. A list may be from a copy that lags; every other look is consistent. Each answer has the
//! cluster's own time in its `date`.
//!
//! Ground truth: a commit of the store `cluster` under the namespace's name for each change, with the namespace as it is from
//! then on.

mod host;
mod namespaces;
mod routes;
#[cfg(test)]
mod tests;
mod trouble;
mod view;

pub use host::{Cluster, FAULTS, Options};
pub use view::{Page, Phase, Rollout, View};
