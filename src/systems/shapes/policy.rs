//! The choices in which the historical forms of the shape service differ from each other and from the hardened form.
//!
//! One switch per choice, and nothing else: times live in `timeouts.rs`. What is left out of a scenario's `[policy]` is the
//! hardened form; `preset` names another form to start from. Oracles never see this.

use crate::systems::choices::{policy, switch};

switch! {
    /// Which historical form to start from. References are to pull requests and commits of electric-sql/electric.
    Preset {
        /// Before #4666 (4c2498adc^).
        Before,
        /// #4666 as it was drafted, with three fixes.
        Draft,
        /// #4666 as it was merged, with the first of these.
        Merged,
        /// With #4730 (ca04983a5).
        Graced,
        /// With #4735 (9f84e6097).
        Dropping,
        /// What we hold to be right; no version upstream.
        Hardened,
    }
}

switch! {
    /// What a consumer does whose call to its materializer fails because that has ended.
    Notify {
        /// It ends with it (before #4666).
        Crashes,
        /// Where the reason is known to be harmless, it takes the call for done; otherwise it ends with it (#4666).
        Swallowed,
        /// It leaves off there, and keeps its shape (hardened).
        LeavesOff,
    }
}

switch! {
    /// With which reasons a consumer ends whose shape is kept.
    Ending {
        /// Normal, killed, and every shutdown but that for cleanup (before #4730).
        AnyShutdown,
        /// Normal, killed, and a bare shutdown (#4730).
        BareShutdown,
        /// Every reason but shutdown for cleanup (hardened).
        AllButCleanup,
    }
}

switch! {
    /// What a consumer does when it hears that a materializer, its own or one that it depends on, has ended in a certain way.
    Down {
        /// It stops and has its shape removed.
        Cleans,
        /// It keeps its shape.
        Keeps,
    }
}

switch! {
    /// What a request comes to that looks a handle up while there is no table of them.
    Lookup {
        /// To an error (before #4666, and as merged).
        Raises,
        /// To what the durable store knows (the draft).
        FallsBack,
        /// To being told to come back (hardened).
        NotReady,
    }
}

switch! {
    /// The same of a request that looks once more before it answers that nothing has changed.
    Recheck {
        /// To an error (before #4666, and as merged).
        Raises,
        /// To the answer that nothing has changed (the draft, hardened).
        NoChange,
    }
}

switch! {
    /// Which errors count as there being no table.
    Rescue {
        /// All that come of the whole request (the draft).
        WholeRequest,
        /// That of looking into the table (hardened).
        LookupOnly,
    }
}

switch! {
    /// How a shape is removed.
    Removal {
        /// Its row first, then the rest, with nothing that says so (all upstream forms).
        RowFirst,
        /// It is written down that it is to be removed, and finished at boot if need be; its row goes last (hardened).
        Intent,
    }
}

switch! {
    /// Who gathers what a consumer begins with, when that one has ended.
    Starter {
        /// It goes on until it hears of that, and may write a snapshot (all upstream forms).
        Outlives,
        /// It is ended before anything else is done with the shape's files (hardened).
        Ended,
    }
}

switch! {
    /// What a removal of a shape does that has no row any more.
    Again {
        /// Nothing (before #4730).
        StopsShort,
        /// All that may not have been done (#4730, hardened).
        Reissues,
    }
}

switch! {
    /// What becomes of a transaction that a shape has not put on disk, when its consumer ends.
    Unflushed {
        /// It is waited for (before #4730).
        Pinned,
        /// It is waited for, for a minute (#4730).
        Graced,
        /// It is let go of with the shape that was removed; for the sake of one that was not, the stack starts anew (hardened).
        Released,
    }
}

switch! {
    /// What becomes of shapes with subqueries when the stack starts.
    Subqueries {
        /// They are dropped, and so is what they depend on (#4735).
        Dropped,
        /// They are restored (before #4735, hardened).
        Restored,
    }
}

switch! {
    /// What becomes of a shape whose dependency is gone when the stack starts.
    Dangling {
        /// It is waited for (all upstream forms).
        WaitedFor,
        /// It is removed as well (hardened).
        Pruned,
    }
}

switch! {
    /// How long a materializer waits for the shape that it reads.
    Subscribe {
        /// For five seconds (before #4729).
        FiveSeconds,
        /// As long as it takes (#4729, hardened).
        Unbounded,
    }
}

switch! {
    /// As of when a restored shape sees what it depends on.
    View {
        /// As of whatever position that has come to (all upstream forms).
        AsMaterialized,
        /// As of its own position, and then change by change (hardened).
        AtPosition,
    }
}

switch! {
    /// What is handed to a restored shape of what has become of the values that it depends on.
    Handed {
        /// What is in the log of that shape by then (the first hardened form).
        Logged,
        /// What has been taken in, which may be ahead of the log by a transaction (hardened).
        Taken,
    }
}

switch! {
    /// What becomes of word that all transactions have come up to somewhere, where a shape has not begun.
    Advanced {
        /// It is forgotten, and what others have made of them waits for the next one (the first hardened form).
        Forgotten,
        /// It is taken up once the shape has begun (hardened).
        Kept,
    }
}

switch! {
    /// What a request that is held across a restart has seen, once its shape lives again.
    Seen {
        /// Whatever was read last, although it may end before what the client has (the first hardened form).
        Latest,
        /// What was read before, until the shape has come as far as the client (hardened).
        NoOlder,
    }
}

