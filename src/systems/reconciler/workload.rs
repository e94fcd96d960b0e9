//! What clients do with workspaces, and on how large a service. How it is written is in `words.rs`, what comes of it in
//! `outcome.rs`.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::harness::Draw;

/// `[topology]`: how large the service is.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Topology {
    /// Processes that serve workspaces and look after them: `server-a`, `server-b`, …; 1 to 26.
    pub servers: u32,
    /// Clients: `c1`, `c2`, …
    pub clients: u32,
    /// Machines that instances run on: `machine-1`, …
    pub machines: u32,
    /// Workspaces that run already when all begins: `ws1`, `ws2`, …
    pub running: u32,
    /// How long the control plane takes over an answer when all is well, in milliseconds.
    pub answers_ms: u32,
}

impl Default for Topology {
    fn default() -> Self {
        Self { servers: 2, clients: 3, machines: 2, running: 2, answers_ms: 0 }
    }
}

/// `[workload]`: how much clients do, and of what.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Workload {
    /// Operations of all clients together.
    pub operations: u32,
    /// Workspaces that operations are about.
    pub workspaces: u32,
    /// How many of these, the last ones, run elsewhere than in the cloud.
    pub external: u32,
    /// How often each kind of operation occurs.
    pub mix: Mix,
    /// The longest that a client waits now and then, in seconds.
    pub idle_seconds: u32,
}

impl Default for Workload {
    fn default() -> Self {
        Self { operations: 45, workspaces: 4, external: 1, mix: Mix::default(), idle_seconds: 60 }
    }
}

/// How often each kind of operation occurs, relative to the others. Naming some leaves the others as they are by default.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Mix {
    /// Make a workspace.
    pub create: u32,
    /// Pause it.
    pub pause: u32,
    /// Hibernate it.
    pub hibernate: u32,
    /// Resume it from either.
    pub resume: u32,
    /// Remove it.
    pub remove: u32,
    /// Take the removal back.
    pub unremove: u32,
    /// Delete its row.
    pub purge: u32,
    /// Restart it.
    pub restart: u32,
    /// Ask how it is.
    pub status: u32,
    /// Its instance dies.
    pub kill: u32,
    /// Its instance runs badly from now on, or well again.
    pub impair: u32,
    /// Its agent, where it runs elsewhere, says that it is alive.
    pub beat: u32,
    /// Wait.
    pub wait: u32,
}

impl Default for Mix {
    fn default() -> Self {
        Self {
            create: 3,
            pause: 3,
            hibernate: 1,
            resume: 4,
            remove: 2,
            unremove: 3,
            purge: 1,
            restart: 2,
            status: 1,
            kill: 3,
            impair: 1,
            beat: 1,
            wait: 12,
        }
    }
}

impl Mix {
    fn weights(&self) -> [u32; 13] {
        let Self {
            create,
            pause,
            hibernate,
            resume,
            remove,
            unremove,
            purge,
            restart,
            status,
            kill,
            impair,
            beat,
            wait,
        } = *self;
        [create, pause, hibernate, resume, remove, unremove, purge, restart, status, kill, impair, beat, wait]
    }

    /// Whether nothing ever occurs.
    pub(crate) fn is_empty(&self) -> bool {
        self.weights().iter().all(|weight| *weight == 0)
    }
}

/// For how many operations of a client the crowd stays on one workspace.
const CROWD: u32 = 6;
/// Of 1,000 operations, how many are about the workspace that the crowd is on.
const CROWDED: u64 = 600;

/// What is asked of a workspace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verb {
    /// Make it.
    Create,
    /// Pause it.
    Pause,
    /// Hibernate it.
    Hibernate,
    /// Resume it from either.
    Resume,
    /// Remove it.
    Remove,
    /// Take the removal back.
    Unremove,
    /// Delete its row.
    Purge,
    /// Restart it.
    Restart,
    /// Ask how it is.
    Status,
    /// Its instance dies.
    Kill,
    /// Its instance runs badly from now on, or well again.
    Impair,
    /// Its agent, where it runs elsewhere, says that it is alive.
    Beat,
}

impl Verb {
    /// All of them.
    pub(crate) const ALL: [Self; 12] = [
        Self::Create,
        Self::Pause,
        Self::Hibernate,
        Self::Resume,
        Self::Remove,
        Self::Unremove,
        Self::Purge,
        Self::Restart,
        Self::Status,
        Self::Kill,
        Self::Impair,
        Self::Beat,
    ];

    /// The word for it, in scripted steps and requests.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Pause => "pause",
            Self::Hibernate => "hibernate",
            Self::Resume => "resume",
            Self::Remove => "remove",
            Self::Unremove => "unremove",
            Self::Purge => "purge",
            Self::Restart => "restart",
            Self::Status => "status",
            Self::Kill => "kill",
            Self::Impair => "impair",
            Self::Beat => "beat",
        }
    }

    /// Whether it is something that befalls the instance, and no request to a server.
    pub(crate) const fn is_accident(self) -> bool {
        matches!(self, Self::Kill | Self::Impair)
    }
}

/// What a client does.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Operation {
    /// Something with a workspace.
    Workspace {
        /// What is asked.
        verb: Verb,
        /// Of which workspace, from 1.
        workspace: u32,
        /// Via which server, from 0.
        via: u32,
        /// Made to run elsewhere than in the cloud.
        external: bool,
    },
    /// List all workspaces, via a server from 0.
    List(u32),
    /// Let time go by.
    Wait(Duration),
}

/// The name of a server, counted from 0.
pub(crate) fn server_name(index: u32) -> String {
    format!("server-{}", char::from(b'a' + (index % 26) as u8))
}

/// The name of a workspace, counted from 1.
pub(crate) fn workspace_name(number: u32) -> String {
    format!("ws{number}")
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let via = match self {
            Self::Wait(time) => return write!(f, "wait {}ms", time.as_millis()),
            Self::List(via) => {
                f.write_str("list")?;
                *via
            }
            Self::Workspace { verb, workspace, via, external } => {
                write!(f, "{} {}", verb.word(), workspace_name(*workspace))?;
                if *external {
                    f.write_str(" elsewhere")?;
                }
                *via
            }
        };
        // What a scripted step may leave out is left out here too, so that its words are the operation's name.
        if via == 0 { Ok(()) } else { write!(f, " via {}", server_name(via)) }
    }
}

impl Operation {
    /// Something with a workspace in the cloud, via the first server.
    pub(crate) fn of(verb: Verb, workspace: u32) -> Self {
        Self::Workspace { verb, workspace, via: 0, external: false }
    }

    /// What the tape decides.
    pub(crate) fn draw(draw: &mut Draw<'_>, topology: &Topology, workload: &Workload) -> Option<Self> {
        let kind = draw.weighted("operation", &workload.mix.weights())?;
        let Some(verb) = Verb::ALL.get(kind).copied() else {
            let most = Duration::from_secs(workload.idle_seconds.into());
            return Some(Self::Wait(Duration::from_millis(draw.below("wait", most.as_millis() as u64 + 1))));
        };
        let via = draw.below("server", topology.servers.into()) as u32;
        // For a while everybody crowds on one workspace: conflicts are wanted.
        let workspace = if draw.chance("crowd", CROWDED) {
            (draw.ordinal() / CROWD) % workload.workspaces
        } else {
            draw.below("workspace", workload.workspaces.into()) as u32
        };
        let via = if verb.is_accident() { 0 } else { via };
        let external = verb == Verb::Create && workspace + workload.external >= workload.workspaces;
        Some(Self::Workspace { verb, workspace: workspace + 1, via, external })
    }
}
