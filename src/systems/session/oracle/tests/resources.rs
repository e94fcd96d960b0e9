//! Connections and caches.

use super::case::{Case, ended, full, live};
use crate::systems::session::outcome::Answer;
use crate::systems::session::workload::Operation;

const CONSERVED: &str = "connections-conserved";
const FREED: &str = "freed-after-terminate";
const BOUNDED: &str = "bounded-cache";
const WRONGFUL: &str = "no-wrongful-eviction";

/// A connection of pod-a to b1 since 2 s.
fn connected() -> Case {
    Case::new().stored(1_000, "s1", &live("create")).opened(2_000, "b1", "a/1", "boot-a", "s1").ended(4_000)
}

#[test]
fn a_connection_that_its_pod_cannot_reach_has_leaked() {
    let at_rest = |known: &[&str]| {
        connected().at_rest().pod_holds(1_000_000, 0, "boot-a", &["s1"], known).backend_has(
            1_010_000,
            1,
            &[("a/1", "boot-a", "s1")],
        )
    };
    at_rest(&["a/1"]).holds(CONSERVED);
    at_rest(&[]).breaks(CONSERVED, "connection: open, and out of its pod's reach");
}

#[test]
fn what_is_just_being_opened_or_closed_has_not() {
    connected()
        .cached(990_000, "pod-a", "s1", "removed")
        .at_rest()
        .pod_holds(1_000_000, 0, "boot-a", &[], &[])
        .backend_has(1_010_000, 1, &[("a/1", "boot-a", "s1")])
        .holds(CONSERVED);
    connected()
        .opened(1_005_000, "b1", "a/2", "boot-a", "s1")
        .at_rest()
        .pod_holds(1_000_000, 0, "boot-a", &["s1"], &["a/1"])
        .backend_has(1_010_000, 1, &[("a/1", "boot-a", "s1"), ("a/2", "boot-a", "s1")])
        .holds(CONSERVED);
}

#[test]
fn what_went_on_on_another_pod_is_no_excuse() {
    connected()
        .cached(990_000, "pod-b", "s1", "removed")
        .at_rest()
        .pod_holds(1_000_000, 0, "boot-a", &[], &[])
        .backend_has(1_010_000, 1, &[("a/1", "boot-a", "s1")])
        .breaks(CONSERVED, "connection: open, and out of its pod's reach");
}

#[test]
fn of_a_pod_that_was_not_seen_nothing_is_known() {
    connected()
        .at_rest()
        .performed("c1", 1_000_000, Some((1_000_010, None, Answer::Lost)), Operation::InspectPod(0))
        .backend_has(1_010_000, 1, &[("a/1", "boot-a", "s1")])
        .passes_over(CONSERVED);
}

#[test]
fn a_drain_leaves_nothing_open() {
    let drained = |open: &[(&str, &str, &str)], looked| {
        connected()
            .opened(990_000, "b1", "a/2", "boot-a", "s1")
            .at_rest()
            .performed("c1", 1_000_000, Some((1_000_010, None, Answer::Done)), Operation::Drain(0))
            .pod_holds(1_000_020, 0, "boot-a", &[], &[])
            .backend_has(looked, 1, open)
    };
    drained(&[("a/2", "boot-a", "s1")], 1_010_000).breaks(CONSERVED, "connection: left open by a drain");
    drained(&[("a/2", "boot-a", "s1")], 1_001_000).holds(CONSERVED);
    drained(&[], 1_010_000).holds(CONSERVED);
}

/// The session of [`connected`], terminated on a pod at 5 s, in quiet times.
fn terminated(pod: &str) -> Case {
    connected().stored(4_900, "s1", &ended()).request(4_000, Some(5_000), pod, "terminate", "s1")
}

#[test]
fn the_pod_that_terminates_closes_soon() {
    let about = "connection: kept open after terminate by the pod that terminated it";
    terminated("pod-a").closed(100_000, "b1", "a/1", "s1").holds(FREED);
    terminated("pod-a").closed(200_000, "b1", "a/1", "s1").breaks(FREED, about);
    terminated("pod-a").breaks(FREED, about);
}

#[test]
fn another_pod_has_to_find_out_first() {
    let about = "connection: kept open after terminate by another pod";
    terminated("pod-b").closed(800_000, "b1", "a/1", "s1").holds(FREED);
    terminated("pod-b").closed(900_000, "b1", "a/1", "s1").breaks(FREED, about);
}

#[test]
fn faults_put_it_off_until_they_have_healed() {
    let disturbed =
        |closed| terminated("pod-a").fault(6_000, "partition", "pod-a>b1").closed(closed, "b1", "a/1", "s1");
    disturbed(700_000).healed(600).holds(FREED);
    disturbed(760_000).healed(600).breaks(FREED, "connection: kept open after terminate by the pod that terminated it");
}

#[test]
fn a_crash_of_either_end_closes_too() {
    terminated("pod-a").restart(50_000, "pod-a", 1_000).passes_over(FREED);
    terminated("pod-a").restart(50_000, "b1", 1_000).healed(60).holds(FREED);
}

#[test]
fn a_cache_keeps_to_its_capacity() {
    Case::new().shelved(1_000, "pod-a", "s1", true, 2).holds(BOUNDED);
    Case::new().shelved(1_000, "pod-a", "s1", true, 3).breaks(BOUNDED, "cache: more than its capacity");
}

#[test]
fn a_cache_does_not_keep_the_dead_for_ever() {
    let looked = |at| {
        Case::new()
            .stored(1_000, "s1", &live("create"))
            .stored(5_000, "s1", &ended())
            .committed(500_000, "s1", None, "expired")
            .at_rest()
            .pod_holds(at, 0, "boot-a", &["s1"], &[])
            .ended(4_000)
    };
    looked(600_000).holds(BOUNDED);
    looked(1_000_000).breaks(BOUNDED, "cache: keeps what has no live record");
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .at_rest()
        .pod_holds(1_000_000, 0, "boot-a", &["s1"], &[])
        .ended(4_000)
        .holds(BOUNDED);
}

#[test]
fn an_object_is_not_evicted_while_its_record_says_the_same() {
    let evicted = |backends, decorations| {
        Case::new().stored(1_000, "s1", &full("create", &["b1", "b2"], &["d"])).evicted(
            2_000,
            "pod-a",
            "s1",
            backends,
            decorations,
        )
    };
    evicted("b1,b2", "d").breaks(WRONGFUL, "object: evicted while its record bore it out");
    evicted("b1", "d").holds(WRONGFUL);
    evicted("b1,b2", "").holds(WRONGFUL);
    Case::new()
        .stored(1_000, "s1", &live("create"))
        .stored(1_500, "s1", &ended())
        .evicted(2_000, "pod-a", "s1", "b1,b2", "")
        .holds(WRONGFUL);
}
