//! Hashes.

use std::sync::Arc;

use super::super::numbers;
use super::super::reply::Refusal;
use super::{Call, Outcome};

/// Sets the pairs that follow the key, and returns how many fields are new.
fn set_pairs(call: &mut Call<'_>) -> Result<usize, Refusal> {
    let (pairs, []) = call.rest(2).as_chunks() else { return Err(call.wrong_arity()) };
    let mut hash = call.hash(call.key())?;
    let fields = Arc::make_mut(&mut hash);
    let mut fresh = 0;
    for [field, value] in pairs {
        fresh += usize::from(fields.insert(field.clone(), value.clone()).is_none());
    }
    call.update_hash(call.key(), hash);
    Ok(fresh)
}

pub(super) fn hset(call: &mut Call<'_>) -> Outcome {
    let fresh = set_pairs(call)?;
    call.reply().count(fresh);
    Ok(())
}

pub(super) fn hmset(call: &mut Call<'_>) -> Outcome {
    set_pairs(call)?;
    call.reply().ok();
    Ok(())
}

pub(super) fn hsetnx(call: &mut Call<'_>) -> Outcome {
    let mut hash = call.hash(call.key())?;
    let fresh = !hash.contains_key(&call.args[2]);
    if fresh {
        Arc::make_mut(&mut hash).insert(call.args[2].clone(), call.args[3].clone());
        call.update_hash(call.key(), hash);
    }
    call.reply().flag(fresh);
    Ok(())
}

pub(super) fn hget(call: &mut Call<'_>) -> Outcome {
    let hash = call.hash(call.key())?;
    let value = hash.get(&call.args[2]);
    call.reply().bulk_or_null(value);
    Ok(())
}

pub(super) fn hmget(call: &mut Call<'_>) -> Outcome {
    let hash = call.hash(call.key())?;
    let fields = call.rest(2);
    call.reply().array(fields.len());
    for field in fields {
        call.reply().bulk_or_null(hash.get(field));
    }
    Ok(())
}

pub(super) fn hgetall(call: &mut Call<'_>) -> Outcome {
    let hash = call.hash(call.key())?;
    call.reply().map(hash.len());
    for (field, value) in hash.iter() {
        call.reply().bulk(field);
        call.reply().bulk(value);
    }
    Ok(())
}

pub(super) fn hkeys(call: &mut Call<'_>) -> Outcome {
    let hash = call.hash(call.key())?;
    call.reply().array(hash.len());
    for field in hash.keys() {
        call.reply().bulk(field);
    }
    Ok(())
}

pub(super) fn hvals(call: &mut Call<'_>) -> Outcome {
    let hash = call.hash(call.key())?;
    call.reply().array(hash.len());
    for value in hash.values() {
        call.reply().bulk(value);
    }
    Ok(())
}

pub(super) fn hdel(call: &mut Call<'_>) -> Outcome {
    let mut hash = call.hash(call.key())?;
    let before = hash.len();
    if call.rest(2).iter().any(|field| hash.contains_key(field)) {
        let fields = Arc::make_mut(&mut hash);
        for field in call.rest(2) {
            fields.remove(field);
        }
        call.update_hash(call.key(), Arc::clone(&hash));
    }
    call.reply().count(before - hash.len());
    Ok(())
}

pub(super) fn hexists(call: &mut Call<'_>) -> Outcome {
    let there = call.hash(call.key())?.contains_key(&call.args[2]);
    call.reply().flag(there);
    Ok(())
}

pub(super) fn hlen(call: &mut Call<'_>) -> Outcome {
    let length = call.hash(call.key())?.len();
    call.reply().count(length);
    Ok(())
}

pub(super) fn hincrby(call: &mut Call<'_>) -> Outcome {
    let amount = call.integer(3)?;
    let mut hash = call.hash(call.key())?;
    let before = match hash.get(&call.args[2]) {
        Some(value) => numbers::integer(value).ok_or(Refusal::Plain("ERR hash value is not an integer"))?,
        None => 0,
    };
    let sum = before.checked_add(amount).ok_or(Refusal::OVERFLOW)?;
    Arc::make_mut(&mut hash).insert(call.args[2].clone(), sum.to_string().into());
    call.update_hash(call.key(), hash);
    call.reply().integer(sum);
    Ok(())
}
