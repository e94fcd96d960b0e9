//! The simulated world: hosts, links, clocks, tape, history. It knows no system and no protocol.
//!
//! [`simulate`] runs one world on a fresh thread; [`World`] is what its code, the nemesis and the harness act on.

mod activity;
pub mod clock;
mod disk;
mod executor;
mod fault;
mod hermetic;
pub mod history;
mod host;
mod logs;
pub mod nemesis;
mod net;
mod points;
mod simulation;
mod stream;
pub mod tape;
mod turmoil;

pub(crate) use activity::{activity, resume_activity};
pub(crate) use disk::{Call, on_disk};
pub use executor::Context;
pub(crate) use executor::{Ended, JoinHandle};
pub use host::{HostId, Program, crash_self};
pub use points::HoldId;
pub(crate) use points::pass;
pub use simulation::{Config, Engine, Outcome, World, not_guaranteed, simulate};
pub(crate) use stream::{Listener, Stream};
pub(crate) use turmoil::{Listener as TurmoilListener, Stream as TurmoilStream};
pub use turmoil::{Observer, Software, observe};
