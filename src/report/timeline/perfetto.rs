//! The picture in the trace-event format, which Perfetto and other viewers open: a process for each host.
//!
//! The format is described in "Trace Event Format" (Google, 2016). Slices on one thread must not overlap, so bars are put
//! on as many threads as it takes; an arrow begins and ends inside a slice, so each end of a message has one. Some viewers
//! take thread zero for an idle processor, and threads of one number for one thread, so each thread has a number of its own.

use serde_json::{Value, json};

use super::model::{Item, ItemKind, Timeline};

/// The thread of marks, and the first ones of bars and of messages, within the numbers of one host.
const MARKS: usize = 1;
const BARS: usize = 2;
const WIRE: usize = 100_000;
/// How many numbers each host has for its threads.
const THREADS: usize = 1_000_000;
/// How long the slice at either end of a message is, in nanoseconds.
const TOUCH: u64 = 1000;

impl Timeline {
    /// The picture as trace events.
    pub fn perfetto(&self) -> Value {
        let mut tracks = Tracks { events: Vec::new(), bars: vec![Vec::new(); self.lanes.len()] };
        let mut wires = Tracks { events: Vec::new(), bars: vec![Vec::new(); self.lanes.len()] };
        for (lane, known) in self.lanes.iter().enumerate() {
            let pid = lane + 1;
            let mut about =
                |name, args| tracks.events.push(json!({ "ph": "M", "name": name, "pid": pid, "tid": 0, "args": args }));
            about("process_name", json!({ "name": known.name }));
            about("process_sort_index", json!({ "sort_index": pid }));
            tracks.named(lane, MARKS, "marks");
        }
        // Each kind goes in the order in which it takes place, as threads are given out.
        let mut touches: Vec<(u64, usize, usize, bool)> = Vec::new();
        for (id, item) in self.items.iter().enumerate() {
            match (item.to, item.kind) {
                (Some(to), ItemKind::Message | ItemKind::Connection | ItemKind::Trouble) => {
                    touches.push((item.at, item.lane, id, true));
                    touches.push((item.until, to, id, false));
                }
                (other, ItemKind::Fault) => {
                    for lane in std::iter::once(item.lane).chain(other) {
                        tracks.bar(lane, BARS, item.at, item.until, self.slice(item));
                    }
                }
                _ if is_bar(item.kind) => {
                    tracks.bar(item.lane, BARS, item.at, item.until, self.slice(item));
                }
                _ => tracks.events.push(instant(item.at, item.lane, "t", self.slice(item))),
            }
        }
        touches.sort_unstable();
        tracks.all_named(BARS, "work");
        for (at, lane, id, sends) in touches {
            let thread = wires.bar(lane, WIRE, at, at + TOUCH, self.slice(&self.items[id]));
            let phase = if sends { "s" } else { "f" };
            let mut flow = json!({ "ph": phase, "name": "message", "cat": "message", "id": id, "pid": lane + 1, "tid": thread, "ts": micros(at) });
            if !sends {
                flow["bp"] = "e".into();
            }
            wires.events.push(flow);
        }
        wires.all_named(WIRE, "messages");
        for broken in &self.broken {
            let slice = (
                format!("broken: {}", broken.invariant),
                "broken",
                json!({ "message": broken.message, "promise": broken.promise }),
            );
            tracks.events.push(instant(broken.at, 0, "g", slice));
        }
        tracks.events.append(&mut wires.events);
        json!({ "displayTimeUnit": "ms", "otherData": { "scenario": self.head.scenario, "seed": self.seed, "verdict": self.verdict }, "traceEvents": tracks.events })
    }

    fn slice(&self, item: &Item) -> Slice {
        let serves = item.serves.map(|place| &*self.served[place].name);
        let full = item.full.as_ref().unwrap_or(&item.text);
        let mut args = json!({ "what": full, "open": item.open });
        if let Some(serves) = serves {
            args["for"] = serves.into();
        }
        (item.text.clone(), word(item.kind), args)
    }
}

/// Name, category and what else is known.
type Slice = (String, &'static str, Value);

/// Bars on threads, so that no two on one thread overlap.
struct Tracks {
    events: Vec<Value>,
    /// When each thread of each lane is free again.
    bars: Vec<Vec<u64>>,
}

impl Tracks {
    fn bar(&mut self, lane: usize, first: usize, at: u64, until: u64, (name, category, args): Slice) -> usize {
        let free = &mut self.bars[lane];
        let row = free.iter().position(|until| *until <= at).unwrap_or(free.len());
        if row == free.len() {
            free.push(0);
        }
        // What takes no time still takes its place.
        free[row] = until.max(at + 1);
        let thread = thread(lane, first + row);
        self.events.push(json!({
            "ph": "X", "name": name, "cat": category, "pid": lane + 1, "tid": thread,
            "ts": micros(at), "dur": micros(until - at), "args": args,
        }));
        thread
    }

    fn named(&mut self, lane: usize, number: usize, name: &str) {
        let thread = thread(lane, number);
        let mut about = |what, args| {
            self.events.push(json!({ "ph": "M", "name": what, "pid": lane + 1, "tid": thread, "args": args }));
        };
        about("thread_name", json!({ "name": name }));
        about("thread_sort_index", json!({ "sort_index": number }));
    }

    /// Names every thread that was given out.
    fn all_named(&mut self, first: usize, name: &str) {
        for lane in 0..self.bars.len() {
            for row in 0..self.bars[lane].len() {
                self.named(lane, first + row, name);
            }
        }
    }
}

/// The number of a thread of a host, the only one of that number.
fn thread(lane: usize, number: usize) -> usize {
    (lane + 1) * THREADS + number
}

fn instant(at: u64, lane: usize, scope: &str, (name, category, args): Slice) -> Value {
    json!({ "ph": "i", "s": scope, "name": name, "cat": category, "pid": lane + 1, "tid": thread(lane, MARKS), "ts": micros(at), "args": args })
}

/// Nanoseconds in the format's microseconds.
fn micros(nanos: u64) -> f64 {
    nanos as f64 / 1000.0
}

fn is_bar(kind: ItemKind) -> bool {
    matches!(kind, ItemKind::Operation | ItemKind::Work | ItemKind::Held | ItemKind::Down | ItemKind::Paused)
}

fn word(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Operation => "operation",
        ItemKind::Work => "work",
        ItemKind::Held => "held",
        ItemKind::Down => "down",
        ItemKind::Paused => "paused",
        ItemKind::Fault => "fault",
        ItemKind::Message => "message",
        ItemKind::Connection => "connection",
        ItemKind::Trouble => "trouble",
        ItemKind::Commit => "commit",
        ItemKind::Access => "access",
        ItemKind::Warning => "warning",
        ItemKind::Log => "log",
        ItemKind::Fact => "fact",
        ItemKind::Passed => "passed",
        ItemKind::Broken => "broken",
    }
}
