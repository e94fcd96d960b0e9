//! Smaller and rounder values for one decision.

/// Below this a value is a choice rather than an amount, and every smaller one is tried.
const CHOICE: u64 = 10;
/// A number is the less round the more digits it has before its zeros; what has this many is not round at all.
const ROUGH: u32 = 4;

/// What to try in place of an amount, best first: the roundest, then the smallest. Each is smaller than `value` and at
/// least as round, so that it comes to an end.
pub(super) fn smaller(value: u64) -> Vec<u64> {
    if value <= CHOICE {
        return (1..value).collect();
    }
    let own = roundness(value);
    let mut tries = steps(value);
    for digits in 2..=own.min(ROUGH) {
        // Rounder numbers were tried already, so what remains lies above the last of them.
        tries.extend(rounded(value, digits));
    }
    let mut seen = std::collections::BTreeSet::new();
    tries.retain(|tried| seen.insert(*tried));
    tries
}

/// 1, 2, 5, 10, 20, 50 and so on, below `value`.
fn steps(value: u64) -> Vec<u64> {
    let decades = std::iter::successors(Some(1_u64), |decade| decade.checked_mul(10));
    decades
        .flat_map(|decade| [1, 2, 5].map(|step: u64| decade.saturating_mul(step)))
        .take_while(|step| *step < value)
        .collect()
}

/// Numbers of so many digits before the zeros, from the largest step below `value` up to it, in ten parts.
fn rounded(value: u64, digits: u32) -> Vec<u64> {
    let unit = 10_u64.pow((value.ilog10() + 1).saturating_sub(digits));
    let below = value - 1 - (value - 1) % unit;
    let mut tries: Vec<u64> =
        (0..10).map_while(|back| below.checked_sub(back * unit)).filter(|tried| *tried > 0).collect();
    tries.reverse();
    tries
}

/// How many digits a number has before its zeros; 1 for 1, 2, 5, 10, 20 and so on, at least 2 for the others.
fn roundness(value: u64) -> u32 {
    let mut front = value.max(1);
    while front.is_multiple_of(10) {
        front /= 10;
    }
    if matches!(front, 1 | 2 | 5) { 1 } else { (front.ilog10() + 1).max(2) }
}

/// A fault's value: one, plus where in its slot it strikes (256 parts), plus how badly.
pub(super) fn smaller_fault(value: u64) -> Vec<u64> {
    let (offset, magnitude) = ((value - 1) & 0xff, (value - 1) >> 8);
    let fault = |offset: u64, magnitude: u64| 1 + offset + (magnitude << 8);
    let mut tries = Vec::new();
    let small = || (0..8).take_while(move |less| *less < magnitude);
    tries.extend(small().map(|less| fault(0, less)));
    tries.extend(small().map(|less| fault(offset, less)));
    if offset > 0 {
        tries.push(fault(0, magnitude));
        tries.extend(
            (0..8).map(|bit| offset >> 1 >> bit).filter(|less| *less > 0).rev().map(|less| fault(less, magnitude)),
        );
    }
    tries.dedup();
    tries.retain(|tried| *tried != value);
    tries
}
