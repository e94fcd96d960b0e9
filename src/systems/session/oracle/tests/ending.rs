//! What the end of a session means.

use super::case::{CALL, Case, GET, ended, full, listed, live, placeholder};
use crate::systems::session::oracle::checks::{STALE_WHILE_CUT_OFF, STORAGE_MAY_LOSE};
use crate::systems::session::outcome::Answer;
use crate::systems::session::workload::{Operation, Verb};

const RESURRECTION: &str = "no-resurrection";
const ABSORBING: &str = "termination-absorbing";
const DEAD_ENTRY: &str = "no-dead-entry";
const USE_AFTER: &str = "no-use-after-terminate";
const TOLD: &str = "termination-is-told";

/// A session that was created at 1 s, deleted at 5 s, and whose termination was answered at 6 s.
fn deleted() -> Case {
    Case::new().stored(1_000, "s1", &live("create")).committed(5_000, "s1", None, "del").asked(
        4_000,
        6_000,
        0,
        "s1",
        Verb::Terminate,
        Answer::Done,
    )
}

#[test]
fn a_late_write_after_a_termination_is_a_resurrection() {
    let about = "session: decorate writes after terminate, where nothing was left";
    deleted().stored(7_000, "s1", &live("decorate")).breaks(RESURRECTION, about);
}

#[test]
fn a_late_write_between_effect_and_answer_is_one_too() {
    let about = "session: notify writes after terminate, where nothing was left";
    deleted().stored(5_500, "s1", &live("notify")).breaks(RESURRECTION, about);
}

#[test]
fn a_write_over_the_mark_of_a_termination_is_told_apart() {
    let about = "session: create writes after terminate, over its mark";
    Case::new()
        .stored(1_000, "s1", &placeholder())
        .asked(4_000, 6_000, 0, "s1", Verb::Terminate, Answer::Done)
        .stored(5_000, "s1", &ended())
        .stored(7_000, "s1", &live("create"))
        .breaks(RESURRECTION, about);
}

#[test]
fn a_write_before_the_termination_takes_effect_is_none() {
    deleted().stored(4_500, "s1", &live("decorate")).holds(RESURRECTION);
}

#[test]
fn neither_a_placeholder_nor_a_marked_record_is_one() {
    deleted().stored(7_000, "s1", &placeholder()).stored(8_000, "s1", &ended()).holds(RESURRECTION);
}

#[test]
fn a_termination_that_was_refused_promises_nothing() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .asked(4_000, 6_000, 0, "s1", Verb::Terminate, Answer::Unavailable)
        .passes_over(RESURRECTION);
}

#[test]
fn an_acknowledgement_without_a_termination_is_told_apart() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .asked(4_000, 6_000, 0, "s1", Verb::Terminate, Answer::Done)
        .breaks(RESURRECTION, "session: termination acknowledged and not done");
}

#[test]
fn the_pod_s_own_word_counts_even_if_its_answer_is_lost() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .request(4_000, Some(5_000), "pod-a", "terminate", "s1")
        .asked(3_000, 43_000, 0, "s1", Verb::Terminate, Answer::Lost)
        .breaks(RESURRECTION, "session: termination acknowledged and not done");
}

#[test]
fn what_storage_itself_brings_back_is_told_apart_and_may_be_granted() {
    let lost = || deleted().committed(7_000, "s1", Some(&live("create")), "lost");
    lost().breaks(RESURRECTION, "session: storage writes after terminate, where nothing was left");
    lost().allowing(STORAGE_MAY_LOSE).holds(RESURRECTION);
    let used = || lost().asked(8_000, 9_000, 1, "s1", CALL, Answer::Done);
    used().breaks(USE_AFTER, "session: call served after terminate");
    used().allowing(STORAGE_MAY_LOSE).passes_over(USE_AFTER);
}

#[test]
fn a_mark_that_is_overwritten_is_seen_with_or_without_an_answer() {
    Case::new()
        .stored(1_000, "s1", &placeholder())
        .stored(2_000, "s1", &ended())
        .stored(3_000, "s1", &live("create"))
        .breaks(ABSORBING, "session: create wipes the mark of termination");
}

#[test]
fn a_marked_record_may_go_away_but_not_come_back() {
    let gone = || Case::new().stored(2_000, "s1", &ended()).committed(3_000, "s1", None, "expired");
    gone().holds(ABSORBING);
    gone().stored(4_000, "s1", &live("decorate")).breaks(ABSORBING, "session: decorate wipes the mark of termination");
}

#[test]
fn a_mark_that_storage_lost_is_gone_where_that_is_granted() {
    let lost = || {
        Case::new()
            .stored(1_000, "s1", &live("create"))
            .stored(2_000, "s1", &ended())
            .committed(3_000, "s1", Some(&live("create")), "lost")
            .stored(4_000, "s1", &live("decorate"))
    };
    lost().breaks(ABSORBING, "session: storage wipes the mark of termination");
    lost().allowing(STORAGE_MAY_LOSE).holds(ABSORBING);
}

/// A session that pod-a has terminated by 5 s.
fn terminated_on_a() -> Case {
    Case::new().stored(1_000, "s1", &live("create")).stored(4_500, "s1", &ended()).request(
        4_000,
        Some(5_000),
        "pod-a",
        "terminate",
        "s1",
    )
}

