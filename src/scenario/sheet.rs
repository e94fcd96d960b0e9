//! A scenario file as it is written: the serde types, with the place of each value that is checked later.
//!
//! Whether the values make sense is the business of `bind`.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};
use toml::{Spanned, Value};

/// The part that is read first: which system the rest is about.
#[derive(Deserialize)]
pub(super) struct Head {
    pub(super) system: Spanned<String>,
}

/// The whole file, with the types of its system.
#[derive(Deserialize)]
#[serde(
    deny_unknown_fields,
    bound = "P: Deserialize<'de> + Default, T: Deserialize<'de> + Default, W: Deserialize<'de> + Default"
)]
pub(super) struct Sheet<P, T, W> {
    about: String,
    system: Spanned<String>,
    defect: Option<String>,
    expect: Spanned<Value>,
    seeds: Option<NonZeroU64>,
    #[serde(default)]
    allow: Vec<Spanned<String>>,
    #[serde(default)]
    policy: P,
    #[serde(default)]
    topology: T,
    #[serde(default)]
    workload: W,
    #[serde(default)]
    faults: BTreeMap<Spanned<String>, Spanned<f64>>,
    #[serde(default)]
    limits: LimitsSheet,
    #[serde(default)]
    step: Vec<StepSheet>,
    #[serde(default)]
    hold: Vec<HoldSheet>,
    #[serde(default)]
    fault: Vec<StrikeSheet>,
    #[serde(default)]
    decision: Vec<DecisionSheet>,
}

/// The three tables whose types belong to the system.
pub(super) struct Tables<P, T, W> {
    pub(super) policy: P,
    pub(super) topology: T,
    pub(super) workload: W,
}

/// All of the file that is alike for every system.
pub(super) struct Frame {
    pub(super) about: String,
    pub(super) system: Spanned<String>,
    pub(super) defect: Option<String>,
    pub(super) expect: Spanned<Value>,
    pub(super) seeds: Option<NonZeroU64>,
    pub(super) allow: Vec<Spanned<String>>,
    pub(super) faults: BTreeMap<Spanned<String>, Spanned<f64>>,
    pub(super) limits: LimitsSheet,
    pub(super) steps: Vec<StepSheet>,
    pub(super) holds: Vec<HoldSheet>,
    pub(super) strikes: Vec<StrikeSheet>,
    pub(super) decisions: Vec<DecisionSheet>,
}

impl<P, T, W> Sheet<P, T, W> {
    pub(super) fn split(self) -> (Tables<P, T, W>, Frame) {
        let tables = Tables { policy: self.policy, topology: self.topology, workload: self.workload };
        let frame = Frame {
            about: self.about,
            system: self.system,
            defect: self.defect,
            expect: self.expect,
            seeds: self.seeds,
            allow: self.allow,
            faults: self.faults,
            limits: self.limits,
            steps: self.step,
            holds: self.hold,
            strikes: self.fault,
            decisions: self.decision,
        };
        (tables, frame)
    }
}

/// `[limits]`; what is left out has its default.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct LimitsSheet {
    pub(super) chaos: Option<Spanned<Span>>,
    pub(super) settle: Option<Spanned<Span>>,
    pub(super) events: Option<Spanned<u64>>,
}

/// `[[step]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StepSheet {
    pub(super) at: Spanned<Span>,
    pub(super) client: Spanned<String>,
    #[serde(rename = "do")]
    pub(super) operation: Spanned<String>,
}

/// `[[hold]]`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct HoldSheet {
    pub(super) point: Spanned<String>,
    pub(super) until: Spanned<String>,
}

/// `[[fault]]`: one that strikes once, at an exact time. Which keys go with which kind is said at [`Strike`].
///
/// [`Strike`]: crate::harness::Strike
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct StrikeSheet {
    pub(super) at: Spanned<Span>,
    pub(super) strike: Spanned<String>,
    pub(super) lasts: Option<Spanned<Span>>,
    pub(super) by: Option<Spanned<String>>,
    pub(super) magnitude: Option<Spanned<u64>>,
}

/// `[[decision]]`: what every run decides at a site, whatever its seed draws, as in a seed file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct DecisionSheet {
    pub(super) site: Spanned<String>,
    pub(super) index: u64,
    pub(super) value: u64,
    #[serde(rename = "meaning")]
    pub(super) _meaning: Option<String>,
}

/// A duration written as `2m` or `1s 500ms`.
#[derive(Clone, Copy)]
pub(super) struct Span(pub(super) Duration);

impl<'de> Deserialize<'de> for Span {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        humantime::parse_duration(&text)
            .map(Self)
            .map_err(|_| D::Error::custom(format!("`{text}` is not a duration such as \"2m\" or \"1s 500ms\"")))
    }
}
