//! How the rows that a statement writes are noticed, and how they are put back.
//!
//! Each table has triggers that call functions of ours with the row before and after, so that rows changed by any
//! statement are known with their whole content, and in their order. `recover` and `repeat` write such rows again.

use std::fmt::Write as _;

use rusqlite::functions::FunctionFlags;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{Connection, params_from_iter};

use super::super::refusal::Refusal;
use super::catalog::{Catalog, Table};
use super::functions::stop;
use super::live::{Change, Shared, Signal, Stopped, key_target};
use super::locks::{Strength, Target, encoded};
use super::stored::{Row, kept, quoted_name};
use super::translate::Translator;

/// A trigger, as the storage lists it.
#[derive(Debug)]
pub(super) struct Trigger {
    pub(super) name: String,
    pub(super) table: String,
    pub(super) sql: String,
}

/// The triggers of a table.
///
/// # Errors
/// As its conditions are refused.
pub(super) fn triggers(catalog: &Catalog, table: &Table) -> Result<[Trigger; 5], Refusal> {
    let on = quoted_name(&table.name);
    let trigger = |word: &str, event: &str, act: String| {
        let name = format!("_{word} {}", table.name);
        let sql = format!("CREATE TRIGGER {} {event} ON {on} BEGIN SELECT {act}; END", quoted_name(&name));
        Trigger { name, table: table.name.clone(), sql }
    };
    let columns = |prefix: &str| -> String {
        let all: Vec<String> =
            table.columns.iter().map(|column| format!("{prefix}{}", quoted_name(&column.name))).collect();
        all.join(", ")
    };
    let mut predicates = Vec::new();
    for unique in &table.uniques {
        predicates.push(match &unique.predicate {
            Some(predicate) => Some((
                Translator::condition(catalog, table, predicate, "OLD.")?,
                Translator::condition(catalog, table, predicate, "NEW.")?,
            )),
            None => None,
        });
    }
    let flags = |new: bool| -> String {
        predicates.iter().flatten().fold(String::new(), |mut all, (old_flag, new_flag)| {
            let _ = write!(all, ", {}", if new { new_flag } else { old_flag });
            all
        })
    };
    let mut keys = String::new();
    for (unique, predicate) in table.uniques.iter().zip(&predicates) {
        let flag = predicate.as_ref().map_or("1", |(_, new)| new);
        let _ = write!(keys, ", {flag}");
        for &column in &unique.columns {
            let _ = write!(keys, ", NEW.{}", quoted_name(&table.columns[column].name));
        }
    }
    let mut watched: Vec<usize> = table.uniques.iter().flat_map(|unique| unique.columns.clone()).collect();
    for unique in &table.uniques {
        // A partial key is occupied or not by columns that need not be of it.
        if let Some(predicate) = &unique.predicate {
            watched.extend(Translator::columns_of(catalog, table, predicate)?);
        }
    }
    watched.sort_unstable();
    watched.dedup();
    let of = table.list(&watched);
    // A row that no table could hold is refused before anybody is waited for.
    let mut sound: Vec<String> = table
        .columns
        .iter()
        .filter(|column| column.not_null)
        .map(|column| format!("NEW.{} IS NOT NULL", quoted_name(&column.name)))
        .collect();
    for check in &table.checks {
        sound.push(format!("({}) IS NOT FALSE", Translator::condition(catalog, table, &check.expr, "NEW.")?));
    }
    let sound = if sound.is_empty() { "1".to_owned() } else { sound.join(" AND ") };
    let old_key: String = table.key().iter().fold(String::new(), |mut all, &column| {
        let _ = write!(all, ", OLD.{}", quoted_name(&table.columns[column].name));
        all
    });
    // What a foreign key may refer to.
    let whole = table.uniques.iter().filter(|unique| unique.predicate.is_none());
    let mut moves: Vec<String> = whole
        .flat_map(|unique| &unique.columns)
        .map(|&column| quoted_name(&table.columns[column].name))
        .map(|name| format!("OLD.{name} IS NOT NEW.{name}"))
        .collect();
    moves.dedup();
    let moves = moves.join(" OR ");
    let id = table.id;
    let (old, new) = (columns("OLD."), columns("NEW."));
    let (old_flags, new_flags) = (flags(false), flags(true));
    Ok([
        trigger("attempt", "BEFORE INSERT", format!("pg_attempt({id}, {sound}{keys})")),
        trigger("rekey", &format!("BEFORE UPDATE OF {of}"), format!("pg_rekey({id}, {sound}, {moves}{old_key}{keys})")),
        trigger("inserted", "AFTER INSERT", format!("pg_inserted({id}, {new}{new_flags})")),
        trigger("updated", "AFTER UPDATE", format!("pg_updated({id}, {old}, {new}{old_flags}{new_flags})")),
        trigger("deleted", "AFTER DELETE", format!("pg_deleted({id}, {old}{old_flags})")),
    ])
}

