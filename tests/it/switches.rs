//! A defect that takes several switches takes each of them: without any one, what it was caught by is not seen any more.
//!
//! Only about the seed that shows it first, for this is about the scenario and not about the hardened form.

use std::collections::BTreeMap;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use sexton::harness::RunOptions;
use sexton::scenario::{Experiment, FileError, SavedSeed, Signature, Systems};
use toml::Table;

use crate::scenarios::known;

/// How many seeds at most until a defect has shown.
const SEEDS: u64 = 500;
/// How many seeds on either side of the one that shows it; runs of later systems take longer, and have fewer.
const AROUND: u64 = 5;
const FEWER: u64 = 1;

/// Switches that a form had which was shipped, though what it is caught by is seen without them too.
const SHIPPED: [(&str, &str); 6] = [
    // The reload that finds no rows is as wrong under a version that the fence counts.
    ("sandbox/d1-empty-tree", "confirm"),
    ("sandbox/d1-empty-tree", "counter"),
    // Where nothing fences a write, whoever publishes next loses as much as a drainer that does not look.
    ("sandbox/r6-blind-drainer", "drain"),
    // A flip that looks at nothing is wrong whatever the probe has looked at.
    ("reconciler/d1-absent-is-dead", "probe"),
    // However many are deleted at once, the first is one too many.
    ("sweeper/r4-empty-trusted", "blast"),
    // Where what is not on disk is waited for without an end, it is so from the first removal on.
    ("shapes/d4-flush-pinned", "again"),
];

struct Defect {
    path: PathBuf,
    /// With its system before it.
    name: String,
    table: Table,
    /// The first seed that is known to show it.
    saved: Option<u64>,
}

impl Defect {
    /// The defect of a scenario file; `None`: it re-introduces none that is seen, or does so by a single switch.
    fn read(path: PathBuf, known: &BTreeMap<String, Vec<SavedSeed>>) -> Option<Self> {
        let system = path.parent()?.file_name()?.to_string_lossy();
        let name = format!("{system}/{}", path.file_stem()?.to_string_lossy());
        let text = std::fs::read_to_string(&path).expect("a scenario is text");
        let table: Table = text.parse().expect("a scenario is TOML");
        let saved = known.get(&name).and_then(|saved| saved.first()).map(|saved| saved.seed);
        let defect = Self { path, name, table, saved };
        let seen = defect.table.get("expect").and_then(|expect| expect.get("violates")).is_some();
        (defect.table.contains_key("defect") && seen && defect.switches().len() > 1).then_some(defect)
    }

    fn switches(&self) -> Vec<&str> {
        let policy = self.table.get("policy").and_then(|policy| policy.as_table());
        policy.map(|policy| policy.keys().map(String::as_str).collect()).unwrap_or_default()
    }

    fn bound(&self, table: &Table) -> Result<Arc<dyn Experiment>, FileError> {
        Systems::builtin().parse(&table.to_string(), &self.path, &self.name)
    }

    /// The scenario without a switch; refused where the others need it.
    fn without(&self, switch: &str) -> Result<Arc<dyn Experiment>, FileError> {
        let mut table = self.table.clone();
        let policy = table.get_mut("policy").and_then(|policy| policy.as_table_mut()).expect("it has a policy");
        policy.remove(switch).expect("it is one of its switches");
        self.bound(&table)
    }

    fn check(&self) {
        let whole = self.bound(&self.table).unwrap_or_else(|error| panic!("{}: {error:?}", self.name));
        let saved = self.saved.and_then(|seed| first_shown(&*whole, seed..seed + 1));
        let first = saved.or_else(|| first_shown(&*whole, 1..SEEDS));
        let first = first.unwrap_or_else(|| panic!("{} is not caught at all", self.name));
        let reach = if self.name.starts_with("session/") { AROUND } else { FEWER };
        let around = first.saturating_sub(reach).max(1)..first + reach;
        for switch in self.switches() {
            let Ok(without) = self.without(switch) else { continue };
            let shown = first_shown(&*without, around.clone());
            if SHIPPED.contains(&(self.name.as_str(), switch)) {
                assert_ne!(shown, None, "{}: `{switch}` is needed after all", self.name);
            } else {
                assert_eq!(shown, None, "{}: is caught without `{switch}` too, by the seed on the left", self.name);
            }
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
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let known = known();
    let mut defects = Vec::new();
    for system in ["session", "sandbox", "reconciler", "sweeper", "shapes"] {
        let files = std::fs::read_dir(root.join("scenarios").join(system)).expect("there are scenarios");
        let paths = files.map(|file| file.expect("an entry").path());
        defects.extend(paths.filter_map(|path| Defect::read(path, &known)));
    }
    assert!(defects.len() >= 28, "there are only {} defects of several switches", defects.len());
    std::thread::scope(|scope| {
        for defect in &defects {
            scope.spawn(|| defect.check());
        }
    });
}
