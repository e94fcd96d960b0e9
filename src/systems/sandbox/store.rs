//! Sandboxes in Postgres: each call is one statement, or one transaction.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use sha2::{Digest, Sha256};

use super::sql;
use super::stamp::Stamp;
use super::tree::{Node, Tree};
use crate::storage::{Row, Rows, RowsError, Touch, Transaction};

/// Whose a sandbox is, and as of when.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Meta {
    pub(crate) owner: String,
    pub(crate) stamp: Stamp,
}

/// The name under which the row of a sandbox is known to everybody.
pub(crate) fn row_key(id: &str) -> String {
    format!("sandboxes:{id}")
}

/// What the row of a sandbox says; `None`: there is no such sandbox.
pub(crate) async fn meta(rows: &Rows, id: &str) -> Result<Option<Meta>, RowsError> {
    let found = rows.query(&[Touch::read(&row_key(id))], sql::META, &[&id]).await?;
    let Some(row) = found.first() else { return Ok(None) };
    Ok(Some(Meta { owner: get(row, 0)?, stamp: Stamp { epoch: get(row, 1)?, version: get(row, 2)? } }))
}

/// The sandboxes of a tenant.
pub(crate) async fn index(rows: &Rows, tenant: &str) -> Result<Vec<String>, RowsError> {
    rows.query(&[], sql::INDEX, &[&tenant]).await?.iter().map(|row| get(row, 0)).collect()
}

/// The tree of a sandbox; `None`: there is no such sandbox.
pub(crate) async fn load(rows: &Rows, id: &str) -> Result<Option<Tree>, RowsError> {
    let found = rows.query(&[Touch::read(&row_key(id))], sql::LOAD, &[&id]).await?;
    let Some(root) = found.first() else { return Ok(None) };
    let owner = get(root, 0)?;
    let stamp = Stamp { epoch: get(root, 1)?, version: get(root, 2)? };
    let mut nodes = BTreeMap::new();
    for row in &found {
        let (path, ino, kind, sha256): (String, i64, String, Option<String>) =
            (get(row, 3)?, get(row, 4)?, get(row, 5)?, get(row, 6)?);
        let node = match sha256 {
            Some(sha256) if kind == "file" => Node::File { ino, sha256 },
            _ => Node::Directory { ino },
        };
        nodes.insert(path, node);
    }
    Ok(Some(Tree::new(stamp, owner, nodes)))
}

