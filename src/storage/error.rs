//! What can go wrong between a caller and its store.

use redis::RedisError;

/// Why a call gave no answer.
///
/// Only [`StorageError::Refused`] says that nothing was written. After any other error a write may have taken effect,
/// or may still take effect: the caller has to look.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StorageError {
    /// No reply within the response timeout of the options.
    #[error("the store did not reply in time: read back before relying on the outcome")]
    TimedOut,
    /// No connection, or it broke before the reply.
    #[error("the store is unavailable: {0}")]
    Unavailable(String),
    /// The store answered with an error.
    #[error("the store refused the command: {0}")]
    Refused(String),
    /// The reply is not what the command answers.
    #[error("the store's reply makes no sense: {0}")]
    Corrupt(String),
}

impl StorageError {
    /// The word for it in access reports.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::TimedOut => "timed out",
            Self::Unavailable(_) => "unavailable",
            Self::Refused(_) => "refused",
            Self::Corrupt(_) => "corrupt",
        }
    }
}

impl From<RedisError> for StorageError {
    fn from(error: RedisError) -> Self {
        if error.is_timeout() {
            Self::TimedOut
        } else if error.is_io_error() || error.is_connection_dropped() {
            Self::Unavailable(error.to_string())
        } else if let redis::ErrorKind::Server(_) = error.kind() {
            Self::Refused(error.to_string())
        } else {
            Self::Corrupt(error.to_string())
        }
    }
}
