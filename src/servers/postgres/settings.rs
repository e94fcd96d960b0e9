//! What a session can be told by `SET`, and what it tells by `SHOW`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::refusal::Refusal;

/// Settings that every client is told at the start, and of every change.
const REPORTED: [&str; 8] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "integer_datetimes",
    "server_encoding",
    "server_version",
    "standard_conforming_strings",
    "TimeZone",
];

/// Each with what it is at first.
const DEFAULTS: [(&str, &str, Rule); 19] = [
    ("application_name", "", Rule::Text),
    ("client_encoding", "UTF8", Rule::Only(&["UTF8", "UTF-8", "UNICODE"])),
    ("client_min_messages", "notice", Rule::Text),
    ("DateStyle", "ISO, MDY", Rule::Only(&["ISO, MDY", "ISO"])),
    ("deadlock_timeout", "1s", Rule::Time),
    ("default_transaction_isolation", "read committed", Rule::Only(&["read committed"])),
    ("default_transaction_read_only", "off", Rule::Only(&["off"])),
    ("extra_float_digits", "1", Rule::Only(&["1", "2", "3"])),
    ("idle_in_transaction_session_timeout", "0", Rule::Time),
    ("integer_datetimes", "on", Rule::Fixed),
    ("IntervalStyle", "postgres", Rule::Only(&["postgres"])),
    ("lock_timeout", "0", Rule::Time),
    ("search_path", "\"$user\", public", Rule::Text),
    ("server_encoding", "UTF8", Rule::Fixed),
    ("server_version", "15.6", Rule::Fixed),
    ("standard_conforming_strings", "on", Rule::Only(&["on"])),
    ("statement_timeout", "0", Rule::Time),
    ("synchronous_commit", "on", Rule::Text),
    ("TimeZone", "UTC", Rule::Only(&["UTC", "Etc/UTC", "GMT"])),
];

/// What a setting may be.
#[derive(Clone, Copy, Debug)]
enum Rule {
    /// Nothing else.
    Fixed,
    /// One of these, for the server behaves as the first; others would have to be simulated.
    Only(&'static [&'static str]),
    /// A time in milliseconds, or with its unit.
    Time,
    Text,
}

/// How far a change reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reach {
    /// The session, if its transaction is not rolled back.
    Session,
    /// The transaction.
    Transaction,
}

/// The settings of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    /// What differs from the start of the server.
    session: BTreeMap<&'static str, String>,
    /// What it was at the start of the transaction, if one is open that has changed something.
    before: Option<BTreeMap<&'static str, String>>,
    /// What is so for the transaction alone.
    local: BTreeMap<&'static str, String>,
    /// What a client has asked for when it connected.
    initial: BTreeMap<&'static str, String>,
}

fn known(name: &str) -> Result<&'static (&'static str, &'static str, Rule), Refusal> {
    DEFAULTS
        .iter()
        .find(|(known, ..)| known.eq_ignore_ascii_case(name))
        .ok_or_else(|| Refusal::new("42704", format!("unrecognized configuration parameter \"{name}\"")))
}

impl Settings {
    /// As they are after a client's start-up message, in which it may ask for some.
    pub(super) fn at_start(parameters: &BTreeMap<String, String>) -> Result<Self, Refusal> {
        let mut settings = Self::default();
        for (name, value) in parameters {
            match name.as_str() {
                "user" | "database" | "replication" => {}
                "options" => {
                    for (name, value) in options(value)? {
                        settings.set(&name, Some(&value), Reach::Session)?;
                    }
                }
                name if name.starts_with("_pq_.") => {}
                name => settings.set(name, Some(value), Reach::Session)?,
            }
        }
        settings.initial.clone_from(&settings.session);
        Ok(settings)
    }

