//! Making a script as short and round as a person would write it, while it stays as good as it is.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use toml::Value;

use super::bench::{Bench, Grade};
use super::evidence::held;
use super::find::seconds;
use super::script::{Script, awaited, plain};
use crate::harness::Strike;

/// How often it is gone over at most.
const ROUNDS: usize = 4;
/// Times that are easily read, in the order in which they are tried.
const ROUND_TIMES: [u64; 14] = [1, 2, 3, 4, 5, 6, 8, 10, 12, 15, 20, 30, 60, 90];

/// Goes over a script until nothing gets any shorter or rounder.
pub(super) fn minimise(bench: &mut Bench<'_>, script: &mut Script, grade: &mut Grade) {
    let mut keep = Keep { bench, script, grade };
    for _ in 0..ROUNDS {
        let before = keep.script.clone();
        keep.drop_parts();
        keep.drop_settings();
        keep.shorten_words();
        keep.round_times();
        keep.say_until();
        keep.round_strikes();
        keep.tighten_limits();
        keep.renumber();
        if *keep.script == before {
            return;
        }
    }
}

/// Leaves out what it does not need, and no more.
pub(super) fn reduce(bench: &mut Bench<'_>, script: &mut Script, grade: &mut Grade) {
    let mut keep = Keep { bench, script, grade };
    loop {
        let before = keep.script.clone();
        keep.drop_parts();
        keep.drop_settings();
        keep.tighten_limits();
        if *keep.script == before {
            return;
        }
    }
}

/// The same in its order, a second from one thing to the next.
pub(super) fn compressed(script: &Script) -> Script {
    paced(script, 0)
}

/// The same, once all that starts with the world has had time to.
pub(super) fn after_a_while(script: &Script) -> Script {
    paced(script, 9)
}

/// In its order, a second from one thing to the next, after so many seconds.
fn paced(script: &Script, after: u64) -> Script {
    let mut script = script.clone();
    let mut times: Vec<Duration> = script.steps.iter().map(|step| step.at).collect();
    times.extend(script.strikes.iter().map(|strike| strike.at));
    times.sort_unstable();
    // Each step has a second of its own; a fault has that of its own time.
    let mut next = after;
    let mut places: BTreeMap<Duration, Vec<u64>> = BTreeMap::new();
    for time in times {
        next += 1;
        places.entry(time).or_default().push(next);
    }
    let mut take = |time: &mut Duration| {
        if let Some(places) = places.get_mut(time)
            && !places.is_empty()
        {
            *time = seconds(places.remove(0));
        }
    };
    script.steps.iter_mut().for_each(|step| take(&mut step.at));
    script.strikes.iter_mut().for_each(|strike| take(&mut strike.at));
    let least = seconds(next + 1);
    script.limits.chaos = script.limits.chaos.max(least);
    script
}

struct Keep<'a, 'b> {
    bench: &'a mut Bench<'b>,
    script: &'a mut Script,
    grade: &'a mut Grade,
}

impl Keep<'_, '_> {
    /// Takes another form of the script if it is as good.
    fn take(&mut self, other: Script) -> bool {
        if other == *self.script || self.bench.is_over() {
            return false;
        }
        let Some(grade) = self.bench.grade(&other, *self.grade) else { return false };
        *self.grade = grade;
        *self.script = other;
        true
    }

    /// Takes the script with a change, if there is one and it is as good.
    fn change(&mut self, change: impl FnOnce(&mut Script)) -> bool {
        let mut other = self.script.clone();
        change(&mut other);
        self.take(other)
    }

    fn drop_parts(&mut self) {
        self.change(|script| script.decisions.clear());
        for place in (0..self.script.decisions.len()).rev() {
            self.change(|script| drop(script.decisions.remove(place)));
        }
        self.change(|script| script.strikes.clear());
        for place in (0..self.script.strikes.len()).rev() {
            self.change(|script| drop(script.strikes.remove(place)));
        }
        for place in (0..self.script.holds.len()).rev() {
            self.change(|script| drop(script.holds.remove(place)));
        }
        for place in (0..self.script.steps.len()).rev() {
            self.change(|script| {
                let step = script.steps.remove(place);
                script
                    .holds
                    .retain(|hold| awaited(&hold.until).is_none_or(|(operation, _)| operation != step.operation));
            });
        }
    }

    fn drop_settings(&mut self) {
        let names: Vec<String> = self.script.settings.keys().cloned().collect();
        for name in names {
            if self.change(|script| drop(script.settings.remove(&name))) {
                continue;
            }
            let keys: Vec<String> = match self.script.settings.get(&name) {
                Some(Value::Table(table)) => table.keys().cloned().collect(),
                _ => continue,
            };
            for key in keys {
                self.change(|script| {
                    if let Some(Value::Table(table)) = script.settings.get_mut(&name) {
                        table.remove(&key);
                    }
                });
            }
        }
    }

