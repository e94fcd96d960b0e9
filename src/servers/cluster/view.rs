//! Namespaces as they are told: in answers, and in the ground truth.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// Whether a namespace is on its way out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub enum Phase {
    /// It is not.
    Active,
    /// It is, and still listed.
    Terminating,
}

/// How the deployment of a namespace fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Rollout {
    /// There is none.
    Absent,
    /// It comes up.
    Pending,
    /// It runs.
    Running,
    /// It could not come up.
    Failed,
}

/// A namespace.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct View {
    /// Its name; of all that are there, one has it.
    pub name: String,
    /// Which one it is of all that have ever had the name.
    pub uid: String,
    /// What its creator has written on it.
    pub labels: BTreeMap<String, String>,
    /// When it was created, by the cluster's clock, as RFC 3339 has it.
    #[serde(rename = "creationTimestamp")]
    pub created: String,
    /// Whether it is on its way out.
    pub phase: Phase,
    /// How its deployment fares.
    pub deployment: Rollout,
    /// Since when it fares like this.
    #[serde(rename = "deploymentSince")]
    pub since: String,
}

/// Namespaces of a list, or of a page of it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Page {
    /// In order of their names.
    pub items: Vec<View>,
    /// What the next page is asked for with; `None`: there is none.
    #[serde(rename = "continue", default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
