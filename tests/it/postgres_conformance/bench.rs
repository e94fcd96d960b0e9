//! A sequence played on both servers at once, and their answers compared step by step.

use std::collections::BTreeMap;
use std::io;
use std::time::Duration;

use super::compare::settled;
use super::peers::{Real, Simulated};
use super::render::Statement;
use super::schema::{EMPTY, EVERYTHING, ROWS};
use super::side::{Peer, Side};
use super::steps::{Said, Sequence, Way};
use super::wire::{Part, show, show_beside};

/// How long what nothing can hold up may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// By when a statement has given up that is to wait for some milliseconds only.
const GIVE_UP: Duration = Duration::from_millis(300);

/// How many connections there are at most.
const SESSIONS: usize = 3;

/// How often things have happened.
#[derive(Default, Debug)]
pub(crate) struct Tally {
    pub(crate) steps: u64,
    /// How often each template was served, was refused, and had to wait.
    pub(crate) templates: BTreeMap<&'static str, [u64; 3]>,
    /// How often each SQLSTATE was met.
    pub(crate) states: BTreeMap<String, u64>,
    /// Sequences that ended early because the servers chose different victims of a deadlock.
    pub(crate) other_victims: u64,
    /// Sequences that ended early because two sessions waited for the same one, who may be followed by either.
    pub(crate) races: u64,
    /// Sequences that ended early because a statement in a transaction had waited for a row that it then did not want any
    /// more: a real server keeps that row locked, the simulated one does not.
    pub(crate) held_for_nothing: u64,
}

/// What comes of a line of a script.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Answers,
    /// It waits for a lock.
    Waits,
    /// It waits for a lock, but not for long.
    GivesUp,
    /// It closes a circle of such as wait for one another.
    Deadlock,
}

/// Both servers with their sessions.
pub(crate) struct Bench<R, S> {
    pub(crate) real: Side<R>,
    pub(crate) simulated: Side<S>,
    pub(crate) tally: Tally,
}

/// Whether a sequence can go on.
#[derive(PartialEq, Eq)]
enum Course {
    On,
    /// It does, after a deadlock that both servers broke in the same way.
    Broken,
    /// What comes next is promised by nobody.
    Open,
}

fn told(script: &[String], difference: &str) -> String {
    format!("{}\n{difference}", script.join("\n"))
}

fn broken(error: &io::Error) -> String {
    format!("the connection failed: {error}")
}

impl Bench<Real, Simulated> {
    /// Starts both servers, and makes tables. `None`: there is no real one on this machine, and the reader has been
    /// told.
    pub(crate) async fn start(tables: &[&str]) -> Option<Self> {
        let real = Side::new(Real::start().await?, SESSIONS).await.expect("the real server accepts");
        let simulated = Side::new(Simulated::start(), SESSIONS).await.expect("the simulated server accepts");
        let mut new = Self { real, simulated, tally: Tally::default() };
        for table in tables {
            new.expect(table).await.expect("tables can be made");
        }
        Some(new)
    }
}

impl<R: Peer, S: Peer> Bench<R, S> {
    /// What both answer to a query string that waits for nobody.
    pub(crate) async fn ask(&mut self, text: &str) -> Result<[Vec<Part>; 2], String> {
        let both = tokio::join!(
            tokio::time::timeout(PATIENCE, self.real.sessions[0].connection.simple(text)),
            tokio::time::timeout(PATIENCE, self.simulated.sessions[0].connection.simple(text))
        );
        let real = both.0.map_err(|_| format!("the real server never answers {text}"))?;
        let simulated = both.1.map_err(|_| format!("the simulated server never answers {text}"))?;
        Ok([real.map_err(|error| broken(&error))?, simulated.map_err(|error| broken(&error))?])
    }

    /// Has both carry out what must succeed.
    pub(crate) async fn expect(&mut self, text: &str) -> Result<(), String> {
        let [real, simulated] = self.ask(text).await?;
        for (name, answer) in [("real", real), ("simulated", simulated)] {
            if answer.iter().any(|part| matches!(part, Part::Failed(_))) {
                return Err(format!("the {name} server refuses {text}\n{}", show(&answer)));
            }
        }
        Ok(())
    }

