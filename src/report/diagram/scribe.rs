//! From the events of a run to the pieces of its diagram.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::names::Names;
use super::piece::{Form, Line, Piece, Row, Shape, Turn};
use super::subject::Subject;
use crate::harness::{ActivityId, Event, History, Run, Violation, What};
use crate::report::Ink;
use crate::runtime::{Access, Kind};
use crate::search::{Window, effects, entity, windows};

/// How long after a reply came its client may see it: hosts count milliseconds.
const GRAIN: Duration = Duration::from_millis(2);

/// All pieces of a run's diagram, in order.
pub(super) fn pieces(run: &Run, history: &History, names: &Names, subject: &Subject) -> Vec<Piece> {
    let events = history.events();
    let effects = effects(history);
    let mut scribe = Scribe {
        history,
        names,
        subject,
        claimed: effects.values().copied().collect(),
        effects,
        unaware: unaware(history),
        handlers: handlers(history),
        homes: homes(events),
        spans: spans(events),
        sent: sent(history),
        asked: BTreeMap::new(),
        healed: events.iter().find(|event| matches!(event.what, What::Phase("heal"))).map(|event| event.at),
        messages: events.iter().any(|event| matches!(event.what, What::Message { .. })),
        pieces: Vec::new(),
    };
    for (place, event) in events.iter().enumerate() {
        scribe.begins(place, event);
        scribe.tell(place, event);
        scribe.ends(place, event);
    }
    for violation in &run.violations {
        scribe.broken(violation);
    }
    let mut pieces = scribe.pieces;
    pieces.sort_by_key(|piece| (piece.at, piece.place));
    pieces
}

/// What a client asked, until it has an outcome.
struct Asked {
    text: String,
    /// Whom it asked, as far as is known.
    of: Option<Arc<str>>,
    since: Duration,
}

struct Scribe<'a> {
    history: &'a History,
    names: &'a Names,
    subject: &'a Subject,
    /// By write: what it came to.
    effects: BTreeMap<usize, usize>,
    /// Commits that came of a write that is known.
    claimed: BTreeSet<usize>,
    /// By what a write came to: what its writer did not know of.
    unaware: BTreeMap<usize, String>,
    /// By activity: those on other hosts that it caused, in order.
    handlers: BTreeMap<ActivityId, Vec<ActivityId>>,
    /// By store: the host that holds it.
    homes: BTreeMap<Arc<str>, Arc<str>>,
    /// By activity: its first event and its last.
    spans: BTreeMap<ActivityId, (usize, usize)>,
    /// By activity: the host that it first sent something to.
    sent: BTreeMap<ActivityId, Arc<str>>,
    asked: BTreeMap<u32, Asked>,
    /// When faults healed, if they did.
    healed: Option<Duration>,
    /// Whether the history has what went over the network.
    messages: bool,
    pieces: Vec<Piece>,
}

