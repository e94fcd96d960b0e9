//! What clients see come of an operation.

use std::fmt;

use serde::{Deserialize, Serialize};

use super::row::Workspace;

/// What a client saw come of an operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Done, and the row says so.
    Done,
    /// A workspace.
    Shown(View),
    /// All workspaces.
    Listed(Vec<View>),
    /// There is no such workspace, or nothing of it is up (404).
    NotFound,
    /// It is not in a state for this (409).
    Conflict,
    /// Rows could not be reached, or it is not known what came of it (503).
    Unavailable,
    /// No answer: it may or may not have been done.
    Lost,
}

/// A workspace as clients see it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct View {
    /// Its id.
    pub id: String,
    /// Its status.
    pub status: String,
    /// Its instance.
    pub instance: Option<String>,
}

impl From<&Workspace> for View {
    fn from(workspace: &Workspace) -> Self {
        Self { id: workspace.id.clone(), status: workspace.status.to_string(), instance: workspace.instance.clone() }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done => f.write_str("done"),
            Self::Shown(View { status, instance: Some(instance), .. }) => write!(f, "{status}, on {instance}"),
            Self::Shown(View { status, instance: None, .. }) => write!(f, "{status}, on no instance"),
            Self::Listed(all) => write!(f, "{} workspaces", all.len()),
            Self::NotFound => f.write_str("not found"),
            Self::Conflict => f.write_str("conflict"),
            Self::Unavailable => f.write_str("unavailable"),
            Self::Lost => f.write_str("no answer"),
        }
    }
}
