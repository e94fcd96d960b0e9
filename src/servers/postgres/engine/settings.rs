//! Parameters of a session: `SET` and `SHOW`.

use std::collections::BTreeMap;
use std::time::Duration;

use super::super::refusal::Refusal;

/// What parameters there are, in lower case, and what each is before it is set.
const KNOWN: [(&str, &str); 24] = [
    ("application_name", ""),
    ("bytea_output", "hex"),
    ("client_encoding", "UTF8"),
    ("client_min_messages", "notice"),
    ("database", "postgres"),
    ("datestyle", "ISO, MDY"),
    ("deadlock_timeout", "1s"),
    ("default_transaction_isolation", "read committed"),
    ("default_transaction_read_only", "off"),
    ("extra_float_digits", "1"),
    ("idle_in_transaction_session_timeout", "0"),
    ("idle_session_timeout", "0"),
    ("integer_datetimes", "on"),
    ("intervalstyle", "postgres"),
    ("lock_timeout", "0"),
    ("row_security", "on"),
    ("search_path", "\"$user\", public"),
    ("server_version", "15.0"),
    ("server_encoding", "UTF8"),
    ("standard_conforming_strings", "on"),
    ("statement_timeout", "0"),
    ("synchronous_commit", "on"),
    ("timezone", "UTC"),
    ("user", "postgres"),
];

/// What may be set to anything, for nothing here depends on it.
const FREE: [&str; 4] = ["application_name", "client_min_messages", "synchronous_commit", "extra_float_digits"];

/// What is a span of time, in milliseconds where no unit is given.
const SPANS: [&str; 5] = [
    "deadlock_timeout",
    "idle_in_transaction_session_timeout",
    "idle_session_timeout",
    "lock_timeout",
    "statement_timeout",
];

/// The parameters of one session.
#[derive(Clone, Debug, Default)]
pub(super) struct Settings {
    set: BTreeMap<String, String>,
}

impl Settings {
    /// What a parameter is.
    ///
    /// # Errors
    /// `42704` where there is none of this name.
    pub(super) fn get(&self, name: &str) -> Result<&str, Refusal> {
        let name = name.to_lowercase();
        if let Some(value) = self.set.get(&name) {
            return Ok(value);
        }
        if name == "transaction_isolation" {
            return Ok("read committed");
        }
        KNOWN.iter().find(|(known, _)| *known == name).map(|(_, value)| *value).ok_or_else(|| unknown(&name))
    }

    /// Sets a parameter, to its default where there is no value.
    ///
    /// # Errors
    /// `42704` where there is none of this name, `22023` for a value it cannot have, `0A000` for one that is not simulated.
    pub(super) fn set(&mut self, name: &str, value: Option<&str>) -> Result<(), Refusal> {
        let name = name.to_lowercase();
        let default = KNOWN.iter().find(|(known, _)| *known == name).map(|(_, value)| *value);
        let Some(value) = value else {
            default.ok_or_else(|| unknown(&name))?;
            self.set.remove(&name);
            return Ok(());
        };
        let default = default.ok_or_else(|| unknown(&name))?;
        if matches!(name.as_str(), "server_version" | "server_encoding" | "integer_datetimes" | "database" | "user") {
            return Err(Refusal::new("55P02", format!("parameter \"{name}\" cannot be changed")));
        }
        if SPANS.contains(&name.as_str()) {
            let span = span(value)
                .ok_or_else(|| Refusal::new("22023", format!("invalid value for parameter \"{name}\": \"{value}\"")))?;
            self.set.insert(name, told(span));
            return Ok(());
        }
        let same = default.eq_ignore_ascii_case(value)
            || matches!(
                (name.as_str(), value.to_lowercase().as_str()),
                ("client_encoding", "utf-8" | "unicode")
                    | ("search_path", "public" | "public, pg_catalog" | "$user, public")
                    | ("datestyle", "iso")
                    | ("timezone", "etc/utc" | "gmt" | "0")
                    | ("default_transaction_isolation", "read uncommitted")
                    | ("standard_conforming_strings", "true" | "1")
                    | ("default_transaction_read_only", "false" | "0" | "on" | "true" | "1")
            );
        if !same && !FREE.contains(&name.as_str()) {
            return Err(Refusal::unsupported(format_args!("{name} = {value}")));
        }
        self.set.insert(name, value.to_owned());
        Ok(())
    }

    /// Forgets all that was set.
    pub(super) fn reset(&mut self) {
        self.set.retain(|name, _| matches!(name.as_str(), "user" | "database"));
    }

    /// Says who has connected to what.
    pub(super) fn identify(&mut self, user: &str, database: &str) {
        self.set.insert("user".to_owned(), user.to_owned());
        self.set.insert("database".to_owned(), database.to_owned());
    }

    /// A time-out, where it is on.
    pub(super) fn span(&self, name: &str) -> Option<Duration> {
        self.get(name).ok().and_then(span).filter(|span| !span.is_zero())
    }
}

fn unknown(name: &str) -> Refusal {
    Refusal::new("42704", format!("unrecognized configuration parameter \"{name}\""))
}

fn span(text: &str) -> Option<Duration> {
    let text = text.trim();
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let number: u64 = text[..digits].parse().ok()?;
    let unit = match text[digits..].trim() {
        "" | "ms" => 1,
        "s" => 1_000,
        "min" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    number.checked_mul(unit).filter(|&millis| i32::try_from(millis).is_ok()).map(Duration::from_millis)
}

fn told(span: Duration) -> String {
    let millis = span.as_millis();
    let units = [(86_400_000, "d"), (3_600_000, "h"), (60_000, "min"), (1_000, "s"), (1, "ms")];
    match units.iter().find(|(unit, _)| millis > 0 && millis.is_multiple_of(*unit)) {
        Some((unit, word)) => format!("{}{word}", millis / unit),
        None => "0".to_owned(),
    }
}
