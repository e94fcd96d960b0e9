//! Whether a sandbox is there.

use super::case::{Case, content, failed, refused};
use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::outcome::Outcome;

const GHOST: &str = "no-ghost";
const FALSE: &str = "no-false-not-found";
const TOLD: &str = "destroyed-is-told";
const RESURRECTION: &str = "no-resurrection";

/// Created at 1 s, destroyed at 5 s, which was answered at 6 s.
fn destroyed() -> Case {
    Case::created().asked(4_000, 6_000, "destroy sb1", Outcome::Destroyed).delete(5_000, "op 1")
}

#[test]
fn what_is_destroyed_serves_nothing() {
    let ghost = |word: &str| format!("sandbox: {word} is served though it was destroyed");
    destroyed().asked(7_000, 8_000, "get sb1 via replica-b", Outcome::Shown).breaks(GHOST, &ghost("get"));
    destroyed().asked(7_000, 8_000, "read sb1 /f1", content("x")).breaks(GHOST, &ghost("read"));
    let empty = format!("{}, and fails on an empty tree", ghost("exec"));
    destroyed().asked(7_000, 8_000, "exec sb1 read /f1", failed("ENOENT: /f1")).breaks(GHOST, &empty);
    destroyed().asked(7_000, 8_000, "get sb1", refused(Code::Enoent)).holds(GHOST);
}

#[test]
fn what_is_asked_while_it_is_destroyed_or_created_again_may_be_served() {
    destroyed().asked(4_900, 8_000, "get sb1", Outcome::Shown).passes_over(GHOST);
    let again = destroyed().asked(7_000, 9_000, "get sb1", Outcome::Shown);
    again.asked(7_500, 8_500, "create sb1", Outcome::Created).insert(8_000, "op 3").passes_over(GHOST);
}

#[test]
fn a_destruction_that_nobody_was_told_of_counts_by_its_effect() {
    let lost = Case::created().asked(4_000, 6_000, "destroy sb1", refused(Code::Eio)).delete(5_000, "op 1");
    let about = "sandbox: get is served though it was destroyed";
    lost.asked(7_000, 8_000, "get sb1", Outcome::Shown).breaks(GHOST, about);
}

#[test]
fn what_is_there_is_found() {
    let about = "sandbox: get answered not found while it was there";
    let gone = || refused(Code::Enoent);
    Case::created().asked(2_000, 3_000, "get sb1", gone()).breaks(FALSE, about);
    let marked = format!("{about}, under a tombstone");
    Case::created().counter(1_800, Some("DESTROYED")).asked(2_000, 3_000, "get sb1", gone()).breaks(FALSE, &marked);
    Case::created().asked(2_000, 3_000, "get sb1", Outcome::Shown).holds(FALSE);
    Case::created().asked(2_000, 3_000, "read sb1 /f1", super::case::absent()).holds(FALSE);
    destroyed().asked(4_900, 8_000, "get sb1", gone()).passes_over(FALSE);
    Case::created().asked(900, 3_000, "get sb1", gone()).passes_over(FALSE);
}

#[test]
fn who_asks_for_what_is_destroyed_is_not_sent_round_again() {
    let about = "sandbox: get of a destroyed one is told to try again";
    destroyed().asked(7_000, 8_000, "get sb1", refused(Code::Esessionclosing)).breaks(TOLD, about);
    destroyed().asked(7_000, 8_000, "get sb1", refused(Code::Elocktimeout)).holds(TOLD);
    Case::created().asked(2_000, 3_000, "get sb1", refused(Code::Esessionclosing)).passes_over(TOLD);
    let draining = destroyed().asked(6_500, 9_000, "drain replica-a", Outcome::Drained);
    draining.asked(7_000, 8_000, "get sb1", refused(Code::Esessionclosing)).passes_over(TOLD);
}

#[test]
fn nothing_but_a_creation_brings_a_sandbox_about() {
    let about = "sandbox: read brings it into being";
    let read = destroyed().asked(7_000, 8_000, "read sb1 /f1", refused(Code::EruntimeBusy));
    read.insert(7_500, "op 2").breaks(RESURRECTION, about);
    let about = "sandbox: a background cycle brings it into being";
    destroyed().insert(7_500, "reap").breaks(RESURRECTION, about);
    destroyed().asked(7_000, 8_000, "create sb1", Outcome::Created).insert(7_500, "op 2").holds(RESURRECTION);
    // A creation that its client gave up may come late, but not twice.
    let late = destroyed().unanswered(6_500, "create sb1").insert(9_000, "op 2");
    late.holds(RESURRECTION);
    let about = "sandbox: create creates it twice";
    let twice = destroyed().asked(7_000, 9_000, "create sb1", Outcome::Created).insert(7_500, "op 2");
    twice.delete(8_000, "op 1").insert(8_500, "op 2").breaks(RESURRECTION, about);
}
