//! The rows of workspaces: statements with a deadline, and what they come to.

use std::future::Future;
use std::time::Duration;

use uuid::Uuid;

use super::row::Workspace;
use super::sql;
use super::timeouts::STATEMENT;
use crate::runtime::{Access, Kind, access, time};
use crate::storage::{Row, Rows, RowsError, ToSql, Touch};

/// Rows could not be reached, or it is not known what came of a write.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Outage {
    /// The database said no, or nothing.
    #[error(transparent)]
    Rows(#[from] RowsError),
    /// It took too long.
    #[error("no answer from the database in {0:?}")]
    Late(Duration),
    /// The row makes no sense.
    #[error("a row of `workspaces` cannot be read")]
    Corrupt,
}

/// A parameter of a statement.
pub(crate) type With<'a> = &'a (dyn ToSql + Sync);

/// What an event says.
pub(crate) struct Event<'a> {
    pub(crate) kind: &'static str,
    pub(crate) workspace: &'a str,
    pub(crate) instance: Option<&'a str>,
}

/// The rows of workspaces.
#[derive(Clone, Debug)]
pub(crate) struct Workspaces {
    rows: Rows,
}

impl Workspaces {
    pub(crate) fn new(rows: Rows) -> Self {
        Self { rows }
    }

    /// One workspace.
    pub(crate) async fn read(&self, id: &str) -> Result<Option<Workspace>, Outage> {
        let touch = key(id);
        let rows = within(STATEMENT, self.rows.query(&[Touch::read(&touch)], sql::READ, &[&id])).await?;
        rows.first().map(parse).transpose()
    }

    /// Several workspaces.
    pub(crate) async fn all(&self, sql: &str, with: &[With<'_>]) -> Result<Vec<Workspace>, Outage> {
        let rows = within(STATEMENT, self.rows.query(&[], sql, with)).await?;
        rows.iter().map(parse).collect()
    }

    /// What a cycle is to look at, each with whether it is in its first moments.
    pub(crate) async fn candidates(&self, sql: &str, degraded: bool) -> Result<Vec<(Workspace, bool)>, Outage> {
        let begun = time::Instant::now();
        let rows = within(STATEMENT, self.rows.query(&[], sql, &[&degraded])).await?;
        let read = rows.iter().map(|row| {
            let workspace = parse(row)?;
            saw(&workspace.id, begun.elapsed());
            Ok((workspace, row.try_get(7).map_err(RowsError::from)?))
        });
        read.collect()
    }

    /// A write of one workspace that hands over its row; `None`: the row is not there, or not as the write wants it.
    pub(crate) async fn write(&self, sql: &str, id: &str, with: &[With<'_>]) -> Result<Option<Workspace>, Outage> {
        let touch = key(id);
        let rows = within(STATEMENT, self.rows.query(&[Touch::read_write(&touch)], sql, &join(&id, with))).await?;
        rows.first().map(parse).transpose()
    }

    /// A write of one workspace. False: the row is not there, or not as the write wants it.
    pub(crate) async fn change(&self, sql: &str, id: &str, with: &[With<'_>]) -> Result<bool, Outage> {
        let touch = key(id);
        let changed = within(STATEMENT, self.rows.execute(&[Touch::read_write(&touch)], sql, &join(&id, with))).await?;
        Ok(changed > 0)
    }

    /// The same of whatever rows it is about: how many there were.
    pub(crate) async fn sweep(&self, sql: &str) -> Result<usize, Outage> {
        Ok(within(STATEMENT, self.rows.query(&[], sql, &[])).await?.len())
    }

    /// Writes down what has happened.
    pub(crate) async fn tell(&self, event: &Event<'_>) -> Result<(), Outage> {
        let (id, touch) = event_id();
        let with = event.with(&id);
        within(STATEMENT, self.rows.execute(&[Touch::write(&touch)], sql::EVENT, &with)).await.map(drop)
    }

    /// A write of one workspace together with what it means; neither, if the row is not as the write wants it.
    pub(crate) async fn write_and_tell(
        &self,
        sql: &str,
        id: &str,
        with: &[With<'_>],
        event: &Event<'_>,
    ) -> Result<Option<Workspace>, Outage> {
        let (event_id, event_touch) = event_id();
        let touch = key(id);
        let both = async {
            let mut transaction = self.rows.transaction().await?;
            let rows = transaction.query(&[Touch::read_write(&touch)], sql, &join(&id, with)).await?;
            if rows.is_empty() {
                transaction.rollback().await?;
                return Ok(None);
            }
            transaction.execute(&[Touch::write(&event_touch)], sql::EVENT, &event.with(&event_id)).await?;
            transaction.commit().await?;
            Ok(rows.into_iter().next())
        };
        within(STATEMENT, both).await?.as_ref().map(parse).transpose()
    }
}

impl Event<'_> {
    fn with<'a>(&'a self, id: &'a String) -> [With<'a>; 4] {
        [id, &self.kind, &self.workspace, &self.instance]
    }
}

/// What the ground truth calls a workspace's row.
fn key(id: &str) -> String {
    format!("workspaces:{id}")
}

/// An id for an event, and what the ground truth calls its row.
fn event_id() -> (String, String) {
    let id = Uuid::new_v4().simple().to_string();
    let touch = format!("events:{id}");
    (id, touch)
}

fn join<'a>(id: &'a &'a str, with: &[With<'a>]) -> Vec<With<'a>> {
    std::iter::once(id as With<'a>).chain(with.iter().copied()).collect()
}

fn parse(row: &Row) -> Result<Workspace, Outage> {
    Workspace::of(row).ok_or(Outage::Corrupt)
}

/// Reports a look at a row that came along with others.
fn saw(id: &str, took: Duration) {
    access(Access {
        store: "postgres".into(),
        key: key(id).into(),
        kind: Kind::Read,
        outcome: "ok".into(),
        value: None,
        changed: Some(false),
        took,
    });
}

async fn within<T>(limit: Duration, call: impl Future<Output = Result<T, RowsError>>) -> Result<T, Outage> {
    match time::timeout(limit, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Outage::Late(limit)),
    }
}