/// Creates a sandbox, with an epoch that its id has never had. `None`: there is one already.
pub(crate) async fn create(rows: &Rows, id: &str, owner: &str) -> Result<Option<Stamp>, RowsError> {
    let mut transaction = rows.transaction().await?;
    let epochs = transaction.query(&[], sql::NEXT_EPOCH, &[&id]).await?;
    let epoch: i64 = match epochs.first() {
        Some(row) => get(row, 0)?,
        None => return Err(odd("no epoch was given out")),
    };
    let root = -epoch;
    let created =
        transaction.execute(&[Touch::read_write(&row_key(id))], sql::CREATE, &[&id, &owner, &root, &epoch]).await;
    match created {
        Ok(_) => transaction.commit().await.map(|()| Some(Stamp { epoch, version: 0 })),
        Err(error) if error.is_unique_violation() => {
            // Nothing of it stays, whether or not the answer comes.
            let _ = transaction.rollback().await;
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// Deletes a sandbox, or only this incarnation of it. False: there was none.
pub(crate) async fn delete(rows: &Rows, id: &str, epoch: Option<i64>) -> Result<bool, RowsError> {
    let key = row_key(id);
    let mut transaction = rows.transaction().await?;
    transaction.query(&[], sql::LOCK, &[&id]).await?;
    let deleted = match epoch {
        Some(epoch) => transaction.execute(&[Touch::read_write(&key)], sql::DELETE_EPOCH, &[&id, &epoch]).await?,
        None => transaction.execute(&[Touch::write(&key)], sql::DELETE, &[&id]).await?,
    };
    transaction.commit().await?;
    Ok(deleted > 0)
}

/// The hash that a content is kept under.
pub(crate) fn hash(content: &str) -> String {
    let mut text = String::with_capacity(64);
    for byte in Sha256::digest(content.as_bytes()) {
        let _ = write!(text, "{byte:02x}");
    }
    text
}

/// Where a write's statements go: each for itself, or all of a script in one transaction behind the fence.
pub(crate) enum Hand<'a> {
    /// Each takes effect at once.
    Loose(&'a Rows),
    /// All take effect together, or none does.
    Fenced(Box<Transaction>),
}

impl Hand<'_> {
    /// Begins a transaction that has passed the fence; `None`: the sandbox is no longer as of this stamp.
    pub(crate) async fn fenced(rows: &Rows, id: &str, stamp: Stamp) -> Result<Option<Self>, RowsError> {
        let mut transaction = rows.transaction().await?;
        let key = row_key(id);
        let passed =
            transaction.execute(&[Touch::read_write(&key)], sql::FENCE, &[&id, &stamp.epoch, &stamp.version]).await?;
        if passed == 0 {
            let _ = transaction.rollback().await;
            return Ok(None);
        }
        Ok(Some(Self::Fenced(Box::new(transaction))))
    }

    /// The content under a hash.
    pub(crate) async fn blob(&mut self, sha256: &str) -> Result<Option<String>, RowsError> {
        let found = self.query(&[], sql::BLOB, &[&sha256]).await?;
        found.first().map(|row| get(row, 0)).transpose()
    }

    /// Keeps a content; its hash.
    pub(crate) async fn keep(&mut self, content: &str) -> Result<String, RowsError> {
        let sha256 = hash(content);
        self.execute(&[], sql::KEEP_BLOB, &[&sha256, &content]).await?;
        Ok(sha256)
    }

    /// Gives a new file or directory a place; its inode.
    pub(crate) async fn make(
        &mut self,
        id: &str,
        parent: i64,
        name: &str,
        kind: &str,
        sha256: Option<&str>,
    ) -> Result<i64, RowsError> {
        let made = self.query(&[], sql::CREATE_INODE, &[&id, &kind, &sha256]).await?;
        let ino: i64 = match made.first() {
            Some(row) => get(row, 0)?,
            None => return Err(odd("no inode was given out")),
        };
        let entry = format!("dirents:{id}/{parent}/{name}");
        self.execute(&[Touch::read_write(&entry)], sql::LINK, &[&id, &parent, &name, &ino]).await?;
        Ok(ino)
    }

    /// Gives a file another content. False: there is no such inode any more.
    pub(crate) async fn change(&mut self, id: &str, ino: i64, sha256: &str) -> Result<bool, RowsError> {
        let key = format!("inodes:{ino}");
        Ok(self.execute(&[Touch::write(&key)], sql::UPDATE_INODE, &[&ino, &id, &sha256]).await? > 0)
    }

    /// Removes a file or directory. False: there is no such inode any more.
    pub(crate) async fn remove(&mut self, id: &str, ino: i64) -> Result<bool, RowsError> {
        let key = format!("inodes:{ino}");
        Ok(self.execute(&[Touch::write(&key)], sql::DELETE_INODE, &[&ino, &id]).await? > 0)
    }

    /// Makes it all take effect.
    pub(crate) async fn commit(self) -> Result<(), RowsError> {
        match self {
            Self::Loose(_) => Ok(()),
            Self::Fenced(transaction) => transaction.commit().await,
        }
    }

    /// Takes back what has not taken effect.
    pub(crate) async fn rollback(self) {
        if let Self::Fenced(transaction) = self {
            // Nothing of it stays, whether or not the answer comes.
            let _ = transaction.rollback().await;
        }
    }

    async fn query(
        &mut self,
        touches: &[Touch<'_>],
        sql: &str,
        parameters: &[&(dyn crate::storage::ToSql + Sync)],
    ) -> Result<Vec<Row>, RowsError> {
        match self {
            Self::Loose(rows) => rows.query(touches, sql, parameters).await,
            Self::Fenced(transaction) => transaction.query(touches, sql, parameters).await,
        }
    }

    async fn execute(
        &mut self,
        touches: &[Touch<'_>],
        sql: &str,
        parameters: &[&(dyn crate::storage::ToSql + Sync)],
    ) -> Result<u64, RowsError> {
        match self {
            Self::Loose(rows) => rows.execute(touches, sql, parameters).await,
            Self::Fenced(transaction) => transaction.execute(touches, sql, parameters).await,
        }
    }
}

/// A column of a row, which must be what the statement says it is.
fn get<'a, T: crate::storage::FromSql<'a>>(row: &'a Row, column: usize) -> Result<T, RowsError> {
    row.try_get(column).map_err(|error| odd(&error.to_string()))
}

fn odd(what: &str) -> RowsError {
    RowsError::Refused { sqlstate: "XX000".to_owned(), constraint: None, message: what.to_owned() }
}
