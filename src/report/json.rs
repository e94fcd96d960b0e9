//! What machines read. Names and types of what is here already stay as they are: scripts depend on them.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;

use super::{Again, Line};
use crate::harness::Verdict;
use crate::scenario::Expect;
use crate::search::{Catch, Determinism, Difference, Seen, Summary};

/// A verdict as it is written everywhere.
pub(crate) fn verdict_word(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Violated => "violated",
        Verdict::Stuck => "stuck",
        Verdict::Vacuous => "vacuous",
    }
}

fn per_second(amount: f64, elapsed: Duration) -> f64 {
    let seconds = elapsed.as_secs_f64();
    if seconds > 0.0 { amount / seconds } else { 0.0 }
}

/// `fuzz --json`.
#[derive(Clone, Debug, Serialize)]
pub struct FuzzJson {
    /// One for each scenario that was run.
    pub scenarios: Vec<ScenarioJson>,
}

/// One scenario of a campaign.
#[derive(Clone, Debug, Serialize)]
pub struct ScenarioJson {
    /// The scenario.
    pub name: String,
    /// Its system.
    pub system: String,
    /// How many seeds were run.
    pub seeds: u64,
    /// How many of them failed.
    pub violations: u64,
    /// `holds`, `violated`, `stuck` or `vacuous`.
    pub verdict: &'static str,
    /// What was never put to the test.
    pub vacuous: Vec<String>,
    /// Seeds per second outside.
    pub seeds_per_second: f64,
    /// Simulated seconds per second outside.
    pub simulated_seconds_per_second: f64,
    /// What failed.
    pub signatures: Vec<SignatureJson>,
}

/// One signature of failures.
#[derive(Clone, Debug, Serialize)]
pub struct SignatureJson {
    /// The invariant, or `stuck`.
    pub invariant: String,
    /// The kind of entity and the window involved.
    pub about: String,
    /// The first seed that failed like this.
    pub seed: u64,
    /// How many did.
    pub seeds: u64,
    /// The first case, in words.
    pub message: String,
    /// Where it is saved.
    pub file: Option<PathBuf>,
    /// The line that shows it again.
    pub reproduce: String,
}

impl ScenarioJson {
    /// A scenario's part; `file` knows where each failure is saved.
    pub(crate) fn of(summary: &Summary, again: &Again, file: impl Fn(&Seen) -> Option<PathBuf>) -> Self {
        let signature = |seen: &Seen| SignatureJson {
            invariant: seen.first.signature.invariant.clone(),
            about: seen.first.signature.about.clone(),
            seed: seen.first.seed,
            seeds: seen.seeds,
            message: seen.first.message.clone(),
            file: file(seen),
            reproduce: again.run(&summary.name, seen.first.seed),
        };
        Self {
            name: summary.name.clone(),
            system: summary.system.clone(),
            seeds: summary.seeds,
            violations: summary.failing,
            verdict: verdict_word(summary.verdict()),
            vacuous: summary.vacuous(),
            seeds_per_second: per_second(summary.seeds as f64, summary.elapsed),
            simulated_seconds_per_second: per_second(summary.simulated.as_secs_f64(), summary.elapsed),
            signatures: summary.signatures.values().map(signature).collect(),
        }
    }
}

/// `catalogue --json`.
#[derive(Clone, Debug, Serialize)]
pub struct CatalogueJson {
    /// One for each defect that was hunted.
    pub defects: Vec<DefectJson>,
}

/// One defect.
#[derive(Clone, Debug, Serialize)]
pub struct DefectJson {
    /// The defect.
    pub id: String,
    /// The scenario that re-introduces it.
    pub scenario: String,
    /// Whether it was caught.
    pub caught: bool,
    /// How many seeds it took; null when it was not caught.
    pub seeds: Option<u64>,
    /// Milliseconds that its runs took up to there, one core.
    pub cpu_ms: u64,
    /// The invariant that caught it.
    pub invariant: Option<String>,
    /// Whether the hardened form held beside it.
    pub hardened_holds: bool,
    /// Why nobody could observe it, where the scenario says so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unobservable: Option<String>,
}

impl From<&Catch> for DefectJson {
    fn from(found: &Catch) -> Self {
        Self {
            id: found.id.clone(),
            scenario: found.scenario.clone(),
            caught: found.caught.is_some(),
            seeds: found.caught.is_some().then_some(found.seeds),
            cpu_ms: found.spent.as_millis() as u64,
            invariant: found.caught.as_ref().map(|failure| failure.signature.invariant.clone()),
            hardened_holds: found.hardened_fails.is_none() && found.hardened_seeds > 0,
            unobservable: match &found.expect {
                Expect::Unobservable(reason) => Some(reason.clone()),
                _ => None,
            },
        }
    }
}

/// `determinism --json`.
#[derive(Clone, Debug, Serialize)]
pub struct DeterminismJson {
    /// How many seeds were run in every way.
    pub runs: u64,
    /// How many came to the same in every way.
    pub equal: u64,
    /// By the way in which they were run again (`again`, `after`, `beside`, `fresh`, `build`), how many came to the same.
    /// What is not here was not compared.
    pub ways: BTreeMap<&'static str, u64>,
    /// The first that did not.
    pub first_difference: Option<DifferenceJson>,
}

/// Two runs of one seed that differ.
#[derive(Clone, Debug, Serialize)]
pub struct DifferenceJson {
    /// The scenario.
    pub scenario: String,
    /// The seed.
    pub seed: u64,
    /// How it was run again.
    pub way: &'static str,
    /// What the two came to: the hash of the history, and that of the verdict.
    pub fates: [String; 2],
    /// The number of the first differing event.
    pub event: Option<usize>,
    /// That event in the first.
    pub this: Option<Line>,
    /// That event in the other.
    pub other: Option<Line>,
    /// Where the difference is likeliest to come from.
    pub source: Option<String>,
}

impl From<&Determinism> for DeterminismJson {
    fn from(checked: &Determinism) -> Self {
        let difference = |found: &Difference| {
            let parting = found.parting.as_ref();
            DifferenceJson {
                scenario: found.scenario.clone(),
                seed: found.seed,
                way: found.way.name(),
                fates: [found.here.to_string(), found.there.to_string()],
                event: parting.map(|parting| parting.event),
                this: parting.and_then(|parting| parting.this.clone()),
                other: parting.and_then(|parting| parting.other.clone()),
                source: parting.map(|parting| parting.source.to_string()),
            }
        };
        let first_difference = checked.first_difference.as_ref().map(difference);
        let ways = checked.ways.iter().map(|(way, same)| (way.name(), *same)).collect();
        Self { runs: checked.runs, equal: checked.equal, ways, first_difference }
    }
}
