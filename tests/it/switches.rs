//! A defect that takes several switches takes each of them: without any one, what it was caught by is not seen any more.
//!
//! Only about the seed that shows it first, for this is about the scenario and not about the hardened form.

use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sexton::harness::RunOptions;
use sexton::scenario::{Experiment, Signature, Systems};
use toml::Table;

/// How many seeds at most until a defect has shown.
const SEEDS: u64 = 500;
/// How many seeds on either side of the one that shows it.
const AROUND: u64 = 5;

struct Defect {
    path: PathBuf,
    name: String,
    table: Table,
}

impl Defect {
    /// The defect of a scenario file; `None`: it re-introduces none, or does so by a single switch.
    fn read(path: PathBuf) -> Option<Self> {
        let name = path.file_stem()?.to_string_lossy().into_owned();
        let text = std::fs::read_to_string(&path).expect("a scenario is text");
        let table: Table = text.parse().expect("a scenario is TOML");
        let defect = Self { path, name, table };
        (defect.table.contains_key("defect") && defect.switches().len() > 1).then_some(defect)
    }

    fn switches(&self) -> Vec<&str> {
        let policy = self.table.get("policy").and_then(|policy| policy.as_table());
        policy.map(|policy| policy.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    fn bound(&self, table: &Table) -> Arc<dyn Experiment> {
        Systems::builtin()
            .parse(&table.to_string(), &self.path, &self.name)
            .unwrap_or_else(|error| panic!("{}: {error:?}", self.name))
    }

    fn without(&self, switch: &str) -> Arc<dyn Experiment> {
        let mut table = self.table.clone();
        let policy = table.get_mut("policy").and_then(|policy| policy.as_table_mut()).expect("it has a policy");
        policy.remove(switch).expect("it is one of its switches");
        self.bound(&table)
    }

    fn check(&self) {
        let whole = self.bound(&self.table);
        let first = first_shown(&*whole, 1..SEEDS).unwrap_or_else(|| panic!("{} is not caught at all", self.name));
        let around = first.saturating_sub(AROUND).max(1)..first + AROUND;
        for switch in self.switches() {
            let shown = first_shown(&*self.without(switch), around.clone());
            assert_eq!(shown, None, "{}: is caught without `{switch}` too, by the seed on the left", self.name);
        }
    }
}

/// The first seed that shows what a scenario expects.
fn first_shown(experiment: &dyn Experiment, mut seeds: Range<u64>) -> Option<u64> {
    seeds.find(|seed| {
        let run = experiment.run(*seed, &RunOptions::default());
        run.violations.iter().any(|broken| {
            let seen = Signature { invariant: broken.invariant.to_owned(), about: broken.about.clone() };
            experiment.expect().wants(&seen)
        })
    })
}

#[test]
#[expect(clippy::disallowed_methods, reason = "whole runs go side by side, and none knows of another")]
fn every_switch_of_a_defect_is_needed() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/session");
    let files = std::fs::read_dir(folder).expect("there are scenarios").map(|file| file.expect("an entry").path());
    let defects: Vec<Defect> = files.filter_map(Defect::read).collect();
    assert!(defects.len() >= 8, "there are only {} defects of several switches", defects.len());
    std::thread::scope(|scope| {
        for defect in &defects {
            scope.spawn(|| defect.check());
        }
    });
}
