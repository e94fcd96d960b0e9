//! Scenario files and seed files: any text that somebody may have put there.

use std::path::Path;

use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme};
use sexton::scenario::{Experiment, FileError, SavedSeed, Systems};

const PATH: &str = "hostile.toml";

/// The text is taken for a scenario or refused with words that can be shown, and so it is for a seed; what was taken is the
/// same once it has been written and read again.
///
/// # Panics
/// Where it is not so.
pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    scenario(text);
    seed(text);
}

fn scenario(text: &str) {
    let read = || Systems::builtin().parse(text, Path::new(PATH), "hostile");
    let scenario = match read() {
        Ok(scenario) => scenario,
        Err(error) => return show(&error),
    };
    assert_eq!(Ok(told(&*scenario)), read().map(|again| told(&*again)).map_err(|error| error.to_string()));
    // Sizes are changed by writing the file anew.
    match scenario.resized(&scenario.sizes()) {
        Ok(again) => assert_eq!((scenario.plan(), scenario.digest()), (again.plan(), again.digest())),
        Err(error) => panic!("at its own sizes: {error}"),
    }
    let hardened = scenario.hardened().expect("each system of ours has a policy");
    assert_eq!(hardened.system(), scenario.system());
    assert_eq!(hardened.plan().steps, scenario.plan().steps);
    assert!(!hardened.invariants().is_empty(), "nothing is promised");
}

/// What it says of itself.
fn told(scenario: &dyn Experiment) -> String {
    let (plan, settings, expect) = (scenario.plan(), scenario.settings(), scenario.expect());
    format!("{} {} {plan:?} {settings:?} {expect:?}", scenario.digest(), scenario.seeds())
}

fn seed(text: &str) {
    let seed = match SavedSeed::parse(text, Path::new(PATH), None) {
        Ok(seed) => seed,
        Err(error) => return show(&error),
    };
    match SavedSeed::parse(&seed.to_text(), Path::new(PATH), None) {
        Ok(again) => assert_eq!(seed, again),
        Err(error) => panic!("{error} in what was written:\n{}", seed.to_text()),
    }
    let known = ["session/default".to_owned()];
    if let Err(error) = SavedSeed::parse(text, Path::new(PATH), Some(&known)) {
        show(&error);
    }
}

/// As the command line shows it.
fn show(error: &FileError) {
    let mut report = String::new();
    let shown = GraphicalReportHandler::new_themed(GraphicalTheme::unicode_nocolor())
        .with_width(100)
        .render_report(&mut report, error as &dyn Diagnostic);
    assert!(shown.is_ok(), "{error} cannot be shown");
    assert!(report.contains(PATH), "which file?\n{report}");
}
