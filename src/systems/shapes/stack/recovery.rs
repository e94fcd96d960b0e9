//! What is set right when the stack starts, before any consumer does.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Stack;
use super::cleanup::tell_removing;
use super::database::ToDatabase;
use crate::runtime::{fact, time};
use crate::systems::shapes::actors::{Reason, Reply};
use crate::systems::shapes::policy::{Dangling, Subqueries};
use crate::systems::shapes::store::{Handle, Record};
use crate::systems::shapes::timeouts::PAUSE;

/// Finishes what was begun, gives up what cannot be restored, and says which shapes are to be: each after what it depends on.
///
/// `slot` says whether the slot is the one that these shapes have followed.
///
/// # Errors
/// Why a part of the stack does not do its work.
pub(super) async fn recover(stack: &Arc<Stack>, slot: bool) -> Result<Vec<Record>, Reason> {
    ask(stack, ToDatabase::Reload).await?.map_err(Reason::failed)?;
    let mut records = ask(stack, ToDatabase::All).await?;
    if !slot {
        for record in std::mem::take(&mut records) {
            remove(stack, &record.handle, Some(("slot-lost", None))).await?;
        }
    }
    for record in records.extract_if(.., |record| record.removing) {
        remove(stack, &record.handle, None).await?;
    }
    if stack.policy.subqueries == Subqueries::Dropped {
        let needed: BTreeSet<Handle> = records.iter().flat_map(|record| record.dependencies.clone()).collect();
        let goes = |record: &mut Record| !record.dependencies.is_empty() || needed.contains(&record.handle);
        for record in records.extract_if(.., goes) {
            remove(stack, &record.handle, Some(("dropped", None))).await?;
        }
    }
    let mut ordered: Vec<Record> = Vec::new();
    while !records.is_empty() {
        let placed = |handle: &Handle| ordered.iter().any(|record| record.handle == *handle);
        let next = records.iter().position(|record| record.dependencies.iter().all(placed));
        if let Some(next) = next {
            ordered.push(records.remove(next));
            continue;
        }
        if stack.policy.dangling == Dangling::WaitedFor {
            // Until what it depends on is there.
            time::sleep(PAUSE).await;
            continue;
        }
        let missing = |record: &Record| {
            let known = |handle: &Handle| placed(handle) || records.iter().any(|other| other.handle == *handle);
            record.dependencies.iter().find(|handle| !known(handle)).cloned()
        };
        let dangling = records.iter().enumerate().find_map(|(place, record)| Some((place, missing(record)?)));
        let Some((place, of)) = dangling else {
            return Err(Reason::failed("shapes depend on each other in a circle"));
        };
        let record = records.remove(place);
        remove(stack, &record.handle, Some(("dangling", Some(&of)))).await?;
    }
    Ok(ordered)
}

/// Removes a shape that nothing of the stack works on: its files, then its row.
async fn remove(
    stack: &Arc<Stack>,
    handle: &Handle,
    why: Option<(&'static str, Option<&Handle>)>,
) -> Result<(), Reason> {
    if let Some((why, of)) = why {
        tell_removing(handle, why, of);
    }
    stack.files.remove(handle).await.map_err(Reason::failed)?;
    let gone = handle.clone();
    ask(stack, |reply| ToDatabase::Remove(gone, reply)).await?.map_err(Reason::failed)?;
    fact("shapes.removed", [("handle", handle.clone().into())]);
    Ok(())
}

async fn ask<T>(stack: &Arc<Stack>, message: impl FnOnce(Reply<T>) -> ToDatabase) -> Result<T, Reason> {
    let database = stack.names().database().ok_or(Reason::Absent)?;
    database.call(message).await.map_err(Reason::in_call)
}
