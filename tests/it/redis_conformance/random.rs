//! Random sequences of commands on two connections at a time.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::time::SystemTime;

use proptest::test_runner::TestCaseError;

use super::commands::{Step, sequence};
use super::compare::{name, same, show};
use super::peers::Peers;
use super::wire::{Connection, Reply};
use crate::cases::runner;

const SEQUENCES: u32 = 2_000;
const LENGTH: usize = 50;

#[expect(clippy::disallowed_methods, reason = "deadlines are agreed with a real server")]
fn seconds_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}

/// Both servers, with two connections to each; how often each command was served and refused.
struct Bench {
    peers: Peers,
    connections: Option<[[Connection; 2]; 2]>,
    tally: BTreeMap<String, (u64, u64)>,
}

impl Bench {
    fn connect(&mut self) -> io::Result<[[Connection; 2]; 2]> {
        let open = |address| Ok::<_, io::Error>([Connection::open(address)?, Connection::open(address)?]);
        match self.connections.take() {
            Some(connections) => Ok(connections),
            None => Ok([open(self.peers.real)?, open(self.peers.simulated)?]),
        }
    }

    /// Plays a sequence on both servers and compares reply by reply.
    fn play(&mut self, steps: &[Step], resp3: [bool; 2]) -> Result<(), String> {
        let mut connections = self.connect().map_err(|error| error.to_string())?;
        let script = script(steps, resp3);
        let mut queues = [Vec::new(), Vec::new()];
        let mut at = 0;
        while at < script.len() {
            let second = script[at].0;
            let batch: Vec<&[Vec<u8>]> =
                script[at..].iter().take_while(|line| line.0 == second).map(|line| &line.1[..]).collect();
            let channel = usize::from(second);
            for server in &mut connections {
                server[channel].send(&batch).map_err(|error| error.to_string())?;
            }
            for words in &batch {
                let [real, simulated] = connections.each_mut().map(|server| server[channel].reply());
                let [real, simulated] = [
                    real.map_err(|error| format!("{}: the real server: {error}", show(words)))?,
                    simulated.map_err(|error| format!("{}: the simulated server: {error}", show(words)))?,
                ];
                let context =
                    || format!("{}> {}: real {real:?}, simulated {simulated:?}", ["a", "b"][channel], show(words));
                if !same(words, &mut queues[channel], &real, &simulated) {
                    return Err(context());
                }
                self.count(words, &real);
            }
            at += batch.len();
        }
        self.connections = Some(connections);
        Ok(())
    }

    fn count(&mut self, words: &[Vec<u8>], reply: &Reply) {
        let name = match (name(words).as_str(), reply) {
            ("exec", Reply::Array(_)) => "exec: done".to_owned(),
            ("exec", Reply::Null | Reply::NullArray) => "exec: undone".to_owned(),
            ("exec", Reply::Error(text)) if text.starts_with("EXECABORT") => "exec: broken".to_owned(),
            (name, _) => name.to_owned(),
        };
        let counts = self.tally.entry(name).or_default();
        match reply {
            Reply::Error(_) => counts.1 += 1,
            Reply::Simple(text) if text == "QUEUED" => {}
            _ => counts.0 += 1,
        }
    }
}

/// The words to send: first what makes both servers and connections alike, then the steps.
fn script(steps: &[Step], resp3: [bool; 2]) -> Vec<(bool, Vec<Vec<u8>>)> {
    let words = |line: &str| line.split(' ').map(|word| word.as_bytes().to_vec()).collect::<Vec<_>>();
    let hello = |resp3: bool| words(if resp3 { "HELLO 3" } else { "HELLO 2" });
    let mut script = vec![
        (false, words("RESET")),
        (false, words("FLUSHALL")),
        (false, hello(resp3[0])),
        (true, words("RESET")),
        (true, hello(resp3[1])),
    ];
    let start = seconds_now();
    // Whether an expired key still counts depends on when a server looks.
    let expired = steps.iter().any(Step::leaves_expired);
    for (number, step) in steps.iter().enumerate() {
        let mut words = step.words(number as u64, start);
        if expired && name(&words) == "dbsize" {
            words = vec![b"KEYS".to_vec(), b"*".to_vec()];
        }
        script.push((step.second, words));
    }
    script
}

#[test]
fn random_sequences_are_answered_alike() {
    let Some(peers) = Peers::start() else { return };
    let bench = RefCell::new(Bench { peers, connections: None, tally: BTreeMap::new() });
    let result = runner(SEQUENCES)
        .run(&sequence(LENGTH), |(steps, resp3)| bench.borrow_mut().play(&steps, resp3).map_err(TestCaseError::fail));
    if let Err(failure) = result {
        panic!("{failure}");
    }
    check(&bench.into_inner().tally);
}

/// The comparison is worth something only if every command was both served and refused.
fn check(tally: &BTreeMap<String, (u64, u64)>) {
    let total: u64 = tally.values().map(|(served, refused)| served + refused).sum();
    let least = u64::from(SEQUENCES) * LENGTH as u64 / 2;
    assert!(total > least, "only {total} commands were compared outside transactions: {tally:?}");
    for (command, &(served, refused)) in tally {
        match command.as_str() {
            "nosuch" | "exec" | "exec: broken" => assert!(refused > 20, "{command} was refused {refused} times only"),
            "exec: done" | "exec: undone" | "info" => assert!(served > 20, "{command} happened {served} times only"),
            "client getname" | "client id" | "client setname" => assert!(served > 20 && refused > 0, "{command}"),
            // Parts that do not exist, and cursors that lead nowhere.
            odd if odd.starts_with("client") || odd == "scan on" => assert!(refused > 0, "{command} was never refused"),
            _ => assert!(served > 20 && refused > 0, "{command} was served {served} and refused {refused} times only"),
        }
    }
    assert!(tally.len() > 70, "only {} commands took part: {tally:?}", tally.len());
}