    /// Plays a sequence; what the first difference is, if there is one.
    pub(crate) async fn play(&mut self, sequence: &Sequence) -> Result<(), String> {
        self.begin().await?;
        let mut script = Vec::new();
        for step in &sequence.steps {
            let at = step.connection;
            if self.is_busy(at) {
                continue;
            }
            let before = step.before(self.real.sessions[at].status);
            for step in before.iter().chain([step]) {
                let said = step.said(self.real.sessions[at].status);
                script.push(said.show(at));
                let course = self.step(at, &said).await;
                if course.map_err(|difference| told(&script, &difference))? == Course::Open {
                    return self.renew().await;
                }
            }
        }
        self.end(sequence.end()).await.map_err(|difference| told(&script, &difference))
    }

    /// Plays a script: connections, what they send, and what then comes. What the first difference is, if there is one.
    pub(crate) async fn perform(&mut self, script: &[(usize, Said, Then)]) -> Result<(), String> {
        self.begin().await?;
        let mut done = Vec::new();
        for (at, said, then) in script {
            done.push(said.show(*at));
            if self.is_busy(*at) {
                return Err(told(&done, "this connection waits, so it can send nothing"));
            }
            let course = self.step(*at, said).await.map_err(|difference| told(&done, &difference))?;
            if *then == Then::Deadlock {
                // Who is chosen, and so what comes then, may differ.
                return match course {
                    Course::On => Err(told(&done, "no deadlock")),
                    Course::Broken | Course::Open => self.renew().await,
                };
            }
            if self.is_busy(*at) != (*then != Then::Answers) {
                return Err(told(&done, if self.is_busy(*at) { "both servers wait" } else { "neither server waits" }));
            }
            if *then == Then::GivesUp {
                tokio::time::sleep(GIVE_UP).await;
                self.compare(*at, None).await.map_err(|difference| told(&done, &difference))?;
                if self.is_busy(*at) {
                    return Err(told(&done, "both servers still wait"));
                }
            }
            if course == Course::Open {
                return Err(told(&done, "what comes next is not compared"));
            }
        }
        self.end("ROLLBACK").await.map_err(|difference| told(&done, &difference))
    }

    /// Fills the tables as they are at first.
    async fn begin(&mut self) -> Result<(), String> {
        self.expect(EMPTY).await?;
        self.expect(ROWS).await
    }

    /// Begins anew on other connections.
    pub(crate) async fn renew(&mut self) -> Result<(), String> {
        self.real.renew().await.map_err(|error| broken(&error))?;
        self.simulated.renew().await.map_err(|error| broken(&error))
    }

    fn is_busy(&self, connection: usize) -> bool {
        self.real.sessions[connection].busy
    }

    /// Sends one statement; what the first difference is, if there is one.
    pub(crate) async fn say(&mut self, at: usize, said: &Said) -> Result<(), String> {
        self.step(at, said).await.map(drop)
    }

    async fn step(&mut self, at: usize, said: &Said) -> Result<Course, String> {
        self.tally.steps += 1;
        if self.real.sessions[at].lacks(&said.statement, said.way) {
            for session in [&mut self.real.sessions[at], &mut self.simulated.sessions[at]] {
                session.prepare(&said.statement).await.map_err(|error| broken(&error))?;
            }
            let answers = self.compare(at, Some(said)).await?;
            let [real, simulated] = answers.map(|answers| {
                answers.into_iter().find(|(other, _)| *other == at).map(|(_, answer)| answer).unwrap_or_default()
            });
            let known = self.real.sessions[at].prepared(&said.statement, &real);
            self.simulated.sessions[at].prepared(&said.statement, &simulated);
            if !known {
                return Ok(Course::On);
            }
        }
        self.send(at, &said.statement, said.way).await?;
        let [real, simulated] = self.compare(at, Some(said)).await?;
        if self.is_busy(at) {
            self.tally.templates.entry(said.template).or_default()[2] += 1;
        }
        Ok(self.course(at, &real, &simulated))
    }

    /// Whether the sequence can go on after these answers to what a connection has sent.
    fn course(&mut self, from: usize, real: &[(usize, Vec<Part>)], simulated: &[(usize, Vec<Part>)]) -> Course {
        if victim(real) != victim(simulated) {
            self.tally.other_victims += 1;
            Course::Open
        } else if holds_for_nothing(from, real) {
            self.tally.held_for_nothing += 1;
            Course::Open
        } else if self.real.is_a_race() {
            self.tally.races += 1;
            Course::Open
        } else if victim(real).is_some() {
            Course::Broken
        } else {
            Course::On
        }
    }

    async fn send(&mut self, connection: usize, statement: &Statement, way: Way) -> Result<(), String> {
        for session in [&mut self.real.sessions[connection], &mut self.simulated.sessions[connection]] {
            session.send(statement, way).await.map_err(|error| broken(&error))?;
        }
        Ok(())
    }

