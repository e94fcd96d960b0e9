//! What clients see come of an operation, and what looking around shows.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::errors::Code;

/// What a client saw come of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The sandbox was created (201).
    Created,
    /// The sandbox was destroyed (204).
    Destroyed,
    /// The sandbox exists (200).
    Shown,
    /// A file was written, appended to or removed (204).
    Written,
    /// The content of a file (200).
    Content(Arc<str>),
    /// The names in a directory, or the sandboxes of a tenant (200).
    Listed(Vec<String>),
    /// A script has run (200), whatever came of its steps.
    Ran(Ran),
    /// It was refused.
    Refused(Refused),
    /// No answer, or one that makes no sense: it may or may not have been done, or may yet be.
    Lost,
    /// Nothing was asked of the service.
    Waited,
    /// What a replica holds.
    Replica(ReplicaView),
    /// The replica has finished what it did and let go of its sessions.
    Drained,
}

/// What came of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ran {
    /// Its exit status: 0 when every step did what it says.
    pub exit: i64,
    /// What came of each step, in their order.
    pub steps: Vec<StepOutcome>,
}

/// What came of a step of a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StepOutcome {
    /// It was done: something was written, appended or removed.
    Done,
    /// What it printed: a file's content, or the names in a directory, one a line.
    Output(Arc<str>),
    /// What it complained of.
    Failed(Arc<str>),
}

/// A refusal, as its body tells it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refused {
    /// The HTTP status.
    pub status: u16,
    /// Its code.
    pub code: Code,
    /// Whether it says of itself that nothing was applied, so that the same may be asked again.
    pub retryable: bool,
    /// Whether it is about a path of the sandbox, not about the sandbox.
    pub path: bool,
}

/// What a replica holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ReplicaView {
    /// Which start of the replica this is.
    pub boot: String,
    /// Its sessions.
    pub sessions: Vec<SessionView>,
    /// The pools it has open, each by the identity of the session that it is for.
    pub pools: Vec<String>,
    /// Sandboxes of which something is still to be published.
    pub pending: Vec<String>,
}

/// A session that a replica holds.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct SessionView {
    /// The sandbox.
    pub sandbox: String,
    /// The session's identity.
    pub session: String,
    /// The epoch and version of the tree it has, as `3:17`; empty where it has none.
    pub stamp: String,
    /// Whether it is closing.
    pub closing: bool,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Created => f.write_str("created"),
            Self::Destroyed => f.write_str("destroyed"),
            Self::Shown => f.write_str("exists"),
            Self::Written => f.write_str("written"),
            Self::Content(content) => write!(f, "`{content}`"),
            Self::Listed(names) => write!(f, "[{}]", names.join(" ")),
            Self::Ran(ran) => write!(f, "{ran}"),
            Self::Refused(refused) => write!(f, "{refused}"),
            Self::Lost => f.write_str("no answer"),
            Self::Waited => f.write_str("waited"),
            Self::Replica(ReplicaView { sessions, pools, pending, .. }) => {
                write!(f, "{} sessions, {} pools, {} to publish", sessions.len(), pools.len(), pending.len())
            }
            Self::Drained => f.write_str("drained"),
        }
    }
}

impl fmt::Display for Ran {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "exit {}", self.exit)?;
        for step in &self.steps {
            match step {
                StepOutcome::Done => f.write_str("; done")?,
                StepOutcome::Output(text) => write!(f, "; `{}`", text.replace('\n', " "))?,
                StepOutcome::Failed(text) => write!(f, "; failed: {text}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = if self.path { " of a path" } else { "" };
        let again = if self.retryable { ", may be asked again" } else { "" };
        write!(f, "{} {}{about}{again}", self.status, self.code)
    }
}
