//! All instances of a cloud, and how they change: by request, by accident, and with time.

use std::collections::BTreeMap;
use std::time::Duration;

use super::state::State;
use crate::runtime::time::Instant;

/// How far back a copy may lag that status is read from.
pub(super) const REACH: Duration = Duration::from_mins(3);

/// One instance.
#[derive(Clone, Debug)]
pub(super) struct Instance {
    pub(super) id: String,
    pub(super) tag: String,
    pub(super) token: String,
    /// Which of the machines it runs on.
    pub(super) machine: usize,
    pub(super) state: State,
    /// How often it was started.
    pub(super) boots: u32,
    /// It runs, but not well.
    pub(super) impaired: bool,
    /// What it turns into by itself, and when.
    due: Option<(Instant, State)>,
    /// What it was since when, oldest first.
    past: Vec<(Instant, State)>,
}

/// A change that the ground truth is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Created { id: String, tag: String, token: String },
    State { id: String, state: State, cause: &'static str },
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    pub(super) boot: Duration,
    pub(super) stop: Duration,
}

/// All instances.
#[derive(Debug, Default)]
pub(super) struct Fleet {
    /// By number, so that they are in the order of their creation.
    instances: BTreeMap<u64, Instance>,
    tokens: BTreeMap<String, u64>,
    changes: Vec<Change>,
}

impl Fleet {
    /// An instance for this token: a new one, or the one that it has got before. True: it is new.
    pub(super) fn create(
        &mut self,
        tag: &str,
        token: &str,
        machines: usize,
        pace: Pace,
        now: Instant,
    ) -> (&Instance, bool) {
        let known = self.tokens.get(token).copied();
        let number = known.unwrap_or_else(|| self.instances.len() as u64 + 1);
        if known.is_none() {
            let id = format!("i-{number}");
            self.tokens.insert(token.to_owned(), number);
            self.changes.push(Change::Created { id: id.clone(), tag: tag.to_owned(), token: token.to_owned() });
            let instance = Instance {
                id,
                tag: tag.to_owned(),
                token: token.to_owned(),
                machine: number as usize % machines.max(1),
                state: State::Pending,
                boots: 1,
                impaired: false,
                due: None,
                past: Vec::new(),
            };
            self.instances.insert(number, instance);
            self.turn(number, State::Pending, "created", now);
            self.schedule(number, State::Running, now + pace.boot);
        }
        (&self.instances[&number], known.is_none())
    }

    /// The instance of this id.
    pub(super) fn get(&self, id: &str) -> Option<&Instance> {
        self.instances.get(&number(id)?)
    }

    /// All instances, oldest first.
    pub(super) fn all(&self) -> impl Iterator<Item = &Instance> {
        self.instances.values()
    }

    /// What a copy as of `then` says of an instance; `None`: it has not heard of it.
    pub(super) fn state_as_of(&self, id: &str, then: Instant) -> Option<State> {
        let past = &self.get(id)?.past;
        past.iter().rev().find(|(since, _)| *since <= then).map(|(_, state)| *state)
    }

    /// Terminates an instance. `None`: there is none of this id.
    pub(super) fn terminate(&mut self, id: &str, cause: &'static str, now: Instant) -> Option<State> {
        let number = self.known(id)?;
        if self.instances[&number].state != State::Terminated {
            self.turn(number, State::Terminated, cause, now);
        }
        Some(State::Terminated)
    }

    /// Shuts an instance down, if it is up. `None`: there is none of this id.
    pub(super) fn stop(&mut self, id: &str, pace: Pace, now: Instant) -> Option<State> {
        let number = self.known(id)?;
        if self.instances[&number].state.is_live() {
            self.turn(number, State::Stopping, "stopping", now);
            self.schedule(number, State::Stopped, now + pace.stop);
        }
        Some(self.instances[&number].state)
    }

    /// Starts an instance that is shut down or about to be. `None`: there is none of this id; a terminated one stays so.
    pub(super) fn start(&mut self, id: &str, pace: Pace, now: Instant) -> Option<State> {
        let number = self.known(id)?;
        if matches!(self.instances[&number].state, State::Stopping | State::Stopped) {
            self.turn(number, State::Pending, "started", now);
            self.schedule(number, State::Running, now + pace.boot);
            if let Some(instance) = self.instances.get_mut(&number) {
                instance.boots += 1;
            }
        }
        Some(self.instances[&number].state)
    }

    /// An instance dies by itself: for good, or so that it can be started again. False: it was not up.
    pub(super) fn die(&mut self, id: &str, good: bool, now: Instant) -> bool {
        let Some(number) = self.known(id).filter(|number| self.instances[number].state.is_live()) else { return false };
        self.turn(number, if good { State::Terminated } else { State::Stopped }, "died", now);
        true
    }

    /// An instance runs badly from now on, or well again. `None`: there is none of this id.
    pub(super) fn limp(&mut self, id: &str) -> Option<bool> {
        let number = self.known(id)?;
        let instance = self.instances.get_mut(&number)?;
        instance.impaired = !instance.impaired;
        Some(instance.impaired)
    }

    /// Lets happen what is due by now.
    pub(super) fn pass(&mut self, now: Instant) {
        while let Some((at, number, state)) = self.soonest().filter(|(at, ..)| *at <= now) {
            let cause = if state == State::Running { "booted" } else { "stopped" };
            self.turn(number, state, cause, at.max(now));
        }
    }

    /// When something happens by itself next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.soonest().map(|(at, ..)| at)
    }

    /// What has changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn soonest(&self) -> Option<(Instant, u64, State)> {
        let due = self.instances.iter().filter_map(|(number, instance)| {
            let (at, state) = instance.due?;
            Some((at, *number, state))
        });
        due.min_by_key(|(at, number, _)| (*at, *number))
    }

    fn known(&self, id: &str) -> Option<u64> {
        number(id).filter(|number| self.instances.contains_key(number))
    }

    fn turn(&mut self, number: u64, state: State, cause: &'static str, now: Instant) {
        let Some(instance) = self.instances.get_mut(&number) else { return };
        instance.state = state;
        instance.due = None;
        // What no copy lags behind any more is forgotten, but for the last of it.
        let old = instance.past.iter().filter(|(since, _)| now.saturating_duration_since(*since) > REACH).count();
        instance.past.drain(..old.saturating_sub(1));
        instance.past.push((now, state));
        self.changes.push(Change::State { id: instance.id.clone(), state, cause });
    }

    fn schedule(&mut self, number: u64, state: State, at: Instant) {
        if let Some(instance) = self.instances.get_mut(&number) {
            instance.due = Some((at, state));
        }
    }
}

/// The number in an id.
fn number(id: &str) -> Option<u64> {
    let digits = id.strip_prefix("i-")?;
    // Only as it is written by `create`: `i-01` is nobody.
    let number: u64 = digits.parse().ok()?;
    (number.to_string() == digits).then_some(number)
}
