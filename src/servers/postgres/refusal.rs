//! Why the server does not do what it was asked to, in the words of the protocol.

use std::borrow::Cow;

/// An error answer: its SQLSTATE and what it says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The SQLSTATE, for example `23505`.
    pub state: &'static str,
    /// What went wrong, as the real server words it where it has words for it.
    pub message: Cow<'static, str>,
    /// More about it, for example the key that exists already.
    pub detail: Option<String>,
    /// The constraint that was violated, and its table, where it is one.
    pub constraint: Option<(String, String)>,
}

impl Refusal {
    /// An error with a message alone.
    pub fn new(state: &'static str, message: impl Into<Cow<'static, str>>) -> Self {
        Self { state, message: message.into(), detail: None, constraint: None }
    }

    /// What this server does not support is refused by name: `0A000`.
    pub fn unsupported(what: impl std::fmt::Display) -> Self {
        Self::new("0A000", format!("the simulated Postgres does not support {what}"))
    }
}
