//! What clients see come of an operation.

use std::fmt;

use serde::{Deserialize, Serialize};

/// What a client saw come of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done.
    Done,
    /// A stack.
    Shown(View),
    /// All stacks.
    Listed(Vec<View>),
    /// There is no such stack (404).
    NotFound,
    /// There is one already, or it is not in a state for this (409).
    Conflict,
    /// Something could not be reached, or it is not known what came of it (503).
    Unavailable,
    /// No answer: it may or may not have been done.
    Lost,
}

/// A stack as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct View {
    /// Its slug.
    pub slug: String,
    /// How it is.
    pub status: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Shown(View { status, .. }) => f.write_str(status),
            Self::Listed(all) => write!(f, "{} stacks", all.len()),
            Self::NotFound => f.write_str("not found"),
            Self::Conflict => f.write_str("conflict"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::Lost => f.write_str("no answer"),
        }
    }
}
