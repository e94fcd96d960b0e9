//! The client: single statements, each a transaction of its own.

use std::fmt;
use std::sync::Arc;

use tokio_postgres::Row;
use tokio_postgres::types::Type;

use super::connection::Connection;
use super::parameters::{Parameter, typed};
use super::pool::{Lease, Pool};
use super::report::{Report, Told, pass};
use super::{RowsError, RowsOptions, Touch, Transaction};
use crate::runtime::time;

/// A typed client of rows over Postgres.
///
/// Clones share a small pool of connections. It connects when a connection is needed and none is free; it never repeats
/// a statement by itself.
///
/// Each call says what shared state its statement is about. It passes the point `storage.before` about each of these
/// before anything is sent and `storage.after` once the result is there, and reports one access for each in between. The
/// outcome in the report is one word for what happened: `ok`, `absent` (no row was found or touched, so nothing changed),
/// `exists` (a unique key was violated), the kind of error (`refused`, `unavailable`, `timed out`, `closed`, `ambiguous`),
/// `rolled back`, or `abandoned` for a call that was dropped. What a [`Transaction`] writes is reported when it ends, for
/// then it takes effect.
///
/// # Cancellation
/// A call may be dropped at any await, as a timeout around it does. It closes its connection, so no later call waits for
/// an earlier one. What was sent may still be carried out.
///
/// # Example
/// ```no_run
/// # async fn example() -> Result<(), sexton::storage::RowsError> {
/// use sexton::storage::{Rows, RowsOptions, Touch};
///
/// let rows = Rows::new(RowsOptions::default());
/// let flipped = rows
///     .execute(
///         &[Touch::read_write("workspaces:ws1")],
///         "UPDATE workspaces SET status = 'offline' WHERE id = $1 AND status = 'online'",
///         &[&"ws1"],
///     )
///     .await?;
/// # let _ = flipped;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct Rows(Arc<Pool>);

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rows").field("options", &self.0.options).field("closed", &self.is_closed()).finish()
    }
}

impl Rows {
    /// A client that has not connected yet.
    pub fn new(options: RowsOptions) -> Self {
        Self(Arc::new(Pool::new(options)))
    }

    /// Carries out a statement and returns its rows.
    ///
    /// # Errors
    /// See [`RowsError`].
    pub async fn query(
        &self,
        touches: &[Touch<'_>],
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, RowsError> {
        self.alone(touches, Wanted::Rows, sql, parameters).await.map(|(rows, _)| rows)
    }

    /// Carries out a statement and returns how many rows it touched.
    ///
    /// # Errors
    /// See [`RowsError`].
    pub async fn execute(
        &self,
        touches: &[Touch<'_>],
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, RowsError> {
        self.alone(touches, Wanted::Count, sql, parameters).await.map(|(_, count)| count)
    }

    /// Carries out statements that have neither parameters nor results, all or none of them: a schema, for example.
    /// Nothing is reported.
    ///
    /// # Errors
    /// See [`RowsError`].
    pub async fn batch(&self, sql: &str) -> Result<(), RowsError> {
        let mut lease = self.0.lease().await?;
        let limit = self.0.options.statement_timeout;
        let result = within(limit, lease.connection().batch(sql)).await.map_err(RowsError::doubtful);
        settle(lease, &result);
        result
    }

    /// Begins a transaction on a connection of its own.
    ///
    /// # Errors
    /// See [`RowsError`].
    pub async fn transaction(&self) -> Result<Transaction, RowsError> {
        Transaction::begin(self.0.lease().await?).await
    }

    /// The end of the pool, for all clones: idle connections are closed at once, others when their call or transaction is
    /// over, and every later call fails with [`RowsError::Closed`].
    pub fn close(&self) {
        self.0.close();
    }

    /// Whether the pool has been closed.
    pub fn is_closed(&self) -> bool {
        self.0.is_closed()
    }

    async fn alone(
        &self,
        touches: &[Touch<'_>],
        wanted: Wanted,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(Vec<Row>, u64), RowsError> {
        let typed = typed(parameters)?;
        pass("storage.before", touches).await;
        let mut report = Report::new(&self.0, touches, true);
        // Boxed: a caller's future would otherwise hold one for each of its calls.
        let result = Box::pin(async {
            let mut lease = self.0.lease().await?;
            report.sent();
            let limit = self.0.options.statement_timeout;
            let result = within(limit, perform(lease.connection(), wanted, sql, typed)).await;
            settle(lease, &result);
            if touches.iter().any(Touch::writes) { result.map_err(RowsError::doubtful) } else { result }
        })
        .await;
        report.give(told(&result), |_| true);
        pass("storage.after", touches).await;
        result
    }
}

/// What a caller wants to have of a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Wanted {
    Rows,
    Count,
}

/// Carries out one statement: its rows, if wanted, and how many there are or were touched.
pub(super) async fn perform(
    connection: &mut Connection,
    wanted: Wanted,
    sql: &str,
    typed: Vec<(Parameter<'_>, Type)>,
) -> Result<(Vec<Row>, u64), RowsError> {
    match wanted {
        Wanted::Rows => connection.query(sql, &typed).await.map(|rows| {
            let count = rows.len() as u64;
            (rows, count)
        }),
        Wanted::Count => connection.execute(sql, &typed).await.map(|count| (Vec::new(), count)),
    }
}

pub(super) fn told(result: &Result<(Vec<Row>, u64), RowsError>) -> Told {
    match result {
        Ok((_, count)) => Told::count(*count),
        Err(error) => Told::error(error),
    }
}

/// At most so long.
pub(super) async fn within<T>(
    limit: Option<std::time::Duration>,
    call: impl Future<Output = Result<T, RowsError>>,
) -> Result<T, RowsError> {
    let Some(limit) = limit else { return call.await };
    match time::timeout(limit, call).await {
        Ok(result) => result,
        Err(_) => Err(RowsError::TimedOut(format!("no result in {limit:?}"))),
    }
}

/// Keeps the connection where it has answered, and closes it where something may still be on its way.
fn settle<T>(lease: Lease, result: &Result<T, RowsError>) {
    if matches!(result, Ok(_) | Err(RowsError::Refused { .. })) {
        lease.give_back();
    }
}
