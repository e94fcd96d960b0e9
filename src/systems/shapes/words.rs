//! Operations in words: how they are called in stories, and what a scripted step says, read back.

use std::fmt;

use super::workload::{Operation, Restart, Topology};

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Define(slot, query) => write!(f, "define s{slot} {query}"),
            Self::Poll(slot) => write!(f, "poll s{slot}"),
            Self::Live(slot) => write!(f, "live s{slot}"),
            Self::Delete(slot) => write!(f, "delete s{slot}"),
            Self::Mutate(mutations) => {
                f.write_str("mutate")?;
                for (number, mutation) in mutations.iter().enumerate() {
                    write!(f, "{} {mutation}", if number == 0 { "" } else { ";" })?;
                }
                Ok(())
            }
            Self::Restart(how) => write!(f, "restart {}", how.word()),
            Self::Recreate => f.write_str("recreate"),
            Self::Wait(time) => write!(f, "wait {}ms", time.as_millis()),
            Self::Settle { client, slot } => write!(f, "settle c{client} s{slot}"),
            Self::Inspect => f.write_str("inspect"),
        }
    }
}

const KNOWN: &str = "define, poll, live, delete, mutate, restart, recreate, wait, settle or inspect";

impl Operation {
    /// Reads an operation in words.
    pub(crate) fn parse(text: &str, topology: &Topology) -> Result<Self, String> {
        let (verb, rest) = text.trim().split_once(char::is_whitespace).unwrap_or((text.trim(), ""));
        let rest = rest.trim();
        let operation = match verb {
            "define" => {
                let (word, query) = rest.split_once(char::is_whitespace).ok_or_else(|| {
                    format!("`{text}` ends where a shape and a query are due: define s1 level_4 WHERE value = 'v01'")
                })?;
                return Ok(Self::Define(slot(word, text)?, query.trim().parse()?));
            }
            "mutate" => {
                let parts = rest.split(';').map(str::trim).filter(|part| !part.is_empty());
                let mutations = parts.map(str::parse).collect::<Result<Vec<_>, String>>()?;
                if mutations.is_empty() {
                    return Err(format!("`{text}` changes nothing: write at least one change, such as toggle l2-1"));
                }
                return Ok(Self::Mutate(mutations));
            }
            "wait" => {
                let time = humantime::parse_duration(rest);
                return time.map(Self::Wait).map_err(|error| format!("no duration in `{text}`: {error}"));
            }
            "poll" => Self::Poll,
            "live" => Self::Live,
            "delete" => Self::Delete,
            "restart" => {
                let how = Restart::ALL.into_iter().find(|how| how.word() == rest);
                return how.map(Self::Restart).ok_or_else(|| {
                    format!("`{rest}` is no way to restart: write graceful, brutal, rolling or consumers")
                });
            }
            "settle" => {
                let (client, word) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
                let number = numbered(client, "c").filter(|number| *number <= topology.clients);
                let client = number.ok_or_else(|| {
                    format!("there is no client `{client}` in `{text}`: they are c1 to c{}", topology.clients)
                })?;
                return Ok(Self::Settle { client, slot: slot(word.trim(), text)? });
            }
            "recreate" | "inspect" if !rest.is_empty() => {
                return Err(format!("`{rest}` in `{text}` is too much"));
            }
            "recreate" => return Ok(Self::Recreate),
            "inspect" => return Ok(Self::Inspect),
            other => return Err(format!("`{other}` is not an operation: write {KNOWN}")),
        };
        Ok(operation(slot(rest, text)?))
    }
}

fn slot(word: &str, text: &str) -> Result<u32, String> {
    numbered(word, "s").ok_or_else(|| format!("`{word}` in `{text}` is no shape: write s1, s2, …"))
}

fn numbered(word: &str, prefix: &str) -> Option<u32> {
    word.strip_prefix(prefix)?.parse().ok().filter(|number| *number > 0)
}