/// Makes the functions known that the triggers call.
pub(super) fn register(storage: &Connection, shared: &Shared) -> rusqlite::Result<()> {
    let flags = FunctionFlags::SQLITE_UTF8;
    for (name, changes) in [(c"pg_attempt", false), (c"pg_rekey", true)] {
        let state = shared.clone();
        storage.create_scalar_function(name, -1, flags, move |context| {
            let arguments: Vec<ValueRef<'_>> = (2..context.len()).map(|place| context.get_raw(place)).collect();
            let sound = context.get_raw(1).as_i64() == Ok(1);
            stop(&state, attempt(&state, table_of(context.get_raw(0)), sound, changes, &arguments))
        })?;
    }
    for (name, has_old, has_new) in
        [(c"pg_inserted", false, true), (c"pg_updated", true, true), (c"pg_deleted", true, false)]
    {
        let state = shared.clone();
        storage.create_scalar_function(name, -1, flags, move |context| {
            let table = table_of(context.get_raw(0));
            let noted = {
                let mut live = state.lock();
                let width = live.tables.get(table).and_then(Option::as_ref).map_or(0, |table| table.columns.len());
                if live.muted || width == 0 {
                    return Ok(true);
                }
                let mut at = 1;
                let mut row = |there: bool| {
                    there.then(|| {
                        at += width;
                        (at - width..at).map(|place| kept(context.get_raw(place))).collect::<Row>()
                    })
                };
                let (old, new) = (row(has_old), row(has_new));
                let truths: Vec<bool> =
                    (at..context.len()).map(|place| context.get_raw(place).as_i64() == Ok(1)).collect();
                let middle = if has_old && has_new { truths.len() / 2 } else { 0 };
                let (old_flags, new_flags) = if has_new { truths.split_at(middle) } else { (&truths[..], &[][..]) };
                live.written(Change { table, old, new }, old_flags, new_flags)
            };
            stop(&state, noted)
        })?;
    }
    Ok(())
}

fn table_of(value: ValueRef<'_>) -> usize {
    value.as_i64().unwrap_or_default() as usize
}

