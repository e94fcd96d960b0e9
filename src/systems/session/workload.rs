//! What clients do with sessions, in words, and what they see come of it.
//!
//! Sessions go by slot: `s1` is whatever session currently has that name. When it has ended, `create s1` begins its next
//! generation under a fresh id; `s1.2` is the second one for good. Which slots stand for which ids is in `client.rs`.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde::Deserialize;

use crate::harness::Draw;

/// `[topology]`: how large the service is, and what its environment is like.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Pods that serve sessions: `pod-a`, `pod-b`, …; 1 to 26.
    pub pods: u32,
    /// Clients: `c1`, `c2`, …
    pub clients: u32,
    /// Backend servers: `b1`, `b2`, …
    pub backends: u32,
    /// How many sessions a pod's cache holds, where it is bounded.
    pub capacity: u32,
    /// Whether backends honour the session id that a returning pod hints at.
    pub hints: Hints,
}

impl Default for Topology {
    fn default() -> Self {
        Self { pods: 3, clients: 4, backends: 4, capacity: 1000, hints: Hints::Honoured }
    }
}

/// What backends make of the session id that a returning pod hints at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Hints {
    /// The id is kept.
    Honoured,
    /// Each connection gets a fresh one.
    Ignored,
}

/// `[workload]`: how much clients do, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Operations of all clients together.
    pub operations: u32,
    /// Slots that sessions live in.
    pub sessions: u32,
    /// How often each kind of operation occurs.
    pub mix: Mix,
    /// Of 1,000 tool calls and listings, how many are made with somebody else's credentials.
    pub strangers: u32,
    /// Of 1,000 tool calls, how many take up to a minute; the others take up to a fifth of a second.
    pub slow_calls: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 120, sessions: 4, mix: Mix::default(), strangers: 60, slow_calls: 40 }
    }
}

/// How often each kind of operation occurs, relative to the others. Naming some leaves the others as they are by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Initialise a session: generate its id, then register it.
    pub create: u32,
    /// Generate an id and never come back.
    pub abandon: u32,
    /// Call a tool.
    pub call: u32,
    /// List a session's tools.
    pub get: u32,
    /// Decorate a session.
    pub decorate: u32,
    /// Terminate a session.
    pub terminate: u32,
    /// Report that a backend has expired for a session.
    pub expire: u32,
    /// Ask whether a session is good.
    pub validate: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self { create: 4, abandon: 1, call: 5, get: 5, decorate: 4, terminate: 2, expire: 2, validate: 1 }
    }
}

impl Mix {
    fn weights(&self) -> [u32; 8] {
        let Self { create, abandon, call, get, decorate, terminate, expire, validate } = *self;
        [create, abandon, call, get, decorate, terminate, expire, validate]
    }

    /// Whether nothing ever occurs.
    pub(crate) fn is_empty(&self) -> bool {
        self.weights().iter().all(|weight| *weight == 0)
    }
}

/// Each client begins with this many creations.
const FIRST: u32 = 1;
/// For how many operations of a client the crowd stays on one slot.
const CROWD: u32 = 5;

/// One session, as clients name it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// The slot, from 1: `s1`.
    pub slot: u32,
    /// A certain generation, from 1: `s1.2`. `None`: the current one.
    pub generation: Option<u32>,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.generation {
            None => write!(f, "s{}", self.slot),
            Some(generation) => write!(f, "s{}.{generation}", self.slot),
        }
    }
}

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a session: write s1, or s1.2 for its second generation");
        let rest = text.strip_prefix('s').ok_or_else(wrong)?;
        let (slot, generation) = match rest.split_once('.') {
            None => (rest, None),
            Some((slot, generation)) => (slot, Some(positive(generation).ok_or_else(wrong)?)),
        };
        Ok(Self { slot: positive(slot).ok_or_else(wrong)?, generation })
    }
}

