//! What a shrunk run shows of itself: operations, faults, tasks held, points passed.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::harness::{ActivityId, Drawn, Event, History, Hold, Run, Step, Strike, What};
use crate::scenario::{SavedDecision, SavedSeed};

/// What happened in the chaos of a run, as a script would have it.
pub(super) struct Evidence {
    pub(super) steps: Vec<Step>,
    pub(super) strikes: Vec<Strike>,
    pub(super) holds: Vec<Hold>,
}

/// What a script has no words for, may have none that do, or may do without.
pub(super) struct Leftover {
    /// Latencies, and whose turn it is.
    pub(super) unscripted: Vec<SavedDecision>,
    /// Tasks held by chance: a hold takes the first that comes to its point, and it may have been another.
    pub(super) stalls: Vec<SavedDecision>,
    /// What was done before it was shrunk.
    pub(super) steps: Vec<Step>,
}

impl Leftover {
    /// Of a shrunk failure, and of the run that it was shrunk from.
    pub(super) fn of(saved: &SavedSeed, whole: &Run) -> Self {
        let site = |saved: &SavedDecision| saved.decision.site.split(' ').next().unwrap_or_default().to_owned();
        let scripted =
            |site: &str| ["operation", "think", "swarm", "stall"].contains(&site) || site.starts_with("fault.");
        let those = |wanted: &dyn Fn(&str) -> bool| -> Vec<SavedDecision> {
            saved.decisions.iter().filter(|saved| wanted(&site(saved))).cloned().collect()
        };
        Self {
            unscripted: those(&|site| !scripted(site)),
            stalls: those(&|site| site == "stall"),
            steps: Evidence::of(whole).steps,
        }
    }
}

/// A task passed a point while it worked for an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pass {
    /// The point, with what it is about.
    pub(super) point: String,
    /// The operation that it worked for, if it did for one.
    pub(super) operation: Option<String>,
}

impl Evidence {
    /// Of a run that kept its history.
    pub(super) fn of(run: &Run) -> Self {
        let events = chaos(run);
        let healed = events.last().map_or(Duration::ZERO, |event| event.at);
        let mut evidence = Self { steps: Vec::new(), strikes: Vec::new(), holds: Vec::new() };
        for event in events {
            match &event.what {
                What::Invoked { text, .. } => evidence.steps.push(Step {
                    at: event.at,
                    client: event.host.to_string(),
                    operation: text.to_string(),
                }),
                What::Point { name, subject, since, held } => {
                    let held = (*held).min(healed.saturating_sub(*since));
                    let until = humantime::format_duration(millis(held)).to_string();
                    evidence.holds.push(Hold { point: point(name, subject), until });
                }
                _ => {}
            }
        }
        let strikes = run.decisions.iter().filter_map(Drawn::of).map(Strike::from);
        evidence.strikes = strikes.filter(|strike| strike.at < healed).collect();
        evidence.strikes.sort_by_key(|strike| strike.at);
        evidence
    }
}

/// Where tasks were held in a run that kept its history, each with the operation that it worked for.
pub(super) fn held(run: &Run) -> Vec<Pass> {
    let Some(history) = &run.history else { return Vec::new() };
    let pass = |event: &Event| match &event.what {
        What::Point { name, subject, .. } => {
            Some(Pass { point: point(name, subject), operation: worked_for(history, event) })
        }
        _ => None,
    };
    // A hold that only the end of all ends is told after it.
    history.events().iter().filter_map(pass).collect()
}

/// The client's operation, or the cycle in the background, that an event belongs to.
fn worked_for(history: &History, event: &Event) -> Option<String> {
    let root = history.root(event.activity);
    if root == ActivityId(0) {
        return None;
    }
    history.activities().get(root.0 as usize).map(|activity| activity.name.to_string())
}

/// The points passed in the chaos of a run that kept full detail, each with its first pass; those that few tasks pass
/// come first, for they say most.
pub(super) fn passes(run: &Run) -> Vec<Pass> {
    let Some(history) = &run.history else { return Vec::new() };
    let mut seen = BTreeSet::new();
    let mut found: Vec<(usize, Pass)> = Vec::new();
    for event in chaos(run) {
        let (What::Passed { name, subject } | What::Point { name, subject, .. }) = &event.what else { continue };
        let point = point(name, subject);
        if let Some((count, _)) = found.iter_mut().find(|(_, pass)| pass.point == point) {
            *count += 1;
        }
        if seen.insert(point.clone()) {
            found.push((1, Pass { point, operation: worked_for(history, event) }));
        }
    }
    found.sort_by_key(|(count, _)| *count);
    found.into_iter().map(|(_, pass)| pass).collect()
}

/// A point as it is named from another seed too, which passed `others`. What differs there at the end of what it is about
/// is left open, as in `removal 1f0c-*`; where all of it does, only the name stays.
pub(super) fn lasting(point: &str, others: &[Pass]) -> String {
    let name = point.split(' ').next().unwrap_or_default();
    let shared = |other: &Pass| -> usize {
        let equal = point.char_indices().zip(other.point.chars()).find(|((_, one), other)| one != other);
        let equal = equal.map_or(point.len().min(other.point.len()), |((place, _), _)| place);
        if equal == point.len() && equal == other.point.len() {
            return equal;
        }
        // Whole words only: that two numbers begin alike says nothing.
        point[..equal].rfind(|letter: char| !letter.is_alphanumeric()).map_or(0, |place| place + 1)
    };
    let same = |other: &&Pass| other.point.split(' ').next() == Some(name);
    match others.iter().filter(same).map(shared).max().unwrap_or(0) {
        equal if equal == point.len() => point.to_owned(),
        equal if equal > name.len() + 1 => format!("{}*", &point[..equal]),
        _ => name.to_owned(),
    }
}

/// The events up to the moment when faults heal.
fn chaos(run: &Run) -> &[Event] {
    let Some(history) = &run.history else { return &[] };
    let end = history.events().iter().position(|event| matches!(event.what, What::Phase("heal")));
    &history.events()[..end.map_or(history.events().len(), |end| end + 1)]
}

fn point(name: &str, subject: &str) -> String {
    if subject.is_empty() { name.to_owned() } else { format!("{name} {subject}") }
}

fn millis(time: Duration) -> Duration {
    Duration::from_millis(time.as_millis() as u64)
}

#[cfg(test)]
mod tests {
    use super::{Pass, lasting};

    #[test]
    fn what_only_one_run_knows_is_left_open() {
        let pass = |point: &str| Pass { point: point.into(), operation: None };
        let others = ["seen s1", "held consumer 1f0c-77", "held status", "gone 9a", "told"].map(pass);
        let cases = [
            ("seen s1", "seen s1"),
            ("held consumer 1f0c-42", "held consumer 1f0c-*"),
            ("held consumer 2222-42", "held consumer *"),
            ("held status", "held status"),
            ("gone 9b", "gone"),
            ("told", "told"),
            ("told s1", "told"),
            ("never s1", "never"),
        ];
        for (point, named) in cases {
            assert_eq!(lasting(point, &others), named, "{point}");
        }
        assert_eq!(lasting("seen s1", &[]), "seen");
    }
}