switch! {
    /// What a shape does with a transaction that it has applied before the stack was started.
    Replayed {
        /// It applies it again (before #4668).
        Applied,
        /// It leaves it (#4668, hardened).
        Skipped,
    }
}

switch! {
    /// When the stack says that it is active.
    Active {
        /// When it has the slot (all upstream forms).
        Connected,
        /// When it has come to where the database was at boot (hardened).
        CaughtUp,
    }
}

policy! {
    /// One choice each. The default is the hardened form.
    ///
    /// Each known defect is this far from it:
    ///
    /// | defect | switches |
    /// |---|---|
    /// | S4-D1 | `notify = "crashes"`, `ending = "any_shutdown"` |
    /// | S4-D2 | `lookup = "raises"` |
    /// | S4-D3 | `recheck = "raises"` |
    /// | S4-D4 | `removal = "row_first"`, `again = "stops_short"`, `unflushed = "pinned"` |
    /// | S4-R1 | `down_killed = "cleans"` |
    /// | S4-R2 | `down_absent = "cleans"` |
    /// | S4-R3 | `notify = "swallowed"` |
    /// | S4-R4 | `rescue = "whole_request"` |
    /// | S4-R5 | `removal = "row_first"` |
    /// | S4-R6 | `subqueries = "dropped"` |
    /// | S4-R7 | `removal = "row_first"`, `dangling = "waited_for"` |
    /// | S4-R8 | `subscribe = "five_seconds"` |
    /// | S4-N1 | `view = "as_materialized"` |
    /// | S4-N2 | `starter = "outlives"` |
    /// | S4-N3 | `handed = "logged"` |
    /// | S4-N4 | `seen = "latest"` |
    /// | S4-N5 | `advanced = "forgotten"` |
    {
        /// A call to a materializer that has ended.
        notify: Notify = LeavesOff,
        /// With which reasons a consumer's shape is kept.
        ending: Ending = AllButCleanup,
        /// A materializer was shut down with a word why.
        down_tagged: Down = Keeps,
        /// It was killed.
        down_killed: Down = Keeps,
        /// It had ended before anybody asked.
        down_absent: Down = Keeps,
        /// It ended in any other way but being shut down.
        down_crashed: Down = Keeps,
        /// A handle is looked up without a table.
        lookup: Lookup = NotReady,
        /// The same, once more before an answer.
        recheck: Recheck = NoChange,
        /// Which errors count as that.
        rescue: Rescue = LookupOnly,
        /// How a shape is removed.
        removal: Removal = Intent,
        /// Who gathers what a consumer begins with.
        starter: Starter = Ended,
        /// A removal of a shape without a row.
        again: Again = Reissues,
        /// What a consumer that has ended had not put on disk.
        unflushed: Unflushed = Released,
        /// Shapes with subqueries at boot.
        subqueries: Subqueries = Restored,
        /// Those whose dependency is gone.
        dangling: Dangling = Pruned,
        /// How long a materializer waits.
        subscribe: Subscribe = Unbounded,
        /// As of when a restored shape sees what it depends on.
        view: View = AtPosition,
        /// What is handed to one of what has become of that.
        handed: Handed = Taken,
        /// Word that all has come, before one has begun.
        advanced: Advanced = Kept,
        /// What a request that is held has seen.
        seen: Seen = NoOlder,
        /// What was applied before.
        replayed: Replayed = Skipped,
        /// When the stack is active.
        active: Active = CaughtUp,
    }
}

impl Policy {
    /// A historical form, or the hardened one. Each is told as what it changed of the one before.
    pub fn preset(preset: Preset) -> Self {
        match preset {
            Preset::Hardened => Self::default(),
            Preset::Before => Self {
                notify: Notify::Crashes,
                ending: Ending::AnyShutdown,
                down_tagged: Down::Keeps,
                down_killed: Down::Cleans,
                down_absent: Down::Cleans,
                down_crashed: Down::Cleans,
                lookup: Lookup::Raises,
                recheck: Recheck::Raises,
                rescue: Rescue::LookupOnly,
                removal: Removal::RowFirst,
                starter: Starter::Outlives,
                again: Again::StopsShort,
                unflushed: Unflushed::Pinned,
                subqueries: Subqueries::Restored,
                dangling: Dangling::WaitedFor,
                subscribe: Subscribe::FiveSeconds,
                view: View::AsMaterialized,
                handed: Handed::Logged,
                advanced: Advanced::Forgotten,
                seen: Seen::Latest,
                replayed: Replayed::Applied,
                active: Active::Connected,
            },
            Preset::Draft => Self {
                lookup: Lookup::FallsBack,
                recheck: Recheck::NoChange,
                rescue: Rescue::WholeRequest,
                ..Self::preset(Preset::Merged)
            },
            Preset::Merged => Self { notify: Notify::Swallowed, ..Self::preset(Preset::Before) },
            Preset::Graced => Self {
                ending: Ending::BareShutdown,
                down_tagged: Down::Cleans,
                again: Again::Reissues,
                unflushed: Unflushed::Graced,
                subscribe: Subscribe::Unbounded,
                replayed: Replayed::Skipped,
                ..Self::preset(Preset::Merged)
            },
            Preset::Dropping => Self { subqueries: Subqueries::Dropped, ..Self::preset(Preset::Graced) },
        }
    }
}
