//! Invariants that no defect of the catalogue breaks, seen to fail on histories made by hand.

use std::sync::Arc;
use std::time::Duration;

use super::checks::invariants;
use super::latency;
use super::lens::{Handled, Held, Lens, Timeline};
use crate::harness::{Findings, History, Observed};
use crate::systems::session::Session;
use crate::systems::session::record::Record;

const S: fn(u64) -> Duration = Duration::from_secs;

fn check(lens: &Lens, ended: Duration, look: fn(&Lens, &Observed<'_, Session>, &mut Findings)) -> Findings {
    let run = Observed { history: &History::default(), operations: &[], healed: S(0), ended, allowed: &[] };
    let mut findings = Findings::default();
    look(lens, &run, &mut findings);
    findings
}

fn handled(operation: &str, session: &str, began: u64, ended: u64) -> Handled {
    Handled {
        pod: ("pod-a".into(), 1),
        operation: operation.into(),
        session: session.into(),
        backend: "".into(),
        from: 0,
        began: S(began),
        end: Some((1, S(ended), "ok".into())),
    }
}

#[test]
fn a_placeholder_that_outlives_its_time_is_found() {
    let id: Arc<str> = "s1-x".into();
    let mut lens = Lens::default();
    let record = Some(Record::default());
    lens.timelines.insert(id.clone(), Timeline(vec![Held { index: 0, at: S(1), record, cause: "set" }]));
    lens.touched.insert(id, S(10));
    // Without a pod's word for it the time to live is none at all.
    assert_eq!(check(&lens, S(100), latency::placeholder_expires).violations, []);
    let late = check(&lens, S(200), latency::placeholder_expires);
    assert_eq!(late.violations.len(), 1);
    assert!(late.violations[0].message.starts_with("s1 was last touched at 10s"));
}

#[test]
fn a_placeholder_that_expires_is_counted() {
    let held = |index, record, cause| Held { index, at: S(1), record, cause };
    let timeline = Timeline(vec![held(0, Some(Record::default()), "set"), held(1, None, "expired")]);
    let mut lens = Lens::default();
    lens.timelines.insert("s1-x".into(), timeline);
    let findings = check(&lens, S(9000), latency::placeholder_expires);
    assert_eq!((findings.exercised, findings.violations.len()), (1, 0));
}

#[test]
fn an_operation_is_too_slow_only_beyond_what_its_pod_stood_still() {
    let mut lens = Lens::default();
    lens.handled.push(handled("get", "s1-x", 100, 130));
    assert_eq!(check(&lens, S(200), latency::bounded_latency).violations.len(), 1);
    lens.stills.insert("pod-a".into(), vec![(S(90), S(80)), (S(112), S(2))]);
    assert_eq!(check(&lens, S(200), latency::bounded_latency).violations.len(), 1);
    lens.stills.insert("pod-a".into(), vec![(S(112), S(5))]);
    assert_eq!(check(&lens, S(200), latency::bounded_latency).violations, []);
}

#[test]
fn a_slow_operation_is_laid_to_a_call_of_another_session_if_there_was_one() {
    let mut lens = Lens::default();
    lens.handled.push(handled("get", "s1-x", 100, 130));
    lens.handled.push(handled("call", "s1-x", 80, 129));
    assert_eq!(check(&lens, S(200), latency::no_head_of_line_blocking).violations, []);
    lens.handled.push(handled("call", "s2-x", 80, 129));
    assert_eq!(check(&lens, S(200), latency::bounded_latency).violations, []);
    let blocked = check(&lens, S(200), latency::no_head_of_line_blocking);
    assert_eq!(blocked.violations.len(), 1);
    assert_eq!(blocked.violations[0].about, "get behind another session's call");
}

#[test]
fn invariants_have_names_of_their_own() {
    let mut names: Vec<_> = invariants().iter().map(|invariant| invariant.name()).collect();
    let count = names.len();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), count);
}
