//! What must not be lost of a record.

use super::case::{CALL, Case, GET, ended, full, listed, live};
use crate::systems::session::oracle::checks::{STALE_WHILE_CUT_OFF, STORAGE_MAY_LOSE};
use crate::systems::session::outcome::Answer;
use crate::systems::session::workload::Verb;

const MONOTONE: &str = "monotone-backends";
const EFFECTIVE: &str = "notify-effective";
const KEPT: &str = "decoration-kept";
const NOTIFY_B2: Verb = Verb::Notify { backend: 2 };

/// A session with two backends, of which the second is reported at 3 s and leaves at 4 s.
fn notified() -> Case {
    Case::new()
        .stored(1_000, "s1", &full("create", &["b1", "b2"], &[]))
        .stored(4_000, "s1", &full("notify", &["b1"], &[]))
        .asked(3_000, 5_000, 0, "s1", NOTIFY_B2, Answer::Done)
}

#[test]
fn a_backend_that_was_dropped_does_not_come_back() {
    notified().holds(MONOTONE);
    notified()
        .stored(6_000, "s1", &full("decorate", &["b1", "b2"], &["d"]))
        .breaks(MONOTONE, "backend: brought back by decorate");
}

#[test]
fn not_even_before_the_notification_is_answered() {
    notified()
        .stored(4_500, "s1", &full("notify", &["b1", "b2"], &[]))
        .stored(4_600, "s1", &full("notify", &["b1"], &[]))
        .breaks(MONOTONE, "backend: brought back by notify");
}

#[test]
fn a_backend_leaves_only_by_its_own_notification() {
    let dropped = |writer| {
        Case::new().stored(1_000, "s1", &full("create", &["b1", "b2"], &[])).stored(
            4_000,
            "s1",
            &full(writer, &["b1"], &[]),
        )
    };
    dropped("restore").breaks(MONOTONE, "backend: dropped by restore without its notification");
    dropped("notify").breaks(MONOTONE, "backend: dropped by notify without its notification");
    let by = |verb| dropped("notify").asked(3_000, 5_000, 0, "s1", verb, Answer::Done);
    by(Verb::Notify { backend: 1 }).breaks(MONOTONE, "backend: dropped by notify without its notification");
    by(NOTIFY_B2).holds(MONOTONE);
}

#[test]
fn a_notification_may_take_effect_long_after_its_client_gave_up() {
    Case::new()
        .stored(1_000, "s1", &full("create", &["b1", "b2"], &[]))
        .asked(3_000, 43_000, 0, "s1", NOTIFY_B2, Answer::Lost)
        .stored(90_000, "s1", &full("notify", &["b1"], &[]))
        .holds(MONOTONE);
    Case::new()
        .stored(1_000, "s1", &full("create", &["b1", "b2"], &[]))
        .unanswered(3_000, 0, NOTIFY_B2)
        .stored(90_000, "s1", &full("notify", &["b1"], &[]))
        .holds(MONOTONE);
}

#[test]
fn a_record_that_has_ended_may_say_what_it_likes() {
    notified().stored(6_000, "s1", &ended()).holds(MONOTONE);
}

#[test]
fn what_storage_lost_of_a_notification_is_lost_where_that_is_granted() {
    let lost = || notified().committed(6_000, "s1", Some(&full("create", &["b1", "b2"], &[])), "lost");
    lost().breaks(MONOTONE, "backend: brought back by storage");
    lost().allowing(STORAGE_MAY_LOSE).holds(MONOTONE);
}

#[test]
fn an_acknowledged_notification_is_in_storage() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .asked(3_000, 5_000, 0, "s1", NOTIFY_B2, Answer::Done)
        .breaks(EFFECTIVE, "backend: notification acknowledged and not stored");
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .asked(3_000, 5_000, 0, "s1", NOTIFY_B2, Answer::Unavailable)
        .passes_over(EFFECTIVE);
    notified().holds(EFFECTIVE);
}

