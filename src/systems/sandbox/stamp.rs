//! As of when a tree is: the epoch of its sandbox, which is never given twice, and the version within it.

use std::fmt;

/// An epoch and a version; written `3:17`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Stamp {
    /// Which incarnation of the sandbox.
    pub(crate) epoch: i64,
    /// How many writes it has seen.
    pub(crate) version: i64,
}

impl Stamp {
    /// Reads `3:17`.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        let (epoch, version) = text.split_once(':')?;
        Some(Self { epoch: epoch.parse().ok()?, version: version.parse().ok()? })
    }

    /// After one more write.
    pub(crate) fn next(self) -> Self {
        Self { version: self.version + 1, ..self }
    }
}

impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.epoch, self.version)
    }
}
