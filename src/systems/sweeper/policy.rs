//! The choices in which the historical forms of the sweeper differ from each other and from the hardened form.
//!
//! One switch per choice, and nothing else: times live in `timeouts.rs`. What is left out of a scenario's `[policy]` is the
//! hardened form; `preset` names another form to start from. Oracles never see this.

use crate::systems::choices::{policy, switch};

switch! {
    /// Which historical form to start from. References are to pull requests of InstaNode-dev/worker.
    Preset {
        /// Before #105: what is live is told by ids, which no namespace is named after.
        Before,
        /// #105 as it was merged: by slugs, a page at a time.
        Merged,
        /// What we hold to be right; no version upstream.
        Hardened,
    }
}

switch! {
    /// What of a row a namespace is held against.
    Key {
        /// Its id, against what the name has after the prefix (before #105).
        Id,
        /// Its slug, against the same (#105).
        Slug,
        /// Its namespace, against the name (hardened).
        Namespace,
    }
}

switch! {
    /// What a sweep looks at first.
    Order {
        /// The rows: what is born in between has a namespace and no row.
        FetchFirst,
        /// The namespaces (all upstream forms).
        ListFirst,
    }
}

switch! {
    /// How the rows are read.
    Fetch {
        /// In pages by slug, each as of its own moment (#105).
        Paged,
        /// In one statement, as of one moment (before #105, hardened).
        Whole,
    }
}

switch! {
    /// Where the rows are read.
    Source {
        /// From a copy that lags.
        Replica,
        /// Where they are written (all upstream forms, hardened).
        Primary,
    }
}

switch! {
    /// How old a namespace has to be.
    Grace {
        /// Any age will do (all upstream forms).
        Nothing,
        /// An hour, by the cluster's own clock (hardened).
        Hour,
    }
}

switch! {
    /// What is made sure of before anything is deleted.
    Recheck {
        /// Nothing (all upstream forms).
        Nothing,
        /// That there is no row still, where rows are written (hardened).
        Primary,
    }
}

switch! {
    /// What a deletion by itself names.
    Precondition {
        /// The namespace's name (all upstream forms).
        Name,
        /// Its UID too, so that it is the one that was looked at (hardened).
        Uid,
    }
}

switch! {
    /// What it means that there are no rows at all.
    Empty {
        /// That nothing is live (all upstream forms).
        Trusted,
        /// That something is wrong, so nothing is deleted (hardened).
        Refused,
    }
}

switch! {
    /// How much one sweep may delete.
    Blast {
        /// All that it finds (all upstream forms).
        Unbounded,
        /// A few, the oldest first; the rest is left to the next (hardened).
        Capped,
    }
}

switch! {
    /// What the status of a stack is told from.
    Told {
        /// What its row says (all upstream forms).
        Row,
        /// What is really there (hardened).
        Cluster,
    }
}

switch! {
    /// How a stack expires.
    Expiry {
        /// It is looked up, its namespace deleted, then its row (all upstream forms).
        Looked,
        /// Its row says so in one write first, after which it cannot be extended any more (hardened).
        Claimed,
    }
}

switch! {
    /// Which namespaces the expirer takes for its own.
    Guard {
        /// Those with a prefix that no stack's namespace has; others are passed over as if they were deleted (early).
        OtherPrefix,
        /// Whichever the row has (later forms, hardened).
        OfRow,
    }
}

policy! {
    /// One choice each. The default is the hardened form.
    ///
    /// Each known defect is this far from it:
    ///
    /// | defect | switches |
    /// |---|---|
    /// | S2-D1 | `key = "id"` |
    /// | S2-D2 | the same, and a workload whose ids are slugs |
    /// | S2-D3 | `key = "id"`, `told = "row"` |
    /// | S2-D4 | `guard = "other_prefix"` |
    /// | S2-R1 | `grace = "nothing"` |
    /// | S2-R2 | `grace = "nothing"`, `recheck = "nothing"`; and `order = "fetch_first"`, or `fetch = "paged"` |
    /// | S2-R3 | `precondition = "name"` |
    /// | S2-R4 | `empty = "trusted"`, `blast = "unbounded"` |
    /// | S2-R5 | `source = "replica"`, `grace = "nothing"`, `recheck = "nothing"` |
    /// | S2-R6 | `key = "slug"` |
    /// | S2-R7 | `told = "row"` |
    /// | S2-R8 | `expiry = "looked"` |
    {
        /// What of a row a namespace is held against.
        key: Key = Namespace,
        /// What a sweep looks at first.
        order: Order = ListFirst,
        /// How the rows are read.
        fetch: Fetch = Whole,
        /// Where they are read.
        source: Source = Primary,
        /// How old a namespace has to be.
        grace: Grace = Hour,
        /// What is made sure of before anything is deleted.
        recheck: Recheck = Primary,
        /// What a deletion names.
        precondition: Precondition = Uid,
        /// What it means that there are no rows.
        empty: Empty = Refused,
        /// How much one sweep may delete.
        blast: Blast = Capped,
        /// What the status of a stack is told from.
        told: Told = Cluster,
        /// How a stack expires.
        expiry: Expiry = Claimed,
        /// Which namespaces the expirer takes for its own.
        guard: Guard = OfRow,
    }
}

impl Policy {
    fn preset(preset: Preset) -> Self {
        let before = Self {
            key: Key::Id,
            grace: Grace::Nothing,
            recheck: Recheck::Nothing,
            precondition: Precondition::Name,
            empty: Empty::Trusted,
            blast: Blast::Unbounded,
            told: Told::Row,
            expiry: Expiry::Looked,
            ..Self::default()
        };
        match preset {
            Preset::Before => before,
            Preset::Merged => Self { key: Key::Slug, fetch: Fetch::Paged, ..before },
            Preset::Hardened => Self::default(),
        }
    }
}
