//! The refusals of the service: code, HTTP status, and whether the same may be asked again.
//!
//! Retryable promises that nothing was applied. [`Code::Ecoherence`] and [`Code::ElocklostApplied`] promise the opposite;
//! [`Code::Eio`] promises nothing.

use std::fmt;

use axum::Json;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Code {
    /// There is no such sandbox, or no such path in it.
    Enoent,
    /// There is one already.
    Eexist,
    /// The directory is not empty.
    Enotempty,
    /// It is a directory.
    Eisdir,
    /// It is not a directory.
    Enotdir,
    /// The request makes no sense.
    Einval,
    /// The sandbox belongs to another tenant.
    Forbidden,
    /// The session is being closed.
    Esessionclosing,
    /// The replica is shutting down.
    Eshuttingdown,
    /// The lock was not to be had in time.
    Elocktimeout,
    /// The lock was lost before anything was applied.
    Elocklost,
    /// The lock was lost after it had been applied.
    #[serde(rename = "ELOCKLOST_APPLIED")]
    ElocklostApplied,
    /// It was applied, but other replicas could not be told.
    Ecoherence,
    /// The database could not be reached, and nothing was applied.
    #[serde(rename = "ERUNTIME_BUSY")]
    EruntimeBusy,
    /// The sandbox was changed meanwhile, and nothing was applied.
    Estale,
    /// The sandbox was destroyed and created again meanwhile, and nothing was applied.
    Estaleepoch,
    /// It is not known whether it was applied.
    Eio,
}

impl Code {
    /// The HTTP status.
    pub fn status(self) -> u16 {
        match self {
            Self::Enoent => 404,
            Self::Eexist | Self::Enotempty => 409,
            Self::Eisdir | Self::Enotdir | Self::Einval => 400,
            Self::Forbidden => 403,
            Self::Eio => 500,
            Self::Esessionclosing
            | Self::Eshuttingdown
            | Self::Elocktimeout
            | Self::Elocklost
            | Self::ElocklostApplied
            | Self::Ecoherence
            | Self::EruntimeBusy
            | Self::Estale
            | Self::Estaleepoch => 503,
        }
    }

    /// Whether it promises that nothing was applied and that it may go better next time.
    pub fn is_retryable(self) -> bool {
        matches!(
            self,
            Self::Esessionclosing
                | Self::Eshuttingdown
                | Self::Elocktimeout
                | Self::Elocklost
                | Self::EruntimeBusy
                | Self::Estale
                | Self::Estaleepoch
        )
    }

    /// Whether it promises that it was applied.
    pub fn is_applied(self) -> bool {
        matches!(self, Self::Ecoherence | Self::ElocklostApplied)
    }

    /// The word for it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Enoent => "ENOENT",
            Self::Eexist => "EEXIST",
            Self::Enotempty => "ENOTEMPTY",
            Self::Eisdir => "EISDIR",
            Self::Enotdir => "ENOTDIR",
            Self::Einval => "EINVAL",
            Self::Forbidden => "FORBIDDEN",
            Self::Esessionclosing => "ESESSIONCLOSING",
            Self::Eshuttingdown => "ESHUTTINGDOWN",
            Self::Elocktimeout => "ELOCKTIMEOUT",
            Self::Elocklost => "ELOCKLOST",
            Self::ElocklostApplied => "ELOCKLOST_APPLIED",
            Self::Ecoherence => "ECOHERENCE",
            Self::EruntimeBusy => "ERUNTIME_BUSY",
            Self::Estale => "ESTALE",
            Self::Estaleepoch => "ESTALEEPOCH",
            Self::Eio => "EIO",
        }
    }
}

impl fmt::Display for Code {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A refusal, with what it is about.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub(crate) struct Failure {
    /// What went wrong.
    pub(crate) code: Code,
    /// Whether it is about a path of the sandbox.
    pub(crate) path: bool,
    /// The same in words.
    pub(crate) message: String,
}

impl Failure {
    /// About the sandbox, or the request as a whole.
    pub(crate) fn new(code: Code, message: impl Into<String>) -> Self {
        Self { code, path: false, message: message.into() }
    }

    /// About a path.
    pub(crate) fn of_path(code: Code, message: impl Into<String>) -> Self {
        Self { code, path: true, message: message.into() }
    }

    /// There is no such sandbox.
    pub(crate) fn gone(id: &str) -> Self {
        Self::new(Code::Enoent, format!("there is no sandbox {id}"))
    }
}

/// The body of a refusal.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub(crate) struct Body {
    pub(crate) code: Code,
    pub(crate) retryable: bool,
    pub(crate) path: bool,
    pub(crate) message: String,
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.code.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        let retryable = self.code.is_retryable();
        (status, Json(Body { code: self.code, retryable, path: self.path, message: self.message })).into_response()
    }
}
