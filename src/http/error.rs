//! What can go wrong with a call, told apart by whether the peer may have acted on it.

use std::io;
use std::sync::Arc;

/// Why a call gave no answer.
#[derive(Clone, Debug, thiserror::Error)]
pub enum HttpError {
    /// The call cannot be written down as a request: not sent.
    #[error("not a valid request: {0}")]
    Invalid(String),
    /// No connection was made, be it refused or too slow for the deadline: not sent.
    #[error("cannot connect to {authority}: {source}")]
    Connect {
        /// The peer.
        authority: String,
        /// Why not.
        source: Arc<io::Error>,
    },
    /// The connection was closed before any of the request was written: not sent.
    #[error("{0} closed the connection before the request was sent")]
    Closed(String),
    /// The deadline passed on an open connection: the peer may have acted on the request, or may yet.
    #[error("no answer from {0} within the deadline")]
    TimedOut(String),
    /// The connection broke before the whole response was there: the peer may have acted on the request.
    #[error("the connection broke before the response was complete: {0}")]
    Broken(String),
    /// The peer answered with a status other than success, where only success was of use.
    #[error("answered with status {status}: {body}")]
    Status {
        /// The status code.
        status: u16,
        /// The body, as far as it is text.
        body: String,
    },
    /// The body of the response is not the JSON that was expected.
    #[error("unexpected body in the response: {0}")]
    Body(String),
}

impl HttpError {
    /// Whether the peer cannot have seen the request, so that it is safe to send again.
    pub fn is_unsent(&self) -> bool {
        matches!(self, Self::Invalid(_) | Self::Connect { .. } | Self::Closed(_))
    }

    /// Whether it is unknown if the peer acted on the request.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::TimedOut(_) | Self::Broken(_))
    }
}
