//! How long things take, and how long they stay.

use std::time::Duration;

use super::case::{CALL, Case, GET, full, id, listed, live, placeholder};
use crate::harness::What;
use crate::systems::session::outcome::Answer;
use crate::systems::session::workload::Verb;

const BOUNDED: &str = "bounded-latency";
const BLOCKING: &str = "no-head-of-line-blocking";
const DEADLINE: &str = "full-deadline";
const EXPIRES: &str = "placeholder-expires";
const ANSWERED: &str = "answered";

#[test]
fn a_request_does_not_hang() {
    let validate = |done| Case::new().request(1_000, done, "pod-a", "validate", "s1").ended(300);
    validate(Some(2_000)).holds(BOUNDED);
    validate(Some(123_900)).holds(BOUNDED);
    validate(Some(124_100)).breaks(BOUNDED, "request: validate takes longer than its timeouts allow");
    validate(None).breaks(BOUNDED, "request: validate takes longer than its timeouts allow");
}

#[test]
fn while_a_pod_stands_still_or_is_gone_so_does_the_time_of_its_requests() {
    let late = || Case::new().request(1_000, Some(140_000), "pod-a", "validate", "s1").ended(300);
    late().pause(10_000, "pod-a", 30_000).holds(BOUNDED);
    late().pause(10_000, "pod-b", 30_000).breaks(BOUNDED, "request: validate takes longer than its timeouts allow");
    let held = What::Point { name: "p", subject: "s1".into(), since: Duration::ZERO, held: Duration::from_secs(30) };
    late().world(10_000, "pod-a", held).holds(BOUNDED);
    Case::new()
        .request(1_000, None, "pod-a", "validate", "s1")
        .restart(3_000, "pod-a", 1_000)
        .ended(300)
        .passes_over(BOUNDED);
}

#[test]
fn in_quiet_times_nothing_waits() {
    let get = |back| Case::new().asked(1_000, back, 0, "s1", GET, listed(&["b1"], &[]));
    get(3_000).holds(BLOCKING);
    get(12_000).breaks(BLOCKING, "operation: get kept waiting with nothing disturbed");
    get(12_000).fault(900, "slow", "pod-a>redis").passes_over(BLOCKING);
}

#[test]
fn a_call_may_take_what_its_tool_takes() {
    let call = Verb::Call { backend: 1, takes: Duration::from_secs(30), stranger: false };
    Case::new().asked(1_000, 32_000, 0, "s1", call, Answer::Done).holds(BLOCKING);
    Case::new()
        .asked(1_000, 32_000, 0, "s1", CALL, Answer::Done)
        .breaks(BLOCKING, "operation: call kept waiting with nothing disturbed");
}

#[test]
fn even_in_disturbed_times_nobody_waits_for_another_session_s_call() {
    let beside = |other| {
        Case::new().fault(0, "slow", "pod-a>redis").request(1_000, Some(60_000), "pod-a", "call", other).request(
            2_000,
            Some(59_000),
            "pod-a",
            "terminate",
            "s1",
        )
    };
    beside("s2").breaks(BLOCKING, "request: terminate waits behind another session's call");
    beside("s1").passes_over(BLOCKING);
    beside("s2").pause(3_000, "pod-a", 40_000).holds(BLOCKING);
}

#[test]
fn each_storage_call_has_its_own_time() {
    let gave_up = |waited: u64| {
        Case::new().fact(
            5_000,
            "pod-a",
            "notify s1",
            "session.gave-up",
            [("session", id("s1").into()), ("call", "swap".into()), ("waited_ms", waited.into())],
        )
    };
    gave_up(5_000).holds(DEADLINE);
    gave_up(100).breaks(DEADLINE, "storage: swap of notify has less than its own time");
    Case::new().passes_over(DEADLINE);
}

#[test]
fn a_placeholder_is_gone_when_nobody_comes_back() {
    let abandoned = || Case::new().stored(1_000, "s1", &placeholder()).healed(60).ended(2_100);
    abandoned().breaks(EXPIRES, "placeholder: outlives its time");
    abandoned().committed(1_801_500, "s1", None, "expired").holds(EXPIRES);
    abandoned().ended(1_900).passes_over(EXPIRES);
}

#[test]
fn so_is_any_record_and_asking_for_it_begins_its_time_anew() {
    let idle = || Case::new().stored(1_000, "s1", &full("create", &["b1"], &[])).healed(60).ended(2_100);
    idle().breaks(EXPIRES, "record: outlives its time");
    idle().asked(400_000, 401_000, 0, "s1", GET, Answer::Lost).passes_over(EXPIRES);
}

#[test]
fn looks_at_rest_are_the_end_of_being_left_alone() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .healed(60)
        .at_rest()
        .asked(1_000_000, 1_001_000, 0, "s1", GET, listed(&["b1"], &[]))
        .ended(2_700)
        .passes_over(EXPIRES);
}

#[test]
fn storage_keeps_time_by_its_own_clock() {
    let tampered =
        |host| Case::new().stored(1_000, "s1", &placeholder()).fault(2_000, "clock_jump", host).healed(60).ended(2_100);
    tampered("redis").passes_over(EXPIRES);
    tampered("pod-a").breaks(EXPIRES, "placeholder: outlives its time");
}

#[test]
fn every_operation_has_an_outcome_in_time() {
    Case::new().asked(1_000, 45_900, 0, "s1", GET, Answer::Lost).holds(ANSWERED);
    Case::new().asked(1_000, 46_100, 0, "s1", GET, Answer::Lost).breaks(ANSWERED, "operation: outcome after its bound");
    Case::new().unanswered(1_000, 0, GET).breaks(ANSWERED, "operation: no outcome");
    Case::new().unanswered(90_000, 0, GET).passes_over(ANSWERED);
    Case::new().asked(1_000, 80_000, 0, "s1", Verb::Create, Answer::Lost).holds(ANSWERED);
}
