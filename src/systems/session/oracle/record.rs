//! What a session's record says, and what clients are told of it.

use std::collections::{BTreeMap, BTreeSet};

use super::lens::{Held, Lens, name_of};
use crate::harness::{Findings, Observed};
use crate::systems::session::Session;
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Answer, Verb};

fn live(record: Option<&Record>) -> Option<&Record> {
    record.filter(|record| record.is_live())
}

pub(super) fn no_false_not_found(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    for asked in lens.answered.iter().filter(|asked| asked.answer == Answer::NotFound) {
        findings.exercised();
        let timeline = lens.timeline(&asked.session);
        let (what, there) = match asked.verb {
            // Both are about placeholders too.
            Verb::Validate | Verb::Create => (
                if asked.verb == Verb::Create { "creation" } else { "validation" },
                timeline.always(asked.from, asked.to, |record| record.is_some_and(|record| !record.is_terminated())),
            ),
            Verb::Call { .. } => ("call", timeline.always(asked.from, asked.to, |record| live(record).is_some())),
            Verb::Get { .. } => ("listing", timeline.always(asked.from, asked.to, |record| live(record).is_some())),
            Verb::Decorate => ("decoration", timeline.always(asked.from, asked.to, |record| live(record).is_some())),
            Verb::Notify { .. } => {
                ("notification", timeline.always(asked.from, asked.to, |record| live(record).is_some()))
            }
            Verb::Terminate | Verb::Abandon => continue,
        };
        if there {
            let message = format!(
                "{} answered a {what} of {} with not-found, though storage held it from {:?} to {:?}",
                asked.pod,
                name_of(&asked.session),
                asked.invoked,
                asked.returned
            );
            findings.violate(asked.returned, format!("{what} of a live session"), message);
        }
    }
}

pub(super) fn monotone_backends(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    // When each backend was first reported expired, whether or not the reporter was answered.
    let mut reported: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for request in lens.handled.iter().filter(|request| &*request.operation == "notify") {
        reported.entry((&request.session, &request.backend)).or_insert(request.from);
    }
    for (session, timeline) in &lens.timelines {
        let mut before: Option<&Record> = None;
        for held in &timeline.0 {
            let Some(record) = live(held.record.as_ref()) else { continue };
            if let Some(before) = before {
                compare_backends(session, before, record, held, &reported, findings);
            }
            before = Some(record);
        }
    }
    for asked in &lens.answered {
        let Verb::Notify { backend } = asked.verb else { continue };
        if asked.answer != Answer::Done {
            continue;
        }
        findings.exercised();
        let backend = format!("b{backend}");
        let held = live(lens.timeline(&asked.session).after(asked.to));
        if held.is_some_and(|record| record.has_backend(&backend)) {
            let message = format!(
                "{} was told that {backend} had expired for {}, and acknowledged it, but the record keeps it",
                asked.pod,
                name_of(&asked.session)
            );
            findings.violate(asked.returned, "backend kept after an acknowledged report", message);
        }
    }
}

fn compare_backends(
    session: &str,
    before: &Record,
    after: &Record,
    held: &Held,
    reported: &BTreeMap<(&str, &str), usize>,
    findings: &mut Findings,
) {
    let none = BTreeSet::new;
    let (old, new) = (before.backends().unwrap_or_else(none), after.backends().unwrap_or_else(none));
    for lost in old.difference(&new) {
        if reported.get(&(session, *lost)).is_none_or(|since| *since > held.index) {
            let message = format!("{} took {lost} from {}; nobody had reported it", after.writer(), name_of(session));
            findings.violate(held.at, format!("backend lost to {}", after.writer()), message);
        }
    }
    for back in new.difference(&old) {
        let message = format!("{} brought {back} back to {}", after.writer(), name_of(session));
        findings.violate(held.at, format!("backend brought back by {}", after.writer()), message);
    }
}

pub(super) fn decoration_kept(lens: &Lens, _: &Observed<'_, Session>, findings: &mut Findings) {
    for asked in &lens.answered {
        let Answer::Decorated(label) = &asked.answer else { continue };
        findings.exercised();
        let timeline = lens.timeline(&asked.session);
        let name = name_of(&asked.session);
        let lacks = |record: &Record| !record.decorations().contains(&**label);
        if live(timeline.after(asked.to)).is_some_and(lacks) {
            let message = format!("{name} was decorated with {label}, acknowledged, and its record lacks that");
            findings.violate(asked.returned, "decoration not in the record when acknowledged", message);
            continue;
        }
        let later = timeline.since(asked.to).iter();
        let lost = later.filter_map(|held| Some((held, live(held.record.as_ref())?))).find(|(_, record)| lacks(record));
        if let Some((held, record)) = lost {
            let message = format!("{} took the decoration {label} from {name}", record.writer());
            findings.violate(held.at, format!("decoration lost to {}", record.writer()), message);
        }
    }
    listings_show_decorations(lens, findings);
}

/// A pod lists what was decorated on it.
fn listings_show_decorations(lens: &Lens, findings: &mut Findings) {
    let mut decorated: BTreeMap<(&str, &str), Vec<(usize, &str)>> = BTreeMap::new();
    for asked in &lens.answered {
        if let Answer::Decorated(label) = &asked.answer {
            decorated.entry((&asked.session, &asked.pod)).or_default().push((asked.to, label));
        }
    }
    for asked in &lens.answered {
        let Answer::Listed(listing) = &asked.answer else { continue };
        let labels = decorated.get(&(&*asked.session, &*asked.pod)).map_or(&[][..], Vec::as_slice);
        let missing = labels
            .iter()
            .find(|(since, label)| *since < asked.from && !listing.decorations.iter().any(|shown| shown == label));
        if let Some((_, label)) = missing {
            let name = name_of(&asked.session);
            let message = format!("{} decorated {name} with {label} and lists it without", asked.pod);
            findings.violate(asked.returned, "decoration missing from a listing", message);
        }
    }
}
