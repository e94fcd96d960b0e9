//! What is decided, and on what grounds.

use super::case::{Case, owing, row};
use crate::systems::reconciler::outcome::Outcome;
use crate::systems::reconciler::row::{Owed, Status, Workspace};
use crate::systems::reconciler::workload::Verb;

const TERMINATION: &str = "no-wrongful-termination";
const FLIP: &str = "no-wrongful-flip";
const INERT: &str = "uncertainty-inert";
const TOLD: &str = "told-offline";
const INTENT: &str = "user-intent-absorbing";
const RECORDED: &str = "intent-recorded";
const FLIGHT: &str = "single-flight";
const LOST: &str = "no-lost-instance";
const CYCLE: &str = "reconcile";

fn offline(generation: &str) -> Workspace {
    owing(Owed::Restart, row(Status::Offline, Some("i-1"), generation))
}

/// A cycle takes `ws1` offline and terminates `i-1`, after what `case` tells.
fn replaced(case: Case) -> Case {
    case.answered(20_000, CYCLE, "i-1", "stopped")
        .written(21_000, CYCLE, Some(&offline("g2")))
        .offline(21_001, CYCLE, Some("i-1"))
        .turned(22_000, CYCLE, "i-1", "terminated", "terminated")
}

#[test]
fn what_is_dead_may_be_terminated_and_what_lives_may_not() {
    replaced(Case::new().cycle(10_000, CYCLE).turned(5_000, "", "i-1", "stopped", "died")).holds(TERMINATION);
    replaced(Case::new().cycle(10_000, CYCLE).turned(15_000, "", "i-1", "stopped", "died")).holds(TERMINATION);
    replaced(Case::new().cycle(10_000, CYCLE)).breaks(TERMINATION, "instance: terminated in good health by reconcile");
}

#[test]
fn an_instance_that_has_come_meanwhile_is_not_the_one_that_was_dead() {
    Case::new()
        .cycle(10_000, CYCLE)
        .turned(11_000, "", "i-1", "stopped", "died")
        .created(15_000, "i-2")
        .written(16_000, "", Some(&row(Status::Online, Some("i-2"), "g2")))
        .turned(20_000, CYCLE, "i-2", "terminated", "terminated")
        .breaks(TERMINATION, "instance: terminated in good health by reconcile");
}

#[test]
fn a_user_may_have_anything_terminated_and_strays_may_go() {
    Case::new()
        .asked(1_000, 2_000, Verb::Remove, Outcome::Done)
        .written(1_500, "remove ws1", Some(&owing(Owed::Terminate, row(Status::Removed, Some("i-1"), "g2"))))
        .turned(60_000, "orphans", "i-1", "terminated", "terminated")
        .passes_over(TERMINATION);
    Case::new()
        .created(1_000, "i-2")
        .turned(60_000, "orphans", "i-2", "terminated", "terminated")
        .passes_over(TERMINATION);
}

#[test]
fn offline_needs_a_negative_answer_about_the_same_instance_in_the_same_cycle() {
    let dead = || Case::new().cycle(10_000, CYCLE).turned(5_000, "", "i-1", "stopped", "died");
    replaced(dead()).holds(FLIP);
    dead()
        .answered(20_000, CYCLE, "i-1", "odd")
        .offline(21_000, CYCLE, Some("i-1"))
        .breaks(FLIP, "event: no answer said that it is not up");
    dead()
        .answered(20_000, "reconcile before", "i-1", "stopped")
        .offline(21_000, CYCLE, Some("i-1"))
        .breaks(FLIP, "event: nobody asked about it");
    dead()
        .answered(20_000, CYCLE, "i-1", "stopped")
        .offline(21_000, CYCLE, None)
        .breaks(FLIP, "event: no instance was asked about");
    dead()
        .answered(20_000, CYCLE, "i-1", "stopped")
        .written(15_000, "", Some(&row(Status::Provisioning, None, "g2")))
        .offline(21_000, CYCLE, Some("i-1"))
        .breaks(FLIP, "event: it was not the workspace's when asked about");
    replaced(Case::new().cycle(10_000, CYCLE)).breaks(FLIP, "event: it was up all through the cycle");
}

#[test]
fn where_nobody_answers_nothing_is_done() {
    let unsure = || Case::new().cycle(10_000, CYCLE).answered(19_000, CYCLE, "i-1", "error");
    unsure().holds(INERT);
    unsure().written(21_000, "reconcile later", Some(&offline("g2"))).holds(INERT);
    unsure()
        .written(21_000, CYCLE, Some(&offline("g2")))
        .breaks(INERT, "workspace: taken offline though nobody answered");
    unsure().offline(21_000, CYCLE, Some("i-1")).breaks(INERT, "workspace: taken offline though nobody answered");
    replaced(Case::new()).passes_over(INERT);
}

