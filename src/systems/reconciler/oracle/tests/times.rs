//! How long things take, and what is left in the end.

use std::time::Duration;

use super::case::{Case, owing, row};
use crate::harness::What;
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::row::{Owed, Status, Workspace};
use crate::systems::reconciler::workload::Verb;

const FAIRNESS: &str = "fairness";
const BOUNDED: &str = "bounded-cycle";
const REPLACEMENT: &str = "replacement";
const SETTLES: &str = "settles";
const ANSWERED: &str = "answered";
const UNSEEN: &str = "workspace: not looked at though its instance is dead";

fn dead(ended: u64) -> Case {
    Case::new().turned(10_000, "", "i-1", "stopped", "died").cycles(60, ended, 1, 1).ended(ended)
}

fn offline() -> Workspace {
    owing(Owed::Restart, row(Status::Offline, Some("i-1"), "g2"))
}

#[test]
fn the_dead_are_found_out_in_two_cycles_where_one_looks_at_all() {
    dead(190).holds(FAIRNESS);
    dead(400).breaks(FAIRNESS, UNSEEN);
    dead(400).written(100_000, "reconcile", Some(&offline())).holds(FAIRNESS);
    dead(400).written(100_000, "pause ws1", Some(&row(Status::Paused, None, "g2"))).holds(FAIRNESS);
    dead(400).turned(100_000, "", "i-1", "pending", "started").holds(FAIRNESS);
    Case::new().ended(400).passes_over(FAIRNESS);
    let degraded = row(Status::Degraded, Some("i-1"), "g1");
    dead(400).written(11_000, "health", Some(&degraded)).breaks(FAIRNESS, UNSEEN);
}

#[test]
fn where_cycles_get_through_few_it_takes_more_of_them() {
    let slow = |ended| {
        let case = Case::new().turned(10_000, "", "i-1", "stopped", "died").ended(ended);
        (2..=10_u64).fold(case.cycles(60, ended, 10, 2), |case, other| {
            let mut row = row(Status::Online, None, "g");
            row.id = format!("ws{other}");
            case.other_written(0, &row)
        })
    };
    slow(400).holds(FAIRNESS);
    slow(600).breaks(FAIRNESS, UNSEEN);
}

#[test]
fn who_gets_no_answer_or_a_wrong_one_cannot_find_out() {
    let troubled = |answer: &str, about: &str| {
        (15..600).step_by(60).fold(dead(600), |case, second| case.answered(second * 1_000, "reconcile", about, answer))
    };
    troubled("error", "i-7").holds(FAIRNESS);
    troubled("odd", "i-7").holds(FAIRNESS);
    troubled("running", "i-1").holds(FAIRNESS);
    troubled("running", "i-7").breaks(FAIRNESS, UNSEEN);
    troubled("stopped", "i-1").breaks(FAIRNESS, UNSEEN);
    (0..600).step_by(100).fold(dead(600), |case, second| case.fault(second * 1_000, "partition")).passes_over(FAIRNESS);
    (0..600).step_by(100).fold(dead(600), |case, second| case.fault(second * 1_000, "die")).breaks(FAIRNESS, UNSEEN);
}

#[test]
fn a_cycle_ends() {
    let cycle = |took: u64| Case::new().cycle(10_000, "r").cycled(10_000 + took, "r", 9, 4).ended(300);
    cycle(64_000).holds(BOUNDED);
    cycle(66_000).breaks(BOUNDED, "cycle: longer than its deadline");
    cycle(66_000).pause(20_000, "server-a", 5_000).holds(BOUNDED);
    cycle(66_000).pause(20_000, "server-b", 5_000).breaks(BOUNDED, "cycle: longer than its deadline");
    let held =
        What::Point { name: "p", subject: "ws1".into(), since: Duration::from_secs(20), held: Duration::from_secs(5) };
    cycle(66_000).world(20_000, "server-a", held).holds(BOUNDED);
    Case::new().cycle(10_000, "r").ended(300).breaks(BOUNDED, "cycle: longer than its deadline");
    Case::new().cycle(10_000, "r").restart(20_000, "server-a", 1_000).ended(300).passes_over(BOUNDED);
}

#[test]
fn what_is_offline_is_provisioned_again() {
    let flipped = || Case::new().written(10_000, "reconcile", Some(&offline())).ended(400);
    flipped().breaks(REPLACEMENT, "workspace: left offline by reconcile");
    flipped().written(100_000, "restart", Some(&row(Status::Provisioning, Some("i-1"), "g3"))).holds(REPLACEMENT);
    flipped().written(60_000, "pause ws1", Some(&row(Status::Paused, None, "g3"))).holds(REPLACEMENT);
    flipped().ended(120).holds(REPLACEMENT);
    (0..400).step_by(100).fold(flipped(), |case, second| case.fault(second * 1_000, "partition")).holds(REPLACEMENT);
    Case::new().ended(400).passes_over(REPLACEMENT);
}

#[test]
fn in_the_end_each_has_its_own() {
    let case = || Case::new().healed(10).ended(500);
    case().holds(SETTLES);
    Case::new().healed(200).ended(500).passes_over(SETTLES);
    case().turned(20_000, "", "i-1", "stopped", "died").breaks(SETTLES, "workspace: online on a dead instance");
    case().created(20_000, "i-2").breaks(SETTLES, "workspace: more than its instance is up");
    case()
        .created(20_000, "i-2")
        .turned(20_000, "", "i-1", "stopped", "died")
        .breaks(SETTLES, "workspace: online on one instance, and another is up");
    let with = |row: &Workspace| case().written(20_000, "x", Some(row));
    with(&row(Status::Online, None, "g")).breaks(SETTLES, "workspace: online on no instance");
    with(&row(Status::Paused, None, "g")).breaks(SETTLES, "workspace: put away, and an instance is up");
    with(&row(Status::Paused, None, "g")).turned(30_000, "", "i-1", "stopping", "x").holds(SETTLES);
    with(&row(Status::Provisioning, None, "g")).breaks(SETTLES, "workspace: something is still owed");
    with(&row(Status::Offline, Some("i-1"), "g")).breaks(SETTLES, "workspace: neither online nor put away");
    case().written(20_000, "purge ws1", None).breaks(SETTLES, "workspace: put away, and an instance is up");
}

#[test]
fn every_operation_has_an_outcome_in_time() {
    let asked = |back| Case::new().asked(1_000, back, Verb::Status, Outcome::Lost).ended(300);
    asked(45_000).holds(ANSWERED);
    asked(47_000).breaks(ANSWERED, "operation: outcome after its bound");
}
