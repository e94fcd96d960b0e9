//! What a consumer needs before it can begin: the values of what it depends on, and a snapshot where there is none.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::actor::ToConsumer;
use super::holding::Event;
use super::materializer::ToMaterializer;
use crate::runtime::{point, time};
use crate::storage::{Row as Found, Rows, RowsError};
use crate::systems::shapes::actors::{Address, Reason};
use crate::systems::shapes::points;
use crate::systems::shapes::query::{Column, Query, Row};
use crate::systems::shapes::stack::Stack;
use crate::systems::shapes::store::{Handle, Snapshot};
use crate::systems::shapes::timeouts::{PAUSE, STATEMENT};

/// What a consumer begins with.
#[derive(Debug)]
pub(crate) struct Beginning {
    /// For each dependency: its values, and the position that they are as of.
    pub(crate) seeds: Vec<Seed>,
    /// The snapshot, on disk by now; `None` where there was one.
    pub(crate) snapshot: Option<Snapshot>,
}

/// The values of a dependency to begin with.
#[derive(Clone, Debug)]
pub(crate) struct Seed {
    /// The values.
    pub(crate) values: BTreeSet<Arc<str>>,
    /// The position that they are as of.
    pub(crate) position: u64,
    /// The latest position that any row behind them is as of.
    pub(crate) ahead: u64,
    /// What has become of them since, up to now.
    pub(crate) later: Vec<Event>,
}

/// Where a consumer that is to begin stands.
pub(super) struct Starter {
    pub(super) stack: Arc<Stack>,
    pub(super) handle: Handle,
    pub(super) query: Query,
    pub(super) consumer: Address<ToConsumer>,
    /// For each dependency: its materializer, and the column that is asked for.
    pub(super) sources: Vec<(Address<ToMaterializer>, Column)>,
    /// The position that its own rows are as of, and how it goes on from there; `None`: it has none.
    pub(super) position: Option<u64>,
}

impl Starter {
    /// Subscribes to all dependencies, then takes the snapshot: so what it finds is no older than what it is told of them.
    pub(super) async fn run(self) -> Reason {
        let mut seeds = Vec::new();
        for (source, column) in &self.sources {
            let who = self.consumer.clone();
            let (column, at) = (*column, self.position);
            match source.call(move |reply| ToMaterializer::Subscribe { who, column, at, reply }).await {
                Ok(seed) => seeds.push(seed),
                Err(reason) => return reason.in_call(),
            }
        }
        point(points::SUBSCRIBED, &self.handle).await;
        let mut snapshot = None;
        if self.position.is_none() {
            let found = loop {
                match select(&self.stack.rows, &self.query).await {
                    Ok(found) => break found,
                    Err(error) => tracing::warn!(handle = %self.handle, %error, "no snapshot yet"),
                }
                time::sleep(PAUSE).await;
            };
            point(points::SELECTED, &self.handle).await;
            if let Err(error) = self.stack.files.write_snapshot(&self.handle, &found).await {
                return Reason::failed(error);
            }
            snapshot = Some(found);
        }
        self.consumer.send(ToConsumer::Begin(Beginning { seeds, snapshot }));
        Reason::Normal
    }
}

/// The rows that a query selects, and the position that they are as of.
///
/// # Errors
/// That of the statement.
pub(crate) async fn select(rows: &Rows, query: &Query) -> Result<Snapshot, RowsError> {
    let table = query.table;
    let columns: Vec<String> = table.columns().iter().map(|column| format!("s.{column}")).collect();
    let sql = format!(
        "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint, {} FROM (SELECT 1 AS one) AS o LEFT JOIN ({}) AS s ON true",
        columns.join(", "),
        query.sql()
    );
    let late = || RowsError::TimedOut(format!("no result in {STATEMENT:?}"));
    let found = time::timeout(STATEMENT, rows.query(&[], &sql, &[])).await.map_err(|_| late())??;
    let mut snapshot = Snapshot { lsn: 0, rows: Vec::new() };
    for row in &found {
        let lsn: i64 = row.try_get(0)?;
        snapshot.lsn = lsn as u64;
        if let Some(row) = read(row, table.columns())? {
            snapshot.rows.push((row.key(table).into(), row));
        }
    }
    snapshot.rows.sort_by(|(one, _), (other, _)| one.cmp(other));
    Ok(snapshot)
}

/// A row as it was found; `None` where none was.
fn read(found: &Found, columns: &[Column]) -> Result<Option<Row>, RowsError> {
    let mut row = Row::default();
    for (place, column) in columns.iter().enumerate() {
        let text: Option<Arc<str>> = if *column == Column::Active {
            let truth: Option<bool> = found.try_get(place + 1)?;
            truth.map(|truth| if truth { "true" } else { "false" }.into())
        } else {
            let text: Option<String> = found.try_get(place + 1)?;
            text.map(Into::into)
        };
        match text {
            Some(text) => row.set(*column, text),
            None => return Ok(None),
        }
    }
    Ok(Some(row))
}
