//! A stack's row as the service reads it, and what namespaces are called.

use std::fmt;

use serde::Deserialize;

use crate::storage::Row;

/// What the name of every namespace begins with that the service itself gives.
pub(crate) const PREFIX: &str = "instant-stack-";
/// The label that says whose a namespace is.
pub(crate) const OWNER: &str = "stack";

/// The namespace of a stack that is made here.
pub(crate) fn namespace_of(slug: &str) -> String {
    format!("{PREFIX}{slug}")
}

/// What a name has after the prefix; `None`: it does not begin with it, or has nothing after it.
pub(crate) fn token(namespace: &str) -> Option<&str> {
    namespace.strip_prefix(PREFIX).filter(|token| !token.is_empty())
}

/// The status of a stack in its row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Its namespace is being made.
    Building,
    /// It was up when it was made.
    Healthy,
    /// It did not come up.
    Failed,
    /// Its time is over, and it is torn down.
    Expiring,
}

impl Status {
    /// The word for it, in the row and in answers.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Building => "building",
            Self::Healthy => "healthy",
            Self::Failed => "failed",
            Self::Expiring => "expiring",
        }
    }

    /// What this word stands for.
    pub fn named(word: &str) -> Option<Self> {
        [Self::Building, Self::Healthy, Self::Failed, Self::Expiring].into_iter().find(|status| status.word() == word)
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// A stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stack {
    /// Its id.
    pub id: String,
    /// What people call it; of all that are there, one has it.
    pub slug: String,
    /// The namespace that it runs in.
    pub namespace: String,
    /// Its status.
    pub status: Status,
}

impl Stack {
    /// A row as the database hands it over; `None`: it is not one of ours.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.try_get(0).ok()?,
            slug: row.try_get(1).ok()?,
            namespace: row.try_get(2).ok()?,
            status: Status::named(row.try_get(3).ok()?)?,
        })
    }
}
