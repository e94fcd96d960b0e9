//! A shape and what it sees of the ones that it depends on are as of one position.

use super::checks::Check;
use super::lens::{Lens, Seed};
use crate::harness::Findings;

pub(super) const VIEW_COUPLING: Check = Check {
    name: "view-coupling",
    about: "when live changes begin, what a shape sees of one that it depends on is as of the position of its own rows",
    judge: view_coupling,
};

fn view_coupling(seen: &Lens, findings: &mut Findings) {
    for seed in &seen.seeds {
        findings.exercised();
        if seed.view == seed.stored || same(seen, seed) {
            continue;
        }
        let way = if seed.view > seed.stored { "ahead of" } else { "behind" };
        findings.violate(
            seed.moment.at,
            format!("view: {way} the rows"),
            format!(
                "{} sees {} as of {} from {:?} on, while its own rows are as of {}",
                seed.handle, seed.of, seed.view, seed.moment.at, seed.stored
            ),
        );
    }
}

/// Whether what it depends on has the same rows at both positions.
fn same(seen: &Lens, seed: &Seed) -> bool {
    let selected = seen.shapes.get(&seed.of).and_then(|shape| seen.states.selected(&shape.query));
    let Some(selected) = selected else { return false };
    let as_of = |lsn| seen.states.as_of(lsn).and_then(|number| selected.get(number));
    as_of(seed.view) == as_of(seed.stored)
}
