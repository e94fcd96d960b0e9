//! An explanation in words: what broke, why, what happened, what it took, what would have let it pass, and when there was
//! no way out any more.

use std::fmt::Write as _;
use std::time::Duration;

use super::actors::Actors;
use super::alteration::alteration;
use super::brief::brief;
use super::diagram::{Diagram, Scope};
use super::paint::{Ink, Paint};
use crate::harness::{ActivityId, Event, History, Run, What};
use crate::runtime::Access;
use crate::search::{Explanation, Nearest, Odds, Touch, Window};

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
        let broken = &self.told.violation;
        let mut text = format!("{}\n", self.paint.ink(Ink::Bold, "What broke"));
        let _ = writeln!(text, "  {}  {}", self.paint.ink(Ink::Red, broken.invariant), brief(&broken.about));
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
        let until = self.told.violation.at;
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
        text
    }

    fn happened(&self) -> String {
        let mut text = self.title("What happened");
        let until = self.told.violation.at;
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
        let broken = &self.told.violation;
        let line = format!("{:>10}  {:width$}  ✗ {}: {}", clock(broken.at), "", broken.invariant, brief(&broken.about));
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

    fn nearest(&self) -> String {
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

    fn odds(&self) -> String {
        let odds = &self.told.odds;
        let Some(of) = odds.iter().map(|odds| odds.of).max() else { return String::new() };
        let mut text = self.title("When it became unavoidable");
        text += &wrapped(
            "  ",
            &format!(
                "How many of {of} futures fail in the same way, if from that step on everything but what clients do is drawn anew:"
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

/// An operation, and what came of it in the two runs.
struct Row {
    name: String,
    fails: String,
    passes: String,
}

/// How wide an explanation may be.
const WIDTH: usize = 100;

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

/// Simulated time, to a tenth of a millisecond.
fn clock(at: Duration) -> String {
    format!("{}.{:04} s", at.as_secs(), at.subsec_micros() / 100)
}

/// A length of time as people say it: no finer than it matters.
fn length(time: Duration) -> String {
    humantime::format_duration(Duration::from_millis(time.as_millis() as u64)).to_string()
}

/// Times to the nanosecond, as messages have them, to a tenth of a millisecond.
pub(super) fn times(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let bare = word.trim_end_matches([',', '.', ')', ';', ':']);
            let rest = &word[bare.len()..];
            match bare.strip_suffix('s').and_then(|number| number.split_once('.')) {
                Some((whole, part))
                    if part.len() > 4 && whole.bytes().chain(part.bytes()).all(|digit| digit.is_ascii_digit()) =>
                {
                    format!("{whole}.{}s{rest}", &part[..4])
                }
                _ => word.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The text in lines that fit, each behind as much room as `title` takes.
fn wrapped(title: &str, text: &str) -> String {
    let indent = " ".repeat(title.chars().count());
    let mut lines = vec![title.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the start");
        let room = line.chars().count() + word.chars().count() < WIDTH;
        let fresh = line.trim().is_empty() || *line == title;
        if room || fresh {
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines.join("\n") + "\n"
}

/// The text, cut where it is too long.
fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
