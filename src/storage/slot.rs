//! A consumer of a replication slot: what a Postgres has committed, transaction by transaction, in the order of commits.
//!
//! It speaks the protocol of the simulated server's slots; see [`Postgres::serve_slots`].
//!
//! [`Postgres::serve_slots`]: crate::servers::postgres::Postgres::serve_slots

use std::time::Duration;

use bytes::{Buf, BytesMut};
use serde::Deserialize;
use serde_json::{Map, Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::runtime::net::TcpStream;
use crate::runtime::time;

/// Room for what arrives next, in bytes.
const READ_SIZE: usize = 4096;

/// What a slot tells its consumer.
#[derive(Clone, Debug, PartialEq)]
pub enum SlotEvent {
    /// A transaction has been committed.
    Transaction(SlotTransaction),
    /// All that was committed up to here has been told. Confirm it, if all that came before is kept.
    Keepalive(u64),
}

/// A committed transaction.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SlotTransaction {
    /// Its place in the order of all transactions.
    pub lsn: u64,
    /// Its id.
    pub xid: u64,
    /// What it has changed, in order. A row that it has changed twice is there twice.
    pub changes: Vec<SlotChange>,
}

/// One change of one row.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SlotChange {
    /// The table.
    pub table: String,
    /// What was done to the row.
    pub op: SlotOp,
    /// The columns of the table's primary key.
    pub key: Vec<String>,
    /// The row as it was, by its columns, whole; `None` where there was none. Moments are microseconds since 1970.
    pub old: Option<Map<String, Value>>,
    /// The row as it is; `None` where there is none any more.
    pub new: Option<Map<String, Value>>,
}

/// What was done to a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SlotOp {
    /// It is new.
    Insert,
    /// It is another; its key may be, too.
    Update,
    /// It is gone.
    Delete,
}

/// Why a slot gives nothing.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SlotError {
    /// No connection, or it broke. Connect anew: what was not confirmed comes again.
    #[error("the slot is unavailable: {0}")]
    Unavailable(String),
    /// The server answered with an error.
    #[error("the server refused: {message} ({sqlstate})")]
    Refused {
        /// The SQLSTATE.
        sqlstate: String,
        /// What it says.
        message: String,
    },
    /// What the server says makes no sense.
    #[error("the slot says what makes no sense: {0}")]
    Corrupt(String),
}

impl SlotError {
    /// There is no such slot: it was never made, or it is lost, and all that it kept.
    pub fn is_missing(&self) -> bool {
        self.has_state("42704")
    }

    /// Another consumer has it, or had it a moment ago and the server has not noticed that it has gone.
    pub fn is_active(&self) -> bool {
        self.has_state("55006")
    }

    /// There is a slot of this name already.
    pub fn is_duplicate(&self) -> bool {
        self.has_state("42710")
    }

    fn has_state(&self, state: &str) -> bool {
        matches!(self, Self::Refused { sqlstate, .. } if sqlstate == state)
    }
}

/// A connection to a server's slots.
///
/// After [`start`](Self::start), call [`next`](Self::next) again and again, and [`flushed`](Self::flushed) once what came
/// is kept, at least every minute: a consumer that is silent for longer is cut off. A call that is dropped loses nothing,
/// `start` and `create` aside, whose answers may still come: after those, drop the connection.
///
/// The position of a snapshot of rows, to start after, is one of these in the same statement as the rows:
/// `SELECT pg_current_wal_lsn() AS lsn, …` is text such as `0/01000070`, and
/// `pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint` the number that slots count by. Put it to the left of
/// `LEFT JOIN table ON true`, so that it comes where there are no rows, too.
#[derive(Debug)]
pub struct Slot {
    stream: TcpStream,
    heard: BytesMut,
    /// What is to be sent and has not been taken by the stream yet.
    unsent: BytesMut,
    flushed: u64,
}

/// What the server says.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Line {
    Transaction(SlotTransaction),
    Keepalive { keepalive: u64 },
    Created { created: u64 },
    Started { started: u64 },
    Error { error: String, message: String },
}