/// Before a row is written, or its keys change: the row that changes has to be free, and then whoever writes one of the
/// keys has to end first. A row that is not `sound` will be refused without that.
fn attempt(state: &Shared, table: usize, sound: bool, changes: bool, arguments: &[ValueRef<'_>]) -> Result<(), Signal> {
    let mut live = state.lock();
    if live.muted {
        return Ok(());
    }
    let Some(table) = live.tables.get(table).and_then(Clone::clone) else { return Ok(()) };
    let asks = sound && !live.locks.is_empty();
    let (moves, arguments) = match arguments.split_first() {
        Some((moves, rest)) if changes => (moves.as_i64() == Ok(1), rest),
        _ => (false, arguments),
    };
    let (old, mut keys) = arguments.split_at(if changes { table.key().len() } else { 0 });
    live.attempt.keys.clear();
    live.attempt.replaced = old.iter().map(|&cell| kept(cell)).collect();
    let row = keys.get(1..1 + table.key().len()).and_then(|key| encoded(key.iter().copied())).unwrap_or_default();
    if changes
        && asks
        && let Some(key) = encoded(old.iter().copied())
    {
        let strength = if moves { Strength::Update } else { Strength::NoKeyUpdate };
        let blockers = live.locks.blockers(live.session, &Target::Row(table.id, key), strength);
        if !blockers.is_empty() {
            return Err(Signal::Wait(blockers));
        }
    }
    let mut wanted = Vec::new();
    let excused = live.excused.get(&(table.id, row.clone())).copied();
    for (number, unique) in table.uniques.iter().enumerate() {
        let (parts, rest) = keys.split_at(1 + unique.columns.len());
        keys = rest;
        let occupied = parts[0].as_i64() == Ok(1);
        live.attempt.keys.push(occupied.then(|| parts[1..].iter().map(|&cell| kept(cell)).collect()));
        if asks
            && occupied
            && let Some(key) = encoded(parts[1..].iter().copied())
        {
            wanted.push((number, key_target(table.id, number, key)));
        }
    }
    for (place, (number, target)) in wanted.iter().enumerate() {
        if excused.is_some_and(|before| *number >= before) {
            break;
        }
        let session = live.session;
        let writers = live.locks.writers(session, target);
        if !writers.is_empty() {
            // Nobody else gets the keys that were free.
            let mark = live.locks.mark(session);
            for (_, free) in &wanted[..place] {
                live.locks.take(session, free.clone(), Strength::Update, true);
            }
            // Who waits for a key of a row that changes has locked the row.
            if let Some(key) = encoded(old.iter().copied()).filter(|_| changes) {
                live.locks.take(session, Target::Row(table.id, key), Strength::Update, true);
            }
            live.stopped_at =
                (!changes && *number > 0).then_some(Stopped { table: table.id, row, number: *number, mark });
            return Err(Signal::Wait(writers));
        }
    }
    Ok(())
}

/// Writes rows as they were before these changes, the last first.
pub(super) fn recover(storage: &Connection, shared: &Shared, catalog: &Catalog, changes: &[Change]) {
    replay(storage, shared, catalog, changes.iter().rev(), true);
}

/// Writes these changes once more.
pub(super) fn repeat(storage: &Connection, shared: &Shared, catalog: &Catalog, changes: &[Change]) {
    replay(storage, shared, catalog, changes.iter(), false);
}

fn replay<'c>(
    storage: &Connection,
    shared: &Shared,
    catalog: &Catalog,
    changes: impl ExactSizeIterator<Item = &'c Change>,
    back: bool,
) {
    if changes.len() == 0 {
        return;
    }
    shared.lock().muted = true;
    let several = changes.len() > 1;
    let whole = |word: &str| {
        if several {
            let done = storage.prepare_cached(word).and_then(|mut statement| statement.execute([]));
            done.expect("transactions of the storage are not nested");
        }
    };
    whole("BEGIN");
    for change in changes {
        let Some(table) = catalog.by_id(change.table) else { continue };
        let (from, to) = if back { (&change.new, &change.old) } else { (&change.old, &change.new) };
        let key = |row: &Row| Table::pick(table.key(), row);
        let (sql, values) = match (from, to) {
            (None, Some(to)) => (&table.statements.insert, to.to_vec()),
            (Some(from), None) => (&table.statements.delete, key(from)),
            (Some(from), Some(to)) => (&table.statements.update, [to.to_vec(), key(from)].concat()),
            (None, None) => continue,
        };
        let done = storage
            .prepare_cached(sql)
            .and_then(|mut statement| statement.execute(params_from_iter(values.iter().map(ToSqlOutput::from))));
        // Rows that are written back were there before, and locks have kept all others from their keys.
        let rows = done.expect("a row can be written as it was");
        assert_eq!(rows, 1, "a row of {} is where it was left", table.name);
    }
    whole("COMMIT");
    shared.lock().muted = false;
}
