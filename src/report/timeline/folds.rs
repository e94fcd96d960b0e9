//! Which stretches of time are folded: those in which nothing happens, where they are long beside all the others.

/// A stretch is folded when it is so many times as long as nine in ten of all stretches.
const LONG: u64 = 20;

/// The stretches between these moments that are worth folding, in order.
pub(super) fn folds(mut moments: Vec<u64>) -> Vec<(u64, u64)> {
    moments.sort_unstable();
    moments.dedup();
    let quiet: Vec<(u64, u64)> = moments.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let mut lengths: Vec<u64> = quiet.iter().map(|(from, until)| until - from).collect();
    lengths.sort_unstable();
    let Some(usual) = lengths.get(lengths.len() * 9 / 10) else { return Vec::new() };
    // Where there are only a few stretches, the longest of them must not be what is usual.
    let usual = (*usual).min(lengths[lengths.len() / 2] * LONG);
    quiet.into_iter().filter(|(from, until)| until - from > usual.saturating_mul(LONG)).collect()
}
