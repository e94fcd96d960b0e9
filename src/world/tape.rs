//! Where decisions come from: addressed, and zero is always benign.

use std::sync::Arc;

/// One decision of a run that was not benign, or one that a run is told to take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The site: a fixed name and what it is about, for example `net.latency pod-a>redis`.
    pub site: Arc<str>,
    /// Which of the site's decisions, from 0.
    pub index: u64,
    /// What was decided; zero is benign.
    pub value: u64,
}