impl Scribe<'_> {
    fn row(&mut self, at: Duration, place: usize, wanted: bool, form: Form, ink: Ink, text: String) {
        let row = Row { form, ink, text, trouble: false, answers: None };
        self.pieces.push(Piece { at, place, wanted, what: Shape::Row(row) });
    }

    fn trouble(&mut self, event: &Event, place: usize, wanted: bool, form: Form, ink: Ink, text: String) {
        let row = Row { form, ink, text, trouble: true, answers: None };
        self.pieces.push(Piece { at: event.at, place, wanted, what: Shape::Row(row) });
    }

    fn mark(&mut self, event: &Event, place: usize, wanted: bool, sign: char, ink: Ink, text: String) {
        self.row(event.at, place, wanted, Form::Mark { host: event.host.clone(), sign }, ink, text);
    }

    fn turn(&mut self, at: Duration, place: usize, wanted: bool, host: &Arc<str>, turn: Turn) {
        self.pieces.push(Piece { at, place, wanted, what: Shape::Turn(host.clone(), turn) });
    }

    fn concerns(&self, event: &Event, key: Option<&str>) -> bool {
        self.subject.concerns(self.history, event.activity, key)
    }

    /// Whether an activity belongs to what a client asked for.
    fn is_asked(&self, activity: ActivityId) -> bool {
        let root = self.history.root(activity);
        let first = self.spans.get(&root).map(|(first, _)| &self.history.events()[*first].what);
        activity != ActivityId(0) && matches!(first, Some(What::Invoked { .. }))
    }

    /// What a host has been asked by another begins.
    fn begins(&mut self, place: usize, event: &Event) {
        let Some((first, _)) = self.spans.get(&event.activity) else { return };
        if *first != place || !self.is_asked(event.activity) {
            return;
        }
        let wanted = self.concerns(event, None);
        self.turn(event.at, place, wanted, &event.host, Turn::Begins);
        // What a store is asked for is told by whoever asks.
        if matches!(event.what, What::Commit { .. }) {
            return;
        }
        let Some(activity) = self.history.activities().get(event.activity.0 as usize) else { return };
        let Some(causer) = self.history.activities().get(activity.cause.0 as usize) else { return };
        let is_first = self.handlers.get(&activity.cause).and_then(|all| all.first()) == Some(&event.activity);
        let told = is_first && causer.parent == ActivityId(0) && causer.cause == ActivityId(0);
        if activity.cause != ActivityId(0) && !told && causer.host != event.host {
            let form = Form::Arrow { from: causer.host.clone(), to: event.host.clone(), line: Line::Asks };
            let text = self.names.brief(&activity.name);
            self.row(event.at, place, wanted, form, Ink::Plain, text);
        }
    }

    fn ends(&mut self, place: usize, event: &Event) {
        let last = self.spans.get(&event.activity).is_some_and(|(_, last)| *last == place);
        // Whoever never got an answer waits for ever.
        if last && !matches!(event.what, What::Invoked { .. }) && self.is_asked(event.activity) {
            let wanted = self.concerns(event, None);
            self.turn(event.at, place, wanted, &event.host, Turn::Ends);
        }
    }

    fn tell(&mut self, place: usize, event: &Event) {
        match &event.what {
            What::Phase(phase @ ("heal" | "rest")) => {
                self.row(event.at, place, true, Form::Across, Ink::Faint, (*phase).into());
            }
            What::Started | What::Crashed | What::Exited | What::Paused | What::Resumed => self.host(place, event),
            What::Fault { .. } => self.fault(place, event),
            What::Invoked { operation, text } => self.invoked(place, event, *operation, text),
            What::Returned { operation, text } => self.returned(place, event, *operation, text),
            What::Access(access) => self.access(place, event, access),
            What::Commit { store, key, value, cause } if !self.claimed.contains(&place) => {
                let wanted = self.concerns(event, Some(key));
                let held = if value.is_some() { "set" } else { "gone" };
                let text = self.names.brief(&format!("{} {held} ({cause})", entity(key)));
                let host = self.homes.get(store).unwrap_or(&event.host).clone();
                self.row(event.at, place, wanted, Form::Mark { host, sign: '■' }, Ink::Yellow, text);
            }
            What::Point { name, subject, since, held } if !held.is_zero() => {
                let wanted = self.concerns(event, None);
                let what = self.names.brief(entity(subject));
                let text = format!("held {} at {name} {what}", span(*held));
                let form = |sign| Form::Mark { host: event.host.clone(), sign };
                self.row(*since, place, wanted, form('◆'), Ink::Yellow, text.trim_end().into());
                let text = format!("goes on from {name} {what}").trim_end().to_owned();
                let (form, ink) = (form('◇'), Ink::Yellow);
                let row = Row { form, ink, text, trouble: false, answers: Some(place) };
                self.pieces.push(Piece {
                    at: self.let_go(event.at, *since, *held),
                    place,
                    wanted,
                    what: Shape::Row(row),
                });
            }
            What::Log { level: level @ ("WARN" | "ERROR"), message, .. } => {
                let wanted = self.concerns(event, None);
                let text = self.names.brief(&format!("{level} {message}"));
                self.mark(event, place, wanted, '!', Ink::Faint, text);
            }
            What::Panicked { task, message } => {
                let text = self.names.brief(&format!("{task} panicked: {message}"));
                self.mark(event, place, true, '✗', Ink::Red, text);
            }
            What::Escaped(how) => self.mark(event, place, true, '✗', Ink::Red, format!("escaped: {how}")),
            _ => {}
        }
    }

    /// When a task went on that was held: a drawn hold is told when it begins, ends with a whole millisecond, and does
    /// not outlast faults.
    fn let_go(&self, told: Duration, since: Duration, held: Duration) -> Duration {
        let until = since + held;
        if told >= until {
            return until;
        }
        let whole = Duration::from_millis(until.as_millis() as u64);
        self.healed.filter(|healed| *healed >= since).map_or(whole, |healed| whole.min(healed)).max(since)
    }

    fn host(&mut self, place: usize, event: &Event) {
        let (turn, sign, words) = match event.what {
            What::Started if event.incarnation > 1 => (Turn::Up, '○', "starts again"),
            What::Crashed => (Turn::Down, '✗', "crashes"),
            What::Exited => (Turn::Down, '✗', "exits"),
            What::Paused => (Turn::Paused, '‖', "is paused"),
            What::Resumed => (Turn::Resumed, '‖', "goes on"),
            _ => return,
        };
        self.turn(event.at, place, true, &event.host, turn);
        let form = Form::Mark { host: event.host.clone(), sign };
        self.trouble(event, place, true, form, Ink::Cyan, words.into());
    }

    fn fault(&mut self, place: usize, event: &Event) {
        let What::Fault { kind, subject, detail, lasts } = &event.what else { return };
        // What a host does at the same time says it.
        let mut same = self.history.events()[place..].iter().take_while(|other| other.at == event.at);
        if same.any(|other| other.host == *subject && matches!(other.what, What::Crashed | What::Paused)) {
            return;
        }
        let until = event.at + *lasts;
        let wanted = self.disturbs(event.at, until);
        let text = self.names.brief(format!("{kind} {detail}").trim_end());
        let form = match subject.split_once('>') {
            Some((from, to)) => Form::Arrow { from: from.into(), to: to.into(), line: Line::Fault },
            None => Form::Mark { host: subject.clone(), sign: '↯' },
        };
        self.trouble(event, place, wanted, form, Ink::Yellow, text);
    }

    /// Whether something that the diagram is about was going on between these times.
    fn disturbs(&self, from: Duration, to: Duration) -> bool {
        let events = self.history.events();
        self.subject.is_anything()
            || self.spans.iter().any(|(activity, (first, last))| {
                self.is_asked(*activity)
                    && self.subject.concerns(self.history, *activity, None)
                    && events[*first].at <= to
                    && events[*last].at >= from
            })
    }

    fn invoked(&mut self, place: usize, event: &Event, operation: u32, text: &str) {
        let text = self.names.brief(text);
        let handler = self.handlers.get(&event.activity).and_then(|all| all.first());
        let handler = handler.and_then(|first| self.history.activities().get(first.0 as usize));
        let of = handler.map(|known| known.host.clone()).or_else(|| self.sent.get(&event.activity).cloned());
        if let Some(to) = of.clone() {
            let wanted = self.concerns(event, None);
            // The arrow says where it goes.
            let said = text.strip_suffix(&*to).and_then(|rest| rest.strip_suffix(" via ")).unwrap_or(&text).to_owned();
            let form = Form::Arrow { from: event.host.clone(), to, line: Line::Asks };
            self.row(event.at, place, wanted, form, Ink::Plain, said);
        }
        self.asked.insert(operation, Asked { text, of, since: event.at });
    }

    fn returned(&mut self, place: usize, event: &Event, operation: u32, text: &str) {
        let text = self.names.brief(text);
        let wanted = self.concerns(event, None);
        let Some(asked) = self.asked.remove(&operation) else {
            return self.mark(event, place, wanted, '·', Ink::Plain, text);
        };
        let Some(of) = asked.of else {
            // It never left its client.
            let nothing = !self.subject.is_anything() && asked.since == event.at;
            return self.mark(event, place, wanted && !nothing, '·', Ink::Faint, format!("{}: {text}", asked.text));
        };
        if let Some(from) = self.replied(place, event, of) {
            let form = Form::Arrow { from, to: event.host.clone(), line: Line::Answers };
            self.row(event.at, place, wanted, form, Ink::Plain, text);
        } else {
            self.mark(event, place, wanted, '✗', Ink::Yellow, format!("{}: {text}", asked.text));
        }
    }

    /// Who sent the reply that a client has just seen; nobody, where it only stopped waiting.
    fn replied(&self, place: usize, event: &Event, of: Arc<str>) -> Option<Arc<str>> {
        if !self.messages {
            return Some(of);
        }
        let recent = self.history.events()[..place].iter().rev().take_while(|other| other.at + GRAIN >= event.at);
        recent.into_iter().find_map(|other| match &other.what {
            What::Message { from, to, what, .. } if *to == event.host && what.ends_with("bytes") => Some(from.clone()),
            _ => None,
        })
    }

    fn access(&mut self, place: usize, event: &Event, access: &Access) {
        let wanted = self.concerns(event, Some(&access.key));
        let what = self.names.brief(entity(&access.key));
        let verb = match access.kind {
            Kind::Read => "read",
            Kind::Write => "write",
            Kind::ReadWrite => "swap",
        };
        let outcome = &access.outcome;
        let home = self.homes.get(&access.store).filter(|home| **home != event.host).cloned();
        let Some(store) = home else {
            let store = access.store.replace(&*event.host, "");
            let ink = if access.kind == Kind::Read { Ink::Faint } else { Ink::Plain };
            let text = format!("{} {verb} {what}: {outcome}", store.trim());
            return self.mark(event, place, wanted, '·', ink, text);
        };
        if let Some(effect) = self.effects.get(&place).copied() {
            let form = Form::Arrow { from: event.host.clone(), to: store.clone(), line: Line::Writes };
            let at = self.history.events()[effect].at;
            if let Some(intruder) = self.unaware.get(&effect) {
                let text = format!("unaware of {}", self.names.brief(intruder));
                let form = Form::Mark { host: event.host.clone(), sign: '!' };
                self.row(at, effect, wanted, form, Ink::Red, text);
            }
            self.row(at, effect, wanted, form, Ink::Bold, format!("{verb} {what}"));
        }
        let answers = self.effects.get(&place).copied().filter(|_| !is_silence(outcome));
        let text = format!("{verb} {what}: {outcome}");
        let heard = !is_silence(outcome);
        let (form, ink) = match heard {
            true => (Form::Arrow { from: store, to: event.host.clone(), line: Line::Answers }, Ink::Plain),
            false => (Form::Mark { host: event.host.clone(), sign: '✗' }, Ink::Yellow),
        };
        let row = Row { form, ink, text, trouble: false, answers };
        self.pieces.push(Piece { at: event.at, place, wanted, what: Shape::Row(row) });
    }

    fn broken(&mut self, violation: &Violation) {
        let text = format!("{}: {}", violation.invariant, violation.message);
        // Behind all that happened up to then, but not behind the phase that begins with it.
        let before = self.history.events().partition_point(|event| event.at <= violation.at);
        let phase = |place: &usize| matches!(self.history.events()[*place].what, What::Phase(_));
        let place = (0..before).rev().find(|place| !phase(place)).unwrap_or_default();
        let wanted = self.subject.is_named_in(&violation.message, self.names);
        self.row(violation.at, place, wanted, Form::Broken, Ink::Red, self.names.brief(&text));
    }
}

