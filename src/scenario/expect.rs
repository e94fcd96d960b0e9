//! What a scenario says its runs come to.

use std::fmt;

use toml::Value;

use super::nearest::instead;

/// The invariants of the harness itself, which every system is held to.
pub(crate) const HARNESS_INVARIANTS: &[&str] = &["no-panic", "no-escape"];

/// What the runs of a scenario come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Expect {
    /// Every run holds.
    Holds,
    /// Some run breaks one of these invariants.
    Violates(Vec<String>),
    /// Some run ends at a bound with work still waiting.
    Stuck,
    /// A defect that neither a client nor the servers' ground truth can show, and why.
    Unobservable(String),
}

impl Expect {
    /// Whether a violation of `invariant` is what the scenario is there to show.
    pub fn wants(&self, invariant: &str) -> bool {
        matches!(self, Self::Violates(names) if names.iter().any(|name| name == invariant))
    }
}

impl fmt::Display for Expect {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Holds => f.write_str("holds"),
            Self::Violates(names) => write!(f, "violates {}", names.join(" or ")),
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
        let help = "write \"holds\", { violates = \"an-invariant\" }, { stuck = true } or { unobservable = \"why\" }";
        Self { message: message.into(), help: help.into() }
    }
}

/// Reads what is written under `expect`.
pub(super) fn read(written: &Value) -> Result<Expect, Misread> {
    let table = match written {
        Value::String(word) if word == "holds" => return Ok(Expect::Holds),
        Value::String(word) => return Err(Misread::new(format!("`{word}` is nothing to expect"))),
        Value::Table(table) if table.len() == 1 => table,
        _ => return Err(Misread::new("one thing is to be expected, no more and no less")),
    };
    match table.iter().next() {
        Some((key, Value::String(name))) if key == "violates" => Ok(Expect::Violates(vec![name.clone()])),
        Some((key, Value::Array(names))) if key == "violates" && !names.is_empty() => {
            let names = names.iter().map(|name| name.as_str().map(str::to_owned)).collect::<Option<_>>();
            names.map(Expect::Violates).ok_or_else(|| Misread::new("`violates` takes names of invariants"))
        }
        Some((key, Value::Boolean(true))) if key == "stuck" => Ok(Expect::Stuck),
        Some((key, Value::String(why))) if key == "unobservable" && !why.trim().is_empty() => {
            Ok(Expect::Unobservable(why.clone()))
        }
        Some((key, _)) => {
            let known = ["violates", "stuck", "unobservable"];
            if known.contains(&key.as_str()) {
                return Err(Misread::new(format!("`{key}` has an impossible value")));
            }
            let help = instead("expectation", key, known);
            Err(Misread { message: format!("unknown expectation `{key}`"), help })
        }
        None => Err(Misread::new("nothing is expected")),
    }
}
