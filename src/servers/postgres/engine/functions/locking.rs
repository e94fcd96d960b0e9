//! Locks.

use rusqlite::types::ValueRef;

use super::super::super::refusal::Refusal;
use super::super::live::Signal;
use super::super::locks::{Number, Strength, encoded};
use super::{Registry, int, string};

/// Makes them known.
pub(super) fn register(registry: &Registry<'_>) -> rusqlite::Result<()> {
    registry.stateful("pg_seen", -1, |arguments, live| {
        let Some(seen) = &live.seen else { return Ok(true) };
        let table = int(arguments[0]) as usize;
        if !seen.tables.contains(&table) {
            return Ok(true);
        }
        let key = encoded(arguments[1..].iter().copied());
        Ok(key.is_some_and(|key| seen.rows.contains(&(table, key))))
    })?;
    registry.stateful("pg_lock_row", -1, |arguments, live| {
        let strength = match string(arguments[0]).as_ref() {
            "keyshare" => Strength::KeyShare,
            "share" => Strength::Share,
            "nokeyupdate" => Strength::NoKeyUpdate,
            _ => Strength::Update,
        };
        let table = int(arguments[2]) as usize;
        let Some(key) = encoded(arguments[3..].iter().copied()) else { return Ok(true) };
        match live.lock_row(table, key, strength) {
            Ok(()) => Ok(true),
            Err(blockers) => match string(arguments[1]).as_ref() {
                "skip" => Ok(false),
                "nowait" => {
                    let name = live.tables.get(table).and_then(Option::as_ref).map_or("?", |table| &table.name);
                    let message = format!("could not obtain lock on row in relation \"{name}\"");
                    Err(Refusal::new("55P03", message).into())
                }
                _ => Err(Signal::Wait(blockers)),
            },
        }
    })?;
    registry.stateful("pg_advisory", -1, |arguments, live| {
        let word = string(arguments[0]);
        if arguments[1..].iter().any(|argument| matches!(argument, ValueRef::Null)) {
            return Ok(None);
        }
        let number = match &arguments[1..] {
            [] => {
                live.locks.unlock_all(live.session);
                live.unlocked = true;
                return Ok(None);
            }
            [one] => Number::One(int(*one)),
            [one, other, ..] => Number::Two(int(*one) as i32, int(*other) as i32),
        };
        let (word, shared) = match word.strip_suffix("_shared") {
            Some(word) => (word, true),
            None => (&*word, false),
        };
        if word == "unlock" {
            live.unlocked = true;
            return Ok(Some(live.locks.unlock_advisory(live.session, number, shared)));
        }
        let (word, tries) = match word.strip_prefix("try_") {
            Some(word) => (word, true),
            None => (word, false),
        };
        let transaction = word == "xact_lock";
        if let Some(place) = live.kept.iter().position(|kept| !transaction && *kept == (number, shared)) {
            live.kept.remove(place);
            live.taken.push((number, shared));
            return Ok(tries.then_some(true));
        }
        let blockers = live.locks.advisory_blockers(live.session, number, shared);
        if !blockers.is_empty() {
            return if tries { Ok(Some(false)) } else { Err(Signal::Wait(blockers)) };
        }
        live.locks.take_advisory(live.session, number, shared, transaction);
        if !transaction {
            live.taken.push((number, shared));
        }
        Ok(tries.then_some(true))
    })
}
