//! The kinds of fault that a scenario may name: those of every world, and those that the system's own hosts bring.

use crate::harness::{Deployment, System};

/// Kinds that strike any host, link or task of a world.
pub(crate) const GENERIC: &[&str] = &[
    "clock_drift",
    "clock_jump",
    "lost_reply",
    "lost_request",
    "one_way",
    "partition",
    "pause",
    "reset",
    "restart",
    "slow",
    "stall",
];

/// All kinds that can happen to this system.
pub(crate) fn kinds<S: System>(system: &S) -> Vec<&'static str> {
    let mut deployment = Deployment::default();
    system.deploy(&mut deployment);
    let own = deployment.hosts.iter().flat_map(|host| host.faults.iter().map(|fault| fault.0));
    let mut kinds: Vec<&'static str> = GENERIC.iter().copied().chain(own).collect();
    kinds.sort_unstable();
    kinds.dedup();
    kinds
}
