//! The simulated world: hosts, links, clocks, tape, history. It knows no system and no protocol.

pub mod history;
pub mod tape;
