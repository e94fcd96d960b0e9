//! Scratch.
use std::collections::BTreeMap;

use proptest::strategy::{Strategy, ValueTree};

use super::bench::Bench;
use super::schema::TABLES;
use super::steps::sequences;
use crate::cases::runner;

#[test]
fn hunt() {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let mut bench = runtime.block_on(Bench::start(TABLES)).unwrap();
    let mut runner = runner(1);
    let mut found: BTreeMap<String, (u32, String)> = BTreeMap::new();
    let all: u32 = std::fs::read_to_string("/tmp/hunt-n").unwrap().trim().parse().unwrap();
    let mut bad = 0;
    let start = std::time::Instant::now();
    for _ in 0..all {
        let sequence = sequences(40).new_tree(&mut runner).unwrap().current();
        if let Err(difference) = runtime.block_on(bench.play(&sequence)) {
            bad += 1;
            let key = bench.last.to_string()
                + &difference
                    .lines()
                    .filter(|l| l.trim_start().starts_with("ERROR"))
                    .map(|l| l.chars().take(16).collect::<String>())
                    .collect::<Vec<_>>()
                    .join(" | ");
            let entry = found.entry(key).or_insert((0, difference.clone()));
            entry.0 += 1;
            if difference.lines().count() < entry.1.lines().count() {
                entry.1 = difference;
            }
            runtime.block_on(bench.renew()).unwrap();
        }
    }
    let mut text = format!("{bad} of {all} differ, {:?}\n{:#?}\n", start.elapsed(), bench.tally.states);
    let mut list: Vec<_> = found.into_iter().collect();
    list.sort_by_key(|(_, (count, _))| std::cmp::Reverse(*count));
    for (key, (count, difference)) in list {
        text += &format!("\n=== {count} x {key}\n{difference}\n");
    }
    text += &format!("{:#?}", bench.tally);
    std::fs::write("/tmp/hunt.txt", text).unwrap();
}
