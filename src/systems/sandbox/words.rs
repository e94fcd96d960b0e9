//! Operations in words: how they are called in stories, and what a scripted step says, read back.

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use super::workload::{Operation, Step, Topology, Verb, replica_name, sandbox_name};

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Read(path) => write!(f, "read {path}"),
            Self::Write(path, value) => write!(f, "write {path} {value}"),
            Self::Append(path, value) => write!(f, "append {path} {value}"),
            Self::Remove(path) => write!(f, "remove {path}"),
            Self::List(path) => write!(f, "list {path}"),
        }
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let via = match self {
            Self::Wait(time) => return write!(f, "wait {}", humantime::format_duration(*time)),
            Self::Inspect(replica) => return write!(f, "inspect {}", replica_name(*replica)),
            Self::Drain(replica) => return write!(f, "drain {}", replica_name(*replica)),
            Self::Index { tenant, via } => {
                write!(f, "index t{tenant}")?;
                via
            }
            Self::Sandbox { verb, sandbox, via } => {
                let sandbox = sandbox_name(*sandbox);
                match verb {
                    Verb::Create => write!(f, "create {sandbox}")?,
                    Verb::Destroy => write!(f, "destroy {sandbox}")?,
                    Verb::Get => write!(f, "get {sandbox}")?,
                    Verb::Exec(steps) => {
                        write!(f, "exec {sandbox}")?;
                        for (number, step) in steps.iter().enumerate() {
                            write!(f, "{} {step}", if number == 0 { "" } else { ";" })?;
                        }
                    }
                    Verb::File(step) => {
                        let text = step.to_string();
                        let (verb, rest) = text.split_once(' ').unwrap_or((&text, ""));
                        write!(f, "{verb} {sandbox} {rest}")?;
                    }
                }
                via
            }
        };
        // What a scripted step may leave out is left out here too, so that its words are the operation's name.
        if *via == 0 { Ok(()) } else { write!(f, " via {}", replica_name(*via)) }
    }
}

impl Operation {
    /// Reads an operation in words. Without `via` it goes to the first replica.
    pub(crate) fn parse(text: &str, topology: &Topology) -> Result<Self, String> {
        let mut words = Words { text, rest: text.split_whitespace().collect(), topology };
        let verb = words.next("an operation")?;
        match verb {
            "wait" => {
                // `1h 5s` is one duration.
                let time = std::mem::take(&mut words.rest).into_iter().collect::<Vec<_>>().join(" ");
                let time = humantime::parse_duration(&time);
                return time.map(Self::Wait).map_err(|error| format!("no duration in `{text}`: {error}"));
            }
            "inspect" | "drain" => {
                let word = words.next("a replica, for example replica-a")?;
                let replica = words.replica(word)?;
                words.end()?;
                return Ok(if verb == "drain" { Self::Drain(replica) } else { Self::Inspect(replica) });
            }
            "index" => {
                let word = words.next("a tenant, for example t1")?;
                let tenant = words.tenant(word)?;
                let via = words.via()?;
                return Ok(Self::Index { tenant, via });
            }
            _ => {}
        }
        let sandbox = match verb {
            "create" | "destroy" | "get" | "exec" | "read" | "write" | "append" | "remove" | "list" => {
                words.sandbox()?
            }
            other => {
                return Err(format!(
                    "`{other}` is not an operation: write create, destroy, get, exec, read, write, append, remove, list, \
                     index, wait, inspect or drain"
                ));
            }
        };
        let verb = match verb {
            "create" => Verb::Create,
            "destroy" => Verb::Destroy,
            "get" => Verb::Get,
            "exec" => Verb::Exec(words.script()?),
            file => Verb::File(words.step(file)?),
        };
        let via = words.via()?;
        Ok(Self::Sandbox { verb, sandbox, via })
    }
}

