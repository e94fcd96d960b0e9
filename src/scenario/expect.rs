//! What a scenario says its runs come to.

use std::fmt;

use toml::{Table, Value};

use super::Signature;
use super::nearest::instead;
use crate::harness::{NO_ESCAPE, NO_PANIC};

/// The invariants of the harness itself, which every system is held to.
pub(crate) const HARNESS_INVARIANTS: &[&str] = &[NO_PANIC, NO_ESCAPE];

/// What the runs of a scenario come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Every run holds.
    Holds,
    /// Each of these invariants is broken by some run.
    Violates {
        /// Their names.
        invariants: Vec<String>,
        /// What a violation says that it is about, or a part of that; without it, any counts.
        about: Option<String>,
    },
    /// Every run holds, and these invariants are put to the test by none: what is drawn is blind to what they are about.
    Vacuous(Vec<String>),
    /// Some run ends at a bound with work still waiting.
    Stuck,
    /// A defect that neither a client nor the servers' ground truth can show, and why.
    Unobservable(String),
}

impl Expect {
    /// That some run breaks this invariant, whatever it is about.
    pub fn violation(invariant: impl Into<String>) -> Self {
        Self::Violates { invariants: vec![invariant.into()], about: None }
    }

    /// Whether this violation is one that the scenario is there to show.
    pub fn wants(&self, seen: &Signature) -> bool {
        let Self::Violates { invariants, about } = self else { return false };
        invariants.contains(&seen.invariant) && about.as_ref().is_none_or(|part| seen.about.contains(part.as_str()))
    }

    /// The invariants that are to be broken, and that nothing in `seen` breaks as it is wanted.
    pub fn missing(&self, seen: &[&Signature]) -> Vec<&str> {
        let Self::Violates { invariants, .. } = self else { return Vec::new() };
        let broken = |name: &str| seen.iter().any(|seen| seen.invariant == name && self.wants(seen));
        invariants.iter().map(String::as_str).filter(|name| !broken(name)).collect()
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("holds"),
            Self::Violates { invariants, about: None } => write!(f, "violates {}", invariants.join(" and ")),
            Self::Violates { invariants, about: Some(part) } => {
                write!(f, "violates {} ({part})", invariants.join(" and "))
            }
            Self::Vacuous(invariants) => write!(f, "vacuous: {}", invariants.join(" and ")),
            Self::Stuck => f.write_str("stuck"),
            Self::Unobservable(reason) => write!(f, "unobservable: {reason}"),
        }
    }
}

/// Why something written under `expect` is not accepted, and what to write instead.
pub(super) struct Misread {
    pub(super) message: String,
    pub(super) help: String,
}

impl Misread {
    fn new(message: impl Into<String>) -> Self {
        let help = "write \"holds\", { violates = \"an-invariant\" }, { violates = \"an-invariant\", about = \"a part of \
                    what is told of it\" }, { vacuous = \"an-invariant\" }, { stuck = true } or { unobservable = \"why\" }";
        Self { message: message.into(), help: help.into() }
    }
}

/// Reads what is written under `expect`.
pub(super) fn read(written: &Value) -> Result<Expect, Misread> {
    let table = match written {
        Value::String(word) if word == "holds" => return Ok(Expect::Holds),
        Value::String(word) => return Err(Misread::new(format!("`{word}` is nothing to expect"))),
        Value::Table(table) if table.contains_key("violates") => return violates(table),
        Value::Table(table) if table.len() == 1 => table,
        _ => return Err(Misread::new("one thing is to be expected, no more and no less")),
    };
    match table.iter().next() {
        Some((key, Value::Boolean(true))) if key == "stuck" => Ok(Expect::Stuck),
        Some((key, names)) if key == "vacuous" => {
            invariants(names).map(Expect::Vacuous).ok_or_else(|| Misread::new("`vacuous` takes names of invariants"))
        }
        Some((key, Value::String(why))) if key == "unobservable" && !why.trim().is_empty() => {
            Ok(Expect::Unobservable(why.clone()))
        }
        Some((key, _)) => {
            let known = ["violates", "vacuous", "stuck", "unobservable"];
            if known.contains(&key.as_str()) {
                return Err(Misread::new(format!("`{key}` has an impossible value")));
            }
            let help = instead("expectation", key, known);
            Err(Misread { message: format!("unknown expectation `{key}`"), help })
        }
        None => Err(Misread::new("nothing is expected")),
    }
}

/// Reads what is to be violated, and what that is to be about.
fn violates(table: &Table) -> Result<Expect, Misread> {
    if let Some(key) = table.keys().find(|key| !["violates", "about"].contains(&key.as_str())) {
        let help = instead("part of an expected violation", key, ["violates", "about"]);
        return Err(Misread { message: format!("`{key}` does not go with `violates`"), help });
    }
    let invariants =
        invariants(&table["violates"]).ok_or_else(|| Misread::new("`violates` takes names of invariants"))?;
    let about = match table.get("about") {
        None => None,
        Some(Value::String(part)) if !part.trim().is_empty() => Some(part.clone()),
        Some(_) => return Err(Misread::new("`about` takes a part of what a violation is said to be about")),
    };
    Ok(Expect::Violates { invariants, about })
}

/// One name or several.
fn invariants(written: &Value) -> Option<Vec<String>> {
    let name = |name: &Value| name.as_str().map(str::to_owned);
    match written {
        Value::Array(names) if !names.is_empty() => names.iter().map(name).collect(),
        one => name(one).map(|name| vec![name]),
    }
}
