//! Operations in words: what a scripted step says, read back.

use std::collections::VecDeque;
use std::time::Duration;

use super::workload::{Operation, Target, Topology, Verb, pod_name};

impl Operation {
    /// Reads an operation in words. Without `via` it goes to the first pod.
    pub(crate) fn parse(text: &str, topology: &Topology) -> Result<Self, String> {
        let mut words = Words { text, rest: text.split_whitespace().collect(), topology };
        let verb = words.next("an operation")?;
        if verb == "wait" {
            let time = words.duration()?;
            return words.end().map(|()| Self::Wait(time));
        }
        if verb == "inspect" || verb == "drain" {
            let place = words.next("a pod or backend")?;
            let operation = match (verb, place.starts_with("pod")) {
                ("drain", _) => Self::Drain(words.pod(place)?),
                (_, true) => Self::InspectPod(words.pod(place)?),
                _ => Self::InspectBackend(words.backend(place)?),
            };
            return words.end().map(|()| operation);
        }
        let target = match verb {
            "abandon" => Target { slot: 1, generation: None },
            _ => Target::parse(words.next("a session, for example s1")?)?,
        };
        let verb = match verb {
            "create" => Verb::Create,
            "abandon" => Verb::Abandon,
            "call" => {
                let backend = if words.sees(|word| word.starts_with('b')) { words.next("a backend")? } else { "b1" };
                let backend = words.backend(backend)?;
                let takes = if words.takes("for") { words.duration()? } else { Duration::ZERO };
                Verb::Call { backend, takes, stranger: words.stranger()? }
            }
            "get" => Verb::Get { stranger: words.stranger()? },
            "decorate" => Verb::Decorate,
            "terminate" => Verb::Terminate,
            "notify" => {
                let backend = words.next("a backend, for example b1")?;
                Verb::Notify { backend: words.backend(backend)? }
            }
            "validate" => Verb::Validate,
            other => {
                return Err(format!(
                    "`{other}` is not an operation: write create, abandon, call, get, decorate, terminate, notify, \
                     validate, inspect, drain or wait"
                ));
            }
        };
        let via = if words.takes("via") {
            let pod = words.next("a pod, for example pod-a")?;
            words.pod(pod)?
        } else {
            0
        };
        words.end()?;
        Ok(Self::Session { verb, target, via })
    }
}

impl Target {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{text}` is not a session: write s1, or s1.2 for its second generation");
        let rest = text.strip_prefix('s').ok_or_else(wrong)?;
        let (slot, generation) = match rest.split_once('.') {
            None => (rest, None),
            Some((slot, generation)) => (slot, Some(positive(generation).ok_or_else(wrong)?)),
        };
        Ok(Self { slot: positive(slot).ok_or_else(wrong)?, generation })
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

    fn sees(&self, test: impl Fn(&str) -> bool) -> bool {
        self.rest.front().is_some_and(|word| test(word))
    }

    fn takes(&mut self, word: &str) -> bool {
        let there = self.sees(|next| next == word);
        if there {
            self.rest.pop_front();
        }
        there
    }

    fn stranger(&mut self) -> Result<bool, String> {
        if !self.takes("as") {
            return Ok(false);
        }
        match self.next("`stranger`")? {
            "stranger" => Ok(true),
            other => Err(format!("`as {other}` in `{}`: only `as stranger` is known", self.text)),
        }
    }

    fn duration(&mut self) -> Result<Duration, String> {
        let word = self.next("a duration, for example 200ms")?;
        humantime::parse_duration(word).map_err(|error| format!("`{word}` in `{}` is no duration: {error}", self.text))
    }

    fn pod(&self, word: &str) -> Result<u32, String> {
        (0..self.topology.pods)
            .find(|pod| pod_name(*pod) == word)
            .ok_or_else(|| format!("there is no pod `{word}`: they are pod-a to {}", pod_name(self.topology.pods - 1)))
    }

    fn backend(&self, word: &str) -> Result<u32, String> {
        let number = word.strip_prefix('b').and_then(positive);
        number
            .filter(|number| *number <= self.topology.backends)
            .ok_or_else(|| format!("there is no backend `{word}`: they are b1 to b{}", self.topology.backends))
    }

    fn end(mut self) -> Result<(), String> {
        match self.rest.pop_front() {
            None => Ok(()),
            Some(word) => Err(format!("`{word}` in `{}` is one word too many", self.text)),
        }
    }
}

fn positive(text: &str) -> Option<u32> {
    text.parse().ok().filter(|number| *number > 0)
}
