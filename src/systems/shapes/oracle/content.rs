//! What clients have of a shape is what the database has: at some moment since the one that the answer tells, and in the
//! end.

use std::collections::BTreeMap;

use super::checks::Check;
use super::lens::{Journey, Lens, Step};
use super::states::Rows;
use crate::harness::Findings;
use crate::oracle::Moment;
use crate::systems::shapes::workload::Operation;

pub(super) const CONTENT_IS_CURRENT: Check = Check {
    name: "content-is-current",
    about: "whoever is told to have all has the rows that the query selects at some position from the one told up to now",
    judge: content_is_current,
};

pub(super) const CONVERGES: Check = Check {
    name: "converges",
    about: "once all is at rest, a client that reads on has the rows that the query selects",
    judge: converges,
};

fn content_is_current(seen: &Lens, findings: &mut Findings) {
    for journey in &seen.journeys {
        // What is wrong once stays so: it is told once.
        let wrong = journey.steps.iter().find_map(|step| {
            let (rows, lsn) = step.complete.as_ref()?;
            findings.exercised();
            lack(seen, journey, step, rows, *lsn).map(|lack| (step, rows, *lsn, lack))
        });
        if let Some((step, rows, lsn, lack)) = wrong {
            let told = &seen.told[step.told];
            let at = seen.op(told).returned.at;
            findings.violate(
                at,
                format!("shape: {lack}"),
                format!(
                    "{}, `{}`, was told at {at:?} to have all as of {lsn}, and has {}: {lack}",
                    journey.name,
                    journey.query,
                    difference(seen, journey, rows, Some(lsn))
                ),
            );
        }
    }
}

/// What is wrong with rows that are said to be all as of a position.
fn lack(seen: &Lens, journey: &Journey, step: &Step, rows: &Rows, lsn: u64) -> Option<&'static str> {
    let selected = seen.states.selected(&journey.query)?;
    let from = seen.states.as_of(lsn).unwrap_or_default();
    let to = seen.states.at(seen.op(&seen.told[step.told]).returned)?;
    if selected.get(from..=to).is_some_and(|states| states.iter().any(|state| **state == *rows)) {
        return None;
    }
    if selected.iter().take(from).any(|state| **state == *rows) {
        return Some("rows as they were before that");
    }
    Some("rows as they never were")
}

/// What the last read of a shape at rest came to.
struct Settled<'a> {
    returned: Moment,
    /// The rows, where it was told to have all.
    complete: Option<(&'a Journey, &'a Rows)>,
}

fn converges(seen: &Lens, findings: &mut Findings) {
    // By client and shape.
    let mut last: BTreeMap<String, Settled<'_>> = BTreeMap::new();
    for (place, op) in seen.operations.iter().enumerate() {
        let Operation::Settle { client, slot } = op.operation else { continue };
        let mut of_op = seen.told.iter().enumerate().filter(|(_, told)| told.op == place);
        if !op.at_rest || of_op.clone().next().is_none() {
            continue;
        }
        let complete = of_op.rfind(|(_, told)| told.answer().is_some()).and_then(|(told, _)| {
            seen.journeys.iter().find_map(|journey| {
                let step = journey.steps.iter().find(|step| step.told == told)?;
                step.complete.as_ref().map(|(rows, _)| (journey, rows))
            })
        });
        last.insert(format!("c{client}'s s{slot}"), Settled { returned: op.returned, complete });
    }
    for (name, Settled { returned, complete }) in last {
        findings.exercised();
        let Some((journey, rows)) = complete else {
            findings.violate(
                returned.at,
                "shape: not to be had in the end",
                format!("{name} could not be read to its end once all was at rest"),
            );
            continue;
        };
        let Some(selected) = seen.states.selected(&journey.query) else { continue };
        if selected.last().is_some_and(|state| **state != *rows) {
            findings.violate(
                returned.at,
                "shape: other rows in the end",
                format!(
                    "{name}, `{}`, has {} once all was at rest",
                    journey.query,
                    difference(seen, journey, rows, None)
                ),
            );
        }
    }
}

/// How rows differ from what the query selects as of a position, or in the end.
fn difference(seen: &Lens, journey: &Journey, rows: &Rows, lsn: Option<u64>) -> String {
    let number = lsn.map_or(usize::MAX, |lsn| seen.states.as_of(lsn).unwrap_or_default());
    let selected = seen.states.selected(&journey.query);
    let expected = selected.as_ref().and_then(|states| states.get(number).or(states.last()));
    let Some(expected) = expected else { return format!("{} rows", rows.len()) };
    let more =
        rows.iter().filter(|(key, row)| expected.get(*key) != Some(row)).map(|(key, row)| format!("{key} as `{row}`"));
    let less = expected.keys().filter(|key| !rows.contains_key(*key)).map(|key| format!("no {key}"));
    let all: Vec<String> = more.chain(less).collect();
    if all.is_empty() { "what it should have".to_owned() } else { all.join(", ") }
}
