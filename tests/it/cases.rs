//! Random cases that are the same each time: the seed is fixed, and told.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

const SEED: u64 = 20_240_607;

/// A deterministic source of cases.
pub(crate) fn runner(cases: u32) -> TestRunner {
    announce(cases);
    let mut seed = [0; 32];
    seed[..8].copy_from_slice(&SEED.to_le_bytes());
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 20_000,
        max_shrink_time: 60_000,
        ..Config::default()
    };
    TestRunner::new_with_rng(config, TestRng::from_seed(RngAlgorithm::ChaCha, &seed))
}

#[expect(clippy::print_stderr, reason = "a test tells its seed")]
fn announce(cases: u32) {
    eprintln!("{cases} cases from seed {SEED}");
}
