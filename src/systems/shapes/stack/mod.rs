//! The stack: the actors that make shapes of transactions, how they are started and stopped, and what is to be seen of them
//! from outside.
//!
//! | file | what lives there |
//! |---|---|
//! | `state` | what requests see of a stack, whether or not it lives |
//! | `table`, `logs` | the volatile tables, which are there as long as their owners |
//! | `top` | who starts and stops all others, in order |
//! | `status` | in which phase the stack is |
//! | `cleanup` | the removal of shapes |
//! | `database` | the durable store of handles |
//! | `replication` | the slot |
//! | `collector`, `tracker` | transactions on their way to shapes; what is on disk of them |
//! | `nursery` | who starts and stops consumers and materializers |
//! | `cache` | which shape a query is |
//! | `recovery` | what is set right at boot |
//! | `expiry` | shapes that nobody reads |

mod cache;
mod cleanup;
mod collector;
mod database;
mod expiry;
mod logs;
mod nursery;
mod recovery;
mod replication;
mod state;
mod status;
mod table;
mod top;
mod tracker;

pub(super) use cache::{Refused, ToCache};
pub(super) use cleanup::ToCleanup;
pub(super) use collector::{Route, ToCollector};
pub(super) use logs::Kept;
pub(super) use nursery::materializer;
pub(super) use state::{Options, Stack};
pub(super) use status::Phase;
pub(super) use table::NoTable;
pub(super) use top::{ToTop, run};
