//! What led to a breach: who looked, who intruded, who acted, and which operations and faults were about it.

use std::time::Duration;

use super::super::alteration::alteration;
use super::super::brief::brief;
use super::items::nanos;
use super::model::{Beat, Item, ItemKind, Part, Served};
use crate::harness::{ActivityId, History};
use crate::search::{Touch, Window};

/// At most so many operations are told beside the parties of a window.
const MOST: usize = 6;
/// At most so many faults are told.
const FAULTS: usize = 4;

/// What there is to tell from.
pub(super) struct Teller<'a> {
    pub(super) history: &'a History,
    pub(super) served: &'a [Served],
    pub(super) items: &'a [Item],
    pub(super) entities: &'a [String],
    pub(super) place: &'a dyn Fn(ActivityId) -> Option<usize>,
}

/// Whether `text` names `word`, or a part of it such as `s1.2` of `s1`.
pub(super) fn names(text: &str, word: &str) -> bool {
    text.match_indices(word).any(|(at, _)| {
        let before = text[..at].chars().next_back();
        let after = text[at + word.len()..].chars().next();
        before.is_none_or(|letter| !letter.is_alphanumeric() && letter != '.')
            && after.is_none_or(|letter| !letter.is_alphanumeric())
    })
}

impl Teller<'_> {
    /// What led to this, in the order of time, and it at the end.
    pub(super) fn story(&self, at: u64, message: &str, cause: Option<&Window>) -> Vec<Beat> {
        let mut beats: Vec<Beat> = cause.map(|window| self.window(window)).unwrap_or_default();
        let parties: Vec<usize> = beats.iter().filter_map(|beat| beat.serves).collect();
        let about: Vec<&String> = self.entities.iter().filter(|entity| names(message, entity)).collect();
        let wanted = |text: &str| about.iter().any(|entity| names(text, entity));
        let party = |item: &Item| item.serves.is_some_and(|serves| parties.contains(&serves));
        // Beside the parties of a window only what went on while it was open; without one, whatever came last.
        let opened = beats.iter().map(|beat| beat.at).min();
        let near = |item: &Item| match opened {
            Some(opened) => wanted(&item.text) && item.until >= opened && item.at < item.until,
            None if about.is_empty() => item.until >= at,
            None => wanted(&item.text) && item.at < item.until,
        };
        let begun = self.items.iter().enumerate().rev();
        let operations = begun.filter(|(_, item)| item.kind == ItemKind::Operation && item.at <= at);
        let (vital, others): (Vec<_>, Vec<_>) = operations.partition(|(_, item)| party(item));
        let others = others.into_iter().filter(|(_, item)| near(item)).take(MOST);
        let chosen: Vec<(usize, &Item)> = vital.into_iter().chain(others).collect();
        beats.extend(chosen.iter().map(|(index, item)| beat(Part::Operation, *index, item)));

        let since = beats.iter().map(|beat| beat.at).min().unwrap_or(at);
        let serves: Vec<usize> =
            chosen.iter().filter_map(|(_, item)| item.serves).chain(parties.iter().copied()).collect();
        let touched = self.touched(&serves);
        let mut faults: Vec<(usize, &Item)> = self
            .items
            .iter()
            .enumerate()
            .rev()
            .filter(|(_, item)| {
                let struck = touched.contains(&item.lane) && item.to.is_none_or(|to| touched.contains(&to));
                let mine = match item.kind {
                    ItemKind::Held | ItemKind::Trouble => item.serves.is_some_and(|place| serves.contains(&place)),
                    ItemKind::Fault | ItemKind::Down | ItemKind::Paused => struck,
                    _ => false,
                };
                mine && item.at <= at && item.until >= since
            })
            .collect();
        // What befell the parties themselves says more than what was in force around them.
        faults.sort_by_key(|(_, item)| !party(item));
        let told = faults.into_iter().take(FAULTS);
        beats.extend(told.map(|(index, item)| beat(Part::Fault, index, item)));
        beats.push(Beat { at, part: Part::Breaks, text: brief(message), item: None, serves: None });
        beats.sort_by_key(|beat| (beat.at, beat.part == Part::Breaks));
        beats
    }

    /// The lanes on which anything was done for these.
    fn touched(&self, serves: &[usize]) -> Vec<usize> {
        let done = self.items.iter().filter(|item| item.serves.is_some_and(|place| serves.contains(&place)));
        let mut lanes: Vec<usize> = done.flat_map(|item| std::iter::once(item.lane).chain(item.to)).collect();
        lanes.sort_unstable();
        lanes.dedup();
        lanes
    }

    fn window(&self, window: &Window) -> Vec<Beat> {
        let [looked, intruded, acted] = self.words(window);
        let mut beats = Vec::new();
        if let Some(made) = &window.copied {
            let text = format!("{} makes the copy of {} in {}", self.who(made.actor), brief(&made.key), made.store);
            beats.push(self.touch(Part::Copies, made.at, text, made.actor));
        }
        beats.push(self.touch(Part::Looks, window.seen.at, looked, window.seen.actor));
        beats.push(self.touch(Part::Intrudes, window.intruded.at, intruded, window.intruded.actor));
        if let Some(again) = &window.rechecked {
            let text = format!("{} looks again, but goes by what it had seen before", self.who(again.actor));
            beats.push(self.touch(Part::Looks, again.at, text, again.actor));
        }
        beats.push(self.touch(Part::Acts, window.acted.at, acted, window.acted.actor));
        beats
    }

    fn touch(&self, part: Part, at: Duration, text: String, actor: ActivityId) -> Beat {
        Beat { at: nanos(at), part, text, item: None, serves: (self.place)(actor) }
    }

    /// How a window opened, who intruded, what was done.
    pub(super) fn words(&self, window: &Window) -> [String; 3] {
        let Window { seen, copied, intruded, acted, noticed, .. } = window;
        let actor = self.who(acted.actor);
        let looked = match copied {
            Some(_) => format!("{actor} goes by the copy in {} on {}", seen.store, seen.host),
            None => {
                format!("{actor} looks at {} in {} from {}: {}", brief(&seen.key), seen.store, seen.host, seen.outcome)
            }
        };
        let intruder = if intruded.actor == ActivityId(0) {
            format!("{} itself", intruded.store)
        } else {
            self.who(intruded.actor)
        };
        let change = format!("{intruder} changes {} in between: {}", brief(&intruded.key), self.effect(intruded));
        let found = if *noticed { "finds out and changes nothing" } else { "acts on what is no longer so" };
        let acts = format!("{actor} {found}, {} in {}: {}", brief(&acted.key), acted.store, self.effect(acted));
        [looked, change, acts]
    }

    /// What a touch did: how it altered the value where the store told it, else its outcome.
    fn effect(&self, touch: &Touch) -> String {
        alteration(self.history, touch.event).map_or_else(|| touch.outcome.to_string(), |altered| brief(&altered))
    }

    fn who(&self, actor: ActivityId) -> String {
        match (self.place)(actor) {
            Some(place) => format!("`{}`", self.served[place].name),
            None => "the world".into(),
        }
    }
}

fn beat(part: Part, index: usize, item: &Item) -> Beat {
    Beat { at: item.at, part, text: item.text.clone(), item: Some(index), serves: item.serves }
}
