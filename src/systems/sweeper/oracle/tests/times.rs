//! How long things take.

use super::case::{Case, NAMESPACE};
use crate::systems::sweeper::outcome::Outcome;
use crate::systems::sweeper::row::Status;
use crate::systems::sweeper::workload::Verb;

const ORPHANS: &str = "orphans-go";
const EXPIRES: &str = "expires";
const ANSWERED: &str = "answered";
const TOO_LONG: &str = "namespace: an orphan for too long";

/// `s1` has lost its row, and another has one.
fn orphan(ended: u64) -> Case {
    Case::new()
        .row_of(0, "", ("id-2", "instant-stack-other"), Some((Status::Healthy, None)))
        .row(100, "delete s1", None)
        .ended(ended)
}

#[test]
fn an_orphan_goes_within_an_hour_and_two_sweeps() {
    orphan(5_500).passes_over(ORPHANS);
    orphan(6_000).breaks(ORPHANS, TOO_LONG);
    orphan(9_000).deleted(5_000, "orphans").holds(ORPHANS);
    orphan(9_000).deleted(8_000, "orphans").breaks(ORPHANS, TOO_LONG);
    Case::new().ended(9_000).passes_over(ORPHANS);
}

#[test]
fn who_is_disturbed_or_finds_no_rows_has_more_time() {
    orphan(6_000).fault(5_000).healed(5_000).passes_over(ORPHANS);
    orphan(10_000).fault(5_000).healed(5_000).breaks(ORPHANS, TOO_LONG);
    Case::new().row(100, "delete s1", None).ended(9_000).passes_over(ORPHANS);
    let renamed = orphan(9_000).row_of(200, "create s1", ("id-3", NAMESPACE), Some((Status::Building, None)));
    renamed.passes_over(ORPHANS);
}

#[test]
fn what_is_over_goes() {
    let over = |ended| Case::new().row(1, "", Some((Status::Healthy, Some(100)))).ended(ended);
    over(5_000).passes_over(EXPIRES);
    over(6_000).breaks(EXPIRES, "stack: there though its time is over");
    over(6_000).row(3_000, "expire", None).holds(EXPIRES);
    over(9_000).row(90, "extend s1", Some((Status::Healthy, Some(8_000)))).passes_over(EXPIRES);
    over(7_000).fault(3_000).healed(3_000).passes_over(EXPIRES);
    Case::new()
        .row(500, "expire", Some((Status::Expiring, Some(100))))
        .ended(7_000)
        .breaks(EXPIRES, "stack: there though its time is over");
}

#[test]
fn every_operation_has_an_outcome() {
    Case::new().operated(1, 20, Verb::Create, Outcome::Unavailable).holds(ANSWERED);
    Case::new().operated(1, 200, Verb::Create, Outcome::Lost).breaks(ANSWERED, "operation: outcome after its bound");
}