/// Whether an access with this outcome ended without a word from its store.
fn is_silence(outcome: &str) -> bool {
    matches!(outcome, "timed out" | "unavailable" | "abandoned")
}

/// A time span to the millisecond, in words.
fn span(time: Duration) -> String {
    match time.as_millis() {
        0 => "<1ms".into(),
        millis => humantime::format_duration(Duration::from_millis(millis as u64)).to_string(),
    }
}

/// By what a write came to: the activity that had changed what its writer went by, unseen.
fn unaware(history: &History) -> BTreeMap<usize, String> {
    let told = |window: &Window| {
        let intruder = history.activities().get(window.intruded.actor.0 as usize);
        let name = match intruder {
            Some(known) if window.intruded.actor != ActivityId(0) => format!("{}'s {}", known.host, known.name),
            _ => format!("{} there", window.intruded.outcome),
        };
        (window.acted.event, name)
    };
    windows(history).iter().filter(|window| !window.noticed).map(told).collect()
}

/// By activity: those that it caused on other hosts, in order.
fn handlers(history: &History) -> BTreeMap<ActivityId, Vec<ActivityId>> {
    let mut handlers: BTreeMap<ActivityId, Vec<ActivityId>> = BTreeMap::new();
    for (id, activity) in history.activities().iter().enumerate() {
        let causer = history.activities().get(activity.cause.0 as usize);
        if activity.cause != ActivityId(0) && causer.is_some_and(|causer| causer.host != activity.host) {
            handlers.entry(activity.cause).or_default().push(ActivityId(id as u32));
        }
    }
    handlers
}

