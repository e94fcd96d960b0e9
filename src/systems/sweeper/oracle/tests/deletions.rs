//! What may be deleted, by whom, and when.

use super::case::{Case, NAMESPACE, Namespace, WELL};
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::row::Status;
use crate::systems::sweeper::workload::Verb;

const LIVING: &str = "no-living-deleted";
const PRECISION: &str = "precision";
const EXTENSION: &str = "extension-kept";
const WITH_NAMESPACE: &str = "expired-with-namespace";

/// A sweep that looks at everything and ends well.
fn swept(case: Case, at: u64) -> Case {
    case.pass(at, "orphans", "sweeper.pass")
        .asked(at, "orphans", "list", "", "ok")
        .asked(at, "orphans", "rows", "", "ok")
        .pass(at + 9, "orphans", "sweeper.passed")
}

#[test]
fn what_has_a_row_is_not_swept() {
    swept(Case::new(), 100).holds(LIVING);
    swept(Case::new(), 100)
        .deleted(105, "orphans")
        .breaks(LIVING, "namespace: deleted while its row was there by orphans");
    swept(Case::new().row(50, "delete s1", None), 100).deleted(105, "orphans").passes_over(LIVING);
    let gone = Case::new().row(50, "delete s1", None);
    swept(gone, 100).deleted(105, "orphans").holds(PRECISION);
}

#[test]
fn a_sweep_proves_nothing_where_ids_are_slugs_or_where_it_failed() {
    let alike = |id: &str| {
        let owner = Namespace { owner: id, ..WELL };
        Case::empty().row_of(0, "", (id, NAMESPACE), Some((Status::Healthy, None))).namespace(0, "", &owner, "created")
    };
    let slug = crate::systems::sweeper::workload::slug(1, crate::systems::sweeper::workload::Identity::Apart);
    swept(alike(&slug), 100).passes_over(LIVING);
    swept(alike("id-7"), 100).holds(LIVING);
    Case::new()
        .pass(100, "orphans", "sweeper.pass")
        .asked(100, "orphans", "rows", "", "error")
        .pass(101, "orphans", "sweeper.passed")
        .passes_over(LIVING);
}

#[test]
fn a_row_that_is_on_its_way_is_waited_for() {
    let early = |row: u64| {
        Case::empty().namespace(10, "import s1", &WELL, "created").deleted(20, "orphans").row(
            row,
            "import s1",
            Some((Status::Healthy, None)),
        )
    };
    early(30).breaks(LIVING, "namespace: deleted before its row came by orphans");
    early(4_000).passes_over(LIVING);
}

#[test]
fn another_of_the_same_name_is_not_the_one() {
    let again = Namespace { uid: "uid-2", owner: "id-2", ..WELL };
    let reborn = || {
        Case::new().row(10, "delete s1", None).row_of(
            20,
            "create s1",
            ("id-2", NAMESPACE),
            Some((Status::Building, None)),
        )
    };
    reborn().deleted(30, "orphans").passes_over(LIVING);
    reborn()
        .deleted(30, "create s1")
        .namespace(40, "create s1", &again, "created")
        .namespace(50, "orphans", &Namespace { phase: "Terminating", ..again }, "deleted")
        .breaks(LIVING, "namespace: deleted while its row was there by orphans");
}

#[test]
fn who_may_delete_a_living_stack() {
    Case::new().operated(10, 30, Verb::Delete, Outcome::Done).deleted(20, "delete s1").passes_over(LIVING);
    let of_another = "namespace: deleted while its row was there by create";
    Case::new().operated(10, 30, Verb::Create, Outcome::Done).deleted(20, "create s1").breaks(LIVING, of_another);
    Case::new()
        .namespace(20, "lose s1", &Namespace { phase: "Terminating", ..WELL }, "lost by accident")
        .passes_over(LIVING);
    let due = |at| Case::new().row(5, "", Some((Status::Healthy, Some(50)))).deleted(at, "expire");
    due(60).passes_over(LIVING);
    due(40).breaks(LIVING, "namespace: deleted while its row was there by expire");
    Case::new().row(5, "expire", Some((Status::Expiring, Some(500)))).deleted(40, "expire").passes_over(LIVING);
}

#[test]
fn nothing_goes_that_is_none_of_ours() {
    for name in ["kube-system", "instant-stack-"] {
        let foreign = Namespace { uid: "uid-9", name, owner: "nobody", ..WELL };
        Case::new()
            .namespace(0, "", &foreign, "created")
            .namespace(50, "orphans", &Namespace { phase: "Terminating", ..foreign }, "deleted")
            .breaks(PRECISION, "namespace: none of ours, deleted by orphans");
    }
}

#[test]
fn who_was_told_to_have_more_time_has_it() {
    let extended = || {
        Case::new().row(1, "", Some((Status::Healthy, Some(50)))).operated(60, 70, Verb::Extend, Outcome::Done).row(
            65,
            "extend s1",
            Some((Status::Healthy, Some(1_000))),
        )
    };
    extended().holds(EXTENSION);
    extended().deleted(2_000, "expire").holds(EXTENSION);
    extended().deleted(68, "expire").breaks(EXTENSION, "namespace: expired after extend");
    extended().row(68, "expire", None).breaks(EXTENSION, "row: expired after extend");
    extended().deleted(68, "delete s1").holds(EXTENSION);
    let claimed =
        Case::new().operated(60, 70, Verb::Claim, Outcome::Done).row(65, "claim s1", Some((Status::Healthy, None)));
    claimed.row(9_000, "expire", None).breaks(EXTENSION, "row: expired after claim");
    Case::new().operated(60, 70, Verb::Extend, Outcome::Conflict).row(80, "expire", None).passes_over(EXTENSION);
}

#[test]
fn a_row_expires_after_its_namespace() {
    let over = || Case::new().row(5, "expire", Some((Status::Expiring, Some(4))));
    over().deleted(10, "expire").row(20, "expire", None).holds(WITH_NAMESPACE);
    over().row(20, "expire", None).breaks(WITH_NAMESPACE, "namespace: left behind by the expirer");
    over().row(20, "delete s1", None).passes_over(WITH_NAMESPACE);
}
