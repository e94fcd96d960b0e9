//! A scenario in the making, and its text: laid out as a person would.

use std::fmt::Write as _;
use std::time::Duration;

use toml::{Table, Value};

use crate::harness::{Hold, Limits, Step, Strike};
use crate::scenario::{SavedDecision, Signature};

/// A scripted scenario in the making.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Script {
    /// What the file says of itself above its first line.
    pub(super) remarks: Vec<String>,
    pub(super) about: String,
    pub(super) system: String,
    pub(super) signature: Signature,
    /// What is the system's own: policy, topology and the like.
    pub(super) settings: Table,
    pub(super) limits: Limits,
    pub(super) steps: Vec<Step>,
    pub(super) strikes: Vec<Strike>,
    pub(super) holds: Vec<Hold>,
    pub(super) decisions: Vec<SavedDecision>,
}

impl Script {
    /// Whether every operation that a hold waits for is performed, and everything comes before the end of chaos.
    pub(super) fn is_sound(&self) -> bool {
        let performed = |hold: &Hold| match awaited(&hold.until) {
            Some((operation, _)) => self.steps.iter().any(|step| step.operation == operation),
            None => true,
        };
        let times = self.steps.iter().map(|step| step.at).chain(self.strikes.iter().map(|strike| strike.at));
        !self.steps.is_empty() && self.holds.iter().all(performed) && times.max() < Some(self.limits.chaos)
    }

    /// The part of what a violation is about that goes into the file: without the kind of entity, where that is short.
    fn part(&self) -> &str {
        self.signature.about.split_once(": ").map_or(self.signature.about.as_str(), |(_, part)| part)
    }

    /// Whether what is said of it is done to it: `backend: brought back by notify`.
    pub(super) fn part_is_passive(&self) -> bool {
        self.part().split_once(" by ").is_some_and(|(done, _)| !done.contains(' ') || done.ends_with("back"))
    }

    /// The file.
    pub(super) fn to_text(&self) -> String {
        let mut text = String::new();
        for remark in &self.remarks {
            let _ = writeln!(text, "# {remark}");
        }
        let expect = format!("{{ violates = {}, about = {} }}", quoted(&self.signature.invariant), quoted(self.part()));
        let mut head = vec![("about", quoted(&self.about)), ("system", quoted(&self.system)), ("expect", expect)];
        let (tables, values): (Vec<_>, Vec<_>) = self.settings.iter().partition(|(_, value)| value.is_table());
        head.extend(values.into_iter().map(|(key, value)| (key.as_str(), inline(value))));
        lines(&mut text, &head);
        for (name, table) in tables {
            let fields = table.as_table().into_iter().flatten().map(|(key, value)| (key.as_str(), inline(value)));
            block(&mut text, &format!("[{name}]"), &fields.collect::<Vec<_>>());
        }
        let limits = [("chaos", time(self.limits.chaos)), ("settle", time(self.limits.settle))];
        block(&mut text, "[limits]", &limits);
        self.write_script(&mut text);
        text
    }

    fn write_script(&self, text: &mut String) {
        for step in &self.steps {
            let fields = [("at", time(step.at)), ("client", quoted(&step.client)), ("do", quoted(&step.operation))];
            block(text, "[[step]]", &fields);
        }
        for hold in &self.holds {
            block(text, "[[hold]]", &[("point", quoted(&hold.point)), ("until", quoted(&hold.until))]);
        }
        for strike in &self.strikes {
            let mut fields = vec![("at", time(strike.at)), ("strike", quoted(&strike.fault))];
            fields.extend(strike.lasts.map(|lasts| ("lasts", time(lasts))));
            fields.extend(strike.by.as_ref().map(|by| ("by", quoted(by))));
            fields.extend(strike.magnitude.map(|magnitude| ("magnitude", magnitude.to_string())));
            block(text, "[[fault]]", &fields);
        }
        for saved in &self.decisions {
            let decision = &saved.decision;
            let fields = [
                ("site", quoted(&decision.site)),
                ("index", decision.index.to_string()),
                ("value", decision.value.to_string()),
                ("meaning", quoted(&saved.meaning)),
            ];
            block(text, "[[decision]]", &fields);
        }
    }
}

/// The operation that a hold waits for, and whether for its return. None where it waits for some time.
pub(super) fn awaited(until: &str) -> Option<(&str, bool)> {
    let returns = until.strip_suffix(" returns").map(|operation| (operation, true));
    returns.or_else(|| until.strip_suffix(" starts").map(|operation| (operation, false)))
}

/// A duration as a file has it, without quotes.
pub(super) fn plain(time: Duration) -> String {
    humantime::format_duration(time).to_string()
}

fn time(time: Duration) -> String {
    quoted(&plain(time))
}

fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}

fn block(text: &mut String, name: &str, fields: &[(&str, String)]) {
    let _ = writeln!(text, "{name}");
    lines(text, fields);
}

fn lines(text: &mut String, fields: &[(&str, String)]) {
    let width = fields.iter().map(|(key, _)| key.len()).max().unwrap_or(0);
    for (key, value) in fields {
        let _ = writeln!(text, "{key:width$} = {value}");
    }
}

/// A value in one line.
fn inline(value: &Value) -> String {
    match value {
        Value::Table(table) => {
            let fields: Vec<String> = table.iter().map(|(key, value)| format!("{key} = {}", inline(value))).collect();
            format!("{{ {} }}", fields.join(", "))
        }
        Value::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => other.to_string(),
    }
}
