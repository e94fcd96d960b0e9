//! S3: an instance reconciler, over one Postgres and a cloud's control plane.
//!
//! Modelled on Molecule-AI/molecule-core #2283: workspaces are rows; each runs on an instance in a cloud, which may die
//! without a word. Every server asks the control plane every minute about the instances that rows have, takes a workspace
//! offline whose instance is dead, and gives it another one. Meanwhile users pause, remove and restart, agents say that
//! they are alive, and other servers do the same; and the control plane answers late, oddly, or not at all.
//!
//! | file | what lives there |
//! |---|---|
//! | [`policy`] | the choices in which the historical forms and the hardened form differ |
//! | `timeouts`, `points` | the times and the windows, the same in every form |
//! | [`row`], [`sql`], `store` | a workspace's row, the statements, and their way to the database and back |
//! | `plane` | the control plane as it is asked, and what its answers say |
//! | `server` | one process: what users decide, cycles, restarts, sweeps, heartbeats |
//! | `http` | its HTTP service |
//! | `agent` | what says on an instance that it is alive |
//! | [`workload`], `words`, [`outcome`] | what clients do, how it is written, and what they see come of it |
//! | `client` | the client's side of the HTTP service |
//! | `oracle` | what must hold |
//! | `service` | the system as the harness sees it |
//!
//! What is reported as fact, for oracles and stories:
//!
//! | fact | fields | when |
//! |---|---|---|
//! | `cloud.created` | `instance`, `tag`, `token` | the cloud has a new instance |
//! | `reconciler.cycle` | | a cycle begins |
//! | `reconciler.cycled` | `selected`, `checked` | it ends |
//! | `reconciler.answered` | `workspace`, `instance`, `answer`, `consistent` | a status request is over, one way or another |
//! | `reconciler.flipped` | `workspace`, `instance` | a workspace was taken offline |
//! | `reconciler.dropped` | `workspace` | a restart came too soon |

mod agent;
mod client;
mod http;
mod oracle;
pub mod outcome;
mod plane;
mod points;
pub mod policy;
pub mod row;
mod server;
mod service;
pub mod sql;
mod store;
#[cfg(test)]
mod tests;
mod timeouts;
mod words;
pub mod workload;

pub use client::Client;
pub use service::Reconciler;
