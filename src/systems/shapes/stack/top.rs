//! Who starts the parts of the stack in order, starts them anew when one has died, and stops them the other way round.

use std::sync::Arc;

use super::Stack;
use super::cache::{ToCache, cache};
use super::cleanup::clean;
use super::collector::collect;
use super::database::{ToDatabase, keep};
use super::expiry::expire;
use super::nursery::{ToNursery, nurse};
use super::recovery::recover;
use super::replication::{ToReplication, replicate};
use super::status::{Phase, ToStatus, watch};
use super::table::own;
use crate::runtime::{fact, time};
use crate::systems::shapes::actors::{Address, Context, Mail, Pid, Reason, Reply, Start};
use crate::systems::shapes::policy::Active;
use crate::systems::shapes::timeouts::{BACKOFF, PAUSE, STATEMENT, STOP};

/// What the top of the stack is told.
pub(crate) enum ToTop {
    /// Stop all, in order.
    Stop(Reply<()>),
    /// A part cannot go on without the stack starting anew.
    Trouble(Pid, String),
}

/// What ends a start of the stack.
enum End {
    Stopped(Option<Reply<()>>, Reason),
    Trouble(String),
}

/// The parts that have been started, in order.
type Parts = Vec<(&'static str, Pid)>;

/// Runs the stack until it is told to stop.
pub(crate) async fn run(mut context: Context<ToTop>, stack: Arc<Stack>, name: String) -> Reason {
    let mut start = 0;
    loop {
        start += 1;
        let boot = if start == 1 { name.clone() } else { format!("{name}.{start}") };
        stack.boots(&boot);
        stack.names().top = Some(context.address().clone());
        let mut parts = Parts::new();
        // Held for as long as any part may write.
        let mut lock = None;
        let end = live(&mut context, &stack, &mut parts, &mut lock).await;
        fact("shapes.stack", [("boot", boot.into()), ("phase", "stopping".into())]);
        stop(&context, &stack, parts).await;
        // Where whoever looks after them was killed, consumers end by themselves.
        context.actors().all_gone(Some(context.pid()), STOP).await;
        drop(lock);
        stack.enter(Phase::Stopped);
        match end {
            End::Stopped(reply, reason) => {
                if let Some(reply) = reply {
                    reply.send(());
                }
                return reason;
            }
            End::Trouble(why) => {
                tracing::warn!(%why, "the stack is started anew");
                fact("shapes.restart", [("mode", "trouble".into())]);
            }
        }
        if let Err(end) = context.unless(time::sleep(BACKOFF), is_end).await {
            // Nothing is there to be stopped.
            return end;
        }
    }
}

/// Whether it is told to stop, by whom it is started or by message.
fn is_end(mail: &Mail<ToTop>, _: Option<Pid>) -> Option<Reason> {
    match mail {
        Mail::Letter(ToTop::Stop(_)) => Some(Reason::Shutdown),
        _ => None,
    }
}

type Lock = Option<tokio::sync::OwnedMutexGuard<()>>;

/// Starts the parts, and waits for what ends them.
async fn live(context: &mut Context<ToTop>, stack: &Arc<Stack>, parts: &mut Parts, lock: &mut Lock) -> End {
    let address = context.address().clone();
    // What parts of an earlier start say, or their end, is of no concern any more.
    let before = context.actors().latest();
    let starting = boot(address, stack, parts, lock);
    let stops = |mail: &Mail<ToTop>, _: Option<Pid>| match mail {
        Mail::Letter(ToTop::Stop(_)) => Some(()),
        Mail::Letter(ToTop::Trouble(from, _)) | Mail::Exit(from, _) => (*from > before).then_some(()),
        Mail::Down(..) => None,
    };
    if let Ok(Err(reason)) = context.unless(starting, stops).await {
        return End::Trouble(format!("it does not start: {reason}"));
    }
    loop {
        match context.next().await {
            Mail::Letter(ToTop::Stop(reply)) => return End::Stopped(Some(reply), Reason::Shutdown),
            Mail::Letter(ToTop::Trouble(from, why)) if from > before => return End::Trouble(why),
            Mail::Exit(pid, reason) => {
                if let Some((name, _)) = parts.iter().find(|(_, part)| *part == pid) {
                    return End::Trouble(format!("{name} has ended: {reason}"));
                }
            }
            Mail::Letter(ToTop::Trouble(..)) | Mail::Down(..) => {}
        }
    }
}

async fn boot(top: Address<ToTop>, stack: &Arc<Stack>, parts: &mut Parts, lock: &mut Lock) -> Result<(), Reason> {
    let status = part(&top, stack, parts, "status", false, watch);
    stack.names().status = Some(status.clone());
    let cleanup = part(&top, stack, parts, "cleanup", true, clean);
    stack.names().cleanup = Some(cleanup);
    let database = part(&top, stack, parts, "database", true, keep);
    stack.names().database = Some(database.clone());
    let records = database.call(ToDatabase::All).await.map_err(Reason::in_call)?;
    part(&top, stack, parts, "owner", false, |context, stack| own(context, stack, records));
    status.send(ToStatus::Enter(Phase::ReadOnly));

    // Of those that share the files one alone goes on from here.
    *lock = Some(stack.lock.clone().lock_owned().await);
    let replication = part(&top, stack, parts, "replication", false, replicate);
    let known = replication.call(ToReplication::Acquire).await.map_err(Reason::in_call)?;
    let records = recover(stack, known.is_some()).await?;
    if known.is_none() {
        replication.call(ToReplication::Create).await.map_err(Reason::in_call)?;
    }
    stack.table.refill(&records).map_err(|_| Reason::Absent)?;
    let target = match stack.policy.active {
        Active::Connected => 0,
        Active::CaughtUp => position(stack).await,
    };

    let collector = part(&top, stack, parts, "collector", false, collect);
    stack.names().collector = Some(collector.clone());
    status.send(ToStatus::Needs(collector.pid()));
    status.send(ToStatus::Needs(replication.pid()));
    let nursery = part(&top, stack, parts, "nursery", true, nurse);
    stack.names().nursery = Some(nursery);
    let cache = part(&top, stack, parts, "cache", false, cache);
    cache.call(|reply| ToCache::Restore(records, reply)).await.map_err(Reason::in_call)??;
    stack.names().cache = Some(cache);
    part(&top, stack, parts, "expiry", false, expire);
    replication.send(ToReplication::Stream(collector));
    // The sender lives as long as the stack does.
    let _ = stack.applied().wait_for(|applied| *applied >= target).await;
    status.send(ToStatus::Enter(Phase::Active));
    Ok(())
}

fn part<M, F>(
    top: &Address<ToTop>,
    stack: &Arc<Stack>,
    parts: &mut Parts,
    name: &'static str,
    traps: bool,
    body: impl FnOnce(Context<M>, Arc<Stack>) -> F,
) -> Address<M>
where
    M: Send + 'static,
    F: Future<Output = Reason> + Send + 'static,
{
    let start = Start { name: name.into(), parent: Some(top.pid()), traps };
    let address = stack.actors.spawn(start, |context| body(context, stack.clone()));
    parts.push((name, address.pid()));
    address
}

/// Where the database is by now.
async fn position(stack: &Arc<Stack>) -> u64 {
    let sql = "SELECT pg_wal_lsn_diff(pg_current_wal_lsn(), '0/0')::bigint";
    loop {
        match time::timeout(STATEMENT, stack.rows.query(&[], sql, &[])).await {
            Ok(Ok(rows)) => {
                if let Some(lsn) = rows.first().and_then(|row| row.try_get::<_, i64>(0).ok()) {
                    return lsn as u64;
                }
            }
            Ok(Err(error)) => tracing::warn!(%error, "it is not known where the database is"),
            Err(_) => tracing::warn!("it is not known where the database is"),
        }
        time::sleep(PAUSE).await;
    }
}

/// Stops the parts, the last one started first.
async fn stop(context: &Context<ToTop>, stack: &Arc<Stack>, parts: Parts) {
    for (name, pid) in parts.into_iter().rev() {
        if name == "nursery" {
            let nursery = stack.names().nursery();
            if let Some(nursery) = nursery {
                let _ = nursery.call(ToNursery::StopAll).await;
            }
        }
        context.actors().stop(context.pid(), pid, Reason::Shutdown, STOP).await;
    }
}
