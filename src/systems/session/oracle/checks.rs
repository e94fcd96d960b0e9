//! The invariants by name, each with what it demands and where it is checked.

use std::cell::OnceCell;
use std::rc::Rc;

use super::lens::Lens;
use super::{ending, identity, latency, record, resources};
use crate::harness::{Findings, Invariant, Observed};
use crate::systems::session::Session;

type Look = fn(&Lens, &Observed<'_, Session>, &mut Findings);

/// One invariant; all of a run share the lens.
struct Check {
    name: &'static str,
    about: &'static str,
    lens: Rc<OnceCell<Lens>>,
    look: Look,
}

impl Invariant<Session> for Check {
    fn name(&self) -> &'static str {
        self.name
    }

    fn about(&self) -> &'static str {
        self.about
    }

    fn check(&self, run: &Observed<'_, Session>, findings: &mut Findings) {
        (self.look)(self.lens.get_or_init(|| Lens::new(run)), run, findings);
    }
}

const ALL: &[(&str, &str, Look)] = &[
    (
        "no-resurrection",
        "once a termination was acknowledged, storage holds no live record of the session and no pod restores it (S1-I1)",
        ending::no_resurrection,
    ),
    (
        "no-use-after-terminate",
        "what is asked of a session after its termination was acknowledged is refused, on every pod (S1-I2)",
        ending::no_use_after_terminate,
    ),
    (
        "no-false-not-found",
        "a session is answered not-found only if storage lacked it at some moment of the request (S1-I3)",
        record::no_false_not_found,
    ),
    (
        "monotone-backends",
        "a backend leaves a session's record when it was reported expired, only then, and for good (S1-I4)",
        record::monotone_backends,
    ),
    (
        "decoration-kept",
        "an acknowledged decoration stays in the record and in what its pod lists (S1-I5)",
        record::decoration_kept,
    ),
    (
        "connections-conserved",
        "at rest every open connection belongs to a session that its pod knows of, and closing those leaves none (S1-I6)",
        resources::connections_conserved,
    ),
    (
        "termination-absorbing",
        "a record that is marked as terminated is never unmarked (S1-I7)",
        ending::termination_absorbing,
    ),
    (
        "bounded-latency",
        "a pod carries out each operation within the times of its steps (S1-L1)",
        latency::bounded_latency,
    ),
    (
        "placeholder-expires",
        "a session that was generated and never created is gone once its time to live has passed (S1-L2)",
        latency::placeholder_expires,
    ),
    (
        "no-head-of-line-blocking",
        "a slow tool call of one session does not hold up others on the pod",
        latency::no_head_of_line_blocking,
    ),
    ("full-deadline", "no storage call is given up before its own time is over", latency::full_deadline),
    ("no-dead-entry", "a pod that has ended a session does not put it back into its cache", ending::no_dead_entry),
    (
        "termination-is-told",
        "a terminated session is answered not-found, not unavailable, once storage can be reached",
        ending::termination_is_told,
    ),
    ("bounded-cache", "a pod's cache holds no more sessions than its capacity", resources::bounded_cache),
    (
        "freed-after-terminate",
        "a pod closes a session's connections soon after it has terminated the session",
        resources::freed_after_terminate,
    ),
    (
        "no-wrongful-eviction",
        "a cached session is not evicted as expired while it agrees with its record",
        resources::no_wrongful_eviction,
    ),
    ("caller-identity", "a session serves whom it belongs to, and nobody else", identity::caller_identity),
    (
        "no-stale-handle",
        "a call on a live session does not end at an object that was closed",
        identity::no_stale_handle,
    ),
];

/// All invariants, for one run.
pub(in super::super) fn invariants() -> Vec<Box<dyn Invariant<Session>>> {
    let lens = Rc::<OnceCell<Lens>>::default();
    let check =
        |&(name, about, look): &(&'static str, &'static str, Look)| Check { name, about, lens: lens.clone(), look };
    ALL.iter().map(|entry| Box::new(check(entry)) as Box<dyn Invariant<Session>>).collect()
}
