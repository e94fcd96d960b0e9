//! A shape is removed as a whole, or not at all.

use std::collections::{BTreeMap, BTreeSet};

use super::checks::Check;
use super::lens::Lens;
use crate::harness::Findings;
use crate::systems::shapes::outcome::{ShapeView, StackView};

pub(super) const ATOMIC_REMOVAL: Check = Check {
    name: "atomic-removal",
    about: "once all is at rest, a shape has its row, its files, its place in the table and all that it depends on, or nothing",
    judge: atomic_removal,
};

fn atomic_removal(seen: &Lens, findings: &mut Findings) {
    for op in seen.operations.iter().filter(|op| op.at_rest) {
        let Some(stack) = op.stack.as_ref().filter(|stack| stack.phase == "active") else { continue };
        for (handle, trouble) in judged(stack) {
            findings.exercised();
            if let Some(trouble) = trouble {
                findings.violate(
                    op.returned.at,
                    format!("shape: {trouble}"),
                    format!("{handle} was left over at {:?}: {trouble}", op.returned.at),
                );
            }
        }
    }
}

/// Each handle that anything is left of, and what is wrong with that.
fn judged(stack: &StackView) -> BTreeMap<&str, Option<&'static str>> {
    let rows: BTreeMap<&str, &ShapeView> = stack.shapes.iter().map(|shape| (&*shape.handle, shape)).collect();
    let set = |handles: &'_ [String]| -> BTreeSet<String> { handles.iter().cloned().collect() };
    let (stored, consumers, table) = (set(&stack.stored), set(&stack.consumers), set(&stack.table));
    let unflushed: BTreeSet<String> = stack.unflushed.iter().map(|(handle, _)| handle.clone()).collect();
    let known = rows.keys().copied();
    let all =
        known.chain([&stack.stored, &stack.consumers, &stack.table].into_iter().flatten().map(|handle| &**handle));
    let all = all.chain(stack.unflushed.iter().map(|(handle, _)| &**handle));
    all.map(|handle| {
        let trouble = match rows.get(handle) {
            Some(shape) if shape.removing => Some("a removal that was begun and not finished"),
            Some(_) if !stored.contains(handle) => Some("a row without files"),
            Some(_) if !table.contains(handle) => Some("a row that the table does not know"),
            Some(shape) if shape.dependencies.iter().any(|dependency| !rows.contains_key(&**dependency)) => {
                Some("a row whose dependency is gone")
            }
            Some(_) if unflushed.contains(handle) && !consumers.contains(handle) => {
                Some("a log that nobody puts on disk")
            }
            Some(_) => None,
            None if stored.contains(handle) => Some("files without a row"),
            None if consumers.contains(handle) => Some("a consumer without a row"),
            None if table.contains(handle) => Some("a place in the table without a row"),
            None => Some("a log without a row"),
        };
        (handle, trouble)
    })
    .collect()
}