    /// Leaves words out of operations, where the system reads what is left: from the end on, one or two at a time.
    fn shorten_words(&mut self) {
        for place in 0..self.script.steps.len() {
            let count = self.script.steps[place].operation.split(' ').count();
            for length in [2, 1] {
                for start in (1..count).rev() {
                    let operation = self.script.steps[place].operation.clone();
                    let words: Vec<&str> = operation.split(' ').collect();
                    if start + length > words.len() {
                        continue;
                    }
                    let shorter = [&words[..start], &words[start + length..]].concat().join(" ");
                    self.change(|script| rename(script, &operation, &shorter));
                }
            }
        }
    }

    fn round_times(&mut self) {
        let together = compressed(self.script);
        if together == *self.script || self.take(together) {
            return;
        }
        self.close_gaps();
        let parts = self.script.steps.len() + self.script.strikes.len();
        for place in 0..parts {
            let at = *time(self.script, place);
            let whole = [seconds(at.as_secs()), seconds(at.as_secs() + 1)];
            for round in ROUND_TIMES.map(seconds).into_iter().filter(|round| *round < at).chain(whole) {
                if round == at || self.change(|script| *time(script, place) = round) {
                    break;
                }
            }
        }
        self.script.steps.sort_by_key(|step| step.at);
        self.script.strikes.sort_by_key(|strike| strike.at);
    }

    /// Everything from some moment on comes earlier, as far as a round time after what is before it.
    fn close_gaps(&mut self) {
        let parts = self.script.steps.len() + self.script.strikes.len();
        let mut before = None;
        loop {
            let times: BTreeSet<Duration> = (0..parts).map(|place| *time(self.script, place)).collect();
            let Some(next) = times.into_iter().find(|time| Some(*time) > before) else { return };
            let gap = next.saturating_sub(before.unwrap_or_default());
            before = Some(next);
            for round in ROUND_TIMES.map(seconds).into_iter().take_while(|round| *round < gap) {
                let earlier = gap.saturating_sub(round);
                let moved = self.change(|script| {
                    for place in 0..parts {
                        let at = time(script, place);
                        *at -= if *at >= next { earlier } else { Duration::ZERO };
                    }
                });
                if moved {
                    before = Some(next.saturating_sub(earlier));
                    break;
                }
            }
        }
    }

    /// A hold for some time becomes one until something happens, or one for a round time.
    fn say_until(&mut self) {
        let held = self.bench.look(self.script, false).map(|run| held(&run)).unwrap_or_default();
        for place in 0..self.script.holds.len() {
            let holder = held.iter().find(|pass| pass.point == self.script.holds[place].point);
            let holder = holder.and_then(|pass| pass.operation.clone());
            let until = &self.script.holds[place].until;
            let of_itself = awaited(until).is_some_and(|(operation, _)| Some(operation) == holder.as_deref());
            let held_for = match humantime::parse_duration(until) {
                Ok(time) => time,
                Err(_) if of_itself => seconds(90),
                Err(_) => continue,
            };
            // An operation that waits for itself waits for the end of all.
            let steps = self.script.steps.iter().map(|step| step.operation.clone());
            let steps: Vec<String> = steps.filter(|operation| Some(operation) != holder.as_ref()).collect();
            let returns = steps.iter().rev().map(|operation| format!("{operation} returns"));
            let starts = steps.iter().rev().map(|operation| format!("{operation} starts"));
            let events: Vec<String> = returns.chain(starts).collect();
            if events.into_iter().any(|until| self.change(|script| script.holds[place].until = until)) {
                continue;
            }
            let fits = |time: &Duration| *time <= held_for.max(seconds(1));
            let mut round = ROUND_TIMES.map(seconds).into_iter().filter(fits);
            let set = |time: Duration| move |script: &mut Script| script.holds[place].until = plain(time);
            if round.any(|time| time == held_for || self.change(set(time))) {
                // Some more, so that nothing hangs on a millisecond.
                let held_for = humantime::parse_duration(&self.script.holds[place].until).unwrap_or(held_for);
                if let Some(more) = ROUND_TIMES.map(seconds).into_iter().find(|time| *time > held_for) {
                    self.change(set(more));
                }
            }
        }
    }

    fn round_strikes(&mut self) {
        for place in 0..self.script.strikes.len() {
            let strike = self.script.strikes[place].clone();
            if let Some(lasts) = strike.lasts {
                let set = |strike: &mut Strike, time| strike.lasts = Some(time);
                self.round_strike(place, lasts, set);
            }
            if let Some(by) = strike.by.as_ref() {
                let (amount, way) = by.split_once(' ').unwrap_or((by, ""));
                let way = if way.is_empty() { String::new() } else { format!(" {way}") };
                if let Ok(by) = humantime::parse_duration(amount) {
                    self.round_strike(place, by, |strike, time| strike.by = Some(plain(time) + &way));
                }
            }
            for magnitude in 1..strike.magnitude.unwrap_or(1).min(90) {
                if self.change(|script| script.strikes[place].magnitude = Some(magnitude)) {
                    break;
                }
            }
        }
    }

