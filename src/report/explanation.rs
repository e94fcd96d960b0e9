//! An explanation in words: what broke, why, what happened, what it took, what would have let it pass, and when there was
//! no way out any more.

mod nearest;

use std::fmt::Write as _;
use std::time::Duration;

use super::actors::Actors;
use super::alteration::alteration;
use super::brief::brief;
use super::diagram::{Diagram, Scope};
use super::paint::{Ink, Paint};
use super::prose::{WIDTH, clock, cut, length, times, wrapped};
use crate::harness::{ActivityId, Event, History, What};
use crate::runtime::Access;
use crate::search::{Explanation, Odds, Touch, Window};

/// How many causes are told in full; what is beyond only by name.
const CAUSES: usize = 3;

/// The whole explanation, painted or plain.
pub(crate) fn explanation(told: &Explanation, paint: Paint) -> String {
    let Some(history) = &told.run.history else { return String::new() };
    let teller = Teller { told, history, actors: Actors::of(history), paint };
    let mut text = teller.broke();
    text += &teller.why();
    text += &teller.happened();
    if let Some(diagram) = Diagram::of(&told.run, Scope::Whole) {
        text += &teller.title("In a picture");
        text += &diagram.painted(paint);
    }
    text += &teller.took();
    text += &teller.nearest();
    text += &teller.odds();
    text
}

struct Teller<'a> {
    told: &'a Explanation,
    history: &'a History,
    actors: Actors<'a>,
    paint: Paint,
}

