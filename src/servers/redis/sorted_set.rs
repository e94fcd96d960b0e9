//! A sorted set: members with scores, ordered by score and then by member.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

/// A score as an order. Never a NaN, and zero has one sign only.
#[derive(Clone, Copy, Debug)]
struct Score(f64);

impl PartialEq for Score {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}
impl Eq for Score {}
impl PartialOrd for Score {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Score {
    fn cmp(&self, other: &Self) -> Ordering {
        self.0.total_cmp(&other.0)
    }
}

/// A range of scores; the flag of a bound is whether it is left out.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScoreRange {
    pub(super) min: (f64, bool),
    pub(super) max: (f64, bool),
}

impl ScoreRange {
    fn above_min(&self, score: f64) -> bool {
        within(score.partial_cmp(&self.min.0), Ordering::Greater, self.min.1)
    }
    fn below_max(&self, score: f64) -> bool {
        within(score.partial_cmp(&self.max.0), Ordering::Less, self.max.1)
    }
}

fn within(order: Option<Ordering>, inside: Ordering, bound_excluded: bool) -> bool {
    order == Some(inside) || (order == Some(Ordering::Equal) && !bound_excluded)
}

/// Members with scores.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct SortedSet {
    scores: BTreeMap<Bytes, f64>,
    order: BTreeSet<(Score, Bytes)>,
}

impl SortedSet {
    pub(super) fn len(&self) -> usize {
        self.scores.len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.scores.is_empty()
    }

    pub(super) fn score(&self, member: &[u8]) -> Option<f64> {
        self.scores.get(member).copied()
    }

    /// Sets a member's score, which must not be a NaN.
    pub(super) fn insert(&mut self, member: &Bytes, score: f64) {
        // A negative zero is stored as zero, as Redis' compact encoding does.
        let score = score + 0.0;
        if let Some(before) = self.scores.insert(member.clone(), score) {
            self.order.remove(&(Score(before), member.clone()));
        }
        self.order.insert((Score(score), member.clone()));
    }

    pub(super) fn remove(&mut self, member: &Bytes) -> bool {
        let Some(score) = self.scores.remove(member) else { return false };
        self.order.remove(&(Score(score), member.clone()));
        true
    }

    /// All members, lowest first.
    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = (&Bytes, f64)> {
        self.order.iter().map(|(score, member)| (member, score.0))
    }

    /// Members with scores in `range`, lowest first.
    pub(super) fn by_score(&self, range: ScoreRange) -> impl Iterator<Item = (&Bytes, f64)> {
        self.order
            .range((Score(range.min.0 + 0.0), Bytes::new())..)
            .map(|(score, member)| (member, score.0))
            .skip_while(move |&(_, score)| !range.above_min(score))
            .take_while(move |&(_, score)| range.below_max(score))
    }
}
