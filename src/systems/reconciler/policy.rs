//! The choices in which the historical forms of the reconciler differ from the hardened form.
//!
//! One switch per choice, and nothing else: times live in `timeouts.rs`. What is left out of a scenario's `[policy]` is the
//! hardened form; `preset` names another form to start from. Oracles never see this.

use crate::systems::choices::{policy, switch};

switch! {
    /// Which historical form to start from.
    Preset {
        /// Before #2283: by id alone, for as long as it takes, those online only.
        Before,
        /// #2283 as it was merged: degraded rows too, a cycle that ends, and another look before a row goes offline.
        Merged,
        /// What we hold to be right; no version upstream.
        Hardened,
    }
}

switch! {
    /// Which rows a cycle looks at.
    Scope {
        /// Those online (before #2283).
        OnlineOnly,
        /// Those online or degraded.
        DegradedToo,
    }
}

switch! {
    /// In which order a cycle looks at them.
    Order {
        /// The latest written first; a heartbeat writes (all upstream forms).
        LatestUpdated,
        /// The one first whose last check is the oldest; a check is written down (hardened).
        OldestChecked,
    }
}

switch! {
    /// How long a cycle may take.
    Cycle {
        /// As long as its checks (before #2283).
        Unbounded,
        /// It ends at its deadline, and the next goes on where it ended.
        Bounded,
    }
}

switch! {
    /// Which instance a check asks about.
    Probe {
        /// The one that the row has by now; none counts as not running (all upstream forms).
        ReResolved,
        /// The one that the row was selected with (hardened).
        Captured,
    }
}

switch! {
    /// What proves that an instance is dead.
    Proof {
        /// One answer that it is anything but running, from wherever (all upstream forms).
        NotRunning,
        /// That it is stopped or terminated, said twice, the second time by the original, of an instance past its first
        /// moments (hardened).
        Explicit,
    }
}

switch! {
    /// What is made sure of when a row is taken offline.
    Flip {
        /// Nothing: by id (before #2283).
        Blind,
        /// Status and instance, by a look just before it; then by id (#2283).
        Rechecked,
        /// Status, instance and generation, in the write itself (hardened).
        Guarded,
    }
}

switch! {
    /// Under which deadline the word is spread that a workspace is offline.
    Broadcast {
        /// That of the cycle, after the row was written (all upstream forms).
        CycleDeadline,
        /// Its own, in one transaction with the row (hardened).
        WithFlip,
    }
}

switch! {
    /// What becomes of a restart that comes too soon after the one before.
    Dropped {
        /// It is forgotten (all upstream forms).
        Forgotten,
        /// The row says that it is owed (hardened).
        Owed,
    }
}

switch! {
    /// What is made sure of when a restart begins.
    Begin {
        /// Nothing since the look before it: by id (all upstream forms).
        Blind,
        /// That the user has not put the workspace away; whoever else is at it, in another process, is not known.
        ByStatus,
        /// The generation that the restart was decided on, so that one process alone gets it (hardened).
        Claimed,
    }
}

switch! {
    /// Which instance a restart terminates.
    Stop {
        /// The one that the row has by now (all upstream forms).
        ReResolved,
        /// The one that the restart was decided on (hardened).
        Named,
    }
}

switch! {
    /// How a removed row lets go of its instance once that is terminated.
    Orphan {
        /// By id (all upstream forms).
        Blind,
        /// If it is still the removal that the sweep has seen (hardened).
        Guarded,
    }
}

policy! {
    /// One choice each. The default is the hardened form.
    ///
    /// Each known defect is this far from it:
    ///
    /// | defect | switches |
    /// |---|---|
    /// | S3-D1 | `probe = "re_resolved"`, `flip = "blind"` |
    /// | S3-D2 | `scope = "online_only"` |
    /// | S3-D3 | `cycle = "unbounded"` |
    /// | S3-R1 | `flip = "rechecked"`, `stop = "re_resolved"`; and `begin = "blind"` by itself |
    /// | S3-R2 | `probe = "re_resolved"`, `flip = "rechecked"` |
    /// | S3-R3 | `order = "latest_updated"` |
    /// | S3-R4 | `proof = "not_running"` |
    /// | S3-R5 | `dropped = "forgotten"` |
    /// | S3-R6 | `broadcast = "cycle_deadline"` |
    /// | S3-R7 | `orphan = "blind"` |
    /// | S3-R8 | `begin = "by_status"` |
    {
        /// Which rows a cycle looks at.
        scope: Scope = DegradedToo,
        /// In which order.
        order: Order = OldestChecked,
        /// How long a cycle may take.
        cycle: Cycle = Bounded,
        /// Which instance a check asks about.
        probe: Probe = Captured,
        /// What proves an instance dead.
        proof: Proof = Explicit,
        /// What is made sure of when a row is taken offline.
        flip: Flip = Guarded,
        /// Under which deadline the word is spread.
        broadcast: Broadcast = WithFlip,
        /// A restart that comes too soon.
        dropped: Dropped = Owed,
        /// What is made sure of when a restart begins.
        begin: Begin = Claimed,
        /// Which instance a restart terminates.
        stop: Stop = Named,
        /// How a removed row lets go of its instance.
        orphan: Orphan = Guarded,
    }
}

impl Policy {
    /// A historical form, or the hardened one. Each is told as what it changed of the one before.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Hardened => Self::default(),
            Preset::Before => Self {
                scope: Scope::OnlineOnly,
                order: Order::LatestUpdated,
                cycle: Cycle::Unbounded,
                probe: Probe::ReResolved,
                proof: Proof::NotRunning,
                flip: Flip::Blind,
                broadcast: Broadcast::CycleDeadline,
                dropped: Dropped::Forgotten,
                begin: Begin::Blind,
                stop: Stop::ReResolved,
                orphan: Orphan::Blind,
            },
            Preset::Merged => Self {
                scope: Scope::DegradedToo,
                cycle: Cycle::Bounded,
                flip: Flip::Rechecked,
                ..Self::preset(Preset::Before)
            },
        }
    }
}
