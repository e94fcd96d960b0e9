//! What a process of the API is made of, and why a request is not done.

use std::sync::Arc;

use crate::systems::sweeper::cluster::{Cluster, Silence};
use crate::systems::sweeper::policy::Policy;
use crate::systems::sweeper::store::{Outage, Stacks};

/// Why a request is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    /// There is no such stack.
    NotFound,
    /// There is one already, or it is not in a state for this.
    Conflict,
    /// Rows or cluster could not be reached, or it is not known what came of it.
    Unavailable,
}

impl From<Outage> for Refusal {
    fn from(error: Outage) -> Self {
        tracing::warn!(%error, "cannot reach rows");
        Self::Unavailable
    }
}

impl From<Silence> for Refusal {
    fn from(error: Silence) -> Self {
        tracing::warn!(%error, "cannot reach the cluster");
        Self::Unavailable
    }
}

/// One process of the API.
pub(crate) struct Api {
    pub(super) policy: Policy,
    pub(super) stacks: Stacks,
    pub(super) cluster: Cluster,
}

impl Api {
    /// A process that has just started.
    pub(crate) fn new(policy: Policy, stacks: Stacks, cluster: Cluster) -> Arc<Self> {
        Arc::new(Self { policy, stacks, cluster })
    }
}
