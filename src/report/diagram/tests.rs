//! Diagrams of scripted runs, of what may befall hosts, and of anything at all: no line is too wide.

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use unicode_width::UnicodeWidthChar;

use super::{Diagram, Scope};
use crate::harness::{History, Run, RunOptions, Verdict, Violation, What};
use crate::oracle::story::Story;
use crate::report::Paint;
use crate::runtime::{Access, Kind};
use crate::scenario::Systems;
use crate::search::fake::holding;

fn scripted(name: &str, seed: u64) -> Run {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("scenarios").join(format!("{name}.toml"));
    let scenario = Systems::builtin().load(&path, name).expect("is read");
    scenario.run(seed, &RunOptions { keep_history: true, detail: true, ..RunOptions::default() })
}

/// A run with this history, which broke a promise at this time.
fn told(history: History, broken: Option<(u64, &str)>) -> Run {
    let violation = |(millis, message): (u64, &str)| Violation {
        invariant: "no-ghosts",
        about: "yard".into(),
        message: message.into(),
        at: Duration::from_millis(millis),
    };
    let verdict = if broken.is_some() { Verdict::Violated } else { Verdict::Holds };
    Run { history: Some(history), violations: broken.map(violation).into_iter().collect(), verdict, ..holding(1) }
}

fn drawn(run: &Run, scope: Scope) -> String {
    let diagram = Diagram::of(run, scope).expect("there is something to draw");
    let text = diagram.to_string();
    check_width(&text);
    assert_eq!(without_colours(&diagram.painted(Paint(true))), text, "colours change nothing else");
    text
}

fn check_width(text: &str) {
    for line in text.lines() {
        // As terminals count: letter by letter, without the ligatures of some scripts.
        let columns: usize = line.chars().filter_map(UnicodeWidthChar::width).sum();
        assert!(columns <= 100, "{columns} columns: {line}");
        assert!(!line.contains(char::is_control), "{line:?}");
    }
}

fn without_colours(text: &str) -> String {
    let mut parts = text.split('\u{1b}');
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |plain, part| plain + part.split_once('m').expect("an escape ends").1)
}

fn invoked(operation: u32, text: &str) -> What {
    What::Invoked { operation, text: text.into() }
}

fn returned(operation: u32, text: &str) -> What {
    What::Returned { operation, text: text.into() }
}

fn message(from: &str, to: &str, what: &str) -> What {
    What::Message { from: from.into(), to: to.into(), sent: Duration::ZERO, what: what.into() }
}

fn fault(kind: &str, subject: &str, detail: &str, lasts: u64) -> What {
    let lasts = Duration::from_millis(lasts);
    What::Fault { kind: kind.into(), subject: subject.into(), detail: detail.into(), lasts }
}

#[test]
fn a_notification_that_wipes_a_mark() {
    let run = scripted("session/scripted-notify-terminate-upsert", 1);
    insta::assert_snapshot!(drawn(&run, Scope::Brief));
}

#[test]
fn a_decoration_that_raises_the_dead() {
    let run = scripted("session/scripted-decorate-terminate-upsert", 1);
    insta::assert_snapshot!(drawn(&run, Scope::Brief));
    insta::assert_snapshot!("all_of_a_decoration_that_raises_the_dead", drawn(&run, Scope::Whole));
}

#[test]
fn a_run_that_holds_is_shown_from_its_start() {
    let run = scripted("session/scripted-create-get", 2);
    assert_eq!(run.verdict, Verdict::Holds);
    insta::assert_snapshot!(drawn(&run, Scope::Brief));
}

#[test]
fn what_befalls_hosts_and_links() {
    let history = Story::new(&["redis", "pod-a", "pod-b", "c1"])
        .within(1_000, "c1", "light", invoked(0, "light g1 via pod-a"))
        .within(1_005, "pod-a", "light", message("c1", "pod-a", "90 bytes"))
        .at(1_010, "world", fault("partition", "pod-a>redis", "for 2s", 2_000))
        .access(1_500, "pod-a", "redis", "grave:g1-00aa00aa00aa00aa", "timed out")
        .restart(2_000, "pod-a", 500)
        .at(2_100, "world", fault("skew", "pod-a", "by 4s", 0))
        .pause(3_000, "pod-a", 200)
        .within(4_000, "c1", "light", returned(0, "no answer"))
        .commit(5_000, "grave:g1-00aa00aa00aa00aa", Some("ghost"), "lost")
        .within(6_000, "c1", "look", invoked(1, "look at g1"))
        .within(6_005, "pod-a", "look", message("c1", "pod-a", "90 bytes"))
        .within(6_010, "c1", "other", message("pod-a", "c1", "12 bytes"))
        .within(6_010, "c1", "look", returned(1, "g1-00aa00aa00aa00aa: a ghost"))
        .history();
    let text = drawn(&told(history, Some((6_010, "g1: a ghost walks"))), Scope::Whole);
    insta::assert_snapshot!(text);
}

#[test]
fn an_operation_that_nobody_answered_is_what_a_stuck_run_is_about() {
    let history = Story::new(&["pod-a", "c1", "c2"])
        .within(1_000, "c1", "one", invoked(0, "one"))
        .within(1_005, "pod-a", "one", message("c1", "pod-a", "1 bytes"))
        .within(1_010, "c2", "two", invoked(1, "two"))
        .within(1_015, "pod-a", "two", message("c2", "pod-a", "1 bytes"))
        .within(1_020, "c2", "two", message("pod-a", "c2", "1 bytes"))
        .within(1_020, "c2", "two", returned(1, "done"))
        .history();
    let stuck = Run { verdict: Verdict::Stuck, stuck: Some("one".into()), ..told(history, None) };
    let text = drawn(&stuck, Scope::Brief);
    assert!(text.contains(" one ") && !text.contains("two"), "{text}");
    assert!(text.contains("2 rows not about what was never answered"), "{text}");
}

