//! A request about a shape: it lives outside the stack, and outlives any restart of it.

use std::sync::Arc;

use crate::runtime::{point, time};
use crate::systems::shapes::actors::Reason;
use crate::systems::shapes::consumer::ToConsumer;
use crate::systems::shapes::outcome::{Body, Offset};
use crate::systems::shapes::points;
use crate::systems::shapes::policy::{Lookup, Recheck, Rescue, Seen};
use crate::systems::shapes::protocol::Ask;
use crate::systems::shapes::query::Query;
use crate::systems::shapes::stack::{NoTable, Phase, Refused, Stack, ToCache, ToCleanup};
use crate::systems::shapes::store::{Handle, Journal, Read};
use crate::systems::shapes::timeouts::{LONG_POLL, OUT_OF_BOUNDS, SNAPSHOT, STACK_READY};

/// What a request comes to, if not to what was asked for.
#[derive(Debug)]
pub(super) enum Refusal {
    /// What was asked makes no sense (400).
    Invalid(String),
    /// There is no such shape any more: go on with this one, if any (409).
    Gone(Option<Handle>),
    /// There is no such shape (404).
    Unknown,
    /// Come back later (503).
    NotReady,
    /// Something went wrong (500).
    Failed(String),
}

/// What goes wrong where something is looked for in a table that is not there.
#[derive(Debug)]
enum Missing {
    /// That of handles.
    Table,
    /// That of a living consumer.
    Log,
}

/// What was found of a handle.
enum Found {
    /// It is of this query.
    Known,
    /// It is not, or there is no such handle.
    Other,
}

/// Answers a request.
pub(super) async fn read(stack: &Arc<Stack>, ask: &Ask) -> Result<Body, Refusal> {
    let query: Query = ask.query.parse().map_err(Refusal::Invalid)?;
    let text: Arc<str> = query.to_string().into();
    admit(stack).await?;
    point(points::ADMITTED, &text).await;
    let handle = match &ask.handle {
        None => {
            if ask.offset.is_some() || ask.live {
                return Err(Refusal::Invalid("an offset is one of a handle: give both, or neither".to_owned()));
            }
            get(stack, &query).await?
        }
        Some(handle) => match resolve(stack, handle, &text).await? {
            Found::Known => handle.clone(),
            Found::Other => return Err(Refusal::Gone(Some(get(stack, &query).await?))),
        },
    };
    point(points::RESOLVED, &handle).await;
    let mut read = look(stack, &handle, ask.offset).await?;
    if let Some(offset) = ask.offset
        && offset > read.end
    {
        read = out_of_bounds(stack, &handle, &text, offset).await?;
    }
    if read.messages.is_empty() && ask.live {
        return live(stack, &handle, &text, ask.offset, read).await;
    }
    Ok(body(&handle, read))
}

/// Has a shape removed; done once no request finds it any more.
pub(super) async fn delete(stack: &Arc<Stack>, handle: &Handle) -> Result<(), Refusal> {
    admit(stack).await?;
    point(points::ADMITTED, handle).await;
    if *stack.phase().borrow() != Phase::Active {
        return Err(Refusal::NotReady);
    }
    match stack.table.look_up(handle) {
        Ok(Some(_)) => {}
        Ok(None) => return Err(Refusal::Unknown),
        Err(NoTable) => return Err(Refusal::NotReady),
    }
    let cleanup = stack.names().cleanup().ok_or(Refusal::NotReady)?;
    let handle = handle.clone();
    let remove = |begun| ToCleanup::Remove { handle, why: "deleted", of: None, begun: Some(begun) };
    cleanup.call_within(SNAPSHOT, remove).await.map_err(|_| Refusal::NotReady)
}

/// Waits for a stack that can answer.
async fn admit(stack: &Arc<Stack>) -> Result<(), Refusal> {
    let mut phase = stack.phase();
    let ready = phase.wait_for(|phase| phase.admits());
    match time::timeout(STACK_READY, ready).await {
        Ok(Ok(_)) => Ok(()),
        _ => Err(Refusal::NotReady),
    }
}

