//! A workspace's row: as the service reads it, and as the ground truth tells it.

use std::fmt;

use serde::Deserialize;

use crate::storage::Row;

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant,)+ }

        impl $name {
            /// The word for it, in the row and in answers.
            pub const fn word(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            /// What this word stands for.
            pub fn named(word: &str) -> Option<Self> {
                [$(Self::$variant),+].into_iter().find(|one| one.word() == word)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

words! {
    /// The status of a workspace.
    Status {
        /// It gets an instance, or waits for that to say that it is alive.
        Provisioning = "provisioning",
        /// Its agent is well.
        Online = "online",
        /// Its agent is not well, or silent.
        Degraded = "degraded",
        /// It has lost its instance, or is to lose it.
        Offline = "offline",
        /// The user has paused it.
        Paused = "paused",
        /// The user has hibernated it, and its instance shuts down.
        Hibernating = "hibernating",
        /// The user has hibernated it.
        Hibernated = "hibernated",
        /// The user has removed it.
        Removed = "removed",
        /// It runs elsewhere, and has not been heard of.
        AwaitingAgent = "awaiting_agent",
        /// It cannot be provisioned.
        Failed = "failed",
    }
}

words! {
    /// What is still to be done about a workspace.
    Owed {
        /// Nothing.
        Nothing = "nothing",
        /// It is to be restarted.
        Restart = "restart",
        /// What it had is to be terminated, and a new instance made.
        Create = "create",
        /// Its instance is to be shut down.
        Stop = "stop",
        /// Its instances are to be terminated.
        Terminate = "terminate",
    }
}

impl Status {
    /// Whether the user has put the workspace away.
    pub const fn is_put_away(self) -> bool {
        matches!(self, Self::Paused | Self::Hibernating | Self::Hibernated | Self::Removed)
    }

    /// Whether a cycle is about such workspaces.
    pub const fn is_up(self) -> bool {
        matches!(self, Self::Online | Self::Degraded)
    }
}

/// A workspace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Workspace {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: Status,
    /// What it runs on: `cloud`, or `external`.
    pub runtime: String,
    /// The instance that it runs on.
    #[serde(rename = "instance_id")]
    pub instance: Option<String>,
    /// The instance that it ran on until it was paused.
    #[serde(rename = "parked_id")]
    pub parked: Option<String>,
    /// Changes with every decision about it.
    pub generation: String,
    /// What is still to be done.
    pub owed: Owed,
}

impl Workspace {
    /// A row as the database hands it over; `None`: it is not one of ours.
    pub(crate) fn of(row: &Row) -> Option<Self> {
        Some(Self {
            id: row.try_get(0).ok()?,
            status: Status::named(row.try_get(1).ok()?)?,
            runtime: row.try_get(2).ok()?,
            instance: row.try_get(3).ok()?,
            parked: row.try_get(4).ok()?,
            generation: row.try_get(5).ok()?,
            owed: Owed::named(row.try_get(6).ok()?)?,
        })
    }

    /// A row as the ground truth tells it.
    pub(crate) fn parse(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}
