//! `list`: systems, scenarios, defects, saved seeds.

use super::entry::{Desk, Status};
use crate::report::Ink;
use crate::scenario::SavedSeed;

pub(super) fn list(desk: &Desk) -> miette::Result<Status> {
    let screen = &desk.screen;
    let title = |text: &str| desk.screen.say(screen.ink(Ink::Bold, text));
    let mut status = Status::AsExpected;

    title("systems");
    for system in desk.systems.names() {
        desk.screen.say(format!("  {system}"));
    }

    let entries = desk.scenarios.entries()?;
    let names: Vec<String> = entries.iter().map(|entry| entry.name.clone()).collect();
    let width = names.iter().map(|name| name.chars().count()).max().unwrap_or(0);
    let mut defects = Vec::new();
    let mut loaded = Vec::new();
    for entry in &entries {
        match desk.scenarios.load(entry) {
            Ok(experiment) => loaded.push(experiment),
            Err(error) => {
                screen.complain(&error);
                status = Status::Unusable;
            }
        }
    }
    let expects = loaded.iter().map(|experiment| experiment.expect().to_string().chars().count()).max().unwrap_or(0);
    title("\nscenarios");
    for experiment in &loaded {
        let (name, expect) = (experiment.name(), experiment.expect().to_string());
        screen.say(format!("  {name:width$}  {expect:expects$}  {}", experiment.about()));
        defects.extend(experiment.defect().map(|defect| (defect.to_owned(), name.to_owned())));
    }

    title("\ndefects");
    defects.sort();
    let longest = defects.iter().map(|(id, _)| id.chars().count()).max().unwrap_or(0);
    for (id, name) in &defects {
        desk.screen.say(format!("  {id:longest$}  {name}"));
    }

    title("\nsaved seeds");
    for file in desk.seeds.files()? {
        match SavedSeed::read(&file, Some(&names)) {
            Ok(saved) => {
                let signature = &saved.signature;
                let told =
                    format!("{} seed {}: {} ({})", saved.scenario, saved.seed, signature.invariant, signature.about);
                desk.screen.say(format!("  {}  {told}", file.display()));
            }
            Err(error) => {
                screen.complain(&error);
                status = Status::Unusable;
            }
        }
    }
    Ok(status)
}
