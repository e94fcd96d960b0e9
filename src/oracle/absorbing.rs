//! A state of a stored value that is never left: terminated, tombstoned, sealed.

use crate::harness::{Findings, Invariant, Observed, System};

use super::Timelines;

/// Once a key of a store has held a value in a certain state, it holds no value in another state again.
///
/// The key may go away, for that takes nothing back. What the store itself loses in a crash or a fail-over is excused.
#[derive(Clone, Debug)]
pub struct Absorbing {
    name: &'static str,
    about: &'static str,
    store: &'static str,
    within: fn(&str) -> bool,
}

impl Absorbing {
    /// An invariant of this name and meaning; `within` tells whether a stored text is in the state.
    pub fn new(name: &'static str, about: &'static str, store: &'static str, within: fn(&str) -> bool) -> Self {
        Self { name, about, store, within }
    }
}

impl<S: System> Invariant<S> for Absorbing {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, run: &Observed<'_, S>, findings: &mut Findings) {
        let timelines = Timelines::read(run.history, self.store, |_, text| Some((self.within)(text)));
        for (key, timeline) in timelines.iter() {
            let mut since = None;
            for version in timeline.versions() {
                match (version.value, since) {
                    _ if version.cause == "lost" => since = None,
                    (Some(true), None) => {
                        findings.exercised();
                        since = Some(version.since.at);
                    }
                    (Some(false), Some(entered)) => {
                        findings.violate(
                            version.since.at,
                            "value: leaves its final state",
                            format!("{key} was in its final state since {entered:?}, and left it"),
                        );
                        break;
                    }
                    _ => {}
                }
            }
        }
    }
}
