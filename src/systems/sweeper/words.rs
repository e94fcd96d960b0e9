//! Operations in words: what a scripted step says, read back.

use std::collections::VecDeque;
use std::time::Duration;

use super::workload::{Operation, Topology, Verb, server_name};

impl Operation {
    /// Reads an operation in words. Without `via` it goes to the first process.
    pub(crate) fn parse(text: &str, topology: &Topology) -> Result<Self, String> {
        let mut words = Words { text, rest: text.split_whitespace().collect(), topology };
        let verb = words.next("an operation")?;
        let operation = match verb {
            "wait" => Self::Wait(words.duration()?),
            "quarter" => {
                let lead = if words.takes("less") { words.duration()? } else { Duration::ZERO };
                Self::Quarter(lead)
            }
            "list" => Self::List(words.via()?),
            _ => {
                let Some(verb) = Verb::ALL.into_iter().find(|known| known.word() == verb) else {
                    let known = Verb::ALL.map(Verb::word).join(", ");
                    return Err(format!("`{verb}` is not an operation: write {known}, list, wait or quarter"));
                };
                let stack = words.next("a stack, for example s1")?;
                let number = stack.strip_prefix('s').and_then(|number| number.parse().ok());
                let Some(stack) = number.filter(|number| *number > 0) else {
                    return Err(format!("`{stack}` is not a stack: write s1"));
                };
                let anonymous = verb == Verb::Create && words.takes("for");
                if anonymous && !(words.takes("a") && words.takes("day")) {
                    return Err(format!("`{text}` is for something else than a day: write `for a day`"));
                }
                let via = if verb.is_accident() { 0 } else { words.via()? };
                Self::Stack { verb, stack, via, anonymous }
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

    fn duration(&mut self) -> Result<Duration, String> {
        let word = self.next("a duration, for example 20s")?;
        humantime::parse_duration(word).map_err(|error| format!("`{word}` in `{}` is no duration: {error}", self.text))
    }

    fn via(&mut self) -> Result<u32, String> {
        if !self.takes("via") {
            return Ok(0);
        }
        let word = self.next("a process, for example api-a")?;
        let servers = self.topology.servers;
        (0..servers).find(|server| server_name(*server) == word).ok_or_else(|| {
            format!("there is no process `{word}`: they are api-a to {}", server_name(servers.saturating_sub(1)))
        })
    }
}
