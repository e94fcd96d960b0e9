//! S2: a sweeper of orphaned namespaces, over one Postgres and a cluster, and the service whose namespaces they are.
//!
//! Modelled on InstaNode-dev/worker #105: stacks are rows; each runs in a namespace of a cluster. The API writes the row
//! first and creates the namespace later, and deletes the namespace as far as that goes and then the row. Workers sweep every
//! quarter of an hour what has been left over on the way, and let stacks expire whose time is over; and the cluster answers
//! late, oddly for one namespace only, from a stale copy, or not at all.
//!
//! | file | what lives there |
//! |---|---|
//! | [`policy`] | the choices in which the historical forms and the hardened form differ |
//! | `timeouts`, `points` | the times and the windows, the same in every form |
//! | [`row`], [`sql`], `store` | a stack's row, the statements, and their way to the database and back |
//! | `cluster` | the cluster as it is asked, and what its answers say |
//! | `teardown` | the end of a stack's namespace, for whoever wants it |
//! | `api`, `http` | one process of the API, and its HTTP service |
//! | `worker` | one worker: passes of the sweep, and the expirer |
//! | `pooler`, `scene` | what workers reach their rows through; what is there when all begins |
//! | [`workload`], `words`, [`outcome`] | what clients do, how it is written, and what they see come of it |
//! | `client` | the client's side of the HTTP service |
//! | `oracle` | what must hold |
//! | `service` | the system as the harness sees it |
//!
//! What is reported as fact, for oracles and stories:
//!
//! | fact | fields | when |
//! |---|---|---|
//! | `sweeper.pass`, `sweeper.passed` | | a pass begins, and ends |
//! | `sweeper.asked` | `what`, `about`, `answer` | a request or statement that a pass relies on is over, one way or another |
//! | `sweeper.condemned` | `namespace`, `uid` | a pass is sure of an orphan |

mod api;
mod client;
mod cluster;
mod http;
mod oracle;
pub mod outcome;
mod points;
pub mod policy;
mod pooler;
pub mod row;
mod scene;
mod service;
pub mod sql;
mod store;
mod teardown;
#[cfg(test)]
mod tests;
mod timeouts;
mod words;
mod worker;
pub mod workload;

pub use client::Client;
pub use service::Sweeper;
