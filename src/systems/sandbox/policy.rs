//! The choices in which the historical forms of the sandbox service differ from each other and from the hardened form.
//!
//! One switch per choice, and nothing else: sizes and times live in `timeouts.rs` and in the topology. What is left out of
//! a scenario's `[policy]` is the hardened form; `preset` names another form to start from. Oracles never see this.

use crate::systems::choices::{policy, switch};

switch! {
    /// Which historical form to start from. References are to pull requests and commits of Hazzng/sql-fs.
    Preset {
        /// Before #155: destroying deletes the counter, and a reload that finds nothing installs nothing.
        Before,
        /// The first commit of #155: tombstones, written whatever came of the deletion.
        First,
        /// #155 as it was merged.
        Merged,
        /// What we hold to be right; no version upstream.
        Hardened,
    }
}

switch! {
    /// What vouches for a tree that a replica has in memory.
    Confirm {
        /// The counter in Redis alone (all upstream forms).
        Counter,
        /// The row in Postgres, looked at by every request after it has come; the counter only says where to look first (hardened).
        Row,
    }
}

switch! {
    /// What the counter in Redis counts.
    Counter {
        /// Writes, from 0 again whenever the key has gone (all upstream forms).
        Bare,
        /// It holds the epoch and version that the row had (hardened).
        Stamped,
    }
}

switch! {
    /// What holds a write against what it was made from.
    Fence {
        /// Nothing but the lock (all upstream forms up to #170).
        Nothing,
        /// The row's epoch and version, compared and counted up in the transaction that writes (hardened).
        CompareAndBump,
    }
}

switch! {
    /// What a counter that is not there stands for.
    Absent {
        /// The number 0 (all upstream forms).
        Zero,
        /// Nothing: what is in memory has to be loaded anew (hardened).
        Unknown,
    }
}

switch! {
    /// What a counter that is no number stands for.
    Garbled {
        /// The number 0 to readers; whoever counts it up fails (up to #187).
        Clamped,
        /// Nothing: what is in memory has to be loaded anew, and whoever counts it up writes a good one (#187 and hardened).
        Repaired,
    }
}

switch! {
    /// What a destruction leaves in the counter's place.
    DestroyMark {
        /// Nothing: the key is deleted (before #155).
        Deleted,
        /// A tombstone (#155 and hardened).
        Tombstone,
    }
}

switch! {
    /// When a destruction leaves its mark.
    MarkWhen {
        /// In any case, also when the row could not be deleted (first commit of #155).
        Always,
        /// Once the row has been deleted (#155 and hardened).
        RowDeleted,
    }
}

switch! {
    /// What a creation does with a tombstone that it finds.
    MarkAtCreation {
        /// Takes it for the number 0 and leaves it (before #155).
        Left,
        /// Clears it (#155 and hardened).
        Cleared,
    }
}

switch! {
    /// What a reload makes of a tree that has no rows, not even a root.
    NoRows {
        /// An empty tree (before #155).
        Empty,
        /// That the sandbox has gone (#155 and hardened).
        Gone,
    }
}

switch! {
    /// What a new session makes of a tree that has no rows when it is first loaded.
    Ready {
        /// A session with an empty tree (all upstream forms).
        Unguarded,
        /// That the sandbox has gone (hardened).
        Guarded,
    }
}

switch! {
    /// What a request is told that has found its session's sandbox gone.
    GoneAnswer {
        /// That the session is closing, for that is how it found it (considered in #155).
        Closing,
        /// That there is no such sandbox (#155 and hardened).
        NotFound,
    }
}

switch! {
    /// How a replica comes by a session for a sandbox that it has none of.
    Rehydrate {
        /// By creating the sandbox after it has looked whether there is one (all upstream forms).
        Insert,
        /// By loading it (hardened).
        Load,
    }
}

switch! {
    /// What a destruction does when it loses its lock.
    DestroyLease {
        /// Goes on, and reports the loss as if nothing had been done (all upstream forms).
        Ignored,
        /// Stops before it has deleted anything; after that it says so (hardened).
        Heeded,
    }
}

