//! Sorted sets, member by member.

use std::sync::Arc;

use bytes::Bytes;

use super::super::numbers;
use super::super::reply::Refusal;
use super::{Call, Outcome};

/// The options of `ZADD`.
#[derive(Clone, Copy, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word that a client may say")]
struct Options {
    absent: bool,
    present: bool,
    greater: bool,
    less: bool,
    changed: bool,
    increment: bool,
}

/// The options beside those that the command implies, and where the first score is.
fn options(call: &Call<'_>, mut options: Options) -> (Options, usize) {
    let mut at = 2;
    while at < call.args.len() {
        if call.is(at, "nx") {
            options.absent = true;
        } else if call.is(at, "xx") {
            options.present = true;
        } else if call.is(at, "gt") {
            options.greater = true;
        } else if call.is(at, "lt") {
            options.less = true;
        } else if call.is(at, "ch") {
            options.changed = true;
        } else if call.is(at, "incr") {
            options.increment = true;
        } else {
            break;
        }
        at += 1;
    }
    (options, at)
}

pub(super) fn zadd(call: &mut Call<'_>) -> Outcome {
    read_and_add(call, Options::default())
}

/// Takes the options of `ZADD` too, though Redis does not tell.
pub(super) fn zincrby(call: &mut Call<'_>) -> Outcome {
    read_and_add(call, Options { increment: true, ..Options::default() })
}

fn read_and_add(call: &mut Call<'_>, implied: Options) -> Outcome {
    let (options, first) = options(call, implied);
    let (pairs, []) = call.rest(first).as_chunks() else { return Err(Refusal::SYNTAX) };
    if pairs.is_empty() {
        return Err(Refusal::SYNTAX);
    }
    if options.absent && options.present {
        return Err(Refusal::Plain("ERR XX and NX options at the same time are not compatible"));
    }
    if (options.absent && (options.greater || options.less)) || (options.greater && options.less) {
        return Err(Refusal::Plain("ERR GT, LT, and/or NX options at the same time are not compatible"));
    }
    if options.increment && pairs.len() > 1 {
        return Err(Refusal::Plain("ERR INCR option supports a single increment-element pair"));
    }
    add(call, options, pairs)
}

fn add(call: &mut Call<'_>, options: Options, pairs: &[[Bytes; 2]]) -> Outcome {
    let scores: Option<Vec<f64>> = pairs.iter().map(|[score, _]| numbers::float(score)).collect();
    let scores = scores.ok_or(Refusal::NOT_A_FLOAT)?;
    let mut set = call.sorted(call.key())?;
    let (mut added, mut updated, mut result) = (0, 0, None);
    for ([_, member], given) in pairs.iter().zip(scores) {
        let current = set.score(member);
        if if current.is_some() { options.absent } else { options.present } {
            continue;
        }
        let score = current.filter(|_| options.increment).map_or(given, |current| current + given);
        if score.is_nan() {
            return Err(Refusal::Plain("ERR resulting score is not a number (NaN)"));
        }
        let stays = |current| (options.less && score >= current) || (options.greater && score <= current);
        if current.is_some_and(stays) {
            continue;
        }
        result = Some(score);
        match current {
            None => added += 1,
            #[expect(clippy::float_cmp, reason = "an equal score is no change")]
            Some(current) if current != score => updated += 1,
            Some(_) => continue,
        }
        Arc::make_mut(&mut set).insert(member, score);
    }
    if added + updated > 0 {
        call.update_sorted(call.key(), set);
    }
    match result {
        Some(score) if options.increment => call.reply().double(score),
        None if options.increment => call.reply().null(),
        _ => call.reply().integer(if options.changed { added + updated } else { added }),
    }
    Ok(())
}

pub(super) fn zrem(call: &mut Call<'_>) -> Outcome {
    let mut set = call.sorted(call.key())?;
    let before = set.len();
    if call.rest(2).iter().any(|member| set.score(member).is_some()) {
        let members = Arc::make_mut(&mut set);
        for member in call.rest(2) {
            members.remove(member);
        }
        call.update_sorted(call.key(), Arc::clone(&set));
    }
    call.reply().count(before - set.len());
    Ok(())
}

pub(super) fn zscore(call: &mut Call<'_>) -> Outcome {
    match call.sorted(call.key())?.score(&call.args[2]) {
        Some(score) => call.reply().double(score),
        None => call.reply().null(),
    }
    Ok(())
}

pub(super) fn zcard(call: &mut Call<'_>) -> Outcome {
    let length = call.sorted(call.key())?.len();
    call.reply().count(length);
    Ok(())
}