    /// Changes a setting, back to what it was at first without a value.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>, reach: Reach) -> Result<(), Refusal> {
        let (name, _, rule) = *known(name)?;
        let value = match value {
            Some(value) => Some(checked(name, rule, value)?),
            None if matches!(rule, Rule::Fixed) => return Err(fixed(name)),
            None => self.initial.get(name).cloned(),
        };
        let into = match reach {
            Reach::Session => {
                self.local.remove(name);
                &mut self.session
            }
            Reach::Transaction => &mut self.local,
        };
        match value {
            Some(value) => into.insert(name, value),
            None => into.remove(name),
        };
        Ok(())
    }

    /// All back to what they were at first.
    pub(super) fn reset_all(&mut self) {
        self.session.clone_from(&self.initial);
        self.local.clear();
    }

    /// A transaction has begun: what is set from here on goes with it if it is rolled back.
    pub(super) fn begin(&mut self) {
        if self.before.is_none() {
            self.before = Some(self.session.clone());
        }
    }

    /// Whether something is set that goes with the transaction if it is rolled back.
    pub(super) fn is_changed(&self) -> bool {
        !self.local.is_empty() || self.before.as_ref().is_some_and(|before| *before != self.session)
    }

    /// The transaction is over.
    pub(super) fn end(&mut self, committed: bool) {
        self.local.clear();
        if let Some(before) = self.before.take()
            && !committed
        {
            self.session = before;
        }
    }

    /// What a setting is.
    pub(super) fn get(&self, name: &str) -> Result<String, Refusal> {
        let (name, default, _) = *known(name)?;
        let set = self.local.get(name).or_else(|| self.session.get(name));
        Ok(set.map_or_else(|| default.to_owned(), Clone::clone))
    }

    /// A time; `None`: it is turned off.
    pub(super) fn time(&self, name: &'static str) -> Option<Duration> {
        let value = self.local.get(name).or_else(|| self.session.get(name));
        let value = value.map_or_else(|| known(name).map_or("0", |(_, default, _)| default), String::as_str);
        duration(value).filter(|time| !time.is_zero())
    }

    /// What clients are told.
    pub(super) fn reported(&self) -> impl Iterator<Item = (&'static str, String)> {
        REPORTED.iter().map(|name| (*name, self.get(name).unwrap_or_default()))
    }

    /// What clients are told where it differs from what they were told before.
    pub(super) fn changed_since(&self, before: &Self) -> Vec<(&'static str, String)> {
        self.reported().zip(before.reported()).filter(|(now, then)| now != then).map(|(now, _)| now).collect()
    }
}

fn fixed(name: &str) -> Refusal {
    Refusal::new("55P02", format!("parameter \"{name}\" cannot be changed"))
}

fn checked(name: &'static str, rule: Rule, value: &str) -> Result<String, Refusal> {
    let invalid = || Refusal::new("22023", format!("invalid value for parameter \"{name}\": \"{value}\""));
    match rule {
        Rule::Fixed => Err(fixed(name)),
        Rule::Text => Ok(value.to_owned()),
        Rule::Time => duration(value).map(|_| shown(value)).ok_or_else(invalid),
        Rule::Only(values) if values.iter().any(|known| known.eq_ignore_ascii_case(value)) => {
            Ok(if name == "extra_float_digits" { value } else { values[0] }.to_owned())
        }
        Rule::Only(_) => Err(Refusal::unsupported(format_args!("`{name}` as `{value}`"))),
    }
}

/// A time as a setting is written: milliseconds, or a number with its unit.
fn duration(text: &str) -> Option<Duration> {
    let text = text.trim();
    let split = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let number: u64 = text[..split].parse().ok()?;
    let unit = match text[split..].trim() {
        "" | "ms" => Duration::from_millis(1),
        "us" => Duration::from_micros(1),
        "s" => Duration::from_secs(1),
        "min" => Duration::from_mins(1),
        "h" => Duration::from_hours(1),
        "d" => Duration::from_hours(24),
        _ => return None,
    };
    unit.checked_mul(u32::try_from(number).ok()?)
}

/// A time as `SHOW` has it: in the largest unit that leaves nothing over.
fn shown(text: &str) -> String {
    let millis = duration(text).unwrap_or_default().as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s")];
    match units.into_iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, name)) => format!("{}{name}", millis / unit),
        None if millis == 0 => "0".to_owned(),
        None => format!("{millis}ms"),
    }
}

/// `-c name=value` and `--name=value`, as a client's `options` have them.
fn options(text: &str) -> Result<Vec<(String, String)>, Refusal> {
    let mut words = text.split_whitespace();
    let mut found = Vec::new();
    while let Some(word) = words.next() {
        let pair = match word.strip_prefix("--").or_else(|| word.strip_prefix("-c").filter(|rest| !rest.is_empty())) {
            Some(pair) => pair,
            None if word == "-c" => words.next().unwrap_or_default(),
            None => {
                return Err(Refusal::new("42601", format!("invalid command-line argument for server process: {word}")));
            }
        };
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Refusal::new("42601", format!("-c {pair} requires a value")))?;
        found.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(found)
}
