//! Scripted faults: they strike when, where and for as long as they say, and say the same as drawn ones.

use std::path::Path;
use std::time::Duration;

use sexton::harness::{Drawn, Event, Limits, Plan, Run, RunOptions, Step, Strike, What, run};
use sexton::scenario::Systems;
use sexton::systems::session::Session;

fn strike(at: u64, fault: &str) -> Strike {
    Strike { at: Duration::from_secs(at), fault: fault.into(), lasts: None, by: None, magnitude: None }
}

fn lasting(at: u64, fault: &str, lasts: u64) -> Strike {
    Strike { lasts: Some(Duration::from_secs(lasts)), ..strike(at, fault) }
}

fn by(strike: Strike, by: &str) -> Strike {
    Strike { by: Some(by.into()), ..strike }
}

/// A run of the hardened session manager with these faults, while a client is at work.
fn played(strikes: Vec<Strike>) -> Run {
    let step = |at, client: &str, operation: &str| Step {
        at: Duration::from_secs(at),
        client: client.into(),
        operation: operation.into(),
    };
    let steps = vec![step(1, "c1", "create s1"), step(55, "c2", "get s1")];
    let plan = Plan {
        steps,
        strikes,
        limits: Limits { chaos: Duration::from_mins(1), ..Limits::default() },
        ..Plan::default()
    };
    run(&Session::default(), &plan, 1, &RunOptions { keep_history: true, ..RunOptions::default() })
}

fn events(run: &Run, wanted: impl Fn(&Event) -> bool) -> Vec<Duration> {
    let history = run.history.as_ref().expect("it was kept");
    history.events().iter().filter(|event| wanted(event)).map(|event| event.at).collect()
}

#[test]
fn each_kind_strikes_as_it_is_scripted() {
    let own = Strike { magnitude: Some(4), ..strike(12, "slow_init b2") };
    let run = played(vec![
        lasting(2, "restart pod-b", 4),
        lasting(3, "pause pod-c", 2),
        lasting(4, "partition pod-a>redis", 1),
        lasting(5, "one_way redis>pod-a", 1),
        by(lasting(6, "slow c1>pod-a", 3), "2s"),
        strike(7, "reset pod-a>b1"),
        strike(8, "lost_request c3>pod-a"),
        strike(9, "lost_reply c1>pod-a"),
        by(strike(10, "late pod-a>redis"), "5s"),
        by(strike(11, "clock_jump pod-a"), "2h back"),
        by(strike(11, "clock_drift pod-b"), "300 ppm fast"),
        own,
        lasting(13, "disk_full pod-a", 2),
        strike(14, "disk_error pod-c"),
    ]);
    let history = run.history.as_ref().expect("it was kept");
    let told: Vec<String> = (history.events().iter())
        .filter_map(|event| match &event.what {
            What::Fault { kind, subject, detail, lasts } => {
                Some(format!("{:?} {kind} {subject}, {detail}; {lasts:?}", event.at))
            }
            _ => None,
        })
        .collect();
    insta::assert_snapshot!(told.join("\n"));

    let seconds = Duration::from_secs;
    let on =
        |host: &'static str, what: fn(&What) -> bool| move |event: &Event| *event.host == *host && what(&event.what);
    assert_eq!(events(&run, on("pod-b", |what| matches!(what, What::Crashed))), [seconds(2)]);
    assert_eq!(events(&run, on("pod-b", |what| matches!(what, What::Started))), [seconds(0), seconds(6)]);
    assert_eq!(events(&run, on("pod-c", |what| matches!(what, What::Paused))), [seconds(3)]);
    assert_eq!(events(&run, on("pod-c", |what| matches!(what, What::Resumed))), [seconds(5)]);
}

#[test]
fn a_lost_reply_is_lost_to_the_one_who_waits_for_it() {
    let outcome = |strikes| {
        let run = played(strikes);
        let history = run.history.as_ref().expect("it was kept");
        let first = history.events().iter().find_map(|event| match &event.what {
            What::Returned { operation: 0, text } => Some(text.to_string()),
            _ => None,
        });
        first.expect("the creation returned")
    };
    let whole = outcome(Vec::new());
    let lost = outcome(vec![Strike { lasts: Some(Duration::from_secs(5)), ..strike(0, "lost_reply c1>pod-a") }]);
    assert_ne!(whole, lost, "the client of a lost reply knows less");
}

#[test]
fn a_drawn_fault_is_scripted_as_it_strikes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios/session/default.toml");
    let scenario = Systems::builtin().load(&root, "session/default").expect("it is read");
    let mut compared = 0;
    for seed in 1..=6 {
        let run = scenario.run(seed, &RunOptions { keep_history: true, ..RunOptions::default() });
        let drawn: Vec<Drawn> = run.decisions.iter().filter_map(Drawn::of).collect();
        for event in run.history.as_ref().expect("it was kept").events() {
            let What::Fault { kind, subject, lasts, .. } = &event.what else { continue };
            let same = drawn.iter().find(|drawn| {
                // The world's clock moves in whole milliseconds.
                let late = event.at.saturating_sub(drawn.at);
                *drawn.kind == **kind
                    && late < Duration::from_millis(2)
                    && event.at + Duration::from_millis(1) > drawn.at
            });
            let same = same.unwrap_or_else(|| panic!("seed {seed}: {kind} {subject} at {:?} was not drawn", event.at));
            let strike = Strike::from(same.clone());
            if let Some(scripted) = strike.lasts {
                assert_eq!(scripted, *lasts, "seed {seed}: {kind} {subject}");
            }
            compared += 1;
        }
    }
    assert!(compared > 50, "there were only {compared} faults to compare");
}
