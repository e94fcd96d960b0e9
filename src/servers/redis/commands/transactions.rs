//! Transactions and the watches that guard them.

use super::super::dispatch;
use super::super::reply::Refusal;
use super::super::session::Transaction;
use super::{Call, Outcome};

pub(super) fn multi(call: &mut Call<'_>) -> Outcome {
    if call.session.transaction.is_some() {
        return Err(Refusal::Plain("ERR MULTI calls can not be nested"));
    }
    call.session.transaction = Some(Transaction::default());
    call.reply().ok();
    Ok(())
}

pub(super) fn discard(call: &mut Call<'_>) -> Outcome {
    if call.session.transaction.is_none() {
        return Err(Refusal::Plain("ERR DISCARD without MULTI"));
    }
    call.session.discard(call.keyspace);
    call.reply().ok();
    Ok(())
}

pub(super) fn exec(call: &mut Call<'_>) -> Outcome {
    let Some(transaction) = call.session.transaction.take() else {
        return Err(Refusal::Plain("ERR EXEC without MULTI"));
    };
    // A watched key that has expired since counts as touched.
    for (database, key) in &call.session.watched {
        call.keyspace.live(*database, key, call.now);
    }
    let touched = call.keyspace.touched(call.session.id);
    call.session.discard(call.keyspace);
    if transaction.broken {
        return Err(Refusal::Plain("EXECABORT Transaction discarded because of previous errors."));
    }
    if touched {
        call.reply().null_array();
        return Ok(());
    }
    call.reply().array(transaction.queue.len());
    for (command, args) in &transaction.queue {
        dispatch::run(call.keyspace, call.session, call.now, command, args);
    }
    Ok(())
}

pub(super) fn watch(call: &mut Call<'_>) -> Outcome {
    if call.session.transaction.is_some() {
        return Err(Refusal::Plain("ERR WATCH inside MULTI is not allowed"));
    }
    for key in call.rest(1) {
        // Removes the key if it has expired already, so that its removal later on does not count as touching it.
        call.exists(key);
        let place = (call.session.database, key.clone());
        if !call.session.watched.contains(&place) {
            call.session.watched.push(place.clone());
            call.keyspace.watch(call.session.id, place);
        }
    }
    call.reply().ok();
    Ok(())
}

pub(super) fn unwatch(call: &mut Call<'_>) -> Outcome {
    call.keyspace.unwatch(call.session.id, &mut call.session.watched);
    call.reply().ok();
    Ok(())
}