#[test]
fn a_pod_does_not_cache_what_it_has_ended() {
    terminated_on_a()
        .shelved(6_000, "pod-a", "s1", true, 1)
        .breaks(DEAD_ENTRY, "session: cached again after terminate, by get");
}

#[test]
fn a_rollback_is_told_apart_from_those_who_never_knew() {
    terminated_on_a()
        .shelved_by(6_000, "pod-a", "terminate s1", "s1", true, 1)
        .breaks(DEAD_ENTRY, "session: cached again after terminate, by the rollback of another");
}

#[test]
fn before_that_elsewhere_or_as_a_mark_it_may() {
    terminated_on_a()
        .shelved(4_900, "pod-a", "s1", true, 1)
        .shelved(6_000, "pod-b", "s1", true, 1)
        .shelved(6_000, "pod-a", "s1", false, 1)
        .shelved(6_000, "pod-a", "s2", true, 2)
        .holds(DEAD_ENTRY);
}

#[test]
fn a_pod_that_has_restarted_remembers_nothing() {
    terminated_on_a().restart(5_500, "pod-a", 100).shelved(6_000, "pod-a", "s1", true, 1).holds(DEAD_ENTRY);
}

#[test]
fn what_is_asked_after_the_answer_is_refused_on_every_pod() {
    deleted()
        .asked(7_000, 7_100, 1, "s1", CALL, Answer::Done)
        .breaks(USE_AFTER, "session: call served after terminate");
    deleted()
        .asked(7_000, 7_100, 1, "s1", GET, listed(&["b1"], &[]))
        .breaks(USE_AFTER, "session: get served after terminate");
    deleted()
        .asked(7_000, 7_100, 1, "s1", Verb::Decorate, Answer::Decorated("d".into()))
        .breaks(USE_AFTER, "session: decorate served after terminate");
}

#[test]
fn what_was_asked_before_the_answer_may_be_served_after_it() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .committed(5_000, "s1", None, "del")
        .asked(4_000, 6_000, 0, "s1", Verb::Terminate, Answer::Done)
        .asked(5_500, 9_000, 1, "s1", CALL, Answer::Done)
        .asked(7_000, 8_000, 1, "s1", CALL, Answer::NotFound)
        .holds(USE_AFTER);
}

#[test]
fn an_outage_is_an_excuse_only_where_it_is_granted() {
    let stale =
        || deleted().looked(7_500, "pod-b", "s1", "timed out").asked(7_000, 8_000, 1, "s1", GET, listed(&["b1"], &[]));
    stale().breaks(USE_AFTER, "session: get served after terminate, storage out of reach");
    stale().allowing(STALE_WHILE_CUT_OFF).holds(USE_AFTER);
    // Granted, but it was another pod that could not reach storage.
    deleted()
        .looked(7_500, "pod-a", "s1", "timed out")
        .asked(7_000, 8_000, 1, "s1", GET, listed(&["b1"], &[]))
        .allowing(STALE_WHILE_CUT_OFF)
        .breaks(USE_AFTER, "session: get served after terminate");
}

#[test]
fn a_session_that_has_gone_is_not_called_unavailable() {
    let asked = |outcome, answer| {
        deleted().looked(7_500, "pod-a", "s1", outcome).asked(7_000, 8_000, 0, "s1", Verb::Validate, answer)
    };
    asked("absent", Answer::Unavailable).breaks(TOLD, "session: validate answers unavailable when there is none");
    asked("absent", Answer::NotFound).holds(TOLD);
    asked("timed out", Answer::Unavailable).passes_over(TOLD);
    asked("absent", Answer::Lost).passes_over(TOLD);
}

#[test]
fn nor_is_one_that_asks_for_its_tools_told_so_but_by_a_pod_that_drains() {
    let gone = || deleted().looked(7_500, "pod-a", "s1", "absent");
    gone()
        .asked(7_000, 8_000, 0, "s1", GET, Answer::Unavailable)
        .breaks(TOLD, "session: get answers unavailable when there is none");
    gone()
        .performed("c1", 6_500, Some((6_600, None, Answer::Done)), Operation::Drain(0))
        .asked(7_000, 8_000, 0, "s1", GET, Answer::Unavailable)
        .passes_over(TOLD);
}

#[test]
fn a_pod_that_never_looked_or_gave_up_may_not_know() {
    deleted().asked(7_000, 8_000, 0, "s1", Verb::Validate, Answer::Unavailable).passes_over(TOLD);
    deleted()
        .looked(7_500, "pod-a", "s1", "absent")
        .fact(
            7_900,
            "pod-a",
            "validate s1",
            "session.gave-up",
            [("session", super::case::id("s1").into()), ("call", "load".into()), ("waited_ms", 3_000_u64.into())],
        )
        .asked(7_000, 8_000, 0, "s1", Verb::Validate, Answer::Unavailable)
        .passes_over(TOLD);
}

#[test]
fn a_session_that_goes_meanwhile_may_be_called_anything() {
    Case::new()
        .stored(1_000, "s1", &full("create", &["b1"], &[]))
        .looked(4_500, "pod-a", "s1", "ok")
        .asked(4_000, 6_000, 0, "s1", Verb::Validate, Answer::Unavailable)
        .committed(5_000, "s1", None, "expired")
        .passes_over(TOLD);
}