/// What is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Generate an id, then register the session.
    Create,
    /// Generate an id only. It gets no slot: nobody knows it.
    Abandon,
    /// Call the tool of a backend, from 1, which takes some time.
    Call {
        /// The backend.
        backend: u32,
        /// How long the tool takes.
        takes: Duration,
        /// With somebody else's credentials.
        stranger: bool,
    },
    /// List tools.
    Get {
        /// With somebody else's credentials.
        stranger: bool,
    },
    /// Add a decoration.
    Decorate,
    /// Terminate.
    Terminate,
    /// Report that a backend, from 1, has expired.
    Notify {
        /// The backend.
        backend: u32,
    },
    /// Ask whether the session is good.
    Validate,
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something with a session, via a pod, counted from 0.
    Session {
        /// What is asked.
        verb: Verb,
        /// Of which session.
        target: Target,
        /// Via which pod.
        via: u32,
    },
    /// Look at what a pod, counted from 0, holds.
    InspectPod(u32),
    /// Look at the connections that a backend, counted from 1, has open.
    InspectBackend(u32),
    /// Make a pod, counted from 0, close all that it knows of.
    Drain(u32),
    /// Let what is on its way arrive.
    Wait(Duration),
}

/// The name of a pod, counted from 0.
pub(crate) fn pod_name(index: u32) -> String {
    format!("pod-{}", char::from(b'a' + (index % 26) as u8))
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (verb, target, via) = match self {
            Self::InspectPod(pod) => return write!(f, "inspect {}", pod_name(*pod)),
            Self::InspectBackend(backend) => return write!(f, "inspect b{backend}"),
            Self::Drain(pod) => return write!(f, "drain {}", pod_name(*pod)),
            Self::Wait(time) => return write!(f, "wait {}ms", time.as_millis()),
            Self::Session { verb, target, via } => (verb, target, via),
        };
        match verb {
            Verb::Create => write!(f, "create {target}")?,
            Verb::Abandon => f.write_str("abandon")?,
            Verb::Call { backend, takes, stranger } => {
                write!(f, "call {target}")?;
                if *backend != 1 {
                    write!(f, " b{backend}")?;
                }
                if !takes.is_zero() {
                    write!(f, " for {}ms", takes.as_millis())?;
                }
                if *stranger {
                    f.write_str(" as stranger")?;
                }
            }
            Verb::Get { stranger } => {
                write!(f, "get {target}")?;
                if *stranger {
                    f.write_str(" as stranger")?;
                }
            }
            Verb::Decorate => write!(f, "decorate {target}")?,
            Verb::Terminate => write!(f, "terminate {target}")?,
            Verb::Notify { backend } => write!(f, "notify {target} b{backend}")?,
            Verb::Validate => write!(f, "validate {target}")?,
        }
        // What a scripted step may leave out is left out here too, so that its words are the operation's name.
        if *via == 0 { Ok(()) } else { write!(f, " via {}", pod_name(*via)) }
    }
}

impl Operation {
    /// What the tape decides. The first operations create the sessions that the others are about.
    pub(crate) fn draw(draw: &mut Draw<'_>, topology: &Topology, workload: &Workload) -> Option<Self> {
        let kind = draw.weighted("operation", &workload.mix.weights())?;
        let ordinal = draw.ordinal();
        let via = draw.below("pod", u64::from(topology.pods)) as u32;
        // For a while everybody crowds on one slot: conflicts are wanted.
        let slot = if ordinal >= FIRST && draw.chance("crowd", 600) {
            (ordinal / CROWD) % workload.sessions
        } else {
            draw.below("session", u64::from(workload.sessions)) as u32
        };
        let target = Target { slot: slot + 1, generation: None };
        if ordinal < FIRST {
            return Some(Self::Session { verb: Verb::Create, target, via });
        }
        let verb = match kind {
            0 => Verb::Create,
            1 => Verb::Abandon,
            2 => {
                let slow = draw.chance("slow", u64::from(workload.slow_calls));
                let most = if slow { Duration::from_mins(1) } else { Duration::from_millis(200) };
                Verb::Call {
                    backend: draw.below("backend", u64::from(topology.backends)) as u32 + 1,
                    takes: draw.duration("takes", most),
                    stranger: draw.chance("stranger", u64::from(workload.strangers)),
                }
            }
            3 => Verb::Get { stranger: draw.chance("stranger", u64::from(workload.strangers)) },
            4 => Verb::Decorate,
            5 => Verb::Terminate,
            6 => Verb::Notify { backend: draw.below("backend", u64::from(topology.backends)) as u32 + 1 },
            _ => Verb::Validate,
        };
        Some(Self::Session { verb, target, via })
    }

