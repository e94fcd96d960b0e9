//! Random sequences of statements on two or three connections at a time.

use std::cell::RefCell;

use proptest::test_runner::TestCaseError;

use super::bench::{Bench, Tally};
use super::schema::TABLES;
use super::steps::sequences;
use crate::cases::runner;

const SEQUENCES: u32 = 1_200;
const LENGTH: usize = 40;

#[test]
fn random_sequences_are_answered_alike() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime can be built");
    let bench = runtime.block_on(Bench::start(TABLES));
    let Some(bench) = bench else { return };
    let bench = RefCell::new(bench);
    let result = runner(SEQUENCES).run(&sequences(LENGTH), |sequence| {
        let mut bench = bench.borrow_mut();
        runtime.block_on(async {
            let played = bench.play(&sequence).await;
            if played.is_err() {
                bench.renew().await.map_err(TestCaseError::fail)?;
            }
            played.map_err(TestCaseError::fail)
        })
    });
    if let Err(failure) = result {
        panic!("{failure}");
    }
    check(&bench.into_inner().tally);
}

/// The comparison is worth something only if statements were served, were refused in every way there is, and waited.
fn check(tally: &Tally) {
    assert!(tally.steps > u64::from(SEQUENCES) * LENGTH as u64 / 3, "only {} statements were compared", tally.steps);
    assert!(tally.templates.len() > 90, "only {} kinds of statement took part: {tally:#?}", tally.templates.len());
    for (template, [served, refused, _]) in &tally.templates {
        assert!(served + refused > 0, "`{template}` was never answered");
    }
    let waited: u64 = tally.templates.values().map(|[_, _, waited]| waited).sum();
    assert!(waited > 200, "only {waited} statements waited for a lock: {tally:#?}");
    for state in [
        "21000", "22001", "22003", "22007", "22008", "22012", "22P02", "23502", "23503", "23505", "23514", "25P01",
        "25P02", "3B001", "40P01", "42601", "42702", "42703", "42803", "42804", "42883", "42P01", "55P03",
    ] {
        assert!(tally.states.contains_key(state), "SQLSTATE {state} was never met: {:#?}", tally.states);
    }
    let ended = tally.races + tally.other_victims + tally.held_for_nothing;
    assert!(ended < u64::from(SEQUENCES) / 20, "{ended} sequences ended early");
}
