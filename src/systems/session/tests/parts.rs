//! Policy, operations in words, records.

use crate::systems::session::policy::{Flight, Policy, Preset, Write};
use crate::systems::session::record::Record;
use crate::systems::session::workload::{Operation, Topology, Workload};

fn policy(text: &str) -> Result<Policy, toml::de::Error> {
    toml::from_str(text)
}

#[test]
fn left_out_is_hardened() {
    assert_eq!(policy("").unwrap(), Policy::default());
    assert_eq!(policy("preset = \"hardened\"").unwrap(), Policy::default());
}

#[test]
fn keys_override_their_preset_wherever_it_stands() {
    let expected = Policy { flight: Flight::Restores, ..Policy::preset(Preset::E3) };
    assert_eq!(policy("flight = \"restores\"\npreset = \"E3\"").unwrap(), expected);
}

#[test]
fn unknown_keys_and_values_are_refused() {
    assert!(policy("flights = \"whole\"").unwrap_err().message().contains("flights"));
    assert!(policy("flight = \"whole_\"").unwrap_err().message().contains("whole_"));
    assert!(policy("preset = \"D\"").unwrap_err().message().contains('D'));
}

#[test]
fn each_preset_is_a_form_of_its_own() {
    let names = ["A", "B", "C", "E1", "E2", "E3", "hardened"];
    let forms: Vec<Policy> = names.iter().map(|name| policy(&format!("preset = \"{name}\"")).unwrap()).collect();
    for (index, form) in forms.iter().enumerate() {
        assert!(!forms[..index].contains(form), "{} is the same as an earlier form", names[index]);
    }
    // No upstream form ever had a compare-and-set.
    assert!(forms[..6].iter().all(|form| form.create_write != Write::CompareAndSet));
}

#[test]
fn the_table_of_defects_is_complete_and_its_switches_are_read() {
    let source = include_str!("../policy.rs");
    let ids = (1..=16).map(|n| format!("S1-D{n}")).chain((1..=12).map(|n| format!("S1-R{n}")));
    for id in ids {
        let row = source.lines().find(|line| line.contains(&format!("| {id} |")));
        let row = row.unwrap_or_else(|| panic!("{id} is not in the table"));
        let switches: Vec<&str> = row.split('`').skip(1).step_by(2).collect();
        assert!(!switches.is_empty(), "{id} names no switch");
        let read = policy(&switches.join("\n")).unwrap_or_else(|error| panic!("{id}: {error}"));
        assert_ne!(read, Policy::default(), "{id} does not leave the hardened form");
    }
}

#[test]
fn operations_are_read_as_they_are_written() {
    let written = [
        "create s1",
        "abandon",
        "call s1",
        "call s2 b3 for 250ms as stranger via pod-b",
        "get s4.2 as stranger",
        "decorate s1 via pod-c",
        "terminate s1",
        "notify s1 b2",
        "validate s12 via pod-b",
        "inspect pod-b",
        "inspect b4",
        "drain pod-c",
        "wait 1500ms",
    ];
    for text in written {
        let operation = Operation::parse(text, &Topology::default()).unwrap();
        assert_eq!(operation.to_string(), text);
    }
}

#[test]
fn operations_that_make_no_sense_are_refused_with_what_would() {
    let wrong = [
        ("dance s1", "`dance` is not an operation"),
        ("get", "ends where a session"),
        ("get t1", "`t1` is not a session"),
        ("get s0", "`s0` is not a session"),
        ("get s1.0", "`s1.0` is not a session"),
        ("get s1 via pod-d", "no pod `pod-d`: they are pod-a to pod-c"),
        ("notify s1 b5", "no backend `b5`: they are b1 to b4"),
        ("call s1 for ever", "`ever`"),
        ("get s1 as king", "only `as stranger`"),
        ("terminate s1 now", "`now` in `terminate s1 now` is one word too many"),
    ];
    for (text, part) in wrong {
        let error = Operation::parse(text, &Topology::default()).unwrap_err();
        assert!(error.contains(part), "`{text}` is refused with: {error}");
    }
}

#[test]
fn tables_refuse_what_they_do_not_know() {
    assert!(toml::from_str::<Topology>("pod = 3").unwrap_err().message().contains("pod"));
    assert!(toml::from_str::<Workload>("mix = { creat = 1 }").unwrap_err().message().contains("creat"));
    let some = toml::from_str::<Workload>("mix = { create = 9 }").unwrap();
    assert_eq!((some.mix.create, some.mix.get), (9, Workload::default().mix.get));
}

#[test]
fn a_record_survives_its_text() {
    let mut record = Record::default();
    record.sign("generate", "pod-a.1/1");
    assert!(!record.is_full() && record.backends().is_none());
    let backends = [("b2", "x"), ("b1", "y")].map(|(id, hint)| (id.to_owned(), hint.to_owned()));
    record.fill("alice", "pod-a.1/2", &backends.into());
    record.decorate("second");
    record.decorate("first");
    record.sign("create", "pod-a.1/3");
    let read = Record::parse(&record.text()).unwrap();
    assert_eq!(read, record);
    assert!(read.is_live() && read.owner() == "alice" && read.creation() == "pod-a.1/2");
    assert_eq!(read.backends().unwrap().into_iter().collect::<Vec<_>>(), ["b1", "b2"]);
    assert_eq!((read.hint("b2"), read.hint("b3")), ("x", ""));
    assert_eq!(read.decorations().into_iter().collect::<Vec<_>>(), ["first", "second"]);
    assert_eq!((read.number(), read.writer()), (2, "create"));
}

#[test]
fn a_record_forgets_a_dropped_backend_and_stays_terminated() {
    let mut record = Record::default();
    let backends = [("b1", "y")].map(|(id, hint)| (id.to_owned(), hint.to_owned()));
    record.fill("alice", "stamp", &backends.into());
    let before = record.clone();
    record.drop_backend("b1");
    // No backends is not the same as no word about backends.
    assert!(record.backends().unwrap().is_empty() && record.hint("b1").is_empty());
    assert!(!record.same_metadata(&before));
    record.terminate();
    assert!(record.is_full() && !record.is_live());
    let mut signed = record.clone();
    signed.sign("terminate", "stamp");
    assert!(signed.same_metadata(&record) && signed.revision() != record.revision());
}

#[test]
fn what_is_no_record_is_not_read() {
    assert_eq!(Record::parse("not json"), None);
    assert_eq!(Record::parse("[1]"), None);
    assert_eq!(Record::parse("{\"a\":1}"), None);
}