#[test]
fn no_pod_offers_a_backend_after_its_notification() {
    let call_b2 = Verb::Call { backend: 2, takes: std::time::Duration::ZERO, stranger: false };
    notified()
        .asked(6_000, 7_000, 1, "s1", call_b2.clone(), Answer::Done)
        .breaks(EFFECTIVE, "backend: call still has it after notify");
    notified()
        .asked(6_000, 7_000, 1, "s1", GET, listed(&["b1", "b2"], &[]))
        .breaks(EFFECTIVE, "backend: get still has it after notify");
    notified()
        .asked(4_500, 7_000, 1, "s1", call_b2.clone(), Answer::Done)
        .asked(6_000, 7_000, 1, "s1", CALL, Answer::Done)
        .asked(6_000, 7_000, 1, "s1", GET, listed(&["b1"], &[]))
        .asked(6_000, 7_000, 1, "s1", call_b2, Answer::NoTool)
        .holds(EFFECTIVE);
}

#[test]
fn a_pod_that_is_cut_off_may_offer_it_where_that_is_granted() {
    let stale = notified().asked(6_000, 7_000, 1, "s1", GET, listed(&["b1", "b2"], &[])).looked(
        6_500,
        "pod-b",
        "s1",
        "unavailable",
    );
    stale.allowing(STALE_WHILE_CUT_OFF).holds(EFFECTIVE);
}

/// A session that was decorated with `d` at 3 s, stored at 4 s, answered at 5 s.
fn decorated() -> Case {
    Case::new()
        .stored(1_000, "s1", &full("create", &["b1"], &[]))
        .stored(4_000, "s1", &full("decorate", &["b1"], &["d"]))
        .asked(3_000, 5_000, 0, "s1", Verb::Decorate, Answer::Decorated("d".into()))
}

#[test]
fn a_decoration_that_was_acknowledged_is_not_overwritten() {
    decorated().stored(6_000, "s1", &full("decorate", &["b1"], &["d", "e"])).holds(KEPT);
    decorated()
        .stored(6_000, "s1", &full("decorate", &["b1"], &["e"]))
        .breaks(KEPT, "decoration: overwritten by decorate");
}

#[test]
fn not_even_before_it_is_acknowledged() {
    decorated()
        .stored(4_500, "s1", &full("notify", &["b1"], &[]))
        .stored(7_000, "s1", &full("decorate", &["b1"], &["e"]))
        .breaks(KEPT, "decoration: overwritten by notify");
}

#[test]
fn an_acknowledgement_without_a_write_is_told_apart() {
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .asked(3_000, 5_000, 0, "s1", Verb::Decorate, Answer::Decorated("d".into()))
        .breaks(KEPT, "decoration: acknowledged and not stored");
}

#[test]
fn the_end_of_a_session_is_the_end_of_its_decorations() {
    decorated().stored(4_500, "s1", &ended()).holds(KEPT);
    decorated().committed(6_000, "s1", None, "expired").holds(KEPT);
}

#[test]
fn a_decoration_that_storage_lost_is_lost_where_that_is_granted() {
    let lost = || decorated().committed(6_000, "s1", Some(&full("create", &["b1"], &[])), "lost");
    lost().breaks(KEPT, "decoration: overwritten by storage");
    lost().allowing(STORAGE_MAY_LOSE).holds(KEPT);
}

#[test]
fn a_later_listing_shows_it_on_every_pod() {
    decorated()
        .asked(6_000, 7_000, 1, "s1", GET, listed(&["b1"], &[]))
        .breaks(KEPT, "decoration: missing from a listing");
    decorated().asked(6_000, 7_000, 1, "s1", GET, listed(&["b1"], &["d"])).holds(KEPT);
    decorated().asked(4_500, 7_000, 1, "s1", GET, listed(&["b1"], &[])).holds(KEPT);
    decorated().asked(6_000, 7_000, 1, "s2", GET, listed(&["b1"], &[])).holds(KEPT);
}