impl Slot {
    /// Connects to where a server serves its slots, within `limit`.
    ///
    /// # Errors
    /// [`SlotError::Unavailable`].
    pub async fn connect(address: &str, limit: Duration) -> Result<Self, SlotError> {
        let unavailable = |why: String| SlotError::Unavailable(format!("connecting to {address}: {why}"));
        match time::timeout(limit, TcpStream::connect(address)).await {
            Ok(Ok(stream)) => {
                // Best effort: without it what is sent comes later, not wrong.
                let _ = stream.set_nodelay(true);
                Ok(Self { stream, heard: BytesMut::new(), unsent: BytesMut::new(), flushed: 0 })
            }
            Ok(Err(error)) => Err(unavailable(error.to_string())),
            Err(_) => Err(unavailable(format!("no answer in {limit:?}"))),
        }
    }

    /// Makes a slot that gives what is committed from now on. Returns the position that it begins after.
    ///
    /// # Errors
    /// [`SlotError::is_duplicate`] where there is one.
    pub async fn create(&mut self, name: &str) -> Result<u64, SlotError> {
        self.say(&json!({ "create": name }));
        match self.line().await? {
            Line::Created { created } => Ok(created),
            other => Err(unexpected(other)),
        }
    }

    /// Begins to consume a slot, after `after` or, if that is more, after what was confirmed last. Returns which it is.
    ///
    /// # Errors
    /// [`SlotError::is_missing`] where there is no such slot, [`SlotError::is_active`] where another consumes it.
    pub async fn start(&mut self, name: &str, after: Option<u64>) -> Result<u64, SlotError> {
        self.say(&json!({ "start": name, "after": after }));
        match self.line().await? {
            Line::Started { started } => {
                self.flushed = started;
                Ok(started)
            }
            other => Err(unexpected(other)),
        }
    }

    /// The next transaction, or the news that there is none.
    ///
    /// # Errors
    /// Any [`SlotError`]; connect anew after it. [`SlotError::is_missing`] where the slot is lost.
    pub async fn next(&mut self) -> Result<SlotEvent, SlotError> {
        match self.line().await? {
            Line::Transaction(transaction) => Ok(SlotEvent::Transaction(transaction)),
            Line::Keepalive { keepalive } => {
                // So that it is known, where nothing new is confirmed for long, that somebody is here.
                let flushed = self.flushed;
                self.say(&json!({ "flushed": flushed }));
                Ok(SlotEvent::Keepalive(keepalive))
            }
            other => Err(unexpected(other)),
        }
    }

    /// Confirms that all transactions up to `lsn` are kept: they come no more, unless the server crashes first and forgets
    /// that it was told.
    ///
    /// # Errors
    /// [`SlotError::Unavailable`].
    pub async fn flushed(&mut self, lsn: u64) -> Result<(), SlotError> {
        self.flushed = self.flushed.max(lsn);
        let flushed = self.flushed;
        self.say(&json!({ "flushed": flushed }));
        self.send().await
    }

    fn say(&mut self, request: &Value) {
        self.unsent.extend_from_slice(request.to_string().as_bytes());
        self.unsent.extend_from_slice(b"\n");
    }

    /// Sends what is to be sent; what the stream has not taken when this is dropped is sent with the next.
    async fn send(&mut self) -> Result<(), SlotError> {
        while self.unsent.has_remaining() {
            if self.stream.write_buf(&mut self.unsent).await.map_err(|error| broken(&error))? == 0 {
                return Err(SlotError::Unavailable("the connection takes nothing more".to_owned()));
            }
        }
        self.stream.flush().await.map_err(|error| broken(&error))
    }

    /// The next line of the server; what is heard of it when this is dropped is kept.
    async fn line(&mut self) -> Result<Line, SlotError> {
        self.send().await?;
        loop {
            if let Some(end) = self.heard.iter().position(|byte| *byte == b'\n') {
                let line = self.heard.split_to(end + 1);
                let read = serde_json::from_slice(&line);
                return read.map_err(|_| SlotError::Corrupt(String::from_utf8_lossy(&line).trim_end().to_owned()));
            }
            self.heard.reserve(READ_SIZE);
            if self.stream.read_buf(&mut self.heard).await.map_err(|error| broken(&error))? == 0 {
                return Err(SlotError::Unavailable("the server has closed the connection".to_owned()));
            }
        }
    }
}

fn broken(error: &std::io::Error) -> SlotError {
    SlotError::Unavailable(error.to_string())
}

fn unexpected(line: Line) -> SlotError {
    match line {
        Line::Error { error, message } => SlotError::Refused { sqlstate: error, message },
        other => SlotError::Corrupt(format!("{other:?}")),
    }
}