    /// Reads an operation in words. Without `via` it goes to the first pod.
    pub(crate) fn parse(text: &str, topology: &Topology) -> Result<Self, String> {
        let mut words = Words { text, rest: text.split_whitespace().collect(), topology };
        let verb = words.next("an operation")?;
        if verb == "wait" {
            let time = words.duration()?;
            return words.end().map(|()| Self::Wait(time));
        }
        if verb == "inspect" || verb == "drain" {
            let place = words.next("a pod or backend")?;
            let operation = match (verb, place.starts_with("pod")) {
                ("drain", _) => Self::Drain(words.pod(place)?),
                (_, true) => Self::InspectPod(words.pod(place)?),
                _ => Self::InspectBackend(words.backend(place)?),
            };
            return words.end().map(|()| operation);
        }
        let target = match verb {
            "abandon" => Target { slot: 1, generation: None },
            _ => Target::parse(words.next("a session, for example s1")?)?,
        };
        let verb = match verb {
            "create" => Verb::Create,
            "abandon" => Verb::Abandon,
            "call" => {
                let backend = if words.sees(|word| word.starts_with('b')) { words.next("a backend")? } else { "b1" };
                let backend = words.backend(backend)?;
                let takes = if words.takes("for") { words.duration()? } else { Duration::ZERO };
                Verb::Call { backend, takes, stranger: words.stranger()? }
            }
            "get" => Verb::Get { stranger: words.stranger()? },
            "decorate" => Verb::Decorate,
            "terminate" => Verb::Terminate,
            "notify" => {
                let backend = words.next("a backend, for example b1")?;
                Verb::Notify { backend: words.backend(backend)? }
            }
            "validate" => Verb::Validate,
            other => {
                return Err(format!(
                    "`{other}` is not an operation: write create, abandon, call, get, decorate, terminate, notify, \
                     validate, inspect, drain or wait"
                ));
            }
        };
        let via = if words.takes("via") {
            let pod = words.next("a pod, for example pod-a")?;
            words.pod(pod)?
        } else {
            0
        };
        words.end()?;
        Ok(Self::Session { verb, target, via })
    }
}

/// An operation in words, being read.
struct Words<'a> {
    text: &'a str,
    rest: std::collections::VecDeque<&'a str>,
    topology: &'a Topology,
}

