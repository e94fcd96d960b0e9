//! S1: a session manager on several pods, over one Redis and a few backends.
//!
//! Modelled on stacklok/toolhive's vMCP (#4669, #4730, #4731 and after): a session's record lives in Redis with a sliding
//! time to live; its live connections to backends live in the memory of each pod that serves it, restored from the record
//! on demand. So every pod keeps a cache of something that any other pod may end, decorate or cut down.
//!
//! | file | what lives there |
//! |---|---|
//! | [`policy`] | the choices in which the historical forms and the hardened form differ |
//! | `timeouts` | the times, the same in every form |
//! | `record`, `records` | a session's record, and its way to storage and back |
//! | `backend`, `connection` | the backend server, and one connection to it |
//! | `live` | a live session: its connections, its calls in flight, its end |
//! | `manager` | the session manager of one pod |
//! | `pod` | its HTTP service |
//! | [`workload`] | what clients do, and how they see what came of it |
//! | `client` | the client's side of the HTTP service |
//! | `oracle` | what must hold |
//! | `service` | the system as the harness sees it |

mod backend;
mod client;
mod connection;
mod live;
mod manager;
mod oracle;
mod pod;
mod points;
pub mod policy;
mod record;
mod records;
mod service;
mod timeouts;
pub mod workload;

pub use client::Client;
pub use service::Session;
