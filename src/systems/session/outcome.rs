//! What clients see come of an operation, and what looking around shows.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

/// What a client saw come of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The session's id, where there was a session.
    pub session: Option<Arc<str>>,
    /// The answer.
    pub answer: Answer,
}

/// An answer, in the service's own distinctions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done, and confirmed: created, called, terminated, notified, valid, drained.
    Done,
    /// The session was decorated with this.
    Decorated(Arc<str>),
    /// The tools of a session.
    Listed(Listing),
    /// There is no such session (404).
    NotFound,
    /// The credentials are not the session's (403).
    Forbidden,
    /// The session has no such tool (404 as well, of another kind).
    NoTool,
    /// Somebody else changed the session meanwhile (409).
    Conflict,
    /// The session was closed under the call (500).
    Closed,
    /// A backend did not do its part (502).
    Backend,
    /// Storage could not be reached, or the pod is draining (503).
    Unavailable,
    /// No answer: it may or may not have been done.
    Lost,
    /// Nothing was asked: there was no session in the slot, or creation found one alive.
    Skipped,
    /// What a pod holds.
    Pod(PodView),
    /// What a backend has open.
    Backends(Vec<ConnectionView>),
}

/// The tools of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct Listing {
    /// Backends that have tools in it.
    pub backends: Vec<String>,
    /// What it is decorated with.
    pub decorations: Vec<String>,
}

/// What a pod holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct PodView {
    /// Which start of the pod this is; connections carry it too.
    pub boot: String,
    /// The sessions in its cache.
    pub sessions: Vec<String>,
    /// Connections to backends that it can still reach, by their tokens.
    pub connections: Vec<String>,
}

/// A connection that a backend has open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct ConnectionView {
    /// The pod's name for it.
    pub token: String,
    /// The start of the pod it comes from.
    pub boot: String,
    /// The session it was opened for.
    pub session: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(session) = &self.session {
            write!(f, "{session}: ")?;
        }
        match &self.answer {
            Answer::Done => f.write_str("done"),
            Answer::Decorated(label) => write!(f, "decorated with {label}"),
            Answer::Listed(listing) => {
                write!(f, "tools of {}, decorations {}", listing.backends.join(","), listing.decorations.join(","))
            }
            Answer::NotFound => f.write_str("not found"),
            Answer::Forbidden => f.write_str("forbidden"),
            Answer::NoTool => f.write_str("no such tool"),
            Answer::Conflict => f.write_str("conflict"),
            Answer::Closed => f.write_str("session closed"),
            Answer::Backend => f.write_str("backend failed"),
            Answer::Unavailable => f.write_str("unavailable"),
            Answer::Lost => f.write_str("no answer"),
            Answer::Skipped => f.write_str("nothing to do"),
            Answer::Pod(view) => {
                write!(f, "{} sessions, {} connections", view.sessions.len(), view.connections.len())
            }
            Answer::Backends(open) => write!(f, "{} connections", open.len()),
        }
    }
}
