//! Why shapes go, and how.

use super::case::{Case, INNER, NESTED, PLAIN, complete, deletion, message, read, refused, stack};
use crate::systems::shapes::outcome::{Outcome, StackView};
use crate::systems::shapes::workload::Operation;

const SPURIOUS: &str = "no-spurious-invalidation";
const ATOMIC: &str = "atomic-removal";
const COUPLING: &str = "view-coupling";

fn created() -> Case {
    Case::new().created(50, "h", PLAIN, "").asked(
        100,
        PLAIN,
        read("", ""),
        complete("h", "0_0", 10, vec![message("0_0", "insert a v01")]),
    )
}

fn gone(case: Case) -> Case {
    case.asked(20_000, PLAIN, read("h", "0_0"), refused(409, Some("h2")))
}

#[test]
fn a_shape_goes_only_for_a_reason() {
    created().asked(200, PLAIN, read("h", "0_0"), complete("h", "0_0", 10, Vec::new())).holds(SPURIOUS);
    gone(created()).breaks(SPURIOUS, "shape: refused though it was never removed");
    gone(Case::new()).breaks(SPURIOUS, "shape: refused though it was never removed");
    for why in ["ended", "cleanup", "dropped"] {
        gone(created().removing(10_000, "h", why, ""))
            .breaks(SPURIOUS, &format!("shape: refused after its removal as `{why}`"));
    }
    // Who asks about another query with it has a handle that never was its own.
    let other = created().asked(20_000, NESTED, read("h", "0_0"), refused(409, Some("h2")));
    other.holds(SPURIOUS);
}

#[test]
fn a_reason_is_looked_into() {
    let deleted = || gone(created().removing(10_000, "h", "deleted", ""));
    deleted().breaks(SPURIOUS, "shape: refused after its removal as `deleted`");
    let asked = |handle: &str| created().asked(9_000, PLAIN, deletion(handle), refused(202, None));
    gone(asked("h").removing(10_000, "h", "deleted", "")).holds(SPURIOUS);
    gone(asked("h2").removing(10_000, "h", "deleted", ""))
        .breaks(SPURIOUS, "shape: refused after its removal as `deleted`");
    let lost = |case: Case| gone(case.removing(10_000, "h", "slot-lost", ""));
    lost(created()).breaks(SPURIOUS, "shape: refused after its removal as `slot-lost`");
    lost(created().fault(5_000, "drop_slot")).holds(SPURIOUS);
    gone(created().removing(10_000, "h", "expired", ""))
        .breaks(SPURIOUS, "shape: refused after its removal as `expired`");
    let late = created().removing(4_000_000, "h", "expired", "").ended(5_000);
    late.asked(4_100_000, PLAIN, read("h", "0_0"), refused(409, Some("h2"))).holds(SPURIOUS);
    gone(created().removing(10_000, "h", "incomplete", ""))
        .breaks(SPURIOUS, "shape: refused after its removal as `incomplete`");
    gone(Case::new().created(50, "h", PLAIN, "").removing(10_000, "h", "incomplete", "")).holds(SPURIOUS);
}

#[test]
fn a_shape_goes_with_what_it_depends_on() {
    let outer = |why: &str| {
        let case = Case::new().created(40, "inner", INNER, "").created(50, "outer", NESTED, "inner");
        let case = case.asked(9_000, INNER, deletion("inner"), refused(202, None));
        case.removing(10_000, "inner", why, "")
    };
    let asked = |case: Case| case.asked(20_000, NESTED, read("outer", "0_0"), refused(409, None));
    asked(outer("deleted").removing(11_000, "outer", "dependency", "inner")).holds(SPURIOUS);
    asked(outer("deleted").removing(11_000, "outer", "dangling", "")).holds(SPURIOUS);
    asked(outer("cleanup").removing(11_000, "outer", "dependency", "inner"))
        .breaks(SPURIOUS, "shape: refused after its removal as `cleanup`");
    asked(outer("cleanup").removing(11_000, "outer", "dangling", ""))
        .breaks(SPURIOUS, "shape: refused after its removal as `dangling`");
}

#[test]
fn a_shape_is_there_as_a_whole() {
    let looked = |stack: StackView| Case::new().looked(30_000, Operation::Inspect, Outcome::Stack(stack));
    let whole = || stack(&["h"]);
    looked(whole()).holds(ATOMIC);
    looked(StackView { phase: "booting".to_owned(), stored: Vec::new(), ..whole() }).passes_over(ATOMIC);
    looked(StackView { stored: Vec::new(), ..whole() }).breaks(ATOMIC, "shape: a row without files");
    looked(StackView { table: Vec::new(), ..whole() }).breaks(ATOMIC, "shape: a row that the table does not know");
    // What nobody reads has no consumer.
    looked(StackView { consumers: Vec::new(), ..whole() }).holds(ATOMIC);
    let unflushed = vec![("h".to_owned(), 7)];
    looked(StackView { unflushed: unflushed.clone(), ..whole() }).holds(ATOMIC);
    looked(StackView { unflushed: unflushed.clone(), consumers: Vec::new(), ..whole() })
        .breaks(ATOMIC, "shape: a log that nobody puts on disk");
    let mut removing = whole();
    removing.shapes[0].removing = true;
    looked(removing).breaks(ATOMIC, "shape: a removal that was begun and not finished");
    let mut dangling = whole();
    dangling.shapes[0].dependencies = vec!["inner".to_owned()];
    looked(dangling).breaks(ATOMIC, "shape: a row whose dependency is gone");
    let left = |stack: StackView| StackView { shapes: Vec::new(), ..stack };
    looked(left(whole())).breaks(ATOMIC, "shape: files without a row");
    looked(left(StackView { stored: Vec::new(), ..whole() })).breaks(ATOMIC, "shape: a consumer without a row");
    looked(left(StackView { stored: Vec::new(), consumers: Vec::new(), ..whole() }))
        .breaks(ATOMIC, "shape: a place in the table without a row");
    looked(left(StackView { unflushed, ..stack(&[]) })).breaks(ATOMIC, "shape: a log without a row");
}

#[test]
fn a_view_is_as_of_the_rows() {
    let case = |view, stored| {
        let case = Case::new().created(40, "inner", INNER, "").created(50, "outer", NESTED, "inner");
        case.leaf(100, "a", None).committed(100, 20).active(200, false).committed(200, 30).seeded(500, view, stored)
    };
    case(30, 30).holds(COUPLING);
    // What it depends on is the same at both.
    case(20, 10).holds(COUPLING);
    case(30, 20).breaks(COUPLING, "view: ahead of the rows");
    case(20, 30).breaks(COUPLING, "view: behind the rows");
    Case::new().passes_over(COUPLING);
}
