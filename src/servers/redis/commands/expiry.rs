//! Deadlines of keys.

use super::super::reply::Refusal;
use super::{Call, Outcome};

/// On what condition a deadline is set.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is a word that a client may say")]
struct Condition {
    absent: bool,
    present: bool,
    later: bool,
    earlier: bool,
}

fn condition(call: &Call<'_>) -> Result<Condition, Refusal> {
    let mut condition = Condition::default();
    for at in 3..call.args.len() {
        if call.is(at, "nx") {
            condition.absent = true;
        } else if call.is(at, "xx") {
            condition.present = true;
        } else if call.is(at, "gt") {
            condition.later = true;
        } else if call.is(at, "lt") {
            condition.earlier = true;
        } else {
            return Err(Refusal::quoting("ERR Unsupported option ", &call.args[at], usize::MAX, ""));
        }
    }
    if condition.absent && (condition.present || condition.later || condition.earlier) {
        return Err(Refusal::Plain("ERR NX and XX, GT or LT options at the same time are not compatible"));
    }
    if condition.later && condition.earlier {
        return Err(Refusal::Plain("ERR GT and LT options at the same time are not compatible"));
    }
    Ok(condition)
}

impl Condition {
    /// Whether a key that has deadline `current` may get `wanted`. No deadline is later than any.
    fn admits(&self, current: Option<i64>, wanted: i64) -> bool {
        (!self.absent || current.is_none())
            && (!self.present || current.is_some())
            && (!self.later || current.is_some_and(|current| wanted > current))
            && (!self.earlier || current.is_none_or(|current| wanted < current))
    }
}

fn set_deadline(call: &mut Call<'_>, scale: i64, base: i64) -> Outcome {
    let condition = condition(call)?;
    let at = call.integer(2)?.checked_mul(scale).and_then(|span| span.checked_add(base));
    let at = at.ok_or_else(|| Refusal::expire_time(call.command.name))?;
    let current = call.entry(call.key()).map(|entry| entry.expires);
    let admitted = current.is_some_and(|current| condition.admits(current, at));
    if admitted {
        if at <= call.now {
            call.remove(call.key());
        } else {
            call.retime(call.key(), Some(at));
        }
    }
    call.reply().flag(admitted);
    Ok(())
}

pub(super) fn expire(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, 1000, call.now)
}

pub(super) fn pexpire(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, 1, call.now)
}

pub(super) fn expireat(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, 1000, 0)
}

pub(super) fn pexpireat(call: &mut Call<'_>) -> Outcome {
    set_deadline(call, 1, 0)
}

pub(super) fn persist(call: &mut Call<'_>) -> Outcome {
    let timed = call.deadline(call.key()).is_some();
    if timed {
        call.retime(call.key(), None);
    }
    call.reply().flag(timed);
    Ok(())
}

/// Replies with the deadline as `show` gives it, −1 for a key without one, −2 for no key.
fn tell(call: &mut Call<'_>, show: impl Fn(i64) -> i64) -> Outcome {
    let number = match call.entry(call.key()).map(|entry| entry.expires) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => show(at),
    };
    call.reply().integer(number);
    Ok(())
}

/// Milliseconds as seconds, to the nearest.
fn seconds(milliseconds: i64) -> i64 {
    milliseconds.saturating_add(500) / 1000
}

pub(super) fn ttl(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    tell(call, |at| seconds((at - now).max(0)))
}

pub(super) fn pttl(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    tell(call, |at| (at - now).max(0))
}

pub(super) fn expiretime(call: &mut Call<'_>) -> Outcome {
    tell(call, seconds)
}

pub(super) fn pexpiretime(call: &mut Call<'_>) -> Outcome {
    tell(call, |at| at)
}
