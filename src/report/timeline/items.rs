//! Everything on the lanes, read off a history.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::alteration::alteration;
use super::super::brief::brief;
use super::super::line::{Sort, lines};
use super::lanes::Lanes;
use super::model::{Item, ItemKind, Served};
use crate::harness::{ActivityId, Event, History, What};
use crate::search::entity;

/// Nanoseconds since the start of the run.
pub(super) fn nanos(at: Duration) -> u64 {
    at.as_nanos() as u64
}

/// The operations and cycles of a run, by the activity they are.
pub(super) struct Service {
    pub(super) all: Vec<Served>,
    pub(super) places: BTreeMap<ActivityId, usize>,
}

impl Service {
    /// All that anything was done for, with what its client saw of it.
    pub(super) fn of(history: &History, serves: &[ActivityId], lanes: &Lanes<'_>) -> Self {
        let mut service = Self { all: Vec::new(), places: BTreeMap::new() };
        for (event, actor) in history.events().iter().zip(serves) {
            let Some(activity) = history.activities().get(actor.0 as usize) else { continue };
            let Some(lane) = lanes.place(&activity.host) else { continue };
            if *actor == ActivityId(0) {
                continue;
            }
            let at = nanos(event.at);
            let place = *service.places.entry(*actor).or_insert_with(|| {
                let name = brief(&activity.name);
                service.all.push(Served { name, lane, operation: None, outcome: None, at, until: at });
                service.all.len() - 1
            });
            let served = &mut service.all[place];
            match &event.what {
                What::Invoked { operation, .. } => served.operation = Some(*operation),
                What::Returned { text, .. } => {
                    served.until = at;
                    served.outcome = Some(brief(text));
                }
                _ if served.operation.is_none() => served.until = at,
                _ => {}
            }
        }
        service
    }
}

/// Reads items off a history.
pub(super) struct Reader<'a> {
    pub(super) history: &'a History,
    pub(super) lanes: &'a Lanes<'a>,
    pub(super) serves: &'a [ActivityId],
    pub(super) places: &'a BTreeMap<ActivityId, usize>,
    /// When faults healed.
    pub(super) healed: Option<u64>,
    pub(super) ended: u64,
}

impl<'a> Reader<'a> {
    /// All items, in the order in which they began.
    pub(super) fn items(&self) -> Vec<Item> {
        let mut items = self.operations();
        items.extend(self.work());
        items.extend(self.downs());
        let told = lines(self.history);
        for (index, event) in self.history.events().iter().enumerate() {
            let line = &told[index];
            let serves = self.places.get(&self.serves[index]).copied();
            let label = self.label(index);
            items.extend(self.one(event, line.sort, &line.text).map(|item| Item { serves, label, ..item }));
        }
        // A bar comes before what lies in it.
        items.sort_by_key(|item| (item.at, item.kind, std::cmp::Reverse(item.until)));
        items
    }

    fn item(&self, kind: ItemKind, host: &str, span: (u64, u64), text: &str) -> Option<Item> {
        let short = brief(text);
        let full = (short != text).then(|| text.to_owned());
        let lane = self.lanes.place(host)?;
        Some(Item {
            kind,
            lane,
            to: None,
            at: span.0,
            until: span.1,
            serves: None,
            text: short,
            full,
            label: None,
            open: false,
        })
    }

    /// How a commit altered its key, in few words.
    fn label(&self, index: usize) -> Option<String> {
        let What::Commit { key, .. } = &self.history.events()[index].what else { return None };
        alteration(self.history, index).map(|altered| format!("{}: {altered}", brief(entity(key))))
    }

    fn one(&self, event: &Event, sort: Sort, text: &str) -> Option<Item> {
        let at = nanos(event.at);
        let mark = |kind| self.item(kind, &event.host, (at, at), text);
        match &event.what {
            What::Message { from, to, sent, what } => {
                let item = self.item(message(what), from, (nanos(*sent), at), &format!("{from} → {to}: {what}"))?;
                Some(Item { to: self.lanes.place(to), ..item })
            }
            What::Fault { subject, lasts, .. } => {
                let (lane, to) = self.lanes.struck(subject)?;
                let item =
                    self.item(ItemKind::Fault, &self.lanes.all[lane].name, (at, self.heals(at, *lasts)), text)?;
                Some(Item { to, ..item })
            }
            What::Point { name, since, held, .. } if !held.is_zero() => {
                let since = nanos(*since);
                let text = format!("held for {} at {name}", humantime::format_duration(*held));
                self.item(ItemKind::Held, &event.host, (since, self.heals(since, *held)), &text)
            }
            What::Point { .. } | What::Passed { .. } => mark(ItemKind::Passed),
            What::Access(_) => mark(ItemKind::Access),
            What::Commit { .. } => mark(ItemKind::Commit),
            What::Fact { .. } => mark(ItemKind::Fact),
            What::Log { level: "WARN" | "ERROR", .. } => mark(ItemKind::Warning),
            What::Log { .. } => mark(ItemKind::Log),
            What::Panicked { .. } | What::Escaped(_) => mark(ItemKind::Broken),
            What::Phase(_)
            | What::Started
            | What::Crashed
            | What::Exited
            | What::Paused
            | What::Resumed
            | What::Invoked { .. }
            | What::Returned { .. } => {
                debug_assert!(!matches!(sort, Sort::Broken), "what must not happen is told by a mark");
                None
            }
        }
    }

