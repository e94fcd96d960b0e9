//! Which shapes there are: a file of lines, each of which says what has changed, the last one perhaps torn.

use std::collections::BTreeMap;
use std::io;

use serde::{Deserialize, Serialize};

use super::Handle;
use crate::runtime::fs;

/// A shape, as it is written down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Record {
    /// Its handle.
    pub(crate) handle: Handle,
    /// Its query, as written.
    pub(crate) query: Handle,
    /// The handles of the shapes that it depends on.
    pub(crate) dependencies: Vec<Handle>,
    /// Whether it is to be removed.
    #[serde(default)]
    pub(crate) removing: bool,
}

/// What has changed.
#[derive(Debug, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    Add(Record),
    Removing(Vec<Handle>),
    Remove(Handle),
}

/// Which shapes there are, in memory and on disk.
#[derive(Debug)]
pub(crate) struct Journal {
    path: String,
    records: BTreeMap<Handle, Record>,
    /// Whether the file ends in what is no whole line, so that nothing may be put behind it.
    torn: bool,
}

impl Journal {
    /// Reads what is in a directory; nothing is there at first.
    ///
    /// # Errors
    /// That of reading the file.
    pub(crate) async fn open(directory: &str) -> io::Result<Self> {
        let path = format!("{directory}/shapes.journal");
        let mut journal = Self { path, records: BTreeMap::new(), torn: false };
        let bytes = match fs::read(&journal.path).await {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(journal),
            Err(error) => return Err(error),
        };
        for line in bytes.split_inclusive(|byte| *byte == b'\n') {
            match serde_json::from_slice(line) {
                Ok(line_read) if line.ends_with(b"\n") => journal.apply(line_read),
                _ => {
                    journal.torn = true;
                    break;
                }
            }
        }
        Ok(journal)
    }

    /// Makes what was read outlast a loss of power: whoever wrote it may have ended before it did so.
    ///
    /// # Errors
    /// That of the file.
    pub(crate) async fn settle(&self) -> io::Result<()> {
        match fs::sync(&self.path).await {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// The shapes, by handle.
    pub(crate) fn records(&self) -> &BTreeMap<Handle, Record> {
        &self.records
    }

    /// Writes a shape down.
    ///
    /// # Errors
    /// That of the file; then the shape may be there after a restart, and is not before.
    pub(crate) async fn add(&mut self, record: Record) -> io::Result<()> {
        self.write(Line::Add(record)).await
    }

    /// Writes down that shapes are to be removed.
    ///
    /// # Errors
    /// That of the file.
    pub(crate) async fn intend(&mut self, handles: Vec<Handle>) -> io::Result<()> {
        self.write(Line::Removing(handles)).await
    }

    /// Strikes a shape out. False: there was none.
    ///
    /// # Errors
    /// That of the file.
    pub(crate) async fn remove(&mut self, handle: &Handle) -> io::Result<bool> {
        if !self.records.contains_key(handle) {
            return Ok(false);
        }
        self.write(Line::Remove(handle.clone())).await.map(|()| true)
    }

    async fn write(&mut self, line: Line) -> io::Result<()> {
        if self.torn {
            self.rewrite().await?;
        }
        let mut bytes = serde_json::to_vec(&line)?;
        bytes.push(b'\n');
        // Until it is known to be there, it may be there in part.
        self.torn = true;
        fs::append(&self.path, &bytes).await?;
        fs::sync(&self.path).await?;
        self.torn = false;
        self.apply(line);
        Ok(())
    }

    /// Puts a file in its place that says the same in whole lines.
    async fn rewrite(&mut self) -> io::Result<()> {
        let mut bytes = Vec::new();
        for record in self.records.values() {
            serde_json::to_writer(&mut bytes, &Line::Add(record.clone()))?;
            bytes.push(b'\n');
        }
        let next = format!("{}.next", self.path);
        fs::write(&next, &bytes).await?;
        fs::sync(&next).await?;
        fs::rename(&next, &self.path).await?;
        fs::sync(&self.path).await?;
        self.torn = false;
        Ok(())
    }

    fn apply(&mut self, line: Line) {
        match line {
            Line::Add(record) => {
                self.records.insert(record.handle.clone(), record);
            }
            Line::Removing(handles) => {
                for handle in handles {
                    if let Some(record) = self.records.get_mut(&handle) {
                        record.removing = true;
                    }
                }
            }
            Line::Remove(handle) => {
                self.records.remove(&handle);
            }
        }
    }
}