impl<'a> Words<'a> {
    fn next(&mut self, wanted: &str) -> Result<&'a str, String> {
        self.rest.pop_front().ok_or_else(|| format!("`{}` ends where {wanted} is due", self.text))
    }

    fn sees(&self, test: impl Fn(&str) -> bool) -> bool {
        self.rest.front().is_some_and(|word| test(word))
    }

    fn takes(&mut self, word: &str) -> bool {
        let there = self.sees(|next| next == word);
        if there {
            self.rest.pop_front();
        }
        there
    }

    fn stranger(&mut self) -> Result<bool, String> {
        if !self.takes("as") {
            return Ok(false);
        }
        match self.next("`stranger`")? {
            "stranger" => Ok(true),
            other => Err(format!("`as {other}` in `{}`: only `as stranger` is known", self.text)),
        }
    }

    fn duration(&mut self) -> Result<Duration, String> {
        let word = self.next("a duration, for example 200ms")?;
        humantime::parse_duration(word).map_err(|error| format!("`{word}` in `{}` is no duration: {error}", self.text))
    }

    fn pod(&self, word: &str) -> Result<u32, String> {
        (0..self.topology.pods)
            .find(|pod| pod_name(*pod) == word)
            .ok_or_else(|| format!("there is no pod `{word}`: they are pod-a to {}", pod_name(self.topology.pods - 1)))
    }

    fn backend(&self, word: &str) -> Result<u32, String> {
        let number = word.strip_prefix('b').and_then(positive);
        number
            .filter(|number| *number <= self.topology.backends)
            .ok_or_else(|| format!("there is no backend `{word}`: they are b1 to b{}", self.topology.backends))
    }

    fn end(mut self) -> Result<(), String> {
        match self.rest.pop_front() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` in `{}` is one word too many", self.text)),
        }
    }
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}

/// What a client saw come of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// The session's id, where there was a session.
    pub session: Option<Arc<str>>,
    /// The answer.
    pub answer: Answer,
}

/// An answer, in the service's own distinctions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done, and confirmed: created, called, terminated, notified, valid, drained.
    Done,
    /// The session was decorated with this.
    Decorated(Arc<str>),
    /// The tools of a session.
    Listed(Listing),
    /// There is no such session (404).
    NotFound,
    /// The credentials are not the session's (403).
    Forbidden,
    /// The session has no such tool (404 as well, of another kind).
    NoTool,
    /// Somebody else changed the session meanwhile (409).
    Conflict,
    /// The session was closed under the call (500).
    Closed,
    /// A backend did not do its part (502).
    Backend,
    /// Storage could not be reached, or the pod is draining (503).
    Unavailable,
    /// No answer: it may or may not have been done.
    Lost,
    /// Nothing was asked: there was no session in the slot, or creation found one alive.
    Skipped,
    /// What a pod holds.
    Pod(PodView),
    /// What a backend has open.
    Backends(Vec<ConnectionView>),
}

/// The tools of a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct Listing {
    /// Backends that have tools in it.
    pub backends: Vec<String>,
    /// What it is decorated with.
    pub decorations: Vec<String>,
}

/// What a pod holds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct PodView {
    /// Which start of the pod this is; connections carry it too.
    pub boot: String,
    /// The sessions in its cache.
    pub sessions: Vec<String>,
    /// Connections to backends that it can still reach, by their tokens.
    pub connections: Vec<String>,
}

/// A connection that a backend has open.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, serde::Serialize)]
pub struct ConnectionView {
    /// The pod's name for it.
    pub token: String,
    /// The start of the pod it comes from.
    pub boot: String,
    /// The session it was opened for.
    pub session: String,
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(session) = &self.session {
            write!(f, "{session}: ")?;
        }
        match &self.answer {
            Answer::Done => f.write_str("done"),
            Answer::Decorated(label) => write!(f, "decorated with {label}"),
            Answer::Listed(listing) => {
                write!(f, "tools of {}, decorations {}", listing.backends.join(","), listing.decorations.join(","))
            }
            Answer::NotFound => f.write_str("not found"),
            Answer::Forbidden => f.write_str("forbidden"),
            Answer::NoTool => f.write_str("no such tool"),
            Answer::Conflict => f.write_str("conflict"),
            Answer::Closed => f.write_str("session closed"),
            Answer::Backend => f.write_str("backend failed"),
            Answer::Unavailable => f.write_str("unavailable"),
            Answer::Lost => f.write_str("no answer"),
            Answer::Skipped => f.write_str("nothing to do"),
            Answer::Pod(view) => {
                write!(f, "{} sessions, {} connections", view.sessions.len(), view.connections.len())
            }
            Answer::Backends(open) => write!(f, "{} connections", open.len()),
        }
    }
}
