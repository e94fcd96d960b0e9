//! The choices in which the historical forms of the session manager differ from each other and from the hardened form.
//!
//! One switch per choice, and nothing else: sizes and times live in `timeouts.rs` and in the topology. What is left out of
//! a scenario's `[policy]` is the hardened form; `preset` names another form to start from. Oracles never see this.

use crate::systems::choices::{policy, switch};

switch! {
    /// Which historical form to start from. References are to pull requests and commits of stacklok/toolhive.
    Preset {
        /// The form before #4669, and again after its revert (#4730): unbounded map, sentinels, blind upserts.
        #[serde(rename = "A")]
        A,
        /// #4669: an LRU, set-if-exists, eager removal at termination.
        #[serde(rename = "B")]
        B,
        /// #4731: as B, entirely lazy removal, and any difference of metadata counts as drift.
        #[serde(rename = "C")]
        C,
        /// #4779, #4797, #4724: drift by backend ids only; an expired backend is dropped from the caller's own copy.
        #[serde(rename = "E1")]
        E1,
        /// #4798, #4842: single flight around hits too, identity-checked eviction, restored metadata written back.
        #[serde(rename = "E2")]
        E2,
        /// #5729, #5650: an absent session counts as terminated.
        #[serde(rename = "E3")]
        E3,
        /// What we hold to be right; no version upstream.
        Hardened,
    }
}

switch! {
    /// How much the pod's cache holds.
    Bound {
        /// All that ever came (A; a TODO in its code says so).
        Unbounded,
        /// As many as the topology's capacity, least recently used out first (#4669 and after).
        Lru,
    }
}

switch! {
    /// What concurrent Gets of one session share.
    Flight {
        /// A miss: whoever waits takes the leader's answer (up to E1).
        Misses,
        /// Hit and miss alike (#4798): also the leader's look at storage, which may be older than the waiter's request.
        Whole,
        /// The restored object only: each caller looks at storage itself after it has asked (hardened).
        Restores,
    }
}

switch! {
    /// What a restoring Get does when it finds that somebody cached the session meanwhile.
    OnPresent {
        /// Takes whatever is there for a sentinel of termination and answers not-found (A).
        NotFound,
        /// Returns the winner; if it has vanished since, returns its own object without caching it (#4669).
        WinnerOrUncached,
        /// Returns the winner; if it has vanished since, answers not-found (#4731).
        WinnerOrNotFound,
        /// Returns the winner; if it has vanished since, caches its own object (#4798 and hardened).
        WinnerOrInsert,
    }
}

switch! {
    /// What a Get does with a cached object that the record no longer bears out.
    OnExpired {
        /// Evicts it and answers not-found, even if storage holds a newer record (up to E1).
        NotFound,
        /// Evicts it and restores from the record (#4798).
        Reload,
        /// Takes a newer record over into the same connections; evicts only what is gone (hardened).
        Adopt,
    }
}

switch! {
    /// What an eviction removes.
    Evict {
        /// Whatever the key holds by then (up to E1).
        ByKey,
        /// The object that was looked at, and no other (#4798 and hardened).
        SameEntry,
    }
}

switch! {
    /// When a cached object counts as overtaken by its record.
    Drift {
        /// Backend ids differ, if the cached side has them at all (A, B).
        BackendIdsIfKnown,
        /// Anything differs (#4731).
        WholeMetadata,
        /// Backend ids differ (#4724 and after).
        BackendIds,
        /// The record has another revision (hardened).
        Revision,
    }
}

switch! {
    /// What a restored session claims to be.
    Restore {
        /// What its backends gave: those that did not connect are dropped from its metadata (up to E1).
        Recomputed,
        /// The same, and storage is told so by set-if-exists (#4842).
        WrittenBack,
        /// What the record says: a backend that did not connect is tried again when it is called (hardened).
        AsStored,
    }
}

switch! {
    /// How a changed record is written.
    Write {
        /// Blindly (A).
        Upsert,
        /// If the key exists, whatever it holds (#4669, and everywhere since #4797).
        Update,
        /// If the key still holds what the change was made from; otherwise the change is made again (hardened).
        CompareAndSet,
    }
}

switch! {
    /// How creation and decoration put their object into the cache.
    Publish {
        /// Decoration swaps before it writes, and swaps back when the write fails; creation sets (A).
        SwapFirst,
        /// Set after the write, over whatever is there (#4669 and after).
        Set,
        /// After the write, in place of what it came from, and never for a session that this pod has ended (hardened).
        Claim,
    }
}

switch! {
    /// What termination does to the record.
    TerminateWrite {
        /// Deletes if the session is cached here; otherwise takes it for a placeholder and marks it by upsert (A).
        Guess,
        /// Deletes a full record, marks a placeholder by set-if-exists (#4669 and after).
        ByRecord,
        /// Marks whatever is there, by compare-and-set (hardened).
        Tombstone,
    }
}

