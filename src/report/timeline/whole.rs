//! From a run to its picture.

use std::time::Duration;

use super::super::brief::brief;
use super::super::prose::times;
use super::super::verdict_word;
use super::TimelineHead;
use super::attribution::attribution;
use super::folds::folds;
use super::items::{Reader, Service, nanos};
use super::lanes::Lanes;
use super::model::{Beat, Broken, Item, ItemKind, PhaseStart, Timeline, WindowSpan};
use super::story::Teller;
use crate::harness::{ActivityId, History, Run, What};
use crate::search::{Failure, Window, causes, demand, entity, windows};

impl Timeline {
    /// The picture of a run that kept its history in full detail; without a history it has nothing but what broke.
    pub fn of(run: &Run, about: &TimelineHead) -> Self {
        let none = History::default();
        let history = run.history.as_ref().unwrap_or(&none);
        let lanes = Lanes::of(history);
        let serves = attribution(history);
        let service = Service::of(history, &serves, &lanes);
        let phases = phases(history);
        let ended = nanos(run.simulated);
        let reader = Reader {
            history,
            lanes: &lanes,
            serves: &serves,
            places: &service.places,
            healed: phases.iter().find(|phase| phase.name == "heal").map(|phase| phase.at),
            ended,
        };
        let items = reader.items();
        let entities = entities(history);
        let place = |actor: ActivityId| service.places.get(&actor).copied();
        let teller = Teller { history, served: &service.all, items: &items, entities: &entities, place: &place };
        let intruded = windows(history);
        let mut spans = Vec::new();
        let broken = broken(run, about, |failure| {
            let causes = causes(history, &intruded, &failure.message, failure.at);
            if let Some(first) = causes.first() {
                spans.push((first.clone(), true));
            }
            teller.story(nanos(failure.at), &times(&failure.message), causes.first())
        });
        let unnoticed = intruded.iter().filter(|window| !window.noticed).map(|window| (window.clone(), false));
        spans.extend(unnoticed.collect::<Vec<_>>());
        let mut drawn: Vec<WindowSpan> = Vec::new();
        for (window, cause) in &spans {
            let span = span(window, *cause, &teller, &lanes);
            drawn.extend(
                span.filter(|span| !drawn.iter().any(|known| known.words == span.words && known.at == span.at)),
            );
        }
        Self {
            head: about.clone(),
            seed: run.seed,
            verdict: verdict_word(run.verdict),
            fingerprint: run.fingerprint.to_string(),
            ended,
            completed: run.completed,
            exercised: run.exercised.iter().map(|(invariant, count)| (*invariant, *count)).collect(),
            folds: folds(moments(&items, &phases, run)),
            broken,
            phases,
            windows: drawn,
            entities,
            served: service.all,
            lanes: lanes.all,
            items,
        }
    }
}

fn phases(history: &History) -> Vec<PhaseStart> {
    let phase = |event: &crate::harness::Event| match event.what {
        What::Phase(name) => Some(PhaseStart { at: nanos(event.at), name }),
        _ => None,
    };
    history.events().iter().filter_map(phase).collect()
}

/// When anything begins or ends that is more than the end of a fault.
fn moments(items: &[Item], phases: &[PhaseStart], run: &Run) -> Vec<u64> {
    let ends = items.iter().filter(|item| item.kind != ItemKind::Fault && !item.open).map(|item| item.until);
    let violations = run.violations.iter().map(|violation| nanos(violation.at));
    let ended = nanos(run.simulated);
    let begins = items.iter().map(|item| item.at).chain(phases.iter().map(|phase| phase.at));
    begins.chain(ends).chain(violations).chain([0, ended]).map(|at| at.min(ended)).collect()
}

/// What keys are about, in the order of names, with what stands before a dot on its own too.
fn entities(history: &History) -> Vec<String> {
    let mut found = std::collections::BTreeSet::new();
    for event in history.events() {
        let key = match &event.what {
            What::Access(access) => &access.key,
            What::Commit { key, .. } => key,
            _ => continue,
        };
        let name = brief(entity(key));
        if let Some((whole, _)) = name.split_once('.') {
            found.insert(whole.to_owned());
        }
        found.insert(name);
    }
    found.into_iter().filter(|name| !name.is_empty()).collect()
}

/// What broke, one for each signature, with its story; first the one that the run is shown for.
fn broken(run: &Run, about: &TimelineHead, mut story: impl FnMut(&Failure) -> Vec<Beat>) -> Vec<Broken> {
    let mut failures = Failure::all_in(run);
    failures.sort_by_key(|failure| (!about.wants(&failure.signature), failure.at));
    let told = failures.into_iter().map(|failure| {
        let promise = about.promises.iter().find(|(name, _)| *name == failure.signature.invariant);
        let promise = promise.map_or_else(|| demand(&failure.signature.invariant), |(_, words)| (*words).to_owned());
        let story = story(&failure);
        Broken {
            at: nanos(failure.at),
            invariant: failure.signature.invariant,
            about: brief(&failure.signature.about),
            message: times(&brief(&failure.message)),
            promise,
            story,
        }
    });
    told.collect()
}

fn span(window: &Window, cause: bool, teller: &Teller<'_>, lanes: &Lanes<'_>) -> Option<WindowSpan> {
    let Window { seen, copied, intruded, acted, noticed, .. } = window;
    let opened: Duration = copied.as_ref().map_or(seen.at, |made| made.at);
    Some(WindowSpan {
        lane: lanes.place(&acted.store).or_else(|| lanes.place(&acted.host))?,
        key: brief(&acted.key),
        at: nanos(opened),
        intruded: nanos(intruded.at),
        until: nanos(acted.at),
        actor: (teller.place)(acted.actor),
        intruder: (teller.place)(intruded.actor),
        noticed: *noticed,
        cause,
        words: teller.words(window),
    })
}
