//! Which stretches of time are folded: those in which nothing happens, where they are long beside all the others.

/// A stretch is folded when it is longer than this part of what is left.
const PART: u64 = 16;
/// At most so many, for each costs room.
const MOST: usize = 60;

/// The stretches between these moments that are worth folding, in order.
pub(super) fn folds(mut moments: Vec<u64>) -> Vec<(u64, u64)> {
    moments.sort_unstable();
    moments.dedup();
    let mut quiet: Vec<(u64, u64)> = moments.windows(2).map(|pair| (pair[0], pair[1])).collect();
    let mut left: u64 = quiet.iter().map(|(from, until)| until - from).sum();
    quiet.sort_by_key(|(from, until)| std::cmp::Reverse(until - from));
    let mut folded = Vec::new();
    for (from, until) in quiet.into_iter().take(MOST) {
        let rest = left - (until - from);
        if until - from <= rest / PART || rest == 0 {
            break;
        }
        left = rest;
        folded.push((from, until));
    }
    folded.sort_unstable();
    folded
}