switch! {
    /// What `GET /:id` answers from.
    Get {
        /// The sessions in memory, if there is one (all upstream forms).
        FromMemory,
        /// What every other request goes by (hardened).
        Probed,
    }
}

switch! {
    /// What a reader reads.
    Readers {
        /// The session's tree as it is at each step, over the session's pool, whatever becomes of either meanwhile (all upstream forms).
        Shared,
        /// The tree that was confirmed for it, over a pool that is kept open for it (hardened).
        Snapshot,
    }
}

switch! {
    /// What those who ask for a session's freshness at the same time share.
    Flight {
        /// The whole look, also one that began before they asked (all upstream forms).
        Whole,
        /// The load alone, and only if it shows at least what they saw themselves (hardened).
        Loads,
    }
}

switch! {
    /// What a teardown takes out of the replica's sessions.
    Teardown {
        /// Whatever the key holds by then (all upstream forms).
        ByKey,
        /// The session that it tears down, and no other (hardened).
        ByIdentity,
    }
}

switch! {
    /// What is published later of a write whose publication failed.
    Drain {
        /// That there has been one, and the tree of whoever made it, whatever has happened since (all upstream forms).
        Blind,
        /// What the row still bears out; where its session does not know any more what it wrote, nothing.
        Known,
        /// What the row still bears out; where its session does not know any more what it wrote, what the row has (hardened).
        Truth,
    }
}

switch! {
    /// Whether sessions that nobody uses are let go of.
    Reaper {
        /// No.
        Off,
        /// After a time well below the time to live of a tombstone, or the replica does not start (all upstream forms, and hardened).
        On,
    }
}

switch! {
    /// For how long a request waits for its lock.
    Acquire {
        /// 300 s (up to #155).
        Long,
        /// 75 s (later, and hardened).
        Short,
    }
}

switch! {
    /// After which pause a request tries again for its lock.
    Retry {
        /// 50 ms (up to #155).
        Fixed,
        /// 25 to 50 ms (later), and twice as long each time, up to 2 s (hardened).
        Jittered,
    }
}

policy! {
    /// One choice each. The default is the hardened form.
    ///
    /// Each known defect is this far from it:
    ///
    /// | defect | switches |
    /// |---|---|
    /// | S0-D1 | `confirm = "counter"`, `counter = "bare"`, `destroy_mark = "deleted"`, `no_rows = "empty"` |
    /// | S0-D2 | `confirm = "counter"`, `counter = "bare"`, `absent = "zero"`, `destroy_mark = "deleted"` |
    /// | S0-D3 | `confirm = "counter"`, `mark_when = "always"` |
    /// | S0-D4 | `confirm = "counter"`, `counter = "bare"`, `mark_at_creation = "left"` |
    /// | S0-D5 | `gone_answer = "closing"` |
    /// | S0-R1 | `confirm = "counter"` (and a tombstone that fails) |
    /// | S0-R2 | `confirm = "counter"`, `counter = "bare"` |
    /// | S0-R3 | `confirm = "counter"`, `counter = "bare"`, `absent = "zero"`, `reaper = "off"` |
    /// | S0-R4 | `confirm = "counter"`, `counter = "bare"`, `absent = "zero"` (and a Redis that forgets) |
    /// | S0-R5 | `get = "from_memory"` |
    /// | S0-R6 | `confirm = "counter"`, `counter = "bare"`, `fence = "nothing"`, `drain = "blind"` |
    /// | S0-R7 | `confirm = "counter"`, `counter = "bare"`, `absent = "zero"`, `ready = "unguarded"` |
    /// | S0-R8 | `rehydrate = "insert"` |
    /// | S0-R9 | `destroy_lease = "ignored"` |
    /// | S0-R10 | `readers = "shared"` |
    /// | S0-R11 | `teardown = "by_key"` |
    /// | S0-R12 | `confirm = "counter"`, `counter = "bare"`, `fence = "nothing"` |
    /// | S0-R13 | `confirm = "counter"`, `counter = "bare"`, `garbled = "clamped"` (and a Redis that garbles) |
    /// | S0-N1 | `drain = "known"` |
    {
        /// What vouches for a tree in memory.
        confirm: Confirm = Row,
        /// What the counter counts.
        counter: Counter = Stamped,
        /// What holds a write against what it was made from.
        fence: Fence = CompareAndBump,
        /// What an absent counter stands for.
        absent: Absent = Unknown,
        /// What a counter that is no number stands for.
        garbled: Garbled = Repaired,
        /// What a destruction leaves in the counter's place.
        destroy_mark: DestroyMark = Tombstone,
        /// When it does.
        mark_when: MarkWhen = RowDeleted,
        /// What a creation does with a tombstone.
        mark_at_creation: MarkAtCreation = Cleared,
        /// A reload finds no rows.
        no_rows: NoRows = Gone,
        /// A first load finds no rows.
        ready: Ready = Guarded,
        /// A request finds its sandbox gone.
        gone_answer: GoneAnswer = NotFound,
        /// How a replica comes by a session.
        rehydrate: Rehydrate = Load,
        /// A destruction loses its lock.
        destroy_lease: DestroyLease = Heeded,
        /// What `GET /:id` answers from.
        get: Get = Probed,
        /// What a reader reads.
        readers: Readers = Snapshot,
        /// What looks at the same session share.
        flight: Flight = Loads,
        /// What a teardown takes out.
        teardown: Teardown = ByIdentity,
        /// What is published later.
        drain: Drain = Truth,
        /// Whether idle sessions are let go of.
        reaper: Reaper = On,
        /// How long a request waits for its lock.
        acquire: Acquire = Short,
        /// After which pause it tries again.
        retry: Retry = Jittered,
    }
}

