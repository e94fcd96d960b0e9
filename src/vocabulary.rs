//! The words in which code under test tells a world what it does: accesses and the fields of facts.

use std::sync::Arc;
use std::time::Duration;

/// How an access touches shared state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Kind {
    /// The value was read.
    Read,
    /// The value was written or deleted.
    Write,
    /// The value was read and, on a condition, written in one atomic step.
    ReadWrite,
}

/// One access to shared state, reported when its effect is known to the caller.
#[derive(Clone, Debug)]
pub struct Access {
    /// The store, for example `redis` or `cache pod-a`.
    pub store: Arc<str>,
    /// The key within the store.
    pub key: Arc<str>,
    /// What was done to it.
    pub kind: Kind,
    /// What came of it in a few words, for example `ok`, `absent`, `timed out`.
    pub outcome: Arc<str>,
    /// What was to be written; `None` for a look and for a deletion, and where the store keeps no text.
    pub value: Option<Arc<str>>,
    /// Whether it changed the state; `None`: whoever asked never got to know.
    pub changed: Option<bool>,
    /// How long whoever asked waited for it.
    pub took: Duration,
}

/// A value in a [`fact`](crate::runtime::fact).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// Text.
    Text(Arc<str>),
    /// A whole number.
    Int(i64),
    /// A truth value.
    Bool(bool),
}

/// A named value in a [`fact`](crate::runtime::fact).
pub type Field = (&'static str, Value);

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.into())
    }
}
impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}
impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.as_str().into())
    }
}
impl From<Arc<str>> for Value {
    fn from(text: Arc<str>) -> Self {
        Self::Text(text)
    }
}
impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}
impl From<u64> for Value {
    fn from(number: u64) -> Self {
        Self::Int(number as i64)
    }
}
impl From<usize> for Value {
    fn from(number: usize) -> Self {
        Self::Int(number as i64)
    }
}
impl From<bool> for Value {
    fn from(truth: bool) -> Self {
        Self::Bool(truth)
    }
}
