//! Positions in the log of transactions, as Postgres counts and prints them.

use std::fmt;
use std::str::FromStr;

use super::super::refusal::Refusal;

/// Where the log of a new server begins.
const FIRST: u64 = 0x0100_0000;

/// A position in the log of transactions: each commit has one, greater than those before.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Lsn(u64);

impl Default for Lsn {
    fn default() -> Self {
        Self(FIRST)
    }
}

impl Lsn {
    /// Goes on by a transaction that has changed so many rows, and says where it is then.
    pub(super) fn commit(&mut self, rows: usize) -> u64 {
        self.0 += 48 + 64 * rows as u64;
        self.0
    }

    pub(super) fn number(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Lsn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:X}/{:08X}", self.0 >> 32, self.0 & 0xffff_ffff)
    }
}

impl FromStr for Lsn {
    type Err = Refusal;

    fn from_str(text: &str) -> Result<Self, Refusal> {
        let half = |digits: &str| {
            let fits = (1..=8).contains(&digits.len()) && digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            u64::from_str_radix(digits, 16).ok().filter(|_| fits)
        };
        let halves = text.trim().split_once('/').and_then(|(high, low)| Some((half(high)?, half(low)?)));
        let refusal = || Refusal::new("22P02", format!("invalid input syntax for type pg_lsn: \"{text}\""));
        halves.map(|(high, low)| Self(high << 32 | low)).ok_or_else(refusal)
    }
}