/// Reads the steps of a script, a line or `;` each.
///
/// # Errors
/// Says which step is wrong, and what would be right.
pub(crate) fn parse_script(text: &str) -> Result<Vec<Step>, String> {
    let lines = text.split(['\n', ';']).map(str::trim).filter(|line| !line.is_empty());
    let steps: Vec<Step> = lines.map(parse_step).collect::<Result<_, _>>()?;
    if steps.is_empty() {
        Err("the script has no steps: write at least one, such as `read /f1`".to_owned())
    } else {
        Ok(steps)
    }
}

fn parse_step(line: &str) -> Result<Step, String> {
    let mut words = line.split_whitespace();
    let (verb, path, value, more) = (words.next(), words.next(), words.next(), words.next());
    let wrong =
        || format!("`{line}` is no step: write `read /f1`, `write /f1 x`, `append /f1 x`, `remove /f1` or `list /`");
    let path = path.ok_or_else(wrong)?;
    if !is_path(path) {
        return Err(format!("`{path}` in `{line}` is no path: write it from the root, for example /d/f2"));
    }
    let path: Arc<str> = path.into();
    match (verb, value, more) {
        (Some("read"), None, None) => Ok(Step::Read(path)),
        (Some("write"), Some(value), None) => Ok(Step::Write(path, value.into())),
        (Some("append"), Some(value), None) => Ok(Step::Append(path, value.into())),
        (Some("remove"), None, None) => Ok(Step::Remove(path)),
        (Some("list"), None, None) => Ok(Step::List(path)),
        _ => Err(wrong()),
    }
}

/// Whether it is a path from the root, with no empty part.
pub(crate) fn is_path(text: &str) -> bool {
    text == "/" || text.strip_prefix('/').is_some_and(|rest| rest.split('/').all(|part| !part.is_empty()))
}

/// An operation in words, being read.
struct Words<'a> {
    text: &'a str,
    rest: VecDeque<&'a str>,
    topology: &'a Topology,
}

impl<'a> Words<'a> {
    fn next(&mut self, wanted: &str) -> Result<&'a str, String> {
        self.rest.pop_front().ok_or_else(|| format!("`{}` ends where {wanted} is due", self.text))
    }

    fn sandbox(&mut self) -> Result<u32, String> {
        let word = self.next("a sandbox, for example sb1")?;
        numbered(word, "sb").ok_or_else(|| format!("`{word}` in `{}` is no sandbox: write sb1, sb2, …", self.text))
    }

    /// All words up to `via` are the script's.
    fn script(&mut self) -> Result<Vec<Step>, String> {
        let end = self.rest.iter().position(|word| *word == "via").unwrap_or(self.rest.len());
        parse_script(&self.rest.drain(..end).collect::<Vec<_>>().join(" "))
    }

    fn step(&mut self, verb: &str) -> Result<Step, String> {
        let end = self.rest.iter().position(|word| *word == "via").unwrap_or(self.rest.len());
        let words: Vec<&str> = std::iter::once(verb).chain(self.rest.drain(..end)).collect();
        parse_step(&words.join(" "))
    }

    fn via(mut self) -> Result<u32, String> {
        if self.rest.front() != Some(&"via") {
            return self.end().map(|()| 0);
        }
        self.rest.pop_front();
        let word = self.next("a replica, for example replica-a")?;
        let replica = self.replica(word)?;
        self.end().map(|()| replica)
    }

    fn replica(&self, word: &str) -> Result<u32, String> {
        (0..self.topology.replicas).find(|replica| replica_name(*replica) == word).ok_or_else(|| {
            let last = replica_name(self.topology.replicas - 1);
            format!("there is no replica `{word}`: they are replica-a to {last}")
        })
    }

    fn tenant(&self, word: &str) -> Result<u32, String> {
        let most = self.topology.tenants;
        numbered(word, "t")
            .filter(|tenant| *tenant <= most)
            .ok_or_else(|| format!("there is no tenant `{word}`: they are t1 to t{most}"))
    }

    fn end(mut self) -> Result<(), String> {
        match self.rest.pop_front() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` in `{}` is one word too many", self.text)),
        }
    }
}

fn numbered(word: &str, prefix: &str) -> Option<u32> {
    word.strip_prefix(prefix)?.parse().ok().filter(|number| *number > 0)
}
