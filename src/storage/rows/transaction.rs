//! Transactions: several statements that take effect together, when they are committed, or not at all.

use std::fmt;
use std::sync::Arc;

use tokio_postgres::Row;

use super::parameters::{Parameter, typed};
use super::pool::{Lease, Pool};
use super::report::{Pending, Report, Told, pass, tell};
use super::statements::{Wanted, perform, told, within};
use super::{RowsError, Touch};
use crate::runtime::Kind;
use crate::runtime::time::Instant;

/// A transaction on a connection of its own; read committed, as the server has it.
///
/// Dropped before it has been committed or rolled back, it closes its connection, and the server takes back what it wrote.
///
/// What its statements look at is reported as they do. What they write is reported when the transaction ends: `ok`,
/// `rolled back`, `ambiguous`, and so on; a write that found no row is reported at once, for it changes nothing.
pub struct Transaction {
    /// Gone once it has ended, or broken.
    lease: Option<Lease>,
    pool: Arc<Pool>,
    /// What it has written, each key once.
    pending: Vec<Pending>,
    since: Instant,
    /// A statement was refused: the server takes everything back, whatever it is told.
    failed: bool,
    committing: bool,
}

impl fmt::Debug for Transaction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Transaction")
            .field("open", &self.lease.is_some())
            .field("pending", &self.pending)
            .finish_non_exhaustive()
    }
}

const OVER: RowsError = RowsError::Closed("the transaction is over");

impl Transaction {
    pub(super) async fn begin(mut lease: Lease) -> Result<Self, RowsError> {
        let pool = lease.pool().clone();
        within(pool.options.statement_timeout, lease.connection().batch("BEGIN")).await?;
        Ok(Self {
            lease: Some(lease),
            pool,
            pending: Vec::new(),
            since: Instant::now(),
            failed: false,
            committing: false,
        })
    }

    /// Carries out a statement and returns its rows.
    ///
    /// # Errors
    /// See [`RowsError`]. After a refusal the transaction can only be rolled back; after any other error it is over.
    pub async fn query(
        &mut self,
        touches: &[Touch<'_>],
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<Row>, RowsError> {
        self.perform(touches, Wanted::Rows, sql, parameters).await.map(|(rows, _)| rows)
    }

    /// Carries out a statement and returns how many rows it touched.
    ///
    /// # Errors
    /// As [`Transaction::query`].
    pub async fn execute(
        &mut self,
        touches: &[Touch<'_>],
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<u64, RowsError> {
        self.perform(touches, Wanted::Count, sql, parameters).await.map(|(_, count)| count)
    }

    /// Commits. Passes `storage.before` and `storage.after` about each key that was written.
    ///
    /// # Errors
    /// See [`RowsError`]; [`RowsError::Ambiguous`] where the answer never came.
    pub async fn commit(mut self) -> Result<(), RowsError> {
        let written = self.pending.clone();
        let touches: Vec<Touch<'_>> = written.iter().map(Pending::touch).collect();
        pass("storage.before", &touches).await;
        let mut lease = self.lease.take().ok_or(OVER)?;
        (self.since, self.committing) = (Instant::now(), true);
        let result = within(self.pool.options.statement_timeout, lease.connection().batch("COMMIT")).await;
        // The server answers a commit of what has failed by taking it back.
        let result = match result {
            Ok(()) if self.failed => Err(RowsError::Refused {
                sqlstate: "25P02".to_owned(),
                constraint: None,
                message: "the transaction had failed, and was rolled back".to_owned(),
            }),
            result => result.map_err(RowsError::doubtful),
        };
        match &result {
            Ok(()) => self.ends(Told { outcome: "ok", changed: Some(true) }),
            Err(error) => self.ends(Told::error(error)),
        }
        if matches!(result, Ok(()) | Err(RowsError::Refused { .. })) {
            lease.give_back();
        }
        pass("storage.after", &touches).await;
        result
    }

    /// Takes back whatever it wrote.
    ///
    /// # Errors
    /// See [`RowsError`]. Nothing of it is committed even then.
    pub async fn rollback(mut self) -> Result<(), RowsError> {
        let mut lease = self.lease.take().ok_or(OVER)?;
        let result = within(self.pool.options.statement_timeout, lease.connection().batch("ROLLBACK")).await;
        self.ends(Told { outcome: "rolled back", changed: Some(false) });
        if result.is_ok() {
            lease.give_back();
        }
        result
    }

    async fn perform(
        &mut self,
        touches: &[Touch<'_>],
        wanted: Wanted,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<(Vec<Row>, u64), RowsError> {
        let typed = typed(parameters)?;
        pass("storage.before", touches).await;
        // Owned while the call runs: dropped with it, and so closed.
        let mut lease = self.lease.take().ok_or(OVER)?;
        let report = Report::new(&self.pool, touches, false);
        let limit = self.pool.options.statement_timeout;
        let result = within(limit, Box::pin(perform(lease.connection(), wanted, sql, typed))).await;
        let stays = matches!(&result, Ok((_, 1..)));
        report.give(told(&result), |touch| !(stays && touch.writes()));
        if stays {
            for touch in touches.iter().filter(|touch| touch.writes()) {
                self.writes(touch);
            }
        }
        match &result {
            Ok(_) | Err(RowsError::Refused { .. }) => {
                // What succeeds after a failure is a return to a savepoint.
                self.failed = result.is_err();
                self.lease = Some(lease);
            }
            Err(error) => self.ends(Told::error(error)),
        }
        pass("storage.after", touches).await;
        result
    }

    /// Notes a write. Several of one key are one effect; the condition of one is the condition of all.
    fn writes(&mut self, touch: &Touch<'_>) {
        match self.pending.iter_mut().find(|pending| *pending.key == *touch.key) {
            Some(pending) if touch.kind == Kind::ReadWrite => pending.kind = touch.kind,
            Some(_) => {}
            None => self.pending.push(Pending { key: touch.key.into(), kind: touch.kind }),
        }
    }

    /// Reports what it wrote, now that it is known what came of that.
    fn ends(&mut self, told: Told) {
        for pending in std::mem::take(&mut self.pending) {
            tell(&self.pool, &pending.touch(), told, self.since);
        }
    }
}

impl Drop for Transaction {
    fn drop(&mut self) {
        let changed = if self.committing { None } else { Some(false) };
        self.ends(Told { outcome: "abandoned", changed });
    }
}
