//! Why an actor has ended.

use std::fmt;
use std::sync::Arc;

/// Why an actor has ended, or a call to it has failed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reason {
    /// It was done.
    Normal,
    /// It was told to stop.
    Shutdown,
    /// The same, with a word why.
    Tagged(&'static str),
    /// It was killed.
    Killed,
    /// There was no such actor when it was asked, or any more.
    Absent,
    /// A call took too long.
    Late,
    /// Something went wrong.
    Failed(Arc<str>),
    /// A call that it made failed for this reason, and it ended with that.
    InCall(Box<Self>),
}

impl Reason {
    /// What ends whoever lets a failed call end it.
    pub(crate) fn in_call(self) -> Self {
        Self::InCall(Box::new(self))
    }

    /// Something went wrong.
    pub(crate) fn failed(what: impl fmt::Display) -> Self {
        Self::Failed(what.to_string().into())
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Normal => f.write_str("normal"),
            Self::Shutdown => f.write_str("shutdown"),
            Self::Tagged(word) => write!(f, "shutdown: {word}"),
            Self::Killed => f.write_str("killed"),
            Self::Absent => f.write_str("absent"),
            Self::Late => f.write_str("late"),
            Self::Failed(what) => write!(f, "failed: {what}"),
            Self::InCall(reason) => write!(f, "call: {reason}"),
        }
    }
}
