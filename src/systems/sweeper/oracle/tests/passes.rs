//! What passes do when something fails, and what stacks are told to be.

use super::case::{Case, Namespace, WELL};

const INERT: &str = "uncertainty-inert";
const ALONE: &str = "one-failure-alone";
const STATUS: &str = "honest-status";
const PASS: &str = "orphans";

#[test]
fn nothing_is_deleted_where_something_is_not_known() {
    for what in ["list", "rows", "recheck", "get"] {
        let unsure = || Case::new().pass(10, PASS, "sweeper.pass").asked(11, PASS, what, "", "error");
        unsure().holds(INERT);
        unsure()
            .asked(12, PASS, "delete", "x", "ok")
            .breaks(INERT, &format!("namespace: deleted by orphans though {what} failed"));
        unsure().pass(20, "orphans ", "sweeper.pass").asked(22, "orphans ", "delete", "x", "ok").holds(INERT);
    }
    let sure = Case::new().pass(10, PASS, "sweeper.pass").asked(11, PASS, "list", "", "ok");
    sure.asked(12, PASS, "delete", "x", "error").passes_over(INERT);
}

#[test]
fn one_failure_keeps_a_pass_from_nothing_else() {
    let failed = || {
        Case::new()
            .pass(10, PASS, "sweeper.pass")
            .condemned(11, PASS, "x")
            .condemned(11, PASS, "y")
            .asked(12, PASS, "delete", "x", "error")
    };
    failed().asked(13, PASS, "delete", "y", "ok").pass(14, PASS, "sweeper.passed").holds(ALONE);
    failed().pass(14, PASS, "sweeper.passed").breaks(ALONE, "namespace: not tried though known for an orphan");
    failed().passes_over(ALONE);
}

#[test]
fn who_is_told_to_be_healthy_is_there() {
    Case::new().shown(50, "healthy").holds(STATUS);
    Case::new().deleted(100, "orphans").shown(900, "healthy").holds(STATUS);
    let lie = |why: &str| format!("stack: told to be healthy though its namespace {why}");
    Case::new().deleted(100, "orphans").shown(1_100, "healthy").breaks(STATUS, &lie("was deleted by orphans"));
    let lost = Namespace { phase: "Terminating", ..WELL };
    let lost = Case::new().namespace(100, "lose s1", &lost, "lost by accident");
    lost.shown(1_100, "healthy").breaks(STATUS, &lie("was lost"));
    let row_only = Case::empty().row(0, "", Some((crate::systems::sweeper::row::Status::Healthy, None)));
    row_only.shown(1_100, "healthy").breaks(STATUS, &lie("was never there"));
    Case::new().deleted(100, "orphans").shown(1_100, "healthy").allowing("copied-status").holds(STATUS);
}

#[test]
fn who_is_told_not_to_be_well_is_not_well() {
    Case::new().shown(2_000, "failed").breaks(STATUS, "stack: told to be failed though it has been well");
    Case::new().shown(2_000, "building").breaks(STATUS, "stack: told to be building though it has been well");
    Case::new().shown(500, "building").holds(STATUS);
    let failed = Namespace { deployment: "failed", ..WELL };
    Case::new().namespace(100, "", &failed, "settled").shown(2_000, "failed").holds(STATUS);
    Case::new().shown(2_000, "missing").passes_over(STATUS);
}
