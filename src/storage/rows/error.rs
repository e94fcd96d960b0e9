//! What can go wrong between a caller and its database.

/// Why a statement gave no result.
///
/// Only [`RowsError::Ambiguous`] leaves open whether anything was written: after any other error, it was not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RowsError {
    /// There was no connection to be had, or the one it had broke while nothing of it could stay: a look, or a statement
    /// in a transaction that was not to be committed yet.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// No connection came free, or no result came, within the time that the options give, and nothing was written.
    #[error("the database did not answer in time: {0}")]
    TimedOut(String),
    /// The database answered with an error.
    #[error("the database refused the statement ({sqlstate}): {message}")]
    Refused {
        /// The SQLSTATE, for example `23505`.
        sqlstate: String,
        /// The constraint that was violated, where it is one.
        constraint: Option<String>,
        /// What the database says.
        message: String,
    },
    /// The pool has been closed, or the transaction is over.
    #[error("closed: {0}")]
    Closed(&'static str),
    /// It was sent and may have been committed, or may still be: the caller has to look.
    #[error("the outcome is not known, read back before relying on it: {0}")]
    Ambiguous(String),
}

impl RowsError {
    /// The SQLSTATE of a refusal.
    pub fn sqlstate(&self) -> Option<&str> {
        match self {
            Self::Refused { sqlstate, .. } => Some(sqlstate),
            _ => None,
        }
    }

    /// A row with this key exists already: `23505`.
    pub fn is_unique_violation(&self) -> bool {
        self.sqlstate() == Some("23505")
    }

    /// The row that this one refers to does not exist, or is still referred to: `23503`.
    pub fn is_foreign_key_violation(&self) -> bool {
        self.sqlstate() == Some("23503")
    }

    /// A value that must be there is missing, `23502`, or does not meet a check, `23514`.
    pub fn is_check_violation(&self) -> bool {
        matches!(self.sqlstate(), Some("23502" | "23514"))
    }

    /// Another transaction was in the way: `40001` and `40P01`. The whole transaction may be tried again.
    pub fn is_serialization_failure(&self) -> bool {
        matches!(self.sqlstate(), Some("40001" | "40P01"))
    }

    /// A lock was not to be had, now or in time: `55P03`.
    pub fn is_lock_not_available(&self) -> bool {
        self.sqlstate() == Some("55P03")
    }

    /// It may have been committed.
    pub fn is_ambiguous(&self) -> bool {
        matches!(self, Self::Ambiguous(_))
    }

    /// The word for it in access reports.
    pub(super) fn outcome(&self) -> &'static str {
        match self {
            Self::Unavailable(_) => "unavailable",
            Self::TimedOut(_) => "timed out",
            Self::Refused { .. } if self.is_unique_violation() => "exists",
            Self::Refused { .. } => "refused",
            Self::Closed(_) => "closed",
            Self::Ambiguous(_) => "ambiguous",
        }
    }

    /// The same trouble, where what was sent may have been committed nevertheless.
    pub(super) fn doubtful(self) -> Self {
        match self {
            Self::Unavailable(why) | Self::TimedOut(why) => Self::Ambiguous(why),
            other => other,
        }
    }
}

impl From<tokio_postgres::Error> for RowsError {
    fn from(error: tokio_postgres::Error) -> Self {
        match error.as_db_error() {
            Some(refusal) => Self::Refused {
                sqlstate: refusal.code().code().to_owned(),
                constraint: refusal.constraint().map(str::to_owned),
                message: refusal.message().to_owned(),
            },
            None => Self::Unavailable(with_cause(&error)),
        }
    }
}

/// What the crate says, with the cause that it keeps to itself.
fn with_cause(error: &tokio_postgres::Error) -> String {
    match std::error::Error::source(error) {
        Some(cause) => format!("{error}: {cause}"),
        None => error.to_string(),
    }
}
