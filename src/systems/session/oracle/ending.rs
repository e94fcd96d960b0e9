//! What the end of a session means: it stays ended, everywhere, and is told.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::lens::{Answered, Incarnation, Lens, doing, name_of};
use crate::harness::{Findings, Observed, What};
use crate::systems::session::Session;
use crate::systems::session::record::Record;
use crate::systems::session::records::PREFIX;
use crate::systems::session::service::STALE_WHILE_CUT_OFF;
use crate::systems::session::workload::{Answer, Verb};

/// After faults have healed, how long a terminated session may still be answered unavailable.
const TELLING: Duration = Duration::from_mins(1);

fn is_live(record: &Record) -> bool {
    record.is_live()
}

pub(super) fn no_resurrection(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    for (session, (acknowledged, at)) in &lens.ended {
        findings.exercised();
        let timeline = lens.timeline(session);
        if let Some(record) = timeline.after(*acknowledged).filter(|record| is_live(record)) {
            let message = format!(
                "the termination of {} was acknowledged while its record, last written by {}, was live",
                name_of(session),
                record.writer()
            );
            findings.violate(*at, format!("record live when acknowledged, written by {}", record.writer()), message);
            continue;
        }
        let live = |held: &&super::lens::Held| held.record.as_ref().is_some_and(is_live);
        if let Some(held) = timeline.since(*acknowledged).iter().find(live) {
            let writer = held.record.as_ref().map_or("nobody", Record::writer);
            let message = format!(
                "{} was terminated, acknowledged at {at:?}, and {writer} brought its record back",
                name_of(session)
            );
            findings.violate(held.at, format!("record between termination and {writer}"), message);
        }
    }
    restored_after_end(lens, run, findings);
}

fn restored_after_end(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    let mut began: BTreeMap<(Arc<str>, &str), usize> = BTreeMap::new();
    for (index, event) in run.history.events().iter().enumerate() {
        if let Some(fact) = event.fact("session.restoring") {
            began.insert((event.host.clone(), fact.text("session")), index);
        }
        let Some(fact) = event.fact("session.restored") else { continue };
        let session = fact.text("session");
        let begun = began.get(&(event.host.clone(), session)).copied().unwrap_or_default();
        if lens.ended.get(session).is_some_and(|(acknowledged, _)| begun > *acknowledged) {
            let message =
                format!("{} restored {} after its termination was acknowledged", event.host, name_of(session));
            findings.violate(event.at, "restore of a terminated session", message);
        }
    }
}

pub(super) fn termination_absorbing(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    for (session, timeline) in &lens.timelines {
        let mut terminated = false;
        for held in &timeline.0 {
            let Some(record) = &held.record else {
                terminated = false;
                continue;
            };
            if terminated && !record.is_terminated() {
                let message =
                    format!("{} was marked as terminated, and {} unmarked it", name_of(session), record.writer());
                findings.violate(held.at, format!("mark overwritten by {}", record.writer()), message);
            } else if !terminated && record.is_terminated() {
                findings.exercised();
            }
            terminated = record.is_terminated();
        }
    }
}

/// What was asked after an acknowledged termination.
fn asked_after_end(lens: &Lens) -> impl Iterator<Item = (&Answered, Duration)> {
    lens.answered.iter().filter_map(|asked| {
        let (acknowledged, at) = lens.ended.get(&asked.session)?;
        (asked.from > *acknowledged).then_some((asked, *at))
    })
}

pub(super) fn no_use_after_terminate(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    let mut cut_off = None;
    for (asked, ended) in asked_after_end(lens) {
        let what = match asked.verb {
            Verb::Call { .. } => "call",
            Verb::Get { .. } => "listing",
            _ => continue,
        };
        findings.exercised();
        if !matches!(asked.answer, Answer::Done | Answer::Listed(_)) {
            continue;
        }
        let failures = cut_off.get_or_insert_with(|| failed_accesses(run));
        let failed =
            failures.get(&asked.pod).is_some_and(|indices| indices.range(asked.from..=asked.to).next().is_some());
        if failed && run.allows(STALE_WHILE_CUT_OFF) {
            continue;
        }
        let about = if failed { format!("{what} while cut off from storage") } else { what.to_owned() };
        let message = format!(
            "{} served a {what} of {} at {:?}, whose termination was acknowledged at {ended:?}",
            asked.pod,
            name_of(&asked.session),
            asked.invoked
        );
        findings.violate(asked.returned, about, message);
    }
}

/// The events in which each host got no answer from storage.
fn failed_accesses(run: &Observed<'_, Session>) -> BTreeMap<Arc<str>, BTreeSet<usize>> {
    let mut failures: BTreeMap<Arc<str>, BTreeSet<usize>> = BTreeMap::new();
    for (index, event) in run.history.events().iter().enumerate() {
        if let What::Access(access) = &event.what
            && access.key.starts_with(PREFIX)
            && matches!(&*access.outcome, "timed out" | "unavailable" | "refused" | "abandoned")
        {
            failures.entry(event.host.clone()).or_default().insert(index);
        }
    }
    failures
}

pub(super) fn termination_is_told(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    for (asked, _) in asked_after_end(lens) {
        if asked.invoked < run.healed + TELLING {
            continue;
        }
        let what = match asked.verb {
            Verb::Call { .. } => "call",
            Verb::Get { .. } => "listing",
            Verb::Validate => "validation",
            _ => continue,
        };
        findings.exercised();
        if asked.answer == Answer::Unavailable {
            let message = format!(
                "{} answered a {what} of {} with unavailable, though it has been terminated and storage can be reached",
                asked.pod,
                name_of(&asked.session)
            );
            findings.violate(asked.returned, format!("{what} of a terminated session"), message);
        }
    }
}

pub(super) fn no_dead_entry(lens: &Lens, run: &Observed<'_, Session>, findings: &mut Findings) {
    let mut ended: BTreeMap<(&Incarnation, &str), usize> = BTreeMap::new();
    for request in lens.handled.iter().filter(|request| &*request.operation == "terminate") {
        if let Some((index, _, answer)) = &request.end
            && &**answer == "ok"
        {
            findings.exercised();
            let first = ended.entry((&request.pod, &*request.session)).or_insert(*index);
            *first = (*first).min(*index);
        }
    }
    for (index, event) in run.history.events().iter().enumerate() {
        let Some(fact) = event.fact("session.shelved") else { continue };
        let session = fact.text("session");
        let pod = (event.host.clone(), event.incarnation);
        if fact.flag("live") && ended.get(&(&pod, session)).is_some_and(|since| index > *since) {
            let doing = doing(run, event);
            let message = format!("{} had ended {}, and {doing} put it back into its cache", pod.0, name_of(session));
            findings.violate(event.at, format!("cache entry between termination and {doing}"), message);
        }
    }
}