impl Teller<'_> {
    fn title(&self, title: &str) -> String {
        format!("\n{}\n", self.paint.ink(Ink::Bold, title))
    }

    fn broke(&self) -> String {
        let broken = &self.told.failure;
        let mut text = format!("{}\n", self.paint.ink(Ink::Bold, "What broke"));
        let _ = writeln!(
            text,
            "  {}  {}",
            self.paint.ink(Ink::Red, &broken.signature.invariant),
            brief(&broken.signature.about)
        );
        text += &wrapped("  ", &times(&brief(&broken.message)));
        text += &wrapped("  the promise: ", &self.told.promise);
        let open = self.actors.in_flight(broken.at);
        if !open.is_empty() {
            text += &wrapped("  in flight: ", &open.join(", "));
        }
        text
    }

    fn why(&self) -> String {
        let mut text = self.title("Why");
        for window in self.told.causes.iter().take(CAUSES) {
            text += &self.window(window);
        }
        let more = self.told.causes.len().saturating_sub(CAUSES);
        if more > 0 {
            let _ = writeln!(text, "  (and {more} more windows of the same kind)");
        }
        if self.told.causes.is_empty() {
            let matters = |meaning: &&String| !meaning.starts_with("operation ");
            let mut mattered: String = (self.told.run.meanings.iter())
                .filter(matters)
                .map(|meaning| wrapped("  · ", &brief(meaning)))
                .collect();
            mattered += &self.told_by_logs();
            let nobody = "No change of a key between somebody's look at it and the act that relied on it is seen to have led to this";
            let rest =
                if mattered.is_empty() { ", and it took nothing but the operations." } else { ". What mattered:" };
            text += &wrapped("  ", &format!("{nobody}{rest}"));
            text += &mattered;
        }
        text
    }

    /// Warnings and errors of the code under test, where nothing better is known.
    fn told_by_logs(&self) -> String {
        let until = self.told.failure.at;
        let mut text = String::new();
        for event in self.history.events().iter().filter(|event| event.at <= until) {
            if let What::Log { level: level @ ("WARN" | "ERROR"), message, .. } = &event.what {
                text +=
                    &wrapped("  · ", &brief(&format!("{} says at {}: {level} {message}", event.host, clock(event.at))));
            }
        }
        text
    }

    fn window(&self, window: &Window) -> String {
        let Window { seen, copied, intruded, acted, rechecked, noticed } = window;
        let actor = self.actors.name(acted.actor);
        let key = brief(&acted.key);
        let mut text = String::new();
        let went_by = match copied {
            Some(made) => format!(
                "{actor}, on {}, went by its copy of {key}, {}, at {}. {} made that copy at {}.",
                seen.host,
                seen.store,
                clock(seen.at),
                self.actors.name(made.actor),
                clock(made.at),
            ),
            None => format!(
                "{actor}, on {}, looked at {} in {} at {}: {}.",
                seen.host,
                brief(&seen.key),
                seen.store,
                clock(seen.at),
                seen.outcome
            ),
        };
        text += &wrapped("  ", &went_by);
        let since = if copied.is_some() { "Since then" } else { "Then" };
        let intruder = if intruded.actor == ActivityId(0) {
            format!("{} itself", acted.store)
        } else {
            self.actors.name(intruded.actor)
        };
        let promise = match self.actors.returned(intruded.actor) {
            Some((at, outcome)) => format!(" It was acknowledged at {}: {}.", clock(at), brief(outcome)),
            None => String::new(),
        };
        text += &wrapped(
            "  ",
            &format!("{since} {intruder} changed it at {}: {}.{promise}", clock(intruded.at), self.effect(intruded)),
        );
        if let Some(look) = rechecked {
            text += &wrapped(
                "  ",
                &format!("It looked again at {} ({}), and thought nothing of it.", clock(look.at), look.outcome),
            );
        }
        let ending = if *noticed {
            format!("At {} {actor} acted on what it had seen, and came too late: {}.", clock(acted.at), acted.outcome)
        } else {
            let effect = self.effect(acted);
            format!("At {} {actor} wrote it all the same, on what it had seen: {effect}.", clock(acted.at))
        };
        let told = self.actors.returned(acted.actor).map_or_else(String::new, |(at, outcome)| {
            format!(" Its client was told at {}: {}.", clock(at), brief(outcome))
        });
        text += &wrapped("  ", &format!("{ending}{told}"));
        text += &self.held_open(window);
        text
    }

    /// What a touch did: how it altered the value where the store told it, else its outcome.
    fn effect(&self, touch: &Touch) -> String {
        alteration(self.history, touch.event).unwrap_or_else(|| format!("{} in {}", touch.outcome, touch.store))
    }

    /// What let a window stand open.
    fn held_open(&self, window: &Window) -> String {
        let from = window.copied.as_ref().map_or(window.seen.at, |made| made.at);
        let to = window.acted.at;
        let among = [window.acted.actor, window.intruded.actor];
        let mut text = String::new();
        for event in self.history.events() {
            let actor = self.history.root(event.activity);
            let told = match &event.what {
                What::Point { name, since, held, .. }
                    if among.contains(&actor) && *since <= to && *since + *held >= from =>
                {
                    let who = self.actors.name(actor);
                    format!("{who} was held at {name} for {}, from {} on", length(*held), clock(*since))
                }
                // How long a fault of a server's own lasts, only the server knows.
                What::Fault { kind, subject, detail, lasts }
                    if event.at <= to && (lasts.is_zero() || event.at + *lasts >= from) =>
                {
                    format!("{kind} of {subject} at {}: {detail}", clock(event.at))
                }
                _ => continue,
            };
            text += &wrapped("    what made it possible: ", &brief(&told));
        }
        // Of a late message or an unfair turn the history knows nothing, but the run was told to have it.
        let run = &self.told.run;
        for (decision, meaning) in run.decisions.iter().zip(&run.meanings) {
            if decision.site.starts_with("net.latency ") || decision.site.starts_with("schedule ") {
                text += &wrapped("    what made it possible: ", &brief(meaning));
            }
        }
        text
    }

    fn happened(&self) -> String {
        let mut text = self.title("What happened");
        let until = self.told.failure.at;
        let events = self.history.events();
        let width = events.iter().map(|event| event.host.len()).max().unwrap_or(0).min(12);
        let mut broken = false;
        for (index, event) in events.iter().enumerate() {
            if event.at > until && !broken {
                text += &self.broken_here(width);
                broken = true;
            }
            if let Some((ink, line)) = self.passage(index, event)
                && (event.at <= until
                    || matches!(event.what, What::Returned { .. }) && self.is_involved(event.activity))
            {
                let line = format!("{:>10}  {:width$}  {}", clock(event.at), event.host, brief(&line));
                text += &self.paint.ink(ink, &cut(line.trim_end(), WIDTH));
                text.push('\n');
            }
        }
        if !broken {
            text += &self.broken_here(width);
        }
        text
    }

    fn broken_here(&self, width: usize) -> String {
        let broken = &self.told.failure;
        let line = format!(
            "{:>10}  {:width$}  ✗ {}: {}",
            clock(broken.at),
            "",
            broken.signature.invariant,
            brief(&broken.signature.about)
        );
        format!("{}\n", self.paint.ink(Ink::Red, &cut(&line, WIDTH)))
    }

    fn is_involved(&self, activity: ActivityId) -> bool {
        let actor = self.history.root(activity);
        self.told.causes.iter().any(|window| window.acted.actor == actor || window.intruded.actor == actor)
    }

    /// An event as a line of the story, where it belongs into it.
    fn passage(&self, index: usize, event: &Event) -> Option<(Ink, String)> {
        Some(match &event.what {
            What::Invoked { text, .. } => (Ink::Plain, format!("→ {text}")),
            What::Returned { text, .. } => (Ink::Plain, format!("← {} → {text}", self.actors.text(event.activity))),
            What::Fault { kind, subject, detail, .. } => (Ink::Yellow, format!("⚡ {kind} {subject}: {detail}")),
            What::Crashed => (Ink::Yellow, "⚡ crashes".to_owned()),
            What::Started if event.incarnation > 1 => (Ink::Cyan, "• starts again".to_owned()),
            What::Point { name, held, .. } => {
                (Ink::Yellow, format!("⏸ {} is held at {name} for {}", self.actors.text(event.activity), length(*held)))
            }
            What::Commit { store, key, .. } => {
                let whose = self
                    .actors
                    .writer(index)
                    .map_or_else(String::new, |actor| format!(", by {}", self.actors.name(actor)));
                let ink = if self.intrudes(index) { Ink::Red } else { Ink::Faint };
                let mark = self.mark(index);
                let altered = alteration(self.history, index).unwrap_or_default();
                let place = if *store == event.host { String::new() } else { format!("{store} ") };
                (ink, format!("{mark}{place}{key}: {altered}{whose}"))
            }
            What::Access(access) if !self.mark(index).is_empty() => {
                let ink = if self.intrudes(index) { Ink::Red } else { Ink::Faint };
                let Access { store, key, outcome, .. } = access;
                let whose = self.actors.name(self.history.root(event.activity));
                (ink, format!("{}{key} in {store}: {outcome}, by {whose}", self.mark(index)))
            }
            _ => return None,
        })
    }

    /// What part an event has in the likeliest causes.
    fn mark(&self, event: usize) -> &'static str {
        for window in self.told.causes.iter().take(1) {
            if window.intruded.event == event {
                return "✗ intrudes: ";
            }
            if window.seen.event == event {
                return "┌ looks: ";
            }
            if window.copied.as_ref().is_some_and(|made| made.event == event) {
                return "┌ copies: ";
            }
            if window.acted.event == event {
                return "└ acts on it: ";
            }
        }
        ""
    }

    fn intrudes(&self, event: usize) -> bool {
        self.mark(event).starts_with('✗')
    }

    fn took(&self) -> String {
        let run = &self.told.run;
        let count = run.decisions.len();
        let mut text = self
            .title(&format!("What it took: {count} decision{}, all others benign", if count == 1 { "" } else { "s" }));
        for meaning in joined(&run.meanings) {
            text += &wrapped("  · ", &brief(&meaning));
        }
        text
    }

    fn odds(&self) -> String {
        let odds = &self.told.odds;
        let Some(of) = odds.iter().map(|odds| odds.of).max() else { return String::new() };
        let mut text = self.title("When it became unavoidable");
        text += &wrapped(
            "  ",
            &format!(
                "How many of {of} futures fail in the same way, if from that step on everything is drawn anew but what clients do, and what faults are due within the five seconds under way:"
            ),
        );
        let unavoidable = self.told.unavoidable();
        for odds in odds {
            let certain = unavoidable == Some(odds);
            let line = self.chance(odds, certain);
            let _ = writeln!(text, "{}", self.paint.ink(if certain { Ink::Red } else { Ink::Plain }, &line));
            if certain {
                break;
            }
        }
        if unavoidable.is_some_and(|odds| odds.event.is_none()) {
            text += &wrapped("  ", "It takes no chance at all: whoever does these operations gets it.");
        }
        if unavoidable.is_none() && self.told.complete {
            text += &wrapped("  ", "At no step was it certain: it took what came last.");
        }
        text
    }

    fn chance(&self, odds: &Odds, certain: bool) -> String {
        const BAR: u64 = 10;
        let full = (odds.failing * BAR).div_ceil(odds.of.max(1)) as usize;
        let bar = format!("{}{}", "█".repeat(full), "·".repeat(BAR as usize - full));
        let percent = odds.failing * 100 / odds.of.max(1);
        let (at, what) = match odds.event.and_then(|event| Some((event, self.history.events().get(event)?))) {
            Some((index, event)) => {
                let told = self.passage(index, event).map_or_else(String::new, |(_, told)| brief(&told));
                (event.at, format!("{} {told}", event.host))
            }
            None => (Duration::ZERO, "the start".to_owned()),
        };
        let mark = if certain { "  ◀ from here on" } else { "" };
        let line = format!("  {bar} {percent:>3} %  {:>10}  {what}", clock(at));
        format!("{}{mark}", cut(&line, WIDTH - mark.chars().count()))
    }
}

/// Meanings of decisions, those of one operation in one line.
fn joined(meanings: &[String]) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for meaning in meanings {
        let (whole, part) = meaning.rsplit_once(": its ").unwrap_or((meaning, ""));
        match lines.iter_mut().find(|line| !part.is_empty() && line.starts_with(whole)) {
            Some(line) => {
                line.push_str(if line.len() == whole.len() { ", with its " } else { " and its " });
                line.push_str(part);
            }
            None => lines.push(meaning.clone()),
        }
    }
    lines
}
