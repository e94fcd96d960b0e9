//! Which shape a query is: the one there is, or a new one, and with it those that it depends on.

use std::io;
use std::sync::Arc;

use super::Stack;
use super::database::ToDatabase;
use super::nursery::ToNursery;
use crate::runtime::{fact, point};
use crate::systems::shapes::actors::{Context, Mail, Reason, Reply};
use crate::systems::shapes::points;
use crate::systems::shapes::query::Query;
use crate::systems::shapes::store::{Handle, Record};

/// What the cache is told.
pub(crate) enum ToCache {
    /// Which shape a query is.
    Get(Query, Reply<Result<Handle, Refused>>),
    /// Start the consumers of these shapes, each after those that it depends on.
    Restore(Vec<Record>, Reply<Result<(), Reason>>),
}

/// A shape could not be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Refused {
    /// A part of the stack that it takes is not there.
    #[error("a part of the stack has ended: {0}")]
    Ended(Reason),
    /// It could not be written down.
    #[error("the store of shapes cannot be written: {0}")]
    Unwritten(String),
}

impl From<Reason> for Refused {
    fn from(reason: Reason) -> Self {
        Self::Ended(reason)
    }
}

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self::Unwritten(error.to_string())
    }
}

impl From<super::NoTable> for Refused {
    fn from(_: super::NoTable) -> Self {
        Self::Ended(Reason::Absent)
    }
}

/// Answers until it is told to end.
pub(super) async fn cache(mut context: Context<ToCache>, stack: Arc<Stack>) -> Reason {
    loop {
        match context.next().await {
            Mail::Letter(ToCache::Get(query, reply)) => reply.send(get(&stack, &query).await),
            Mail::Letter(ToCache::Restore(records, reply)) => reply.send(restore(&stack, records).await),
            Mail::Exit(..) | Mail::Down(..) => {}
        }
    }
}

/// The shape that a query is, living or made.
async fn get(stack: &Arc<Stack>, query: &Query) -> Result<Handle, Refused> {
    for part in query.with_dependencies() {
        let text: Arc<str> = part.to_string().into();
        if stack.table.handle_of(&text)?.is_some() {
            continue;
        }
        let mut dependencies = Vec::new();
        for subquery in part.clause.subqueries() {
            let known = stack.table.handle_of(&subquery.query.to_string())?;
            // Made a moment ago, and gone already.
            dependencies.push(known.ok_or(Reason::Absent)?);
        }
        create(stack, text, dependencies).await?;
    }
    Ok(stack.table.handle_of(&query.to_string())?.ok_or(Reason::Absent)?)
}

async fn create(stack: &Arc<Stack>, query: Arc<str>, dependencies: Vec<Handle>) -> Result<(), Refused> {
    let unique = uuid::Uuid::new_v4().simple().to_string();
    let handle: Handle = format!("{:08x}-{unique:.8}", xxhash_rust::xxh3::xxh3_64(query.as_bytes()) as u32).into();
    let record = Record { handle: handle.clone(), query: query.clone(), dependencies, removing: false };
    let parts = {
        let names = stack.names();
        names.database().zip(names.nursery())
    };
    let (database, nursery) = parts.ok_or(Reason::Absent)?;
    fact(
        "shapes.created",
        [
            ("handle", handle.clone().into()),
            ("query", query.into()),
            ("dependencies", record.dependencies.join(",").into()),
        ],
    );
    let added = record.clone();
    database.call(|reply| ToDatabase::Add(added, reply)).await??;
    point(points::ADDED, &handle).await;
    stack.table.insert(&record)?;
    nursery.call(|reply| ToNursery::Consumer(record, reply)).await??;
    Ok(())
}

async fn restore(stack: &Arc<Stack>, records: Vec<Record>) -> Result<(), Reason> {
    use crate::systems::shapes::consumer::ToConsumer;
    let nursery = stack.names().nursery().ok_or(Reason::Absent)?;
    for record in records {
        let consumer = nursery.call(|reply| ToNursery::Consumer(record, reply)).await??;
        // It is told of transactions from here on.
        consumer.call(ToConsumer::Ping).await.map_err(Reason::in_call)?;
    }
    Ok(())
}
