//! The run that passes, beside the one that fails.

use std::fmt::Write as _;

use super::Teller;
use crate::harness::{ActivityId, History, Run, What};
use crate::report::actors::Actors;
use crate::report::brief::brief;
use crate::report::paint::Ink;
use crate::report::prose::{cut, wrapped};
use crate::search::{Nearest, Window};

impl Teller<'_> {
    pub(super) fn nearest(&self) -> String {
        let mut text = self.title("The nearest run that passes");
        let Some(nearest) = &self.told.nearest else {
            text += if self.told.complete {
                "  there is none one decision away\n"
            } else {
                "  none was found before it was interrupted\n"
            };
            return text;
        };
        text += &wrapped("  here:  ", &brief(&nearest.was));
        text += &wrapped("  there: ", &instead(nearest));
        text.push('\n');
        text += &self.beside(&nearest.run);
        text += &self.writes(&nearest.run);
        text
    }

    /// In which order the key that the likeliest cause is about was written in both runs, where that differs.
    fn writes(&self, passing: &Run) -> String {
        let (Some(cause), Some(other)) = (self.told.causes.first(), &passing.history) else { return String::new() };
        let (here, there) = (orders(self.history, &self.actors, cause), orders(other, &Actors::of(other), cause));
        if here == there {
            return String::new();
        }
        let told =
            |writers: Vec<String>| if writers.is_empty() { "nobody".to_owned() } else { writers.join(", then ") };
        let mut text = format!("\n  who wrote {} in {}\n", brief(&cause.acted.key), cause.acted.store);
        text += &wrapped("  here:  ", &told(here));
        text += &wrapped("  there: ", &told(there));
        text
    }

    /// The operations of both runs and what came of them, side by side.
    fn beside(&self, passing: &Run) -> String {
        let Some(other) = &passing.history else { return String::new() };
        let here = outcomes(self.history);
        let there = outcomes(other);
        let mut rows = vec![Row { name: String::new(), fails: "fails".to_owned(), passes: "passes".to_owned() }];
        let mut left = there;
        for (name, fails) in here {
            let place = left.iter().position(|(other, _)| *other == name);
            let passes = place.map_or_else(|| "–".to_owned(), |place| left.remove(place).1);
            rows.push(Row { name, fails, passes });
        }
        rows.extend(left.into_iter().map(|(name, passes)| Row { name, fails: "–".to_owned(), passes }));
        let widest = |of: fn(&Row) -> &str| rows.iter().map(|row| of(row).chars().count()).max().unwrap_or(0);
        let (name, outcome) = (widest(|row| &row.name).min(36), widest(|row| &row.fails).min(28));
        let mut text = String::new();
        for Row { name: operation, fails, passes } in &rows {
            let line =
                format!("  {:name$}  {:outcome$}  {}", cut(operation, name), cut(fails, outcome), cut(passes, outcome));
            let ink = if fails == passes { Ink::Faint } else { Ink::Yellow };
            let _ = writeln!(text, "{}", self.paint.ink(ink, line.trim_end()));
        }
        text
    }
}

/// An operation, and what came of it in the two runs.
struct Row {
    name: String,
    fails: String,
    passes: String,
}

/// Who wrote the key that a window is about, in order, until faults had healed.
fn orders(history: &History, actors: &Actors<'_>, cause: &Window) -> Vec<String> {
    let events = history.events();
    let chaos = events.iter().take_while(|event| !matches!(event.what, What::Phase("heal"))).enumerate();
    let ours = chaos.filter(|(_, event)| match &event.what {
        What::Commit { store, key, .. } => *store == cause.acted.store && *key == cause.acted.key,
        What::Access(access) => {
            access.changed == Some(true) && access.store == cause.acted.store && access.key == cause.acted.key
        }
        _ => false,
    });
    // A store that tells its commits tells them better than those who access it.
    let (commits, accesses): (Vec<_>, Vec<_>) = ours.partition(|(_, event)| matches!(event.what, What::Commit { .. }));
    let name =
        |actor: Option<ActivityId>| actor.map_or_else(|| cause.acted.store.to_string(), |actor| actors.text(actor));
    if commits.is_empty() {
        accesses.iter().map(|(_, event)| name(Some(event.activity))).collect()
    } else {
        commits.iter().map(|(place, _)| name(actors.writer(*place))).collect()
    }
}

/// Each operation that is not at rest, and what came of it.
fn outcomes(history: &History) -> Vec<(String, String)> {
    let mut rows: Vec<(u32, String, String)> = Vec::new();
    for event in history.events() {
        match &event.what {
            What::Phase("settle") => break,
            What::Invoked { operation, text } => {
                rows.push((*operation, format!("{} {}", event.host, brief(text)), "never returns".to_owned()));
            }
            What::Returned { operation, text } => {
                if let Some(row) = rows.iter_mut().find(|row| row.0 == *operation) {
                    row.2 = brief(text);
                }
            }
            _ => {}
        }
    }
    rows.into_iter().map(|(_, name, outcome)| (name, outcome)).collect()
}

fn instead(nearest: &Nearest) -> String {
    let Nearest { decision, instead, meaning, .. } = nearest;
    // What has no better words is told by its site: a fault that finds nothing to strike any more.
    let untold = |meaning: &String| meaning.starts_with(&*decision.site);
    match meaning {
        None if *instead > 0 => "it is never asked for".to_owned(),
        None => "it does not happen".to_owned(),
        Some(meaning) if decision.site.starts_with("fault.") && untold(meaning) => "it never strikes".to_owned(),
        Some(meaning) => brief(meaning),
    }
}
