//! A promoted scenario as a Rust test.

use std::fmt::Write as _;
use std::path::Path;
use std::time::Duration;

use super::Promoted;

/// How wide a line of the test may be.
const WIDTH: usize = 120;

impl Promoted {
    /// A test that plays the scenario file at `path`, for a system that files describe.
    pub fn to_test(&self, name: &str, path: &Path) -> String {
        let Self { about, origin, grade, .. } = self;
        let (name, path) = (identifier(name), path.display().to_string());
        format!(
            "//! {origin}\n\nuse sexton::testing;\n\n/// {about}\n#[test]\nfn {name}() {{\n    \
             testing::scenario({path:?}).seeds({}).check();\n}}\n",
            grade.seeds
        )
    }

    /// A test that plays the script on a system that is written in Rust: `your_system` of the module above, in the form
    /// that has the defect.
    pub fn to_plan_test(&self, name: &str) -> String {
        let Self { about, origin, signature, plan, grade, .. } = self;
        let name = identifier(name);
        let mut lists = format!(
            "        limits: Limits {{ chaos: {}, settle: {}, ..Limits::default() }},\n",
            time(plan.limits.chaos),
            time(plan.limits.settle)
        );
        let mut used = vec!["Limits", "Plan"];
        let mut list = |field: &str, kind: &'static str, items: Vec<String>| {
            if items.is_empty() {
                return;
            }
            used.push(kind);
            let items: Vec<String> = items.into_iter().map(|item| format!("{kind} {{ {item} }}")).collect();
            let line = format!("        {field}: vec![{}],", items.join(", "));
            if line.chars().count() <= WIDTH {
                let _ = writeln!(lists, "{line}");
                return;
            }
            let _ = writeln!(lists, "        {field}: vec![");
            for item in items {
                let _ = writeln!(lists, "            {item},");
            }
            lists.push_str("        ],\n");
        };
        let steps = plan.steps.iter().map(|step| {
            format!("at: {}, client: {:?}.into(), operation: {:?}.into()", time(step.at), step.client, step.operation)
        });
        list("steps", "Step", steps.collect());
        let holds =
            plan.holds.iter().map(|hold| format!("point: {:?}.into(), until: {:?}.into()", hold.point, hold.until));
        list("holds", "Hold", holds.collect());
        let strikes = plan.strikes.iter().map(|strike| {
            let lasts = strike.lasts.map_or_else(|| "None".into(), |lasts| format!("Some({})", time(lasts)));
            let by = strike.by.as_ref().map_or_else(|| "None".into(), |by| format!("Some({by:?}.into())"));
            let (at, fault, magnitude) = (time(strike.at), &strike.fault, strike.magnitude);
            format!("at: {at}, fault: {fault:?}.into(), lasts: {lasts}, by: {by}, magnitude: {magnitude:?}")
        });
        list("strikes", "Strike", strikes.collect());
        let decisions = plan.decisions.iter().map(|decision| {
            format!("site: {:?}.into(), index: {}, value: {}", decision.site, decision.index, decision.value)
        });
        list("decisions", "Decision", decisions.collect());
        used.sort_unstable();
        format!(
            "//! {origin}\n//!\n//! `your_system` makes your service in the form that has the defect.\n\n\
             use std::time::Duration;\n\nuse sexton::harness::{{{used}}};\nuse sexton::testing::Campaign;\n\n\
             use super::your_system;\n\n/// {about}\nfn script() -> Plan {{\n    Plan {{\n{lists}        ..Plan::default()\n    }}\n}}\n\n\
             #[test]\nfn {name}() {{\n    \
             Campaign::of(your_system()).plan(script()).violates({invariant:?}).seeds({seeds}).check();\n}}\n",
            used = used.join(", "),
            invariant = signature.invariant,
            seeds = grade.seeds,
        )
    }
}

fn time(time: Duration) -> String {
    match (time.as_secs(), time.subsec_nanos()) {
        (seconds, 0) if seconds % 60 == 0 && seconds > 0 => format!("Duration::from_mins({})", seconds / 60),
        (seconds, 0) => format!("Duration::from_secs({seconds})"),
        (_, rest) if rest % 1_000_000 == 0 => format!("Duration::from_millis({})", time.as_millis()),
        _ => format!("Duration::from_nanos({})", time.as_nanos()),
    }
}

/// The name of a test: words with underscores between them.
fn identifier(name: &str) -> String {
    let plain: String = name
        .chars()
        .map(|letter| if letter.is_ascii_alphanumeric() { letter.to_ascii_lowercase() } else { '_' })
        .collect();
    if plain.starts_with(|first: char| first.is_ascii_digit()) { format!("_{plain}") } else { plain }
}
