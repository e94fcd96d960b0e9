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

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::oracle::case::Nothing;
    use crate::oracle::story::Story;

    fn check(commits: &[(Option<&str>, &'static str)]) -> (u64, usize) {
        let story = Story::new(&["redis"]);
        let told = commits
            .iter()
            .zip(1..)
            .fold(story, |story, ((value, cause), second)| story.commit(second * 1_000, "door", *value, cause));
        let run = Observed::<Nothing<String, String>> {
            history: &told.history(),
            operations: &[],
            healed: Duration::ZERO,
            ended: Duration::from_secs(100),
            allowed: &[],
        };
        let mut findings = Findings::default();
        Absorbing::new("shut", "a door that is shut stays shut", "redis", |text| text == "shut")
            .check(&run, &mut findings);
        (findings.exercised, findings.violations.len())
    }

    #[test]
    fn a_final_state_is_not_left_though_the_value_may_go() {
        let shut = (Some("shut"), "set");
        assert_eq!(check(&[(Some("open"), "set"), shut]), (1, 0));
        assert_eq!(check(&[shut, (Some("open"), "set")]), (1, 1));
        assert_eq!(check(&[shut, (None, "expired"), (Some("open"), "set")]), (1, 1));
        assert_eq!(check(&[shut, (None, "expired"), shut]), (1, 0));
        assert_eq!(check(&[shut, (Some("open"), "lost"), (Some("open"), "set")]), (1, 0));
        assert_eq!(check(&[(Some("open"), "set")]), (0, 0));
    }
}