switch! {
    /// What termination does to this pod's cached object.
    TerminateLocal {
        /// Puts a sentinel in its place first; puts it back when the write fails (A).
        Sentinel,
        /// Removes and closes it after the write (#4669).
        Remove,
        /// Nothing: the next Get finds out (#4731 and after).
        Lazy,
        /// Closes it and lets none of the same session in again (hardened).
        Bury,
    }
}

switch! {
    /// Which metadata an expired backend is dropped from.
    NotifyInput {
        /// What the cached object holds (#4779 and after).
        Cached,
        /// What storage holds (up to C, and hardened).
        Stored,
    }
}

switch! {
    /// What becomes of the cached object when a backend has expired.
    NotifyCache {
        /// It is deleted from the cache, and not closed (A).
        DeleteUnclosed,
        /// Nothing: the next Get finds out (#4669 and after).
        Leave,
        /// It takes the new record over, and closes the one connection (hardened).
        Adopt,
    }
}

switch! {
    /// What the one who reports an expired backend is told.
    NotifyAnswer {
        /// That it was heard, whatever came of it: the function has no result (all upstream forms).
        Accepted,
        /// That it is in storage, or that this is not known (hardened).
        Confirmed,
    }
}

switch! {
    /// How much time the storage calls of one operation have.
    Deadline {
        /// All of them together as much as one.
        Shared,
        /// Each its own.
        Each,
    }
}

switch! {
    /// What Validate says of a session that storage does not know.
    ValidateAbsent {
        /// An error, which the transport answers with 503 (up to E2).
        Error,
        /// That it has been terminated, hence 404 (#5729 and hardened).
        Terminated,
    }
}

switch! {
    /// What a Get does with a cached object that it cannot check because storage does not answer.
    OnOutage {
        /// Serves it (all upstream forms).
        ServeCached,
        /// Answers that it is unavailable (hardened).
        Refuse,
    }
}

switch! {
    /// Whose identity is held against a session's binding.
    Identity {
        /// That of whoever leads a flight, for all who wait on it (all upstream forms).
        FlightLeader,
        /// That of each caller (hardened).
        EachCaller,
    }
}

switch! {
    /// Who waits while an evicted object finishes its calls in flight.
    Drain {
        /// The operation that evicted it (A to E1).
        Caller,
        /// That one, with the lock of the cache in hand, and so everybody (E2 and after).
        UnderLock,
        /// Nobody (hardened).
        Detached,
    }
}

switch! {
    /// Which object a tool call goes to.
    Handlers {
        /// The one that was there when the pod registered the session's tools (all upstream forms).
        Captured,
        /// The one that is there now (hardened).
        LookedUp,
    }
}

switch! {
    /// Whether the pod looks for cached sessions whose record has gone.
    Sweep {
        /// No (all upstream forms).
        Off,
        /// Now and then (hardened).
        On,
    }
}

