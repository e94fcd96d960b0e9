//! How long things may take: operations on a pod, storage calls, and placeholders that nobody came back for.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::lens::{Handled, Lens, doing, name_of};
use crate::harness::{Findings, Observed, What};
use crate::systems::session::Session;
use crate::systems::session::record::Record;

/// What scheduling and latency may add to an operation's own times.
const SLACK: Duration = Duration::from_secs(1);
/// A call that lasts this long can be seen to hold others up.
const LONG_CALL: Duration = Duration::from_secs(10);
/// How late a server's expiry may be: it looks again once a minute at least.
const EXPIRY_SLACK: Duration = Duration::from_mins(2);

/// The sum of the times of an operation's steps, with one look to confirm each write and one more attempt where others
/// were faster.
fn budget(operation: &str) -> Option<Duration> {
    let seconds = match operation {
        "generate" => 2 * 5,
        "validate" => 3,
        "get" => 3 + 3 + 15 + 5,
        "create" => 5 + 30 + 5 + 20,
        "decorate" => 26 + 20,
        "terminate" | "notify" => 20,
        "call" => 3 * 26 + 30 + 60,
        _ => return None,
    };
    Some(Duration::from_secs(seconds))
}

/// How much longer than it may a request took, leaving out for how long its pod stood still.
fn excess(lens: &Lens, request: &Handled) -> Option<Duration> {
    let budget = budget(&request.operation)?;
    let (_, ended, _) = request.end.as_ref()?;
    let took = ended.saturating_sub(request.began);
    if took <= budget + SLACK {
        return None;
    }
    let stood = lens.stood(&request.pod.0, request.began, *ended);
    took.checked_sub(budget + SLACK + stood).filter(|excess| !excess.is_zero())
}

/// A long call of another session that was in flight on the pod while a request was carried out.
fn long_call<'a>(calls: &BTreeMap<&str, Vec<&'a Handled>>, request: &Handled) -> Option<&'a Handled> {
    let (_, ended, _) = request.end.as_ref()?;
    calls.get(&*request.pod.0)?.iter().copied().find(|call| {
        call.session != request.session
            && call.pod == request.pod
            && call.began < *ended
            && call.end.as_ref().is_some_and(|(_, at, _)| *at > request.began)
    })
}

fn long_calls(lens: &Lens) -> BTreeMap<&str, Vec<&Handled>> {
    let mut calls: BTreeMap<&str, Vec<&Handled>> = BTreeMap::new();
    for call in lens.handled.iter().filter(|request| &*request.operation == "call") {
        if call.end.as_ref().is_some_and(|(_, at, _)| at.saturating_sub(call.began) >= LONG_CALL) {
            calls.entry(&call.pod.0).or_default().push(call);
        }
    }
    calls
}

fn tell(request: &Handled, excess: Duration) -> String {
    let (pod, operation, session) = (&request.pod.0, &request.operation, name_of(&request.session));
    format!("{pod} took {excess:?} longer over {operation} {session} than all its steps may take together")
}

pub(super) fn bounded_latency(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    let calls = long_calls(lens);
    for request in &lens.handled {
        let Some((_, at, _)) = &request.end else { continue };
        if budget(&request.operation).is_some() {
            findings.exercised();
        }
        let Some(excess) = excess(lens, request) else { continue };
        if long_call(&calls, request).is_none() {
            findings.violate(*at, format!("{} too slow", request.operation), tell(request, excess));
        }
    }
}

pub(super) fn no_head_of_line_blocking(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    let calls = long_calls(lens);
    for request in &lens.handled {
        let Some((_, at, _)) = &request.end else { continue };
        if budget(&request.operation).is_none() {
            continue;
        }
        let Some(call) = long_call(&calls, request) else { continue };
        findings.exercised();
        if let Some(excess) = excess(lens, request) {
            let other = name_of(&call.session);
            let message = format!("{}, while a call of {other} was in flight there", tell(request, excess));
            findings.violate(*at, format!("{} behind another session's call", request.operation), message);
        }
    }
}

pub(super) fn full_deadline(_: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    for event in run.history.events() {
        let Some(fact) = event.fact("session.gave-up") else { continue };
        findings.exercised();
        let (waited, due) = (fact.int("waited_ms"), fact.int("due_ms"));
        if waited < due {
            let (doing, call) = (doing(run, event), fact.text("call"));
            let message = format!(
                "{} gave up the {call} of {} after {waited} ms of {due}, for an earlier call had used up the rest",
                event.host,
                name_of(fact.text("session"))
            );
            findings.violate(event.at, format!("{call} of {doing}"), message);
        }
    }
}

pub(super) fn placeholder_expires(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    let is_placeholder = |record: &Record| !record.is_full() && !record.is_terminated();
    let mut life = Duration::ZERO;
    for event in run.history.events() {
        match &event.what {
            What::Fact { .. } => {
                if let Some(fact) = event.fact("session.pod") {
                    life = life.max(Duration::from_millis(fact.int("ttl_ms") as u64));
                }
            }
            // By the clock of a server that was tampered with, any time may have passed.
            What::Fault { kind, subject, .. } if kind.starts_with("clock") && is_redis(subject) => return,
            _ => {}
        }
    }
    for (session, timeline) in &lens.timelines {
        let pairs = timeline.0.iter().zip(timeline.0.iter().skip(1));
        let expired = |held: &super::lens::Held| held.record.is_none() && held.cause == "expired";
        let gone = pairs.filter(|(before, after)| before.record.as_ref().is_some_and(is_placeholder) && expired(after));
        (0..gone.count()).for_each(|_| findings.exercised());
        let left = timeline.0.last().and_then(|held| held.record.as_ref()).is_some_and(is_placeholder);
        let touched = lens.touched.get(session).copied().unwrap_or_default();
        let due = touched + life + EXPIRY_SLACK;
        if left && run.ended > due {
            findings.exercised();
            let message =
                format!("{} was last touched at {touched:?}, never created, and is still there", name_of(session));
            findings.violate(due, "placeholder past its time to live", message);
        }
    }
}

fn is_redis(subject: &Arc<str>) -> bool {
    subject.split(' ').any(|word| word == "redis")
}