/// By store: the host that commits to it, or that is called like it.
fn homes(events: &[Event]) -> BTreeMap<Arc<str>, Arc<str>> {
    let mut homes = BTreeMap::new();
    let hosts: BTreeSet<&Arc<str>> = events.iter().map(|event| &event.host).collect();
    for event in events {
        match &event.what {
            What::Commit { store, .. } => drop(homes.insert(store.clone(), event.host.clone())),
            What::Access(Access { store, .. }) if hosts.contains(store) => {
                homes.entry(store.clone()).or_insert_with(|| store.clone());
            }
            _ => {}
        }
    }
    homes
}

/// By activity: the host that it first sent something to.
fn sent(history: &History) -> BTreeMap<ActivityId, Arc<str>> {
    let mut sent = BTreeMap::new();
    for event in history.events() {
        if let What::Message { from, to, .. } = &event.what
            && history.activities().get(event.activity.0 as usize).is_some_and(|sender| sender.host == *from)
        {
            sent.entry(event.activity).or_insert_with(|| to.clone());
        }
    }
    sent
}

/// By activity: its first event and its last.
fn spans(events: &[Event]) -> BTreeMap<ActivityId, (usize, usize)> {
    let mut spans = BTreeMap::new();
    for (place, event) in events.iter().enumerate() {
        // A message is told where it arrives, and its sender may be gone.
        let own = event.activity != ActivityId(0) && !matches!(event.what, What::Message { .. });
        if own {
            spans.entry(event.activity).or_insert((place, place)).1 = place;
        }
    }
    spans
}
