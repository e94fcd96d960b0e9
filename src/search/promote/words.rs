//! What a promoted scenario says of itself.

use super::bench::Grade;
use super::script::{Script, awaited};
use crate::harness::Strike;
use crate::scenario::SavedSeed;

/// What happens, in a sentence: who is held where until what, which fault strikes, and what breaks.
pub(super) fn about(script: &Script) -> String {
    let mut parts: Vec<String> = script.strikes.iter().map(strike).collect();
    parts.extend(script.holds.iter().map(|hold| {
        let point = hold.point.split_once(' ').map_or(hold.point.as_str(), |(name, _)| name);
        match awaited(&hold.until) {
            Some((operation, returns)) => {
                format!("a task waits at {point} until `{operation}` {}", if returns { "returns" } else { "starts" })
            }
            None => format!("a task waits at {point} for {}", hold.until),
        }
    }));
    if parts.is_empty() {
        parts.extend(script.steps.iter().map(|step| format!("`{}`", step.operation)));
    }
    let mut text = format!("{}: {}", parts.join(", "), script.signature.about);
    if let Some(first) = text.get(..1) {
        let first = first.to_uppercase();
        text.replace_range(..1, &first);
    }
    if !text.ends_with('.') {
        text.push('.');
    }
    text
}

fn strike(strike: &Strike) -> String {
    let lasts = strike.lasts.map(|lasts| format!(" for {}", humantime::format_duration(lasts))).unwrap_or_default();
    let by = strike.by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    format!("{} strikes {}{by}{lasts}", strike.kind(), strike.target())
}

/// What the file says of where it comes from, and of what it cannot promise.
pub(super) fn remarks(script: &Script, saved: &SavedSeed, grade: Grade) -> Vec<String> {
    let mut remarks = vec![format!("Promoted from seed {} of {}.", saved.seed, saved.scenario)];
    let Grade { seeds, failing, holding } = grade;
    if !grade.is_full() {
        remarks.push(format!("It fails from {failing} of {seeds} seeds; hardened, it holds from {holding} of them."));
    }
    if !script.decisions.is_empty() {
        remarks.push("It takes exact decisions, which a change of the code may shift.".into());
    }
    remarks
}
