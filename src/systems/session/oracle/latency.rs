//! Nothing takes longer than its own times allow, and nothing waits for what is not its own affair.

use std::collections::BTreeMap;
use std::time::Duration;

use super::checks::Check;
use super::lens::{Lens, Request, label};
use crate::harness::Findings;
use crate::systems::session::timeouts as times;
use crate::systems::session::workload::Verb;

pub(super) const BOUNDED_LATENCY: Check = Check {
    name: "bounded-latency",
    about: "a pod carries out each request within the sum of the request's own timeouts and one drained call",
    judge: bounded_latency,
};

pub(super) const NO_HEAD_OF_LINE_BLOCKING: Check = Check {
    name: "no-head-of-line-blocking",
    about: "with nothing disturbed, an operation does not wait for what others have under way",
    judge: no_head_of_line_blocking,
};

pub(super) const FULL_DEADLINE: Check = Check {
    name: "full-deadline",
    about: "a storage call is given up only after all of its own time, whatever came before it",
    judge: full_deadline,
};

/// What an eviction may wait for, in forms that wait: a call that has just begun to connect, then the goodbyes.
const DRAINED_CALL: Duration =
    times::BACKEND_INIT.saturating_add(times::TOOL_CALL).saturating_add(Duration::from_secs(30));
/// A call that lasts this long can be seen to hold others up.
const LONG_CALL: Duration = Duration::from_secs(10);
/// What nobody notices in a quiet world: a dozen round trips at their slowest, and losing a few races to write.
const PROMPT: Duration = Duration::from_secs(10);

fn bounded_latency(seen: &Lens, findings: &mut Findings) {
    for request in &seen.requests {
        let Some(own) = own_times(&request.operation).filter(|_| !request.cut_short) else { continue };
        findings.exercised();
        if let Some(due) = overdue(seen, request, own + DRAINED_CALL) {
            findings.violate(
                due,
                format!("request: {} takes longer than its timeouts allow", request.operation),
                tell(request, due),
            );
        }
    }
}

/// When a request ought to have been done, if it was not, given that it may take so long; while tasks of its pod stand
/// still, its time does too.
fn overdue(seen: &Lens, request: &Request, may_take: Duration) -> Option<Duration> {
    let done = request.done.at.min(seen.ended);
    let due = request.begun.at + may_take;
    if done <= due {
        return None;
    }
    let due = due + stood_still(seen, request, done);
    (done > due).then_some(due)
}

fn tell(request: &Request, due: Duration) -> String {
    format!(
        "{}: {} began on {} at {:?}, and was not done {:?} later",
        label(&request.session),
        request.operation,
        request.pod,
        request.begun.at,
        due.saturating_sub(request.begun.at)
    )
}

/// The sum of the timeouts that a request may run into one after another; `None`: it is not a client's, or waits for calls
/// by its nature.
fn own_times(operation: &str) -> Option<Duration> {
    /// Closing the connections that a newer record no longer has.
    const GOODBYES: Duration = Duration::from_secs(20);
    // Looked at, restored, written back; then looked at again by those who waited for somebody else's restore.
    let get = times::LOAD * 3 + times::RESTORE + times::RESTORE_WRITE + GOODBYES;
    // Tried while others are faster; then the last attempt, and a look at what came of it.
    let write = |each: Duration| times::CONTENTION + each * 3;
    Some(match operation {
        "generate" => times::GENERATE * 2,
        "validate" => times::VALIDATE,
        "create" => times::CREATE * 2 + times::BACKEND_INIT + write(times::CREATE),
        "get" => get,
        "decorate" => get + write(times::DECORATE) + GOODBYES,
        "terminate" => times::TERMINATE + write(times::TERMINATE),
        "notify" => times::NOTIFY * 2 + write(times::NOTIFY) + GOODBYES,
        // A lost connection is opened anew by one call after another, each in its turn; and all of it up to thrice.
        "call" => (get + times::BACKEND_INIT * 2 + times::TOOL_CALL) * 3,
        _ => return None,
    })
}

/// For how long tasks of a request's pod stood still while it was carried out.
fn stood_still(seen: &Lens, request: &Request, until: Duration) -> Duration {
    let times = seen.standstills.get(&request.pod).map(Vec::as_slice).unwrap_or_default();
    times.iter().map(|still| still.to.min(until).saturating_sub(still.from.max(request.begun.at))).sum()
}

fn no_head_of_line_blocking(seen: &Lens, findings: &mut Findings) {
    slow_in_quiet_times(seen, findings);
    slow_beside_a_long_call(seen, findings);
}

fn slow_in_quiet_times(seen: &Lens, findings: &mut Findings) {
    for op in &seen.operations {
        let Some(verb) = op.verb() else { continue };
        let returned = op.returned.at.min(seen.ended);
        if !seen.quiet.throughout(op.invoked.at, returned) {
            continue;
        }
        findings.exercised();
        let own = match verb {
            Verb::Call { takes, .. } => *takes,
            _ => Duration::ZERO,
        };
        let took = returned.saturating_sub(op.invoked.at);
        if took > own + PROMPT {
            findings.violate(
                op.invoked.at + own + PROMPT,
                format!("operation: {} kept waiting with nothing disturbed", op.word()),
                format!("{} via {} took {took:?}", op.story(), op.pod),
            );
        }
    }
}

/// Even where much is disturbed, no request takes more than its own times while a call of another session is in flight.
fn slow_beside_a_long_call(seen: &Lens, findings: &mut Findings) {
    let mut calls: BTreeMap<&str, Vec<&Request>> = BTreeMap::new();
    for call in seen.requests.iter().filter(|request| &*request.operation == "call") {
        if call.done.at.min(seen.ended).saturating_sub(call.begun.at) >= LONG_CALL {
            calls.entry(&call.pod).or_default().push(call);
        }
    }
    for request in seen.requests.iter().filter(|request| !request.cut_short) {
        let Some(own) = own_times(&request.operation) else { continue };
        let beside = calls
            .get(&*request.pod)
            .into_iter()
            .flatten()
            .find(|call| call.session != request.session && call.begun < request.done && call.done > request.begun);
        let Some(call) = beside else { continue };
        findings.exercised();
        if let Some(due) = overdue(seen, request, own) {
            findings.violate(
                due,
                format!("request: {} waits behind another session's call", request.operation),
                format!("{}, with a call of {} in flight there", tell(request, due), label(&call.session)),
            );
        }
    }
}

fn full_deadline(seen: &Lens, findings: &mut Findings) {
    for given_up in &seen.given_up {
        let due = storage_time(&given_up.operation, &given_up.call);
        findings.exercised();
        if given_up.waited < due {
            findings.violate(
                given_up.moment.at,
                format!("storage: {} of {} has less than its own time", given_up.call, given_up.operation),
                format!(
                    "{}: {} gave its {} up after {:?} at {:?}, though it is due {due:?}",
                    label(&given_up.session),
                    given_up.operation,
                    given_up.call,
                    given_up.waited,
                    given_up.moment.at,
                ),
            );
        }
    }
}

/// How long a storage call of an operation may take by itself.
fn storage_time(operation: &str, call: &str) -> Duration {
    match (operation, call) {
        ("generate", _) => times::GENERATE,
        ("create", _) => times::CREATE,
        ("validate", _) => times::VALIDATE,
        ("terminate", _) => times::TERMINATE,
        ("notify", _) => times::NOTIFY,
        (_, "load" | "peek") => times::LOAD,
        ("decorate", _) => times::DECORATE,
        _ => times::RESTORE_WRITE,
    }
}