#[test]
fn whoever_takes_a_workspace_offline_tells() {
    replaced(Case::new()).holds(TOLD);
    Case::new()
        .written(21_000, CYCLE, Some(&offline("g2")))
        .offline(40_000, "reconcile later", Some("i-1"))
        .breaks(TOLD, "workspace: taken offline by reconcile without a word");
    Case::new()
        .asked(1_000, 2_000, Verb::Restart, Outcome::Done)
        .written(1_500, "restart ws1", Some(&offline("g2")))
        .passes_over(TOLD);
}

#[test]
fn what_a_user_has_put_away_only_a_user_brings_back() {
    let paused = || {
        Case::new().asked(1_000, 2_000, Verb::Pause, Outcome::Done).written(
            1_500,
            "pause ws1",
            Some(&owing(Owed::Stop, row(Status::Paused, None, "g2"))),
        )
    };
    let back = row(Status::Provisioning, None, "g3");
    paused().asked(5_000, 6_000, Verb::Resume, Outcome::Done).written(5_500, "resume ws1", Some(&back)).holds(INTENT);
    paused().written(5_500, "reconcile", Some(&back)).breaks(INTENT, "workspace: paused is left by reconcile");
    paused()
        .asked(5_000, 6_000, Verb::Restart, Outcome::Done)
        .written(5_500, "restart ws1", Some(&back))
        .breaks(INTENT, "workspace: paused is left by restart");
    paused().written(5_500, "orphans", None).breaks(INTENT, "workspace: paused is left by orphans");
    paused().written(5_500, "orphans", Some(&row(Status::Paused, None, "g2"))).holds(INTENT);
    Case::new().written(5_500, "reconcile", Some(&back)).passes_over(INTENT);
}

#[test]
fn what_is_acknowledged_is_in_the_row() {
    let paused = row(Status::Paused, None, "g2");
    let asked = || Case::new().asked(1_000, 2_000, Verb::Pause, Outcome::Done);
    asked().written(1_500, "pause ws1", Some(&paused)).holds(RECORDED);
    asked().breaks(RECORDED, "workspace: pause acknowledged and not recorded");
    asked()
        .written(3_000, "pause ws1", Some(&paused))
        .breaks(RECORDED, "workspace: pause acknowledged and not recorded");
    asked()
        .written(1_500, "pause ws1", Some(&row(Status::Offline, None, "g2")))
        .breaks(RECORDED, "workspace: pause acknowledged and not recorded");
    Case::new().asked(1_000, 2_000, Verb::Pause, Outcome::Lost).passes_over(RECORDED);
}

#[test]
fn one_provision_at_a_time() {
    let begun = || Case::new().written(5_000, "reconcile", Some(&row(Status::Provisioning, Some("i-1"), "g2")));
    begun().holds(FLIGHT);
    begun().written(6_000, "orphans", Some(&row(Status::Provisioning, Some("i-1"), "g2"))).holds(FLIGHT);
    begun()
        .written(6_000, "orphans", Some(&row(Status::Provisioning, Some("i-1"), "g3")))
        .breaks(FLIGHT, "workspace: provisioned by orphans while it is being provisioned");
    begun()
        .written(6_000, "reconcile", Some(&row(Status::Online, Some("i-2"), "g2")))
        .written(7_000, "orphans", Some(&row(Status::Provisioning, Some("i-2"), "g3")))
        .holds(FLIGHT);
}

#[test]
fn an_instance_that_is_up_is_not_let_go_of() {
    let gone = row(Status::Online, None, "g1");
    Case::new().written(5_000, "remove ws1", Some(&gone)).breaks(LOST, "instance: let go of by remove");
    Case::new().turned(4_000, "", "i-1", "stopped", "died").written(5_000, "remove ws1", Some(&gone)).holds(LOST);
    let parked = Workspace { parked: Some("i-1".to_owned()), ..row(Status::Paused, None, "g2") };
    Case::new().written(5_000, "pause ws1", Some(&parked)).holds(LOST);
    let replacing = || Case::new().written(5_000, "reconcile", Some(&row(Status::Provisioning, Some("i-1"), "g2")));
    replacing().written(6_000, "reconcile", Some(&row(Status::Online, Some("i-2"), "g2"))).holds(LOST);
}
