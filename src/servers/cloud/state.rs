//! What an instance can be in.

use std::fmt;

use serde::{Deserialize, Serialize};

/// The state of an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It boots.
    Pending,
    /// It runs.
    Running,
    /// It shuts down, and can be started again afterwards.
    Stopping,
    /// It is shut down, and can be started again.
    Stopped,
    /// It is gone for good.
    Terminated,
}

impl State {
    /// The word for it, in answers and in the ground truth.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Running => "running",
            Self::Stopping => "stopping",
            Self::Stopped => "stopped",
            Self::Terminated => "terminated",
        }
    }

    /// The state of this word.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Pending, Self::Running, Self::Stopping, Self::Stopped, Self::Terminated]
            .into_iter()
            .find(|state| state.word() == word)
    }

    /// Whether it runs or will by itself.
    pub const fn is_live(self) -> bool {
        matches!(self, Self::Pending | Self::Running)
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}
