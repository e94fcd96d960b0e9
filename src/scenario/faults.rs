//! The kinds of fault that a scenario may name: those of every world, and those that the system's own hosts bring.

use crate::harness::{Fault, System};

/// All kinds that can happen to this system, sorted.
pub(crate) fn kinds<S: System>(system: &S) -> Vec<&'static str> {
    let mut kinds: Vec<&'static str> =
        Fault::ALL.into_iter().map(Fault::name).chain(system.faults().iter().copied()).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