/// The shape of a query, which is made if there is none.
async fn get(stack: &Arc<Stack>, query: &Query) -> Result<Handle, Refusal> {
    if let Ok(Some(handle)) = stack.table.handle_of(&query.to_string()) {
        return Ok(handle);
    }
    if *stack.phase().borrow() != Phase::Active {
        return Err(Refusal::NotReady);
    }
    let cache = stack.names().cache().ok_or(Refusal::NotReady)?;
    let query = query.clone();
    let got = time::timeout(SNAPSHOT, cache.call(|reply| ToCache::Get(query, reply))).await;
    match got {
        Ok(Ok(Ok(handle))) => Ok(handle),
        Ok(Ok(Err(refused @ Refused::Unwritten(_)))) => {
            tracing::warn!(%refused, "a shape is not made");
            Err(Refusal::NotReady)
        }
        Ok(Ok(Err(Refused::Ended(_))) | Err(_)) | Err(_) => Err(Refusal::NotReady),
    }
}

/// Whether a handle is one of a query.
async fn resolve(stack: &Arc<Stack>, handle: &Handle, query: &str) -> Result<Found, Refusal> {
    match stack.table.look_up(handle) {
        Ok(Some(known)) if *known == *query => Ok(Found::Known),
        // Another stack may have made it since the table was filled.
        Ok(None) if *stack.phase().borrow() != Phase::Active => stored(stack, handle, query).await,
        Ok(_) => Ok(Found::Other),
        Err(NoTable) => match stack.policy.lookup {
            Lookup::Raises => Err(raised(&Missing::Table)),
            Lookup::FallsBack => stored(stack, handle, query).await,
            Lookup::NotReady => Err(Refusal::NotReady),
        },
    }
}

/// The same, as the durable store knows it.
async fn stored(stack: &Arc<Stack>, handle: &Handle, query: &str) -> Result<Found, Refusal> {
    let journal = Journal::open(&stack.directory).await.map_err(|_| Refusal::NotReady)?;
    match journal.records().get(handle) {
        Some(record) if *record.query == *query && !record.removing => Ok(Found::Known),
        // Whoever is to say that it is gone must be able to say where to go on.
        _ => Err(Refusal::NotReady),
    }
}

/// What comes after an offset, once the shape can be read.
async fn look(stack: &Arc<Stack>, handle: &Handle, after: Option<Offset>) -> Result<Read, Refusal> {
    match try_look(stack, handle, after).await? {
        Ok(read) => Ok(read),
        Err(missing) if stack.policy.rescue == Rescue::WholeRequest => {
            tracing::debug!(?missing, "taken for a handle that is not known");
            Err(Refusal::Gone(None))
        }
        Err(_) => Err(Refusal::NotReady),
    }
}

async fn try_look(
    stack: &Arc<Stack>,
    handle: &Handle,
    after: Option<Offset>,
) -> Result<Result<Read, Missing>, Refusal> {
    let consumer = stack.names().consumer(handle);
    let begun = |stack: &Stack| stack.logs.of(handle).filter(|log| log.has_begun());
    let log = match (begun(stack), consumer) {
        (Some(log), _) => log,
        (None, None) if *stack.phase().borrow() == Phase::ReadOnly => {
            return from_disk(stack, handle, after).await.map(Ok);
        }
        (None, None) => return Ok(Err(Missing::Log)),
        (None, Some(consumer)) => {
            match consumer.call_within(SNAPSHOT, ToConsumer::Ready).await {
                Ok(()) => {}
                Err(reason) if is_failure(&reason) => {
                    return Err(Refusal::Failed("the shape could not be made".to_owned()));
                }
                Err(_) => return Err(Refusal::NotReady),
            }
            let Some(log) = begun(stack) else { return Ok(Err(Missing::Log)) };
            log
        }
    };
    let applied = *stack.applied().borrow();
    Ok(Ok(log.read(after, applied)))
}

/// Whether a consumer ended because something went wrong, and not because it was made to, or what it called was.
fn is_failure(reason: &Reason) -> bool {
    match reason {
        Reason::Failed(_) => true,
        Reason::InCall(inner) => **inner == Reason::Late || is_failure(inner),
        _ => false,
    }
}

/// What is on disk, where the shape has no consumer yet.
async fn from_disk(stack: &Arc<Stack>, handle: &Handle, after: Option<Offset>) -> Result<Read, Refusal> {
    let stored = stack.files.load(handle).await.map_err(|_| Refusal::NotReady)?;
    if stored.snapshot.is_none() {
        return Err(Refusal::NotReady);
    }
    Ok(stored.read(after, stored.position()))
}

