//! Operations in words: what a scripted step says, read back.

use std::collections::VecDeque;

use super::workload::{Operation, Topology, Verb, server_name};

impl Operation {
    /// Reads an operation in words. Without `via` it goes to the first server.
    pub(crate) fn parse(text: &str, topology: &Topology) -> Result<Self, String> {
        let mut words = Words { text, rest: text.split_whitespace().collect(), topology };
        let verb = words.next("an operation")?;
        let operation = match verb {
            "wait" => {
                let word = words.next("a duration, for example 20s")?;
                let time = humantime::parse_duration(word)
                    .map_err(|error| format!("`{word}` in `{text}` is no duration: {error}"))?;
                Self::Wait(time)
            }
            "list" => Self::List(words.via()?),
            _ => {
                let Some(verb) = Verb::ALL.into_iter().find(|known| known.word() == verb) else {
                    let known = Verb::ALL.map(Verb::word).join(", ");
                    return Err(format!("`{verb}` is not an operation: write {known}, list or wait"));
                };
                let workspace = words.next("a workspace, for example ws1")?;
                let number = workspace.strip_prefix("ws").and_then(|number| number.parse().ok());
                let Some(workspace) = number.filter(|number| *number > 0) else {
                    return Err(format!("`{workspace}` is not a workspace: write ws1"));
                };
                let external = verb == Verb::Create && words.takes("elsewhere");
                let via = if verb.is_accident() { 0 } else { words.via()? };
                Self::Workspace { verb, workspace, via, external }
            }
        };
        match words.rest.pop_front() {
            None => Ok(operation),
            Some(word) => Err(format!("`{word}` in `{text}` is one word too many")),
        }
    }
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

    fn takes(&mut self, word: &str) -> bool {
        let there = self.rest.front().is_some_and(|next| *next == word);
        if there {
            self.rest.pop_front();
        }
        there
    }

    fn via(&mut self) -> Result<u32, String> {
        if !self.takes("via") {
            return Ok(0);
        }
        let word = self.next("a server, for example server-a")?;
        let servers = self.topology.servers;
        (0..servers).find(|server| server_name(*server) == word).ok_or_else(|| {
            format!("there is no server `{word}`: they are server-a to {}", server_name(servers.saturating_sub(1)))
        })
    }
}
