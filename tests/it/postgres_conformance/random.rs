//! Random sequences of statements on two or three connections at a time.

use std::cell::RefCell;

use proptest::test_runner::TestCaseError;

use super::bench::Bench;
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
    eprintln!("{:#?}", bench.borrow().tally);
}
