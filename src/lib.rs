//! Deterministic simulation testing for code that decides what is alive.
//!
//! A whole service runs inside a seeded world of simulated network, clocks and servers. Faults and competing operations
//! are placed where they hurt, every answer is checked against oracles, and a failure replays from its seed for ever.
//!
//! A map of the crate, from the bottom up:
//!
//! | module | what lives there |
//! |---|---|
//! | [`world`] | the simulated world: tape, executor, clock, network, hosts, history; knows no system and no protocol |
//! | [`runtime`] | what code under test calls: net, files, task, time, points, activities; simulated inside a world, plain tokio outside |
//! | [`http`] | HTTP/1 over [`runtime`] streams: serve a router, call a peer |
//! | [`servers`] | simulated servers that speak the real protocols |
//! | [`storage`], [`cache`] | what the systems are built of: typed clients and caches that report their accesses |
//! | [`harness`] | a system as sexton sees it, and one run of it from seed to verdict |
//! | [`oracle`] | invariants that any system can use |
//! | [`systems`] | the five systems, one folder each |
//! | [`scenario`] | the scenario file and the seed file |
//! | [`search`] | from seeds to failures: campaigns, the catalogue, determinism |
//! | [`testing`] | a campaign as a test |
//! | [`report`], [`cli`] | what people and machines see |
//!
//! With `default-features = false` only [`runtime`] is built, and it is plain tokio.

pub mod runtime;
mod vocabulary;

#[cfg(feature = "sim")]
pub mod cache;
#[cfg(feature = "sim")]
pub mod cli;
#[cfg(feature = "sim")]
pub mod harness;
#[cfg(feature = "sim")]
pub mod http;
#[cfg(feature = "sim")]
pub mod oracle;
#[cfg(feature = "sim")]
pub mod report;
#[cfg(feature = "sim")]
pub mod scenario;
#[cfg(feature = "sim")]
pub mod search;
#[cfg(feature = "sim")]
pub mod servers;
#[cfg(feature = "sim")]
pub mod storage;
#[cfg(feature = "sim")]
pub mod systems;
#[cfg(feature = "sim")]
pub mod testing;
#[cfg(feature = "sim")]
pub mod world;