    /// When something that would last so long ended: with all faults, at the latest.
    fn heals(&self, at: u64, lasts: Duration) -> u64 {
        let until = at + nanos(lasts);
        let healed = self.healed.filter(|healed| at < *healed).map_or(until, |healed| until.min(healed));
        healed.min(self.ended).max(at)
    }

    /// Clients' operations: a bar from invocation to return, or to the end of the run.
    fn operations(&self) -> Vec<Item> {
        let mut begun: BTreeMap<u32, Item> = BTreeMap::new();
        for (index, event) in self.history.events().iter().enumerate() {
            let at = nanos(event.at);
            match &event.what {
                What::Invoked { operation, text } => {
                    let text = format!("#{operation} {text}");
                    let Some(item) = self.item(ItemKind::Operation, &event.host, (at, self.ended), &text) else {
                        continue;
                    };
                    let serves = self.places.get(&self.serves[index]).copied();
                    begun.insert(*operation, Item { serves, open: true, ..item });
                }
                What::Returned { operation, text } => {
                    let Some(item) = begun.get_mut(operation) else { continue };
                    let asked = item.full.take().unwrap_or_else(|| item.text.clone());
                    let told = format!("{asked} → {text}");
                    item.text = brief(&told);
                    item.full = (item.text != told).then_some(told);
                    item.until = at;
                    item.open = false;
                }
                _ => {}
            }
        }
        begun.into_values().collect()
    }

    /// What hosts did: a bar from the first to the last event of each activity where it ran.
    fn work(&self) -> Vec<Item> {
        let mut spans: BTreeMap<(ActivityId, u32), (u64, u64)> = BTreeMap::new();
        let mut operations = std::collections::BTreeSet::new();
        for event in self.history.events() {
            if matches!(event.what, What::Invoked { .. }) {
                operations.insert(event.activity);
            }
            let told = matches!(event.what, What::Message { .. });
            let here = self.history.activities().get(event.activity.0 as usize);
            if told || event.activity == ActivityId(0) || here.is_none_or(|activity| activity.host != event.host) {
                continue;
            }
            let at = nanos(event.at);
            let until = match &event.what {
                What::Point { held, .. } => self.heals(at, *held),
                _ => at,
            };
            let span = spans.entry((event.activity, event.incarnation)).or_insert((at, until));
            span.1 = span.1.max(until);
        }
        let bars = spans.into_iter().filter(|((activity, _), _)| !operations.contains(activity));
        bars.filter_map(|((id, _), span)| {
            let activity = &self.history.activities()[id.0 as usize];
            let serves = self.places.get(&self.history.root(id)).copied();
            self.item(ItemKind::Work, &activity.host, span, &activity.name).map(|item| Item { serves, ..item })
        })
        .collect()
    }

    /// Hosts that were down or stood still: a bar until they went on, or to the end of the run.
    fn downs(&self) -> Vec<Item> {
        let mut open: BTreeMap<(&'a str, ItemKind), Item> = BTreeMap::new();
        let mut done = Vec::new();
        for event in self.history.events() {
            let (host, at) = (&*event.host, nanos(event.at));
            let mut end = |kind, open: &mut BTreeMap<(&'a str, ItemKind), Item>| {
                if let Some(item) = open.remove(&(host, kind)) {
                    done.push(Item { until: at, open: false, ..item });
                }
            };
            let (kind, text) = match event.what {
                What::Crashed => (ItemKind::Down, "is down after a crash"),
                What::Exited => (ItemKind::Down, "has exited"),
                What::Paused => (ItemKind::Paused, "stands still"),
                What::Started => {
                    end(ItemKind::Down, &mut open);
                    continue;
                }
                What::Resumed => {
                    end(ItemKind::Paused, &mut open);
                    continue;
                }
                _ => continue,
            };
            if kind == ItemKind::Down {
                end(ItemKind::Paused, &mut open);
            }
            if let Some(item) = self.item(kind, host, (at, self.ended), &format!("{host} {text}")) {
                open.insert((host, kind), Item { open: true, ..item });
            }
        }
        done.extend(open.into_values());
        done
    }
}

/// What sort of message this is, by the world's words for it.
fn message(what: &str) -> ItemKind {
    match what {
        _ if what.ends_with(" bytes") => ItemKind::Message,
        "connected" | "closed by peer" => ItemKind::Connection,
        _ if what.starts_with("connects to ") => ItemKind::Connection,
        _ => ItemKind::Trouble,
    }
}
