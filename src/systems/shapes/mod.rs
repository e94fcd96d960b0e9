//! S4: shapes, which must survive a restart of the stack that serves them.
//!
//! Modelled on electric-sql/electric around #4666: a shape is the rows of a table that meet a condition, kept as a
//! snapshot and a log of changes, which clients read from an offset on. A stack of actors makes the log from a replication slot of
//! Postgres; a condition with a subquery depends on that as a shape of its own. The stack is stopped and started
//! within a process that goes on, with requests that outlive it; what it has in memory is gone, what is on disk is as it was
//! left. So every part may find another one dead, not yet there, or at another position of the log.
//!
//! | file | what lives there |
//! |---|---|
//! | [`policy`] | the choices in which the historical forms and the hardened form differ |
//! | `timeouts`, `points` | the times and the windows, the same in every form |
//! | [`query`] | queries and changes over the schema of four levels |
//! | [`workload`], `words`, [`outcome`] | what clients do, how it is written, and what they see come of it |
//! | `protocol` | what goes between clients and the service |
//! | `client`, `view` | the client's side, and what a client has of a shape |
//! | `http`, `request` | the service's side: routes, and a request's life, which no restart ends |
//! | `process` | the process, which has a stack, restarts it, and outlives it |
//! | `actors` | actors, with links, monitors and reasons to end |
//! | `stack` | the parts of the stack, and who starts and stops them |
//! | `consumer` | the consumer and the materializer of one shape |
//! | `store` | what is kept on disk |
//! | `oracle` | what must hold |
//! | `service` | the system as the harness sees it |
//!
//! What is reported as fact, for oracles and stories. `boot` is which start of a stack it is, `s1`, `s2`, …, counted by
//! process with its identity, `server.1a2b3c4d/2`; a position is an LSN as a number:
//!
//! | fact | fields | when |
//! |---|---|---|
//! | `shapes.restart` | `mode` | the stack is to be restarted: `graceful`, `brutal`, `rolling`, `consumers`; `trouble` where a part has died |
//! | `shapes.stack` | `boot`, `phase` | it is `booting`, `read_only`, `active`, `stopping`, `stopped` from now on |
//! | `shapes.created` | `handle`, `query`, `dependencies` | a shape has a handle; `dependencies` are handles, with commas |
//! | `shapes.snapshot` | `handle`, `lsn` | its snapshot is as of this position, and on disk |
//! | `shapes.removing` | `handle`, `why`, `of` | it is to be removed: `deleted`, `expired`, `slot-lost`, `dependency` (then `of` is the handle that it depends on), `cleanup`, `ended`, `dropped`, `dangling`, `incomplete` |
//! | `shapes.removed` | `handle` | nothing is left of it |
//! | `shapes.consumer` | `handle`, `boot`, `event`, `reason` | `event`: `started`, `ready`, `stopped` |
//! | `shapes.materializer` | `handle`, `boot`, `event`, `reason` | the same |
//! | `shapes.seeded` | `handle`, `of`, `view`, `stored` | a shape's view of one that it depends on is as of position `view` when live changes begin; its own rows are as of `stored` |
//! | `shapes.flushed` | `handle`, `lsn` | its log up to this position is on disk |
//! | `shapes.acknowledged` | `lsn` | the slot may forget what was before |
//! | `shapes.applied` | `lsn` | a transaction has gone to all shapes |
//!
//! `ended` is a consumer that ended with a reason that its form takes for the end of the shape, `cleanup` one that was made to
//! stop and clean up by another's end, `dropped` a shape given up because the stack restarts, `dangling` one whose dependency is
//! gone at boot, `incomplete` one that had no snapshot yet when the stack stopped, and that no client has an offset of.

mod actors;
mod client;
mod consumer;
mod http;
mod oracle;
pub mod outcome;
mod points;
pub mod policy;
mod process;
mod protocol;
pub mod query;
mod request;
mod service;
mod stack;
mod store;
#[cfg(test)]
mod tests;
mod timeouts;
mod view;
mod words;
pub mod workload;

pub use client::Client;
pub use service::Shapes;
