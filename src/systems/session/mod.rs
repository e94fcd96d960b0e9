//! S1: a session manager on several pods, over one Redis and a few backends.
//!
//! Modelled on stacklok/toolhive's vMCP (#4669, #4730, #4731 and after): a session's record lives in Redis with a sliding
//! time to live; its live connections to backends live in the memory of each pod that serves it, restored from the record
//! on demand. So every pod keeps a cache of something that any other pod may end, decorate or cut down.
//!
//! | file | what lives there |
//! |---|---|
//! | [`policy`] | the choices in which the historical forms and the hardened form differ |
//! | `timeouts`, `points` | the times and the windows, the same in every form |
//! | `record`, `records` | a session's record, and its way to storage and back |
//! | `backend`, `connection` | the backend server, and one connection to it |
//! | `live` | a live session: its connections, its calls in flight, its end |
//! | `manager` | the session manager of one pod |
//! | `pod` | its HTTP service |
//! | [`workload`], `words`, [`outcome`] | what clients do, how it is written, and what they see come of it |
//! | `client` | the client's side of the HTTP service |
//! | `oracle` | what must hold |
//! | `service` | the system as the harness sees it |
//!
//! What is reported as fact, for oracles and stories:
//!
//! | fact | fields | when |
//! |---|---|---|
//! | `backend.opened` | `backend`, `connection`, `boot`, `session`, `owner` | a connection is initialised |
//! | `backend.closed` | `backend`, `connection`, `session` | it is gone; not reported when the backend crashes |
//! | `backend.called` | `connection`, `session`, `owner`, `caller` | a tool call arrives |
//! | `session.pod` | `boot`, `capacity`, `ttl_ms` | a pod has started |
//! | `session.handling` | `operation`, `session`, `backend` | a pod begins to carry out a request |
//! | `session.handled` | `operation`, `session`, `answer` | it is done, whoever still waits for it |
//! | `session.gave-up` | `session`, `call`, `waited_ms` | a storage call ran out of time |
//! | `session.shelved` | `session`, `object`, `live`, `entries`, `capacity` | an object went into a pod's cache |
//! | `session.expired` | `session`, `object`, `backends`, `decorations` | one was evicted because its record had moved on |
//! | `session.restoring`, `session.restored` | `session`; also `object` | a pod makes a live object of a record |
//!
//! A connection's `boot` is which start of which pod opened it.

mod backend;
mod client;
mod connection;
mod live;
mod manager;
mod oracle;
pub mod outcome;
mod pod;
mod points;
pub mod policy;
mod record;
mod records;
mod service;
#[cfg(test)]
mod tests;
mod timeouts;
mod words;
pub mod workload;

pub use client::Client;
pub use service::Session;
