//! Something that holds until a moment: what troubles of a simulated server are made of; how long they last.

use std::time::Duration;

use crate::runtime::time::Instant;

/// One second up to `most`, as the magnitude of a fault has it.
///
/// ```
/// # use std::time::Duration;
/// # use sexton::servers::seconds;
/// assert_eq!([0, 9, 10].map(|magnitude| seconds(magnitude, 10)), [1, 10, 1].map(Duration::from_secs));
/// ```
///
/// # Panics
/// When `most` is 0.
pub fn seconds(magnitude: u64, most: u64) -> Duration {
    Duration::from_secs(1 + magnitude % most)
}

/// Something that holds until a moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Spell<T> {
    what: T,
    until: Instant,
}

impl<T: Copy> Spell<T> {
    /// From now on for so many seconds.
    pub(super) fn for_seconds(what: T, seconds: u64) -> Self {
        Self { what, until: Instant::now() + Duration::from_secs(seconds) }
    }

    /// What holds now.
    pub(super) fn now(spell: Option<Self>) -> Option<T> {
        spell.filter(|spell| Instant::now() < spell.until).map(|spell| spell.what)
    }
}

/// Whether an error comes before the effect of a request, or in place of its reply.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Failing {
    /// Nothing has happened.
    Before,
    /// It has happened.
    After,
}

impl Failing {
    /// Which of them a drawn number stands for.
    pub(super) fn drawn(magnitude: u64) -> Self {
        if magnitude.is_multiple_of(2) { Self::After } else { Self::Before }
    }

    /// The word for it.
    pub(super) fn word(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}