impl Policy {
    /// A historical form, or the hardened one. Each is told as what it changed of the one before.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Hardened => Self::default(),
            Preset::Before => Self {
                confirm: Confirm::Counter,
                counter: Counter::Bare,
                fence: Fence::Nothing,
                absent: Absent::Zero,
                garbled: Garbled::Clamped,
                destroy_mark: DestroyMark::Deleted,
                mark_when: MarkWhen::Always,
                mark_at_creation: MarkAtCreation::Left,
                no_rows: NoRows::Empty,
                ready: Ready::Unguarded,
                gone_answer: GoneAnswer::Closing,
                rehydrate: Rehydrate::Insert,
                destroy_lease: DestroyLease::Ignored,
                get: Get::FromMemory,
                readers: Readers::Shared,
                flight: Flight::Whole,
                teardown: Teardown::ByKey,
                drain: Drain::Blind,
                reaper: Reaper::On,
                acquire: Acquire::Long,
                retry: Retry::Fixed,
            },
            Preset::First => Self {
                destroy_mark: DestroyMark::Tombstone,
                mark_at_creation: MarkAtCreation::Cleared,
                no_rows: NoRows::Gone,
                gone_answer: GoneAnswer::NotFound,
                ..Self::preset(Preset::Before)
            },
            Preset::Merged => Self { mark_when: MarkWhen::RowDeleted, ..Self::preset(Preset::First) },
        }
    }

    /// Choices that exclude each other.
    ///
    /// # Errors
    /// Says which do, and what to write instead.
    pub(crate) fn check(&self) -> Result<(), String> {
        if self.counter == Counter::Stamped && self.fence == Fence::Nothing {
            return Err(
                "`counter = \"stamped\"` takes its version from the fence, and `fence = \"nothing\"` has none: \
                        write `counter = \"bare\"`, or leave `fence` out"
                    .to_owned(),
            );
        }
        if self.confirm == Confirm::Row && self.fence == Fence::Nothing {
            return Err(
                "`confirm = \"row\"` goes by the version that the fence counts up, and `fence = \"nothing\"` has \
                        none: write `confirm = \"counter\"`, or leave `fence` out"
                    .to_owned(),
            );
        }
        Ok(())
    }
}