    /// Waits for both servers to come to rest, and compares what they have answered and who waits.
    async fn compare(&mut self, from: usize, said: Option<&Said>) -> Result<[Vec<(usize, Vec<Part>)>; 2], String> {
        let (real, simulated) = tokio::join!(self.real.settle(), self.simulated.settle());
        let [mut real, mut simulated] = [
            real.map_err(|error| format!("the real server: {error}"))?,
            simulated.map_err(|error| format!("the simulated server: {error}"))?,
        ];
        real.sort_by_key(|(at, _)| *at);
        simulated.sort_by_key(|(at, _)| *at);
        if victim(&real).is_some() && victim(&simulated).is_some() && victim(&real) != victim(&simulated) {
            return Ok([real, simulated]);
        }
        let of = |answers: &[(usize, Vec<Part>)], at: usize| {
            answers.iter().find(|(other, _)| *other == at).map(|(_, answer)| answer.clone())
        };
        for (at, session) in self.real.sessions.iter().enumerate() {
            let both = [of(&real, at), of(&simulated, at)];
            let [a, b] = both.each_ref().map(|answer| answer.as_ref().map(|answer| settled(answer, session.ordered)));
            // One that waits for a row that is held for nothing.
            let held_up = a.is_none() != b.is_none() && holds_for_nothing(from, &real);
            if a != b && !held_up {
                return Err(told_apart(at, a.as_deref(), b.as_deref()));
            }
        }
        for (at, answer) in &real {
            self.count(answer, said.filter(|_| from == *at));
        }
        Ok([real, simulated])
    }

    fn count(&mut self, answer: &[Part], said: Option<&Said>) {
        let mut refused = false;
        for part in answer {
            if let Part::Failed(failure) = part {
                refused = true;
                *self.tally.states.entry(failure.state.clone()).or_default() += 1;
            }
        }
        if let Some(said) = said {
            self.tally.templates.entry(said.template).or_default()[usize::from(refused)] += 1;
        }
    }

    /// Ends what is still open, and compares what the tables then hold.
    async fn end(&mut self, word: &str) -> Result<(), String> {
        // Each end may let another go on, which then is ended too.
        let mut ended = vec![false; self.real.sessions.len()];
        while let Some(at) = (0..ended.len()).find(|&at| !ended[at] && !self.is_busy(at)) {
            ended[at] = true;
            for text in [word, "SELECT pg_advisory_unlock_all()"] {
                self.send(at, &Statement::plain(text), Way::Simple).await?;
                let [real, simulated] =
                    self.compare(at, None).await.map_err(|difference| format!("{text}: {difference}"))?;
                if self.course(at, &real, &simulated) == Course::Open {
                    return self.renew().await;
                }
            }
        }
        if ended.contains(&false) {
            return Err("in the end: sessions wait though nobody holds anything".to_owned());
        }
        self.send(0, &Statement::plain(EVERYTHING), Way::Simple).await?;
        self.compare(0, None).await.map_err(|difference| format!("in the end: {difference}"))?;
        Ok(())
    }
}

fn told_apart(connection: usize, real: Option<&[Part]>, simulated: Option<&[Part]>) -> String {
    let tell = |one: Option<&[Part]>, other: Option<&[Part]>| match (one, other) {
        (Some(one), Some(other)) => show_beside(one, other),
        (Some(one), None) => show(one),
        (None, _) => "    waits\n".to_owned(),
    };
    let name = char::from(b'A' + connection as u8);
    format!("  {name}, real:\n{}  {name}, simulated:\n{}", tell(real, simulated), tell(simulated, real))
}

/// Whether a statement that was sent before, by another connection, has waited for a row that it then did not want any
/// more, in a transaction that goes on.
fn holds_for_nothing(from: usize, answers: &[(usize, Vec<Part>)]) -> bool {
    let nothing = |part: &Part| matches!(part, Part::Done(tag) if tag.ends_with(" 0"));
    let in_vain = |answer: &[Part]| answer.last() == Some(&Part::Ready('T')) && answer.iter().any(nothing);
    answers.iter().any(|(at, answer)| *at != from && in_vain(answer))
}

/// Which session a deadlock was broken by.
fn victim(answers: &[(usize, Vec<Part>)]) -> Option<usize> {
    let is_victim = |part: &Part| matches!(part, Part::Failed(failure) if failure.state == "40P01");
    answers.iter().find(|(_, answer)| answer.iter().any(is_victim)).map(|(at, _)| *at)
}