#[test]
fn clients_share_a_lane_where_there_are_too_many_hosts() {
    let names: Vec<String> =
        (1..=6).map(|number| format!("c{number}")).chain((1..=9).map(|n| format!("p{n}"))).collect();
    let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
    let mut story = Story::new(&hosts);
    for (number, client) in names.iter().take(6).enumerate() {
        for pod in names.iter().skip(6).skip(number / 2) {
            let at = 1_000 + number as u64 * 10;
            story = story.within(at, client, &format!("{client}{pod}"), invoked(number as u32, "look"));
            story = story.within(at, pod, &format!("{client}{pod}"), message(client, pod, "1 bytes"));
        }
    }
    let text = drawn(&told(story.history(), None), Scope::Whole);
    let header = text.lines().next().expect("a header");
    let lanes: Vec<&str> = header.split_whitespace().collect();
    assert_eq!(lanes, ["clients", "p3", "p4", "p5", "p6", "p7", "p8", "p9"]);
    assert!(text.contains("c6 look") && text.contains("the lanes of p1, p2"), "{text}");
}

#[test]
fn there_is_no_diagram_without_a_history_or_rows() {
    assert!(Diagram::of(&holding(1), Scope::Brief).is_none());
    assert!(Diagram::of(&told(Story::new(&["c1"]).history(), None), Scope::Whole).is_none());
}

#[test]
fn real_runs_fit_with_all_their_faults() {
    for (name, seed) in [("session/default", 3), ("session/preset-b", 4), ("session/d2-decorate-upsert", 12)] {
        let run = scripted(name, seed);
        let (short, all) = (drawn(&run, Scope::Brief), drawn(&run, Scope::Whole));
        assert!(short.lines().count() < 60, "{short}");
        assert!(all.lines().count() > 200, "{all}");
    }
}

/// One event of a made-up history: when, on which host, in which activity, and what.
type Made = (u64, usize, u8, What);

fn anything(names: Vec<String>) -> impl Strategy<Value = (Vec<String>, Vec<Made>)> {
    let (any_of, count) = (names.clone(), names.len());
    let name = move || prop::sample::select(any_of.clone());
    let words = || "\\PC{0,120}|[a-f0-9]{12,40}|\\s{0,9}";
    let access = (name(), words(), 0..3_u8, words(), any::<Option<bool>>(), 0..3_000_u64).prop_map(
        |(store, key, kind, outcome, changed, took)| {
            let kind = [Kind::Read, Kind::Write, Kind::ReadWrite][usize::from(kind)];
            let took = Duration::from_millis(took);
            What::Access(Access {
                store: store.into(),
                key: key.into(),
                kind,
                outcome: outcome.into(),
                value: None,
                changed,
                took,
            })
        },
    );
    let what = prop_oneof![
        (0..9_u32, words()).prop_map(|(operation, text)| invoked(operation, &text)),
        (0..9_u32, words()).prop_map(|(operation, text)| returned(operation, &text)),
        access,
        (name(), words(), any::<bool>()).prop_map(|(store, key, there)| What::Commit {
            store: store.into(),
            key: key.into(),
            value: there.then(|| "value".into()),
            cause: "set",
        }),
        (name(), name(), words()).prop_map(|(from, to, what)| message(&from, &to, &what)),
        (name(), name(), words()).prop_map(|(from, to, detail)| fault("cut", &format!("{from}>{to}"), &detail, 500)),
        (words(), words()).prop_map(|(subject, detail)| fault("strike", &subject, &detail, 0)),
        (words(), 0..2_000_u64, 0..90_000_u64).prop_map(|(subject, since, held)| What::Point {
            name: "some.point",
            subject: subject.into(),
            since: Duration::from_millis(since),
            held: Duration::from_millis(held),
        }),
        words().prop_map(|message| What::Log { level: "ERROR", target: "here".into(), message: message.into() }),
        words().prop_map(|task| What::Escaped(task.into())),
        Just(What::Phase("heal")),
    ];
    let events = prop::collection::vec((0..2_000_u64, 0..count, 0..6_u8, what), 0..60);
    (Just(names), events)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_line_is_too_wide(
        (names, events) in prop::collection::btree_set("[a-z]{1,3}[0-9]|\\PC{1,40}", 1..14)
            .prop_flat_map(|names| anything(names.into_iter().collect())),
        broken in prop::option::of((0..2_500_u64, "\\PC{0,400}")),
    ) {
        let hosts: Vec<&str> = names.iter().map(String::as_str).collect();
        let mut story = Story::new(&hosts);
        for (at, host, activity, what) in events {
            let activity = if activity == 0 { String::new() } else { format!("{}{activity}", hosts[host]) };
            story = match what {
                What::Escaped(_) if activity.is_empty() => story.restart(at, hosts[host], 300),
                What::Log { .. } if activity.is_empty() => story.pause(at, hosts[host], 300),
                what => story.within(at, hosts[host], &activity, what),
            };
        }
        let run = told(story.history(), broken.as_ref().map(|(at, message)| (*at, message.as_str())));
        for scope in [Scope::Brief, Scope::Whole] {
            if let Some(diagram) = Diagram::of(&run, scope) {
                check_width(&diagram.to_string());
            }
        }
    }
}
