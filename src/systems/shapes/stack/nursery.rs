//! Who starts consumers and materializers, and stops them, all at once.

use std::sync::Arc;

use futures_util::future::join_all;

use super::Stack;
use crate::systems::shapes::actors::{Address, Context, Mail, Pid, Reason, Reply, Start};
use crate::systems::shapes::consumer::{self, Birth, Dependency, ToConsumer, ToMaterializer};
use crate::systems::shapes::query::Query;
use crate::systems::shapes::store::{Handle, Record};
use crate::systems::shapes::timeouts::STOP;

/// What the nursery is told.
pub(crate) enum ToNursery {
    /// Start the consumer of a shape, unless it lives.
    Consumer(Record, Reply<Result<Address<ToConsumer>, Reason>>),
    /// Start the materializer of a shape, unless it lives.
    Materializer(Handle, Reply<Result<Address<ToMaterializer>, Reason>>),
    /// Stop all.
    StopAll(Reply<()>),
}

/// Looks after consumers and materializers until it is told to end.
pub(super) async fn nurse(mut context: Context<ToNursery>, stack: Arc<Stack>) -> Reason {
    loop {
        match context.next().await {
            Mail::Letter(ToNursery::Consumer(record, reply)) => reply.send(consumer(&context, &stack, &record)),
            Mail::Letter(ToNursery::Materializer(handle, reply)) => {
                reply.send(start_materializer(&context, &stack, &handle));
            }
            Mail::Letter(ToNursery::StopAll(reply)) => {
                let all: Vec<Pid> = {
                    let names = stack.names();
                    let consumers = names.consumers.values().map(Address::pid);
                    consumers.chain(names.materializers.values().map(Address::pid)).collect()
                };
                let (actors, me) = (context.actors(), context.pid());
                join_all(all.into_iter().map(|pid| actors.stop(me, pid, Reason::Shutdown, STOP))).await;
                reply.send(());
            }
            Mail::Exit(from, reason) if context.is_parent(from) => return reason,
            Mail::Exit(..) | Mail::Down(..) => {}
        }
    }
}

fn consumer(context: &Context<ToNursery>, stack: &Arc<Stack>, record: &Record) -> Result<Address<ToConsumer>, Reason> {
    if let Some(living) = stack.names().consumer(&record.handle) {
        return Ok(living);
    }
    let query: Query = record.query.parse().map_err(Reason::failed)?;
    let subqueries = query.clause.subqueries().into_iter().cloned();
    let dependencies: Vec<Dependency> = subqueries
        .zip(&record.dependencies)
        .map(|(subquery, handle)| Dependency { subquery, handle: handle.clone() })
        .collect();
    let handle = record.handle.clone();
    let birth = Birth { stack: stack.clone(), handle: handle.clone(), query, dependencies };
    let start = Start { name: format!("consumer {handle}").into(), parent: Some(context.pid()), traps: true };
    let address = context.actors().spawn(start, |context| consumer::run(context, birth));
    stack.names().consumers.insert(handle, address.clone());
    Ok(address)
}

fn start_materializer(
    context: &Context<ToNursery>,
    stack: &Arc<Stack>,
    handle: &Handle,
) -> Result<Address<ToMaterializer>, Reason> {
    let mut names = stack.names();
    if let Some(living) = names.materializer(handle) {
        return Ok(living);
    }
    let source = names.consumer(handle).ok_or(Reason::Absent)?;
    let start = Start { name: format!("materializer {handle}").into(), parent: Some(context.pid()), traps: false };
    let (own, subject) = (stack.clone(), handle.clone());
    let address = context.actors().spawn(start, |context| consumer::materialize(context, own, subject, source));
    names.materializers.insert(handle.clone(), address.clone());
    Ok(address)
}

/// The materializer of a shape, living or started.
///
/// # Errors
/// Why there is none.
pub(crate) async fn materializer(stack: &Arc<Stack>, handle: &Handle) -> Result<Address<ToMaterializer>, Reason> {
    let nursery = stack.names().nursery().ok_or(Reason::Absent)?;
    let handle = handle.clone();
    nursery.call(|reply| ToNursery::Materializer(handle, reply)).await?
}
