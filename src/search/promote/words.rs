//! What a promoted scenario says of itself.

use super::bench::{Grade, fails};
use super::evidence::held;
use super::script::{Script, awaited, plain};
use crate::harness::{Hold, Run, Strike};
use crate::scenario::SavedSeed;

/// What happens, in a sentence: who is held where until what, which fault strikes, and what breaks. `played` is a run.
pub(super) fn about(script: &Script, played: Option<&Run>) -> String {
    let held = played.filter(|run| fails(run, &script.signature)).map(held).unwrap_or_default();
    let strikes: Vec<String> = script.strikes.iter().map(strike).collect();
    let mut parts: Vec<String> = Vec::new();
    parts.extend(script.holds.iter().map(|hold| {
        let pass = held.iter().find(|pass| pass.point == hold.point);
        self::hold(hold, pass.and_then(|pass| pass.operation.as_deref()))
    }));
    if parts.is_empty() {
        parts.push(listed(script.steps.iter().map(|step| format!("`{}`", step.operation)).collect()));
    }
    let mut happens = parts.join(", ");
    if !strikes.is_empty() {
        happens = format!("{}, and {happens}", strikes.join(", "));
    }
    let broken = script.signature.about.split_once(": ").map_or_else(
        || script.signature.about.clone(),
        // A kind of entity reads well only where something is said to be done to it.
        |(kind, part)| if script.part_is_passive() { format!("{kind} {part}") } else { part.to_owned() },
    );
    capital(&format!("{happens}: {broken}."))
}

fn hold(hold: &Hold, holder: Option<&str>) -> String {
    let who = holder.map_or_else(|| "a task".to_owned(), |operation| format!("`{operation}`"));
    let point = hold.point.split_once(' ').map_or(hold.point.as_str(), |(name, _)| name);
    match awaited(&hold.until) {
        Some((operation, returns)) => {
            format!("{who} is held at {point} until `{operation}` {}", if returns { "returns" } else { "starts" })
        }
        None => format!("{who} is held at {point} for {}", hold.until),
    }
}

fn strike(strike: &Strike) -> String {
    let (target, by) = (strike.target(), strike.by.as_deref().unwrap_or_default());
    let lasts = strike.lasts.map(|lasts| format!(" for {}", plain(lasts))).unwrap_or_default();
    match strike.kind() {
        "restart" => format!("the host {target} is down{lasts}"),
        "pause" => format!("the host {target} stands still{lasts}"),
        "partition" | "one_way" => format!("nothing passes {target}{lasts}"),
        "slow" => format!("messages on {target} come up to {by} later{lasts}"),
        "reset" => format!("all streams of {target} are reset"),
        "lost_request" => format!("a request on {target} is lost"),
        "lost_reply" => format!("a reply on {target} is lost"),
        "late" => format!("a request on {target} comes {by} late"),
        "clock_jump" => format!("the clock of {target} jumps {by}"),
        "clock_drift" => format!("the clock of {target} runs {by}"),
        own => format!("the fault {own} strikes {target}"),
    }
}

/// One, two, then three.
fn listed(mut items: Vec<String>) -> String {
    match items.pop() {
        Some(last) if !items.is_empty() => format!("{}, then {last}", items.join(", ")),
        last => last.unwrap_or_default(),
    }
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map(|first| first.to_uppercase().chain(letters).collect()).unwrap_or_default()
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
