//! The files of shapes: for each a directory with its snapshot and its log, a line for each transaction, the last perhaps torn.

use std::io;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::Transaction;
use crate::runtime::fs;
use crate::systems::shapes::query::Row;

/// The rows of a shape at one position.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Snapshot {
    /// The position.
    pub(crate) lsn: u64,
    /// The rows, by primary key.
    pub(crate) rows: Vec<(Arc<str>, Row)>,
}

/// What is stored of a shape.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stored {
    /// Its snapshot, once there is one.
    pub(crate) snapshot: Option<Snapshot>,
    /// What has changed since.
    pub(crate) transactions: Vec<Arc<Transaction>>,
    /// Whether the log ends in what is no whole line, so that nothing may be put behind it.
    pub(super) torn: bool,
}

/// The files of all shapes, below one directory.
#[derive(Clone, Debug)]
pub(crate) struct Files {
    directory: Arc<str>,
}

impl Files {
    pub(crate) fn new(directory: &str) -> Self {
        Self { directory: format!("{directory}/shapes").into() }
    }

    /// What is stored of a shape; nothing, where there are no files.
    ///
    /// # Errors
    /// That of the files; a snapshot that is none.
    pub(crate) async fn load(&self, handle: &str) -> io::Result<Stored> {
        let mut stored = Stored::default();
        let Some(bytes) = found(fs::read(&self.snapshot_path(handle)).await)? else { return Ok(stored) };
        stored.snapshot = Some(serde_json::from_slice(&bytes)?);
        let bytes = found(fs::read(&self.log_path(handle)).await)?.unwrap_or_default();
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(transaction) if line.ends_with(b"\n") => stored.transactions.push(Arc::new(transaction)),
                _ => {
                    stored.torn = true;
                    break;
                }
            }
        }
        Ok(stored)
    }

    /// The same, for whoever writes on: the log then ends in a whole line, and all of it outlasts a loss of power, whatever has
    /// become of who wrote it.
    ///
    /// # Errors
    /// As [`load`](Self::load), and those of writing.
    pub(crate) async fn restore(&self, handle: &str) -> io::Result<Stored> {
        let mut stored = self.load(handle).await?;
        if stored.snapshot.is_none() {
            // What was begun without it is of no use.
            self.remove(handle).await?;
        }
        found(fs::sync(&self.snapshot_path(handle)).await)?;
        found(fs::sync(&self.log_path(handle)).await)?;
        if std::mem::take(&mut stored.torn) {
            let mut bytes = Vec::new();
            for transaction in &stored.transactions {
                bytes.extend(line(transaction)?);
            }
            self.replace(&self.log_path(handle), &bytes).await?;
        }
        Ok(stored)
    }

    /// Writes a snapshot, which outlasts everything once this is done.
    ///
    /// # Errors
    /// Those of the files.
    pub(crate) async fn write_snapshot(&self, handle: &str, snapshot: &Snapshot) -> io::Result<()> {
        self.replace(&self.snapshot_path(handle), &serde_json::to_vec(snapshot)?).await
    }

    /// Puts lines behind the log, which outlast everything once this is done.
    ///
    /// # Errors
    /// Those of the file; then it may hold a part of them.
    pub(crate) async fn append(&self, handle: &str, lines: &[u8]) -> io::Result<()> {
        let path = self.log_path(handle);
        fs::append(&path, lines).await?;
        fs::sync(&path).await
    }

    /// Removes all files of a shape; none may be there.
    ///
    /// # Errors
    /// Those of the files.
    pub(crate) async fn remove(&self, handle: &str) -> io::Result<()> {
        found(fs::remove_dir_all(&self.path(handle)).await).map(drop)
    }

    /// The handles for which there are files.
    ///
    /// # Errors
    /// Those of the directory.
    pub(crate) async fn handles(&self) -> io::Result<Vec<String>> {
        Ok(found(fs::list(&self.directory).await)?.unwrap_or_default())
    }

    async fn replace(&self, path: &str, bytes: &[u8]) -> io::Result<()> {
        let next = format!("{path}.next");
        fs::write(&next, bytes).await?;
        fs::sync(&next).await?;
        fs::rename(&next, path).await?;
        fs::sync(path).await
    }

    fn path(&self, handle: &str) -> String {
        format!("{}/{handle}", self.directory)
    }

    fn snapshot_path(&self, handle: &str) -> String {
        format!("{}/snapshot", self.path(handle))
    }

    fn log_path(&self, handle: &str) -> String {
        format!("{}/log", self.path(handle))
    }
}

/// A transaction as a line of the log.
///
/// # Errors
/// None that a transaction can cause.
pub(crate) fn line(transaction: &Transaction) -> io::Result<Vec<u8>> {
    let mut line = serde_json::to_vec(transaction)?;
    line.push(b'\n');
    Ok(line)
}

fn found<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(value) => Ok(Some(value)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
