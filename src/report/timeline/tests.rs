//! Pictures of small runs, without a browser.

use std::collections::BTreeSet;

use serde_json::Value;

use super::folds::folds;
use super::page::embedded;
use super::story::names;
use super::*;
use crate::harness::{Run, RunOptions};
use crate::scenario::{Experiment, Shelf, Systems};

fn picture(scenario: &str, seed: u64) -> (Run, Timeline) {
    let shelf = Shelf::new("scenarios", Systems::builtin());
    let experiment = shelf.find_one(scenario).expect("a scenario of the tree");
    let options = RunOptions { keep_history: true, detail: true, ..RunOptions::default() };
    let run = experiment.run(seed, &options);
    let timeline = Timeline::of(&run, &head(&*experiment));
    (run, timeline)
}

fn head(experiment: &dyn Experiment) -> TimelineHead {
    TimelineHead::of(experiment, "sexton run")
}

#[test]
fn nothing_in_the_data_can_end_its_script_element() {
    let told = embedded(r#"{"a":"</script><!-- <script>","b":"1 < 2"}"#);
    assert!(!told.contains('<'), "{told}");
    let read: Value = serde_json::from_str(&told).expect("it is still JSON");
    assert_eq!((read["a"].as_str(), read["b"].as_str()), (Some("</script><!-- <script>"), Some("1 < 2")));
}

#[test]
fn a_page_is_whole_whatever_its_data_says() {
    let (_, mut timeline) = picture("session/scripted-create-get", 1);
    timeline.head.about = "@@style@@ </script><img src=x onerror=alert(1)> <!--".into();
    timeline.head.scenario = "<b>&".into();
    let page = timeline.page().expect("a page");
    assert_eq!(page.matches("</script>").count(), 2, "one of data, one of code");
    assert!(page.contains("<title>&lt;b&gt;&amp; seed 1") && !page.contains("<img"));
    let data = page.split_once("id=\"data\">").expect("data").1.split_once("</script>").expect("its end").0;
    let read: Value = serde_json::from_str(data).expect("it is JSON");
    assert_eq!(read["head"]["about"], timeline.head.about.as_str(), "nothing is put into the data");
    for outside in ["http://", "https://", "src=", "@import", "url("] {
        let code = page.replace(data, "");
        assert!(!code.contains(outside), "the page asks for nothing from elsewhere: {outside}");
    }
}

#[test]
fn lanes_are_clients_then_services_then_stores() {
    let (_, timeline) = picture("session/r1-create-over-mark", 2);
    let kinds: Vec<LaneKind> = timeline.lanes.iter().map(|lane| lane.kind).collect();
    assert!(kinds.is_sorted(), "{kinds:?}");
    let names: Vec<&str> = timeline.lanes.iter().map(|lane| &*lane.name).collect();
    assert_eq!(names[..6], ["c1", "c2", "c3", "c4", "pod-a", "pod-b"]);
    assert_eq!(names.last(), Some(&"redis"));
    assert_eq!(timeline.lanes.last().map(|lane| lane.kind), Some(LaneKind::Store));
}

#[test]
fn every_item_lies_in_the_run_and_on_a_lane() {
    let (run, timeline) = picture("session/r1-create-over-mark", 2);
    assert!(timeline.items.len() > 3000, "{}", timeline.items.len());
    for item in &timeline.items {
        assert!(item.at <= item.until && item.until <= timeline.ended, "{item:?}");
        assert!(item.lane < timeline.lanes.len() && item.to.is_none_or(|to| to < timeline.lanes.len()), "{item:?}");
        assert!(item.serves.is_none_or(|place| place < timeline.served.len()), "{item:?}");
        assert_ne!(item.full.as_ref(), Some(&item.text), "{item:?}");
    }
    let told = timeline.items.iter().filter(|item| item.kind == ItemKind::Operation && !item.open).count();
    let returned = timeline.served.iter().filter(|served| served.outcome.is_some()).count();
    assert_eq!(told, returned);
    assert!(returned >= run.completed as usize);
    let mut unknown: Vec<&Item> = timeline.items.iter().filter(|item| item.kind == ItemKind::Message).collect();
    let all = unknown.len();
    unknown.retain(|item| item.serves.is_none());
    assert!(unknown.len() * 20 < all, "{} of {all} messages serve nobody: {:?}", unknown.len(), unknown.first());
}

#[test]
fn an_operation_that_never_returned_lasts_to_the_end() {
    // The run is cut off while its clients are at work.
    let shelf = Shelf::new("scenarios", Systems::builtin());
    let experiment = shelf.find_one("session/default").expect("a scenario of the tree");
    let mut plan = experiment.plan().clone();
    plan.limits.events = 2000;
    let system = crate::systems::session::Session::default();
    let options = RunOptions { keep_history: true, detail: true, ..RunOptions::default() };
    let run = crate::harness::run(&system, &plan, 1, &options);
    let timeline = Timeline::of(&run, &head(&*experiment));
    let open: Vec<&Item> = timeline.items.iter().filter(|item| item.kind == ItemKind::Operation && item.open).collect();
    assert!(!open.is_empty() && open.iter().all(|item| item.until == timeline.ended), "{open:?}");
    let broken = timeline.broken.last().expect("it is stuck");
    assert_eq!((timeline.verdict, &*broken.invariant), ("stuck", "stuck"));
    assert_eq!(broken.promise, "every operation returns, and the run comes to its end");
}

#[test]
fn idle_time_is_folded_and_even_time_is_not() {
    let burst = |from: u64| (0..20).map(move |step| from + step * 10);
    let moments: Vec<u64> = burst(0).chain(burst(100_000)).chain(burst(5_000_000)).collect();
    assert_eq!(folds(moments), [(190, 100_000), (100_190, 5_000_000)]);
    assert_eq!(folds((0..100).map(|step| step * 1_000_000).collect()), []);
    assert_eq!(folds(vec![0, 10, 20, 30, 1_000_000]), [(30, 1_000_000)]);
    assert_eq!(folds(vec![7]), []);
    assert_eq!(folds(Vec::new()), []);
}

#[test]
fn a_name_is_found_as_a_word_and_with_its_parts() {
    assert!(names("`get s1` of c1", "s1") && names("s1.2 is there", "s1") && names("session:s1", "s1"));
    assert!(!names("s12", "s1") && !names("as1", "s1") && !names("b.s1", "s1"));
}

#[test]
fn the_story_names_the_window_the_intruder_and_the_breach() {
    let (_, timeline) = picture("session/r1-create-over-mark", 2);
    let broken = timeline.broken.first().expect("it breaks");
    assert_eq!(broken.invariant, "termination-absorbing", "what the scenario is about comes first");
    assert!(broken.promise.contains("terminated"), "{}", broken.promise);
    let parts: BTreeSet<Part> = broken.story.iter().map(|beat| beat.part).collect();
    for part in [Part::Looks, Part::Intrudes, Part::Acts, Part::Breaks, Part::Fault] {
        assert!(parts.contains(&part), "no {part:?} in {:#?}", broken.story);
    }
    assert!(broken.story.is_sorted_by_key(|beat| beat.at));
    let whose = |part| broken.story.iter().find(|beat| beat.part == part).and_then(|beat| beat.serves);
    let name = |part| whose(part).map(|place| &*timeline.served[place].name);
    assert_eq!((name(Part::Acts), name(Part::Intrudes)), (Some("create s1"), Some("terminate s1 via pod-c")));
    let window = timeline.windows.iter().find(|window| window.cause).expect("a window");
    assert!(window.at <= window.intruded && window.intruded <= window.until, "{window:?}");
}

#[test]
fn a_run_that_holds_has_nothing_broken() {
    let (run, timeline) = picture("session/scripted-create-get", 1);
    assert_eq!((timeline.verdict, timeline.broken.len(), run.violations.len()), ("holds", 0, 0));
}

#[test]
fn trace_events_are_as_viewers_want_them() {
    let (_, timeline) = picture("session/r1-create-over-mark", 2);
    let read: Value = serde_json::from_str(&timeline.perfetto().to_string()).expect("it is JSON");
    let events = read["traceEvents"].as_array().expect("a list");
    let (mut begun, mut ended, mut slices) = (BTreeSet::new(), BTreeSet::new(), Vec::new());
    let mut named = BTreeSet::new();
    let threads: Vec<(u64, u64)> = (events.iter().filter(|event| event["name"] == "thread_name"))
        .map(|event| (event["tid"].as_u64().expect("a thread"), event["pid"].as_u64().expect("a process")))
        .collect();
    let owners: std::collections::BTreeMap<u64, u64> = threads.iter().copied().collect();
    assert_eq!(owners.len(), threads.len(), "two threads of one number");
    for event in events {
        let pid = event["pid"].as_u64().expect("a process");
        let at = event["ts"].as_f64();
        match event["ph"].as_str().expect("a phase") {
            "M" => drop(named.insert(pid)),
            "X" => {
                let (at, lasts) = (at.expect("a time"), event["dur"].as_f64().expect("a length"));
                assert!(at >= 0.0 && lasts >= 0.0, "{event}");
                slices.push((pid, event["tid"].as_u64().expect("a thread"), at, lasts));
            }
            "i" => assert!(at.is_some() && event["s"].is_string(), "{event}"),
            "s" => assert!(begun.insert(event["id"].as_u64()), "begun twice: {event}"),
            "f" => assert!(ended.insert(event["id"].as_u64()) && event["bp"] == "e", "ended twice: {event}"),
            other => panic!("no such phase: {other}"),
        }
        assert!(named.contains(&pid), "a process without a name: {event}");
        let thread = event["tid"].as_u64().expect("a thread");
        assert!(event["ph"] == "M" || owners.get(&thread) == Some(&pid), "a thread without a name: {event}");
    }
    assert!(!begun.is_empty());
    assert_eq!(begun, ended, "each flow that begins ends");
    slices.sort_by(|one, other| one.partial_cmp(other).expect("numbers"));
    for pair in slices.windows(2) {
        let [(pid, tid, at, lasts), (next_pid, next_tid, next, _)] = pair else { continue };
        let apart = (pid, tid) != (next_pid, next_tid) || at + lasts <= next + 1e-6;
        assert!(apart, "slices on one thread overlap: {pair:?}");
    }
}
