//! How many seeds of the session manager's default scenario one core runs in a second.
//!
//! `cargo bench --bench session`. Three pods, a Redis, four backends, 120 operations, all faults.
#![expect(
    clippy::print_stdout,
    clippy::disallowed_methods,
    reason = "a benchmark reads the host's clock and prints what it measured"
)]

use std::path::Path;
use std::time::{Duration, Instant};

use sexton::harness::{RunOptions, Verdict};
use sexton::scenario::Systems;

const SEEDS: u64 = 1_000;

/// The command's own.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/session/default.toml");
    let scenario = Systems::builtin().load(&path, "session/default").expect("the default scenario is read");
    let (mut simulated, mut events) = (Duration::ZERO, 0);
    let begun = Instant::now();
    for seed in 1..=SEEDS {
        let run = scenario.run(seed, &RunOptions::default());
        assert_eq!(run.verdict, Verdict::Holds, "seed {seed}: {:?}", run.violations);
        simulated += run.simulated;
        events += run.events;
    }
    let took = begun.elapsed().as_secs_f64();
    println!(
        "session/default on one core: {:.0} seeds/s, {:.0} events/s, {:.0} simulated s/s",
        SEEDS as f64 / took,
        events as f64 / took,
        simulated.as_secs_f64() / took
    );
}
