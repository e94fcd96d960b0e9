//! What is there is not called missing, closed, or unavailable.

use super::case::{CALL, Case, GET, ended, full, listed, live, placeholder};
use crate::systems::session::outcome::Answer;
use crate::systems::session::workload::{Operation, Target, Verb};

const FALSE: &str = "no-false-not-found";
const STALE: &str = "no-stale-handle";
const SERVED: &str = "live-session-served";

fn created() -> Case {
    Case::new().stored(1_000, "s1", &live("create"))
}

#[test]
fn a_live_session_is_not_called_missing() {
    created()
        .asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound)
        .breaks(FALSE, "session: get answered not found while it was there");
    created()
        .asked(3_000, 5_000, 1, "s1", CALL, Answer::NotFound)
        .evicted(4_000, "pod-b", "s1", "b1", "")
        .breaks(FALSE, "session: call answered not found while it was there, after an eviction");
    created().asked(3_000, 5_000, 1, "s1", GET, listed(&["b1"], &[])).holds(FALSE);
}

#[test]
fn a_moment_without_it_is_enough() {
    created().asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound).stored(4_000, "s1", &ended()).passes_over(FALSE);
    created()
        .asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound)
        .committed(4_999, "s1", None, "expired")
        .passes_over(FALSE);
    Case::new()
        .stored(1_000, "s1", &placeholder())
        .stored(3_001, "s1", &live("create"))
        .asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound)
        .passes_over(FALSE);
}

#[test]
fn changes_of_a_session_that_lives_on_are_no_excuse() {
    created()
        .asked(3_000, 5_000, 1, "s1", Verb::Decorate, Answer::NotFound)
        .stored(4_000, "s1", &full("notify", &["b1"], &[]))
        .breaks(FALSE, "session: decorate answered not found while it was there");
}

#[test]
fn an_outage_is_no_excuse_for_calling_a_session_missing() {
    let asked =
        |pod| created().asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound).looked(4_000, pod, "s1", "timed out");
    asked("pod-b").breaks(FALSE, "session: get answered not found while it was there, while cut off from storage");
    asked("pod-a").breaks(FALSE, "session: get answered not found while it was there");
}

#[test]
fn what_storage_brought_back_may_be_taken_for_dead() {
    created()
        .stored(2_000, "s1", &ended())
        .committed(2_500, "s1", Some(&live("create")), "lost")
        .asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound)
        .passes_over(FALSE);
}

#[test]
fn a_tool_is_not_called_missing_while_its_backend_is_in_the_record() {
    created()
        .asked(3_000, 5_000, 1, "s1", CALL, Answer::NoTool)
        .breaks(FALSE, "session: call answered no such tool while it was there");
    created()
        .asked(3_000, 5_000, 1, "s1", CALL, Answer::NoTool)
        .stored(4_000, "s1", &full("notify", &["b2"], &[]))
        .holds(FALSE);
}

#[test]
fn a_placeholder_is_good_enough_to_validate_and_to_create_and_no_more() {
    let generated = || Case::new().stored(1_000, "s1", &placeholder());
    generated()
        .asked(3_000, 5_000, 1, "s1", Verb::Validate, Answer::NotFound)
        .breaks(FALSE, "session: validate answered not found while it was there");
    generated()
        .asked(500, 5_000, 1, "s1", Verb::Create, Answer::NotFound)
        .breaks(FALSE, "session: create answered not found while it was there");
    generated()
        .asked(500, 5_000, 1, "s1", Verb::Create, Answer::NotFound)
        .stored(2_000, "s1", &ended())
        .passes_over(FALSE);
    generated().asked(3_000, 5_000, 1, "s1", GET, Answer::NotFound).passes_over(FALSE);
}

#[test]
fn a_call_to_a_live_session_does_not_find_it_closed() {
    created()
        .asked(3_000, 5_000, 1, "s1", CALL, Answer::Closed)
        .breaks(STALE, "session: call answered closed while it was live");
    created().asked(3_000, 5_000, 1, "s1", CALL, Answer::Backend).holds(STALE);
    created().asked(3_000, 5_000, 1, "s1", CALL, Answer::Closed).stored(4_000, "s1", &ended()).passes_over(STALE);
}

#[test]
fn nothing_disturbed_a_live_session_is_served_to_acquaintances() {
    let asked = |answer| {
        created().asked(3_000, 4_000, 1, "s1", GET, listed(&["b1"], &[])).asked(5_000, 6_000, 1, "s1", GET, answer)
    };
    asked(Answer::Unavailable).breaks(SERVED, "session: get of a live one answers unavailable with nothing disturbed");
    asked(Answer::Lost).breaks(SERVED, "session: get of a live one answers no answer with nothing disturbed");
    asked(listed(&["b1"], &[])).holds(SERVED);
}

#[test]
fn neither_a_first_request_nor_a_disturbed_one_need_be_served() {
    created().asked(5_000, 6_000, 1, "s1", GET, Answer::Unavailable).passes_over(SERVED);
    created()
        .asked(3_000, 4_000, 0, "s1", GET, listed(&["b1"], &[]))
        .asked(5_000, 6_000, 1, "s1", GET, Answer::Unavailable)
        .passes_over(SERVED);
    created()
        .asked(3_000, 4_000, 1, "s1", GET, listed(&["b1"], &[]))
        .fault(4_500, "slow", "pod-b>redis")
        .asked(5_000, 6_000, 1, "s1", GET, Answer::Unavailable)
        .passes_over(SERVED);
}

#[test]
fn a_pod_that_drains_serves_nobody() {
    let drain = Operation::Drain(1);
    let get = Operation::Session { verb: GET, target: Target { slot: 1, generation: None }, via: 1 };
    created()
        .asked(3_000, 4_000, 1, "s1", GET, listed(&["b1"], &[]))
        .performed("c1", 4_100, Some((4_200, None, Answer::Done)), drain)
        .performed("c1", 5_000, Some((6_000, Some(super::case::id("s1").into()), Answer::Unavailable)), get)
        .passes_over(SERVED);
}
