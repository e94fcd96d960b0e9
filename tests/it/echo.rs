//! A small system for tests of the harness: pods that echo, clients that ask.

use std::fmt;
use std::time::Duration;

use sexton::harness::{CLIENT, Deployment, Draw, Findings, Host, Invariant, Load, Observed, System};
use sexton::runtime::net::{TcpListener, TcpStream};
use sexton::runtime::{fs, point, task, time};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What the pods do besides echoing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Habit {
    /// Nothing.
    #[default]
    None,
    /// They panic at the third question.
    Panics,
    /// They answer nothing, and clients wait for ever.
    Hangs,
    /// They are well, but the oracle is not.
    OracleFails,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Echo {
    pub(crate) habit: Habit,
}

#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pod: u64,
    length: u64,
}

impl fmt::Display for Ask {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ask pod-{} for {} bytes", self.pod, self.length)
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Answer {
    Echoed,
    Garbled,
    Failed(String),
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Echoed => f.write_str("echoed"),
            Self::Garbled => f.write_str("garbled"),
            Self::Failed(why) => write!(f, "failed: {why}"),
        }
    }
}

async fn pod(habit: Habit) {
    let listener = TcpListener::bind("0.0.0.0:7").await.expect("the port is free");
    let mut count = 0_u64;
    loop {
        let (mut stream, _) = listener.accept().await.expect("a listener accepts");
        count += 1;
        let number = count;
        drop(task::spawn(async move {
            let Ok(length) = stream.read_u64().await else { return };
            let mut data = vec![0; length as usize];
            if stream.read_exact(&mut data).await.is_err() {
                return;
            }
            point("echo.read", "").await;
            // A pod whose disk is in trouble echoes all the same.
            let _ = fs::append("asked", &length.to_be_bytes()).await;
            assert!(habit != Habit::Panics || number != 3, "the third question is too many");
            if habit == Habit::Hangs {
                std::future::pending::<()>().await;
            }
            // A peer that has gone needs no answer.
            let _ = stream.write_all(&data).await;
        }));
    }
}

async fn ask(operation: Ask) -> std::io::Result<bool> {
    let mut stream = TcpStream::connect((format!("pod-{}", operation.pod).as_str(), 7)).await?;
    let data: Vec<u8> = (0..operation.length).map(|byte| byte as u8).collect();
    stream.write_u64(operation.length).await?;
    stream.write_all(&data).await?;
    let mut echoed = vec![0; data.len()];
    stream.read_exact(&mut echoed).await?;
    Ok(echoed == data)
}

impl System for Echo {
    type Operation = Ask;
    type Outcome = Answer;
    type Client = ();

    fn name(&self) -> &'static str {
        "echo"
    }
    fn load(&self) -> Load {
        Load { clients: 3, operations: 60 }
    }
    fn deploy(&self, plan: &mut Deployment) {
        let habit = self.habit;
        for number in 0..2 {
            let host = Host::new(format!("pod-{number}"), "pod", move || pod(habit));
            plan.host(host.fault("own_trouble", |magnitude| format!("magnitude {magnitude}")));
        }
        plan.link(CLIENT, "pod");
    }
    fn client(&self, _: &str) -> Self::Client {}
    fn next(&self, draw: &mut Draw<'_>) -> Option<Ask> {
        let pod = draw.weighted("pod", &[1, 1])? as u64;
        Some(Ask { pod, length: 1 + draw.below("length", 3_000) })
    }
    async fn perform(&self, (): (), operation: Ask) -> Answer {
        let patience = if self.habit == Habit::Hangs { Duration::MAX } else { Duration::from_secs(5) };
        match time::timeout(patience, ask(operation)).await {
            Ok(Ok(true)) => Answer::Echoed,
            Ok(Ok(false)) => Answer::Garbled,
            Ok(Err(error)) => Answer::Failed(error.to_string()),
            Err(_) => Answer::Failed("timed out".to_owned()),
        }
    }
    fn invariants(&self) -> Vec<Box<dyn Invariant<Self>>> {
        vec![Box::new(NothingGarbled(self.habit))]
    }
    fn faults(&self) -> &'static [&'static str] {
        &["own_trouble"]
    }
}

struct NothingGarbled(Habit);

impl Invariant<Echo> for NothingGarbled {
    fn name(&self) -> &'static str {
        "nothing-garbled"
    }
    fn about(&self) -> &'static str {
        "what comes back is what was sent"
    }
    fn check(&self, run: &Observed<'_, Echo>, findings: &mut Findings) {
        assert!(self.0 != Habit::OracleFails, "the oracle has lost its wits");
        for record in run.operations {
            if let Some(outcome) = &record.outcome {
                findings.exercised();
                if *outcome == Answer::Garbled {
                    findings.violate(record.invoked, "echo", format!("{} came back garbled", record.operation));
                }
            }
        }
    }
}