policy! {
    /// One choice each. The default is the hardened form.
    ///
    /// Each known defect is this far from it:
    ///
    /// | defect | switches |
    /// |---|---|
    /// | S1-D1 | `notify_deadline = "shared"` |
    /// | S1-D2 | `decorate_write = "upsert"`, `terminate_write = "by_record"` |
    /// | S1-D3 | `on_present = "not_found"` |
    /// | S1-D4 | `notify_write = "upsert"`, `terminate_write = "by_record"` |
    /// | S1-D5 | `notify_write = "upsert"` |
    /// | S1-D6 | `create_write = "upsert"`, `terminate_write = "by_record"` |
    /// | S1-D7 | `notify_cache = "delete_unclosed"` |
    /// | S1-D8 | `terminate_local = "sentinel"` |
    /// | S1-D9 | `bound = "unbounded"` |
    /// | S1-D10 | `on_expired = "not_found"` |
    /// | S1-D11 | `evict = "by_key"`, `on_expired = "reload"` |
    /// | S1-D12 | `on_present = "winner_or_uncached"` |
    /// | S1-D13 | `decorate_write = "update"` |
    /// | S1-D14 | `restore = "recomputed"`, `drift = "backend_ids"`, `on_expired = "reload"` |
    /// | S1-D15 | `restore = "recomputed"`, `drift = "whole_metadata"`, `on_expired = "reload"` (and backends that ignore hints) |
    /// | S1-D16 | `validate_absent = "error"`, `terminate_write = "by_record"` |
    /// | S1-R1 | `create_write = "update"` |
    /// | S1-R2 | `notify_input = "cached"`, `notify_write = "update"`, `notify_cache = "leave"` |
    /// | S1-R3 | `decorate_write = "update"` |
    /// | S1-R4 | `restore = "written_back"` |
    /// | S1-R5 | `publish = "set"` |
    /// | S1-R6 | `publish = "set"` |
    /// | S1-R7 | `on_outage = "serve_cached"` |
    /// | S1-R8 | `terminate_local = "lazy"` |
    /// | S1-R9 | `drain = "under_lock"` |
    /// | S1-R10 | `identity = "flight_leader"` |
    /// | S1-R11 | `terminate_deadline = "shared"` |
    /// | S1-R12 | `handlers = "captured"` |
    {
        /// How much the cache holds.
        bound: Bound = Lru,
        /// What concurrent Gets share.
        flight: Flight = Restores,
        /// A restoring Get finds the session cached.
        on_present: OnPresent = WinnerOrInsert,
        /// A Get finds the cached object overtaken.
        on_expired: OnExpired = Adopt,
        /// What an eviction removes.
        evict: Evict = SameEntry,
        /// When an object counts as overtaken.
        drift: Drift = Revision,
        /// What a restored session claims to be.
        restore: Restore = AsStored,
        /// How creation writes the full record, and the mark after it failed.
        create_write: Write = CompareAndSet,
        /// How decoration writes.
        decorate_write: Write = CompareAndSet,
        /// How creation and decoration fill the cache.
        publish: Publish = Claim,
        /// What termination does to the record.
        terminate_write: TerminateWrite = Tombstone,
        /// What termination does to the cache.
        terminate_local: TerminateLocal = Bury,
        /// Time for termination's storage calls.
        terminate_deadline: Deadline = Each,
        /// Which metadata an expired backend is dropped from.
        notify_input: NotifyInput = Stored,
        /// How that is written.
        notify_write: Write = CompareAndSet,
        /// What it does to the cache.
        notify_cache: NotifyCache = Adopt,
        /// What its reporter is told.
        notify_answer: NotifyAnswer = Confirmed,
        /// Time for its storage calls.
        notify_deadline: Deadline = Each,
        /// Validate of an unknown session.
        validate_absent: ValidateAbsent = Terminated,
        /// A Get cannot reach storage.
        on_outage: OnOutage = Refuse,
        /// Whose identity counts.
        identity: Identity = EachCaller,
        /// Who waits for an evicted object.
        drain: Drain = Detached,
        /// Which object a tool call goes to.
        handlers: Handlers = LookedUp,
        /// Whether cached sessions without a record are looked for.
        sweep: Sweep = On,
    }
}

impl Policy {
    /// A historical form, or the hardened one. Each is told as what it changed of the one before.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Hardened => Self::default(),
            Preset::A => Self {
                bound: Bound::Unbounded,
                flight: Flight::Misses,
                on_present: OnPresent::NotFound,
                on_expired: OnExpired::NotFound,
                evict: Evict::ByKey,
                drift: Drift::BackendIdsIfKnown,
                restore: Restore::Recomputed,
                create_write: Write::Upsert,
                decorate_write: Write::Upsert,
                publish: Publish::SwapFirst,
                terminate_write: TerminateWrite::Guess,
                terminate_local: TerminateLocal::Sentinel,
                terminate_deadline: Deadline::Shared,
                notify_input: NotifyInput::Stored,
                notify_write: Write::Upsert,
                notify_cache: NotifyCache::DeleteUnclosed,
                notify_answer: NotifyAnswer::Accepted,
                notify_deadline: Deadline::Shared,
                validate_absent: ValidateAbsent::Error,
                on_outage: OnOutage::ServeCached,
                identity: Identity::FlightLeader,
                drain: Drain::Caller,
                handlers: Handlers::Captured,
                sweep: Sweep::Off,
            },
            Preset::B => Self {
                bound: Bound::Lru,
                on_present: OnPresent::WinnerOrUncached,
                create_write: Write::Update,
                decorate_write: Write::Update,
                publish: Publish::Set,
                terminate_write: TerminateWrite::ByRecord,
                terminate_local: TerminateLocal::Remove,
                notify_write: Write::Update,
                notify_cache: NotifyCache::Leave,
                notify_deadline: Deadline::Each,
                ..Self::preset(Preset::A)
            },
            Preset::C => Self {
                on_present: OnPresent::WinnerOrNotFound,
                drift: Drift::WholeMetadata,
                terminate_local: TerminateLocal::Lazy,
                ..Self::preset(Preset::B)
            },
            Preset::E1 => {
                Self { drift: Drift::BackendIds, notify_input: NotifyInput::Cached, ..Self::preset(Preset::C) }
            }
            Preset::E2 => Self {
                flight: Flight::Whole,
                on_present: OnPresent::WinnerOrInsert,
                on_expired: OnExpired::Reload,
                evict: Evict::SameEntry,
                restore: Restore::WrittenBack,
                drain: Drain::UnderLock,
                ..Self::preset(Preset::E1)
            },
            Preset::E3 => Self { validate_absent: ValidateAbsent::Terminated, ..Self::preset(Preset::E2) },
        }
    }
}