/// Waits for a shape to come to an offset that it has not.
async fn out_of_bounds(stack: &Arc<Stack>, handle: &Handle, query: &str, offset: Offset) -> Result<Read, Refusal> {
    let deadline = time::Instant::now() + OUT_OF_BOUNDS;
    loop {
        let bell = stack.bells.of(handle);
        let rung = bell.notified();
        let read = look(stack, handle, Some(offset)).await?;
        if read.end >= offset {
            return Ok(read);
        }
        if time::timeout_at(deadline, rung).await.is_err() {
            break;
        }
    }
    point(points::WAITED, handle).await;
    match recheck(stack, handle, query, Some(offset)).await? {
        Some(read) if read.end >= offset => Ok(read),
        _ if *stack.phase().borrow() != Phase::Active => Err(Refusal::NotReady),
        _ => Err(Refusal::Invalid("offset out of bounds".to_owned())),
    }
}

/// Holds a request until something comes.
async fn live(
    stack: &Arc<Stack>,
    handle: &Handle,
    query: &str,
    offset: Option<Offset>,
    seen: Read,
) -> Result<Body, Refusal> {
    let deadline = time::Instant::now() + LONG_POLL;
    let mut seen = seen;
    loop {
        let bell = stack.bells.of(handle);
        let rung = bell.notified();
        match try_look(stack, handle, offset).await {
            Ok(Ok(read)) if !read.messages.is_empty() => return Ok(body(handle, read)),
            Ok(Ok(read)) if reaches(stack, &read, offset) => seen = read,
            // It is between two lives of the stack, or has not come as far as in the one before: what it has seen is as true
            // as it was.
            Ok(Ok(_) | Err(_)) | Err(Refusal::NotReady) => {}
            Err(refusal) => return Err(refusal),
        }
        if stack.table.look_up(handle) == Ok(None) && *stack.phase().borrow() == Phase::Active {
            return gone(stack, query).await;
        }
        if time::timeout_at(deadline, rung).await.is_err() {
            break;
        }
    }
    point(points::WAITED, handle).await;
    if *stack.phase().borrow() == Phase::Active {
        return match resolve(stack, handle, query).await? {
            Found::Known => Ok(body(handle, seen)),
            Found::Other => gone(stack, query).await,
        };
    }
    let again = recheck(stack, handle, query, offset).await?;
    Ok(body(handle, again.filter(|read| reaches(stack, read, offset)).unwrap_or(seen)))
}

/// Whether a look came as far as the client has; one that did not says nothing to it.
fn reaches(stack: &Stack, read: &Read, offset: Option<Offset>) -> bool {
    stack.policy.seen == Seen::Latest || offset.is_none_or(|offset| offset <= read.end)
}

/// Looks once more, from the handle on, where the stack is not what it was. `None`: nothing has changed.
async fn recheck(
    stack: &Arc<Stack>,
    handle: &Handle,
    query: &str,
    offset: Option<Offset>,
) -> Result<Option<Read>, Refusal> {
    match stack.table.look_up(handle) {
        Err(NoTable) => match stack.policy.recheck {
            Recheck::Raises => return Err(raised(&Missing::Table)),
            Recheck::NoChange => return Ok(None),
        },
        Ok(Some(known)) if *known != *query => return Err(Refusal::Gone(None)),
        Ok(_) => {}
    }
    let applied = *stack.applied().borrow();
    match try_look(stack, handle, offset).await {
        Ok(Ok(read)) => Ok(Some(read)),
        Ok(Err(_)) if stack.policy.rescue == Rescue::WholeRequest => {
            let end = offset.unwrap_or_default();
            Ok(Some(Read { messages: Vec::new(), end, lsn: Some(applied) }))
        }
        Ok(Err(_)) => Err(Refusal::NotReady),
        Err(refusal) => Err(refusal),
    }
}

/// The shape is no more: the one to go on with, if there can be one now.
async fn gone(stack: &Arc<Stack>, query: &str) -> Result<Body, Refusal> {
    let query: Query = query.parse().map_err(Refusal::Invalid)?;
    Err(Refusal::Gone(Some(get(stack, &query).await?)))
}

fn raised(missing: &Missing) -> Refusal {
    Refusal::Failed(match missing {
        Missing::Table => "the table of shapes does not exist".to_owned(),
        Missing::Log => "the log of the shape does not exist".to_owned(),
    })
}

fn body(handle: &Handle, read: Read) -> Body {
    let Read { messages, end, lsn } = read;
    Body { handle: Some(handle.clone()), offset: Some(end), up_to_date: lsn.is_some(), lsn, messages, error: None }
}
