//! The rows of stacks: statements with a deadline, and what they come to.

use std::collections::BTreeSet;
use std::future::Future;
use std::time::Duration;

use super::policy::{Fetch, Key};
use super::row::Stack;
use super::timeouts::STATEMENT;
use super::{points, sql};
use crate::runtime::{Access, Kind, access, fact, point, time};
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
    #[error("a row of `stacks` cannot be read")]
    Corrupt,
}

/// A parameter of a statement.
pub(crate) type With<'a> = &'a (dyn ToSql + Sync);

/// The rows of stacks.
#[derive(Clone, Debug)]
pub(crate) struct Stacks {
    rows: Rows,
}

impl Stacks {
    pub(crate) fn new(rows: Rows) -> Self {
        Self { rows }
    }

    /// The stack of a slug.
    pub(crate) async fn read(&self, slug: &str) -> Result<Option<Stack>, Outage> {
        Ok(self.all(sql::READ, &[&slug]).await?.into_iter().next())
    }

    /// Stacks as a statement has them.
    pub(crate) async fn all(&self, sql: &str, with: &[With<'_>]) -> Result<Vec<Stack>, Outage> {
        let begun = time::Instant::now();
        let rows = within(self.rows.query(&[], sql, with)).await?;
        let stacks: Vec<Stack> = rows.iter().map(parse).collect::<Result<_, _>>()?;
        for stack in &stacks {
            saw(&stack.id, begun.elapsed());
        }
        Ok(stacks)
    }

    /// A write of one stack that hands over its row; `None`: it is not as the write wants it.
    pub(crate) async fn write(&self, sql: &str, id: &str, with: &[With<'_>]) -> Result<Option<Stack>, Outage> {
        let touch = key(id);
        let rows = within(self.rows.query(&[Touch::read_write(&touch)], sql, &join(&id, with))).await?;
        rows.first().map(parse).transpose()
    }

    /// A write of one stack. False: it is not there, or not as the write wants it.
    pub(crate) async fn change(&self, sql: &str, id: &str, with: &[With<'_>]) -> Result<bool, Outage> {
        let touch = key(id);
        let changed = within(self.rows.execute(&[Touch::read_write(&touch)], sql, &join(&id, with))).await?;
        Ok(changed > 0)
    }

    /// What is live, by this part of its row.
    pub(crate) async fn live(&self, part: Key, fetch: Fetch, page: u32) -> Result<BTreeSet<String>, Outage> {
        let live = match fetch {
            Fetch::Whole => self.words(whole(part), &[]).await,
            Fetch::Paged => self.pages(part, page).await,
        };
        told("rows", &live);
        live
    }

    /// What of these is live, by this part of its row.
    pub(crate) async fn live_among(&self, part: Key, these: &[&str]) -> Result<BTreeSet<String>, Outage> {
        let live = self.words(among(part), &[&these]).await;
        told("recheck", &live);
        live
    }

    /// Whether this worker is the one to do a job now.
    pub(crate) async fn take(&self, sql: &str, job: &str) -> Result<bool, Outage> {
        let touch = format!("jobs:{job}");
        Ok(!within(self.rows.query(&[Touch::read_write(&touch)], sql, &[&job])).await?.is_empty())
    }

    async fn pages(&self, part: Key, page: u32) -> Result<BTreeSet<String>, Outage> {
        let mut live = BTreeSet::new();
        let mut cursor = String::new();
        loop {
            let rows = within(self.rows.query(&[], paged(part), &[&cursor, &i64::from(page)])).await?;
            for row in &rows {
                live.insert(row.try_get(0).map_err(RowsError::from)?);
                cursor = row.try_get(1).map_err(RowsError::from)?;
            }
            if rows.len() < page as usize {
                return Ok(live);
            }
            point(points::PAGE_READ, &cursor).await;
        }
    }

    async fn words(&self, sql: &str, with: &[With<'_>]) -> Result<BTreeSet<String>, Outage> {
        let rows = within(self.rows.query(&[], sql, with)).await?;
        rows.iter().map(|row| Ok(row.try_get(0).map_err(RowsError::from)?)).collect()
    }
}

fn whole(part: Key) -> &'static str {
    match part {
        Key::Id => sql::LIVE_IDS,
        Key::Slug => sql::LIVE_SLUGS,
        Key::Namespace => sql::LIVE_NAMESPACES,
    }
}

fn paged(part: Key) -> &'static str {
    match part {
        Key::Id => sql::PAGE_IDS,
        Key::Slug => sql::PAGE_SLUGS,
        Key::Namespace => sql::PAGE_NAMESPACES,
    }
}

fn among(part: Key) -> &'static str {
    match part {
        Key::Id => sql::AMONG_IDS,
        Key::Slug => sql::AMONG_SLUGS,
        Key::Namespace => sql::AMONG_NAMESPACES,
    }
}

/// Reports what a sweep relies on.
fn told<T>(what: &'static str, result: &Result<T, Outage>) {
    let answer = if result.is_ok() { "ok" } else { "error" };
    fact("sweeper.asked", [("what", what.into()), ("about", "".into()), ("answer", answer.into())]);
}

/// What the ground truth calls a stack's row.
fn key(id: &str) -> String {
    format!("stacks:{id}")
}

fn join<'a>(id: &'a &'a str, with: &[With<'a>]) -> Vec<With<'a>> {
    std::iter::once(id as With<'a>).chain(with.iter().copied()).collect()
}

fn parse(row: &Row) -> Result<Stack, Outage> {
    Stack::of(row).ok_or(Outage::Corrupt)
}

/// Reports a look at a row whose key was not known before.
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

async fn within<T>(call: impl Future<Output = Result<T, RowsError>>) -> Result<T, Outage> {
    match time::timeout(STATEMENT, call).await {
        Ok(result) => Ok(result?),
        Err(_) => Err(Outage::Late(STATEMENT)),
    }
}