    fn round_strike(&mut self, place: usize, now: Duration, set: impl Fn(&mut Strike, Duration)) {
        let above = ROUND_TIMES.map(seconds).into_iter().find(|round| *round > now);
        let below = ROUND_TIMES.map(seconds).into_iter().filter(|round| *round <= now);
        for round in below.chain(above) {
            if round == now || self.change(|script| set(&mut script.strikes[place], round)) {
                break;
            }
        }
    }

    fn tighten_limits(&mut self) {
        let (chaos, settle) = (self.script.limits.chaos, self.script.limits.settle);
        for shorter in [10, 20, 30, 60, 120].map(seconds).into_iter().filter(|shorter| *shorter < chaos) {
            if self.change(|script| script.limits.chaos = shorter) {
                break;
            }
        }
        for shorter in [60, 300, 600].map(seconds).into_iter().filter(|shorter| *shorter < settle) {
            if self.change(|script| script.limits.settle = shorter) {
                break;
            }
        }
    }

    /// Things that are numbered are numbered from 1 in the order in which they appear: clients, sessions, backends.
    fn renumber(&mut self) {
        let mut clients: Vec<String> = Vec::new();
        for step in &self.script.steps {
            if !clients.contains(&step.client) {
                clients.push(step.client.clone());
            }
        }
        let all = self.script.clone();
        let mut names: BTreeMap<String, String> = BTreeMap::new();
        let mut counts: BTreeMap<String, u32> = BTreeMap::new();
        let operations = all.steps.iter().flat_map(|step| step.operation.split(' '));
        let targets = all.strikes.iter().flat_map(|strike| strike.target().split('>'));
        for word in clients.iter().map(String::as_str).chain(operations).chain(targets) {
            if let Some((kind, _)) = numbered(word)
                && !names.contains_key(word)
            {
                let count = counts.entry(kind.to_owned()).or_default();
                *count += 1;
                names.insert(word.to_owned(), format!("{kind}{count}"));
            }
        }
        // All at once if that will do, else one kind after the other.
        if self.change(|script| renamed(script, &names)) {
            return;
        }
        for kind in counts.keys() {
            let own: BTreeMap<String, String> = (names.iter())
                .filter(|(word, _)| numbered(word).is_some_and(|(of, _)| of == kind))
                .map(|(word, name)| (word.clone(), name.clone()))
                .collect();
            self.change(|script| renamed(script, &own));
        }
    }
}

/// The time of a step, or of a strike where steps end.
fn time(script: &mut Script, place: usize) -> &mut Duration {
    let steps = script.steps.len();
    if place < steps { &mut script.steps[place].at } else { &mut script.strikes[place - steps].at }
}

/// Another operation in place of one, wherever it is named.
fn rename(script: &mut Script, operation: &str, other: &str) {
    for step in &mut script.steps {
        if step.operation == operation {
            other.clone_into(&mut step.operation);
        }
    }
    for hold in &mut script.holds {
        let until = awaited(&hold.until).filter(|(awaited, _)| *awaited == operation);
        if let Some((_, returns)) = until {
            hold.until = format!("{other} {}", if returns { "returns" } else { "starts" });
        }
    }
}

/// A short word and a number behind it, such as `s3`.
fn numbered(word: &str) -> Option<(&str, u32)> {
    let digits = word.find(|letter: char| letter.is_ascii_digit())?;
    let (kind, number) = word.split_at(digits);
    let letters = !kind.is_empty() && kind.chars().all(|letter| letter.is_ascii_lowercase());
    letters.then_some(kind).zip(number.parse().ok())
}

/// Other names for what is numbered, all at once.
fn renamed(script: &mut Script, names: &BTreeMap<String, String>) {
    let word = |word: &str| names.get(word).cloned().unwrap_or_else(|| word.to_owned());
    let text = |text: &str| -> String {
        let parts = text.split_inclusive([' ', '>']).map(|part| {
            let bare = part.trim_end_matches([' ', '>']);
            word(bare) + &part[bare.len()..]
        });
        parts.collect()
    };
    for step in &mut script.steps {
        step.client = word(&step.client);
        step.operation = text(&step.operation);
    }
    for hold in &mut script.holds {
        hold.point = text(&hold.point);
        hold.until = text(&hold.until);
    }
    for strike in &mut script.strikes {
        strike.fault = text(&strike.fault);
    }
}
