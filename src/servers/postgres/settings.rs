//! What a client asks for when it begins, and what it is told then.

use std::collections::BTreeMap;

use super::refusal::Refusal;

/// The settings that clients are told, by the names under which they expect them.
pub(super) const REPORTED: [&str; 8] = [
    "application_name",
    "client_encoding",
    "DateStyle",
    "integer_datetimes",
    "server_encoding",
    "server_version",
    "standard_conforming_strings",
    "TimeZone",
];

/// The statements that set what a client asks for in its start-up message.
pub(super) fn asked_for(parameters: &BTreeMap<String, String>) -> Result<Vec<String>, Refusal> {
    let mut asked = Vec::new();
    for (name, value) in parameters {
        match name.as_str() {
            "user" | "database" | "replication" => {}
            "options" => {
                for (name, value) in options(value)? {
                    asked.push(set(&name, &value)?);
                }
            }
            name if name.starts_with("_pq_.") => {}
            name => asked.push(set(name, value)?),
        }
    }
    Ok(asked)
}

fn set(name: &str, value: &str) -> Result<String, Refusal> {
    if name.is_empty() || !name.bytes().all(|letter| letter.is_ascii_alphanumeric() || b"_.".contains(&letter)) {
        return Err(Refusal::new("42704", format!("unrecognized configuration parameter \"{name}\"")));
    }
    Ok(format!("SET {name} = '{}'", value.replace('\'', "''")))
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
                let message = format!("invalid command-line argument for server process: {word}");
                return Err(Refusal::new("42601", message));
            }
        };
        let (name, value) =
            pair.split_once('=').ok_or_else(|| Refusal::new("42601", format!("-c {pair} requires a value")))?;
        found.push((name.replace('-', "_"), value.to_owned()));
    }
    Ok(found)
}
