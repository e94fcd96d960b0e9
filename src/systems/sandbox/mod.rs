//! S0: replicated sandboxes, each a small file tree, on several replicas over one Postgres and one Redis.
//!
//! Modelled on Hazzng/sql-fs (#155 and around it): the tree lives in Postgres; each replica keeps sessions in memory, each
//! with the paths of one sandbox; a counter in Redis tells replicas that a tree has changed, a tombstone in its place that
//! the sandbox was destroyed, and a lock with leases keeps them apart. So every replica may have in memory what another
//! has changed, destroyed, or destroyed and created again under the same id.
//!
//! | file | what lives there |
//! |---|---|
//! | [`policy`] | the choices in which the historical forms and the hardened form differ |
//! | `timeouts`, `points` | the times and the windows, the same in every form |
//! | [`workload`], `words`, [`outcome`] | what clients do, how it is written, and what they see come of it |
//! | [`errors`] | the refusals: code, status, retryable or not |
//! | `client` | the client's side of the HTTP service |
//! | `sql`, `store` | the tables and the statements; what is asked of Postgres with them |
//! | `stamp`, `tree` | as of when a tree is, and the tree |
//! | `version`, `snapshot`, `lock` | what is in Redis: the counter, trees left behind, the distributed lock |
//! | `session` | what a replica has in memory of one sandbox |
//! | `manager` | the session manager of one replica |
//! | `replica` | its HTTP service |
//! | `service` | the system as the harness sees it |
//!
//! What is reported as fact, for oracles and stories. A `session` is a session's identity, `replica-a.1a2b3c4d/7`; `boot`
//! is which start of a replica it is, `replica-a.1a2b3c4d`; a `stamp` is the epoch and version of a sandbox's row, `3:17`:
//!
//! | fact | fields | when |
//! |---|---|---|
//! | `sandbox.replica` | `boot`, `idle_ms`, `reap_ms`, `drain_ms`, `shutdown_ms` | a replica has started |
//! | `sandbox.handling` | `operation`, `sandbox` | a replica begins to carry out a request |
//! | `sandbox.handled` | `operation`, `sandbox`, `answer` | it is done, whoever still waits for it; `ok` or a code |
//! | `sandbox.registered` | `sandbox`, `session`, `boot`, `stamp` | a session went into a replica's sessions |
//! | `sandbox.closing` | `sandbox`, `session`, `why` | it is to take no more requests: `gone`, `destroyed`, `idle`, `shutdown` |
//! | `sandbox.removed` | `sandbox`, `session`, `removed`, `why` | what was taken out for it: `removed` is the identity, or empty |
//! | `sandbox.pool-opened` | `sandbox`, `session` | a session has a pool of connections |
//! | `sandbox.pool-closed` | `sandbox`, `session` | it is closed |
//! | `sandbox.lock-acquired` | `sandbox`, `holder`, `mode`, `lock` | `mode`: `shared` or `exclusive`; `lock`: `read-write` or `single` |
//! | `sandbox.lock-lost` | `sandbox`, `holder`, `why` | its holder knows that its lease is over |
//! | `sandbox.lock-released` | `sandbox`, `holder` | it was given back, or its holder tried to |
//! | `sandbox.loaded` | `sandbox`, `session`, `stamp`, `from` | a session's tree is as of this stamp; `from`: `rows` or `snapshot` |
//! | `sandbox.compared` | `sandbox`, `session`, `stamp`, `seen`, `counter`, `equal` | the counter was held against what the session has seen of it; `stamp` is the tree's |
//! | `sandbox.unpublished` | `sandbox`, `session`, `stamp` | a committed write could not be told to other replicas |
//! | `sandbox.published` | `sandbox`, `session`, `stamp`, `by` | it has been told: `by` `writer`, `drainer` or `reaper` |
//! | `sandbox.dropped` | `sandbox`, `session`, `stamp` | it need not be told any more: the row has moved on, or is gone |

mod client;
pub mod errors;
mod lock;
mod manager;
mod oracle;
pub mod outcome;
mod points;
pub mod policy;
mod replica;
mod service;
mod session;
mod snapshot;
mod sql;
mod stamp;
mod store;
#[cfg(test)]
mod tests;
mod timeouts;
mod tree;
mod version;
mod words;
pub mod workload;

pub use client::Client;
pub use service::Sandbox;
pub use sql::{SCHEMA, statements};
