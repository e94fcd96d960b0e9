//! Where a difference between two runs is likeliest to come from, by how they differ and in which of all ways.

use std::fmt;

use super::Way;
use crate::report::{Line, Sort};

/// How many lines ahead an event is looked for that came earlier in the other run.
const AHEAD: usize = 64;

/// Where a difference is likeliest to come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// Something left the world, and said so.
    Escape(String),
    /// The same events in another order.
    Order,
    /// The same event at another time.
    Time,
    /// The name of a thread.
    Thread,
    /// An address in memory.
    Address,
    /// A number that goes on from run to run.
    Count,
    /// Another value.
    Value,
    /// What only another build does.
    Build,
    /// One of the two ended there.
    End,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Escape(how) => return write!(f, "a thread or runtime of the host: {how}"),
            Self::Order => "an order: of a hash map that does not take its keys from libc, of threads, or of a `select!` without `tokio_unstable`",
            Self::Time => "a clock of the host that is not read through libc",
            Self::Thread => "the number of a thread: each run has a new one, as has what is hashed or drawn from it",
            Self::Address => "an address in memory",
            Self::Count => "a static or thread-local that outlives a run, such as a counter",
            Self::Value => "entropy that is not libc's: of the processor, of addresses, of the thread, or a static that outlives a run",
            Self::Build => "what only one of the builds has: debug assertions, overflow checks, or the arithmetic of floating-point numbers",
            Self::End => "one run goes on where the other has ended",
        })
    }
}

impl Source {
    /// Of two accounts that part at this line.
    pub fn likeliest(way: Way, here: &[Line], there: &[Line], parting: usize) -> Self {
        let escaped = here.iter().chain(there).find_map(|line| match line.sort {
            Sort::Broken => line.text.strip_prefix("escaped from the world: "),
            _ => None,
        });
        if let Some(how) = escaped {
            return Self::Escape(how.into());
        }
        if way == Way::Build {
            return Self::Build;
        }
        let (Some(this), Some(other)) = (here.get(parting), there.get(parting)) else { return Self::End };
        let comes = |line: &Line, lines: &[Line]| {
            lines[parting..].iter().take(AHEAD).any(|later| (&later.text, &later.host) == (&line.text, &line.host))
        };
        if this.text == other.text && this.host == other.host {
            return if this.at == other.at { Self::Order } else { Self::Time };
        }
        if comes(this, there) && comes(other, here) {
            return Self::Order;
        }
        Self::of_texts(way, &this.text, &other.text)
    }

    /// By the first word in which two texts differ.
    fn of_texts(way: Way, this: &str, other: &str) -> Self {
        let words = |text: &str| -> Vec<String> {
            text.split(|letter: char| !letter.is_alphanumeric() && letter != '-').map(str::to_owned).collect()
        };
        let (these, others) = (words(this), words(other));
        let Some(place) = (0..these.len().min(others.len())).find(|&place| these[place] != others[place]) else {
            return Self::Value;
        };
        if place > 0 && these[place - 1] == "ThreadId" {
            return Self::Thread;
        }
        let (one, two) = (&these[place], &others[place]);
        if one.starts_with("0x") && two.starts_with("0x") {
            return Self::Address;
        }
        let mut sorted = [these.clone(), others.clone()];
        for words in &mut sorted {
            words.sort_unstable();
        }
        if sorted[0] == sorted[1] {
            return Self::Order;
        }
        match (one.parse::<u64>(), two.parse::<u64>()) {
            (Ok(one), Ok(two)) if one.abs_diff(two) <= 1_000_000 && way != Way::Fresh => Self::Count,
            _ => Self::Value,
        }
    }
}
