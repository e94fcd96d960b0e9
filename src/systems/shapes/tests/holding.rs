//! What changes and looks into the database make of the rows of a shape.

use std::sync::Arc;

use crate::systems::shapes::consumer::{Dependency, Event, Holding, RowChange};
use crate::systems::shapes::outcome::Change;
use crate::systems::shapes::query::{Column, Query, Row, Table};
use crate::systems::shapes::store::{Logged, Snapshot, Stored};

const NESTED: &str = "level_4 WHERE level_3_id IN (SELECT id FROM level_3 WHERE active = true)";

fn leaf(id: &str, parent: &str) -> Row {
    Row::of([(Column::Id, id), (Column::Level3Id, parent), (Column::Value, "v01")])
}

fn change(old: Option<Row>, new: Option<Row>) -> RowChange {
    RowChange { table: Table::Level4, old, new }
}

fn event(lsn: u64, value: &str, there: bool) -> Event {
    Event { of: "inner".into(), lsn, ahead: lsn, changes: vec![(Column::Id, value.into(), there)] }
}

/// A shape of leaves below `p` with a snapshot that has `a`.
fn nested() -> Holding {
    let query: Query = NESTED.parse().unwrap();
    let subquery = query.clause.subqueries()[0].clone();
    let mut holding = Holding::new(query, vec![Dependency { subquery, handle: "inner".into() }]);
    holding.seed(0, ["p".into()].into());
    holding.restore(&Stored::begun(snapshot(5, &[leaf("a", "p")])));
    holding
}

fn snapshot(lsn: u64, rows: &[Row]) -> Snapshot {
    Snapshot { lsn, rows: rows.iter().map(|row| (row.key(Table::Level4).into(), row.clone())).collect() }
}

#[track_caller]
fn told(out: &mut Vec<Logged>, expected: &[(Change, &str)]) {
    let told: Vec<(Change, Arc<str>)> =
        out.drain(..).map(|logged| (logged.message.change, logged.message.key)).collect();
    let expected: Vec<(Change, Arc<str>)> = expected.iter().map(|(change, key)| (*change, (*key).into())).collect();
    assert_eq!(told, expected);
}

#[test]
fn rows_come_change_and_go_as_the_condition_says() {
    use Change::{Delete, Insert, Update};
    let (mut holding, mut out) = (nested(), Vec::new());
    holding.change(6, &change(None, Some(leaf("b", "p"))), &mut out);
    holding.change(6, &change(None, Some(leaf("c", "q"))), &mut out);
    told(&mut out, &[(Insert, "b")]);
    let mut other = leaf("b", "p");
    other.set(Column::Value, "v02".into());
    holding.change(7, &change(Some(leaf("b", "p")), Some(other.clone())), &mut out);
    holding.change(7, &change(Some(other.clone()), Some(other.clone())), &mut out);
    holding.change(7, &change(Some(other), Some(leaf("b", "q"))), &mut out);
    told(&mut out, &[(Update, "b"), (Delete, "b")]);
    holding.change(8, &change(Some(leaf("a", "p")), None), &mut out);
    told(&mut out, &[(Delete, "a")]);
}

#[test]
fn what_the_database_was_asked_for_is_left_alone_until_transactions_have_caught_up() {
    use Change::{Delete, Insert};
    let (mut holding, mut out) = (nested(), Vec::new());
    assert!(holding.hear(&event(6, "q", true)));
    assert!(!holding.hear(&event(6, "q", true)), "it was there already");
    holding.reconsider(6, &mut out);
    holding.admit(6, &snapshot(9, &[leaf("a", "p"), leaf("c", "q")]), &mut out);
    told(&mut out, &[(Insert, "c")]);
    // All that `c` was before and up to the look is in it.
    holding.change(8, &change(Some(leaf("c", "r")), Some(leaf("c", "q"))), &mut out);
    holding.change(9, &change(Some(leaf("c", "q")), None), &mut out);
    told(&mut out, &[]);
    holding.change(10, &change(Some(leaf("c", "q")), None), &mut out);
    told(&mut out, &[(Delete, "c")]);
    assert!(holding.hear(&event(11, "p", false)));
    holding.reconsider(11, &mut out);
    told(&mut out, &[(Delete, "a")]);
}

#[test]
fn what_was_so_for_a_while_goes_once_transactions_have_caught_up() {
    use Change::{Delete, Insert};
    let (mut holding, mut out) = (nested(), Vec::new());
    // The look finds `c` below `q`, of which whatever it depends on never hears: its own look came later.
    holding.admit(6, &snapshot(9, &[leaf("a", "p"), leaf("c", "q")]), &mut out);
    told(&mut out, &[(Insert, "c")]);
    assert!(!holding.catches_up(6, 9), "at 9 it is so");
    assert!(holding.catches_up(8, 11));
    holding.reconsider(11, &mut out);
    told(&mut out, &[(Delete, "c")]);
    assert!(!holding.catches_up(11, 12));
}
