//! One process of the service: what users decide, and what goes on by itself.
//!
//! Every decision about a workspace is one write of its row, which gives it a fresh generation and says what is then owed:
//! an instance to be made, shut down or terminated. `work` carries that out, as often as it takes; whatever it does to
//! instances can be done twice, and by two processes at once.

mod cycle;
mod flip;
mod health;
mod intents;
mod orphans;
mod restart;
mod state;
mod work;

pub(crate) use flip::OFFLINE;
pub(crate) use intents::Refusal;
pub(crate) use state::Server;
