//! What clients see come of an operation, and what looking around shows.

use std::fmt;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::query::Row;

/// What a client saw come of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Each request about a shape, with its answer, in their order.
    Answered(Vec<Exchange>),
    /// The changes are committed.
    Committed,
    /// They are not.
    Refused,
    /// No answer: it may or may not have been done, or may yet be.
    Lost,
    /// Done; nothing was asked of the service, or there is nothing to show.
    Done,
    /// The client has no such shape.
    Undefined,
    /// What the service holds.
    Stack(StackView),
}

/// One request about a shape, and its answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// The client whose view it is for, for example `c1`.
    pub client: Arc<str>,
    /// Which of its shapes, from 1.
    pub slot: u32,
    /// Which of its views this is, from 1: another one begins when the client defines the shape anew, is recreated, or
    /// fetches all again.
    pub view: u32,
    /// The query, as written.
    pub query: Arc<str>,
    /// What was asked.
    pub asked: Asked,
    /// What came back; `None`: no answer, or one that makes no sense.
    pub answer: Option<Answer>,
}

/// What a request about a shape asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Asked {
    /// What comes after an offset, at once.
    Read {
        /// The handle, where the client has one.
        handle: Option<Arc<str>>,
        /// The offset; `None`: from the start.
        offset: Option<Offset>,
    },
    /// The same, held until something comes.
    Live {
        /// The handle.
        handle: Arc<str>,
        /// The offset.
        offset: Offset,
    },
    /// That the shape be deleted.
    Delete {
        /// The handle.
        handle: Arc<str>,
    },
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The HTTP status.
    pub status: u16,
    /// Whether it says when to come back.
    pub retry_after: bool,
    /// Its body, where that is as it should be; empty otherwise.
    pub body: Body,
}

/// The body of an answer.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Body {
    /// The handle of the shape; with 409, the one to go on with.
    pub handle: Option<Arc<str>>,
    /// Where the messages end.
    pub offset: Option<Offset>,
    /// Whether there was nothing more to send.
    pub up_to_date: bool,
    /// With `up_to_date`: the position of the database that this is as of, at least.
    pub lsn: Option<u64>,
    /// What has changed.
    pub messages: Vec<Message>,
    /// Why, where it was refused.
    pub error: Option<String>,
}

/// A place in the log of a shape. The snapshot ends at `0_0`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset {
    /// The position of the transaction in the log of the database; 0 for the snapshot.
    pub lsn: u64,
    /// Which of its changes.
    pub number: u32,
}

/// A change of a shape's rows.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Message {
    /// Its place in the log.
    pub offset: Offset,
    /// What happened.
    pub change: Change,
    /// The primary key of the row.
    pub key: Arc<str>,
    /// The row as it is now; `None` where it is gone.
    pub row: Option<Row>,
}

/// What happened to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Change {
    /// It is new to the shape.
    Insert,
    /// It has changed.
    Update,
    /// It is gone from the shape.
    Delete,
}

/// What the service holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct StackView {
    /// Which start of the stack this is.
    pub boot: String,
    /// Its phase.
    pub phase: String,
    /// The shapes in the durable store.
    pub shapes: Vec<ShapeView>,
    /// The handles for which there are files.
    pub stored: Vec<String>,
    /// The handles that have a consumer.
    pub consumers: Vec<String>,
    /// The handles that the table of the living stack knows.
    pub table: Vec<String>,
    /// The handles whose consumers have yet to put something on disk, with the first position of it.
    pub unflushed: Vec<(String, u64)>,
    /// Up to where transactions have gone to the shapes.
    pub applied: u64,
    /// Up to where the slot was told that it may forget.
    pub acknowledged: u64,
}

/// A shape in the durable store.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
pub struct ShapeView {
    /// Its handle.
    pub handle: String,
    /// Its query, as written.
    pub query: String,
    /// The handles that it depends on.
    pub dependencies: Vec<String>,
    /// Whether it is written down that it is to be removed.
    pub removing: bool,
}

impl fmt::Display for Offset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}_{}", self.lsn, self.number)
    }
}

impl std::str::FromStr for Offset {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let parts = text.split_once('_');
        parts
            .and_then(|(lsn, number)| Some(Self { lsn: lsn.parse().ok()?, number: number.parse().ok()? }))
            .ok_or_else(|| format!("`{text}` is no offset: write 0_0"))
    }
}

impl TryFrom<String> for Offset {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Offset> for String {
    fn from(offset: Offset) -> Self {
        offset.to_string()
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered(exchanges) => {
                for (number, exchange) in exchanges.iter().enumerate() {
                    if number > 0 {
                        f.write_str("; ")?;
                    }
                    match &exchange.answer {
                        Some(answer) => write!(f, "{answer}")?,
                        None => f.write_str("no answer")?,
                    }
                }
                Ok(())
            }
            Self::Committed => f.write_str("committed"),
            Self::Refused => f.write_str("refused"),
            Self::Lost => f.write_str("no answer"),
            Self::Done => f.write_str("done"),
            Self::Undefined => f.write_str("no such shape"),
            Self::Stack(StackView { boot, phase, shapes, .. }) => {
                write!(f, "{boot} is {phase}, with {} shapes", shapes.len())
            }
        }
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { status, body, .. } = self;
        write!(f, "{status}")?;
        if let Some(handle) = &body.handle {
            write!(f, " {handle}")?;
        }
        if let Some(offset) = body.offset {
            write!(f, " at {offset}")?;
        }
        if let count @ 1.. = body.messages.len() {
            write!(f, ", {count} changes")?;
        }
        if body.up_to_date {
            f.write_str(", up to date")?;
        }
        match &body.error {
            Some(error) => write!(f, ": {error}"),
            None => Ok(()),
        }
    }
}
