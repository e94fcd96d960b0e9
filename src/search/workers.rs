//! Runs spread over threads, and their results in order all the same.
//!
//! Each run makes its own fresh thread; the threads here only wait for theirs, and so decide nothing but how many run
//! at once. Results are handed on in the order of their numbers, so that nothing that is found depends on timing.

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::ops::{ControlFlow, Range};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc;

/// Does `work` for each number over `jobs` threads, and hands the results to `each` in order until it breaks off or
/// `stop` is set. Work that was begun is finished, and handed on unless `each` has broken off.
#[expect(clippy::disallowed_methods, reason = "the threads of a campaign stand outside every world")]
pub(crate) fn in_order<T: Send>(
    numbers: Range<u64>,
    jobs: NonZeroUsize,
    stop: &AtomicBool,
    work: impl Fn(u64) -> T + Sync,
    mut each: impl FnMut(u64, T) -> ControlFlow<()>,
) {
    let next = AtomicU64::new(numbers.start);
    let enough = AtomicBool::new(false);
    // Whoever takes the results sets the pace: workers run ahead only a little.
    let (sender, results) = mpsc::sync_channel(jobs.get() * 4);
    std::thread::scope(|scope| {
        for _ in 0..jobs.get() {
            let sender = sender.clone();
            scope.spawn(|| {
                let sender = sender;
                while !stop.load(Ordering::Relaxed) && !enough.load(Ordering::Relaxed) {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= numbers.end || sender.send((number, work(number))).is_err() {
                        return;
                    }
                }
            });
        }
        drop(sender);
        let mut waiting = BTreeMap::new();
        let mut expected = numbers.start;
        for (number, result) in results {
            waiting.insert(number, result);
            while let Some(result) = waiting.remove(&expected) {
                let broken = enough.load(Ordering::Relaxed);
                if !broken && each(expected, result).is_break() {
                    enough.store(true, Ordering::Relaxed);
                }
                expected += 1;
            }
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    const JOBS: NonZeroUsize = NonZeroUsize::new(4).unwrap();

    #[test]
    fn results_come_in_order_whoever_is_first() {
        let stop = AtomicBool::new(false);
        let mut seen = Vec::new();
        let uneven = |number: u64| (0..(97 - number) * 500).fold(number, |sum, step| sum ^ std::hint::black_box(step));
        in_order(3..97, JOBS, &stop, uneven, |number, _| {
            seen.push(number);
            ControlFlow::Continue(())
        });
        assert_eq!(seen, (3..97).collect::<Vec<_>>());
    }

    #[test]
    fn breaking_off_ends_it_at_that_number() {
        let stop = AtomicBool::new(false);
        let mut seen = Vec::new();
        in_order(
            0..u64::MAX,
            JOBS,
            &stop,
            |number| number,
            |number, _| {
                seen.push(number);
                if number == 17 { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
            },
        );
        assert_eq!(seen, (0..=17).collect::<Vec<_>>());
    }

    #[test]
    fn a_stop_leaves_no_gap_behind() {
        let stop = AtomicBool::new(false);
        let mut seen = Vec::new();
        in_order(
            0..u64::MAX,
            JOBS,
            &stop,
            |number| number,
            |number, _| {
                seen.push(number);
                stop.store(number >= 20, Ordering::Relaxed);
                ControlFlow::Continue(())
            },
        );
        assert!(seen.len() > 20);
        assert_eq!(seen, (0..seen.len() as u64).collect::<Vec<_>>());
    }
}
