//! What a key holds, and how the ground truth renders it.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;

use super::numbers;
use super::sorted_set::SortedSet;

/// The fields of a hash. Redis promises no order; ours is that of the names.
pub(super) type Hash = BTreeMap<Bytes, Bytes>;

/// A value of any type. Cheap to clone: the journal keeps what was there before.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Text(Bytes),
    Hash(Arc<Hash>),
    Sorted(Arc<SortedSet>),
}

impl Value {
    /// The name that `TYPE` gives.
    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Self::Text(_) => "string",
            Self::Hash(_) => "hash",
            Self::Sorted(_) => "zset",
        }
    }

    /// The value in words: a string as it is, a hash as `{field: value}`, a sorted set as `{member: score}`.
    pub(super) fn render(&self) -> Cow<'_, str> {
        match self {
            Self::Text(text) => String::from_utf8_lossy(text),
            Self::Hash(hash) => braced(hash.iter().map(|(field, value)| (field, String::from_utf8_lossy(value)))),
            Self::Sorted(set) => braced(set.iter().map(|(member, score)| (member, numbers::write_float(score).into()))),
        }
    }
}

fn braced<'a>(pairs: impl Iterator<Item = (&'a Bytes, Cow<'a, str>)>) -> Cow<'a, str> {
    let mut text = String::from("{");
    for (name, value) in pairs {
        if text.len() > 1 {
            text.push_str(", ");
        }
        text.push_str(&String::from_utf8_lossy(name));
        text.push_str(": ");
        text.push_str(&value);
    }
    text.push('}');
    text.into()
}

/// A key's value and when it expires.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Entry {
    pub(super) value: Value,
    /// Milliseconds since the epoch by the server's wall clock. The key lives through that very millisecond.
    pub(super) expires: Option<i64>,
}

impl Entry {
    pub(super) fn expired(&self, now: i64) -> bool {
        self.expires.is_some_and(|deadline| deadline < now)
    }
}
