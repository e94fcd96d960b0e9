//! Hostile bytes: what the fuzz targets have kept, and mutations of it, over the same checks as theirs.

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{RngAlgorithm, TestRng, TestRunner};

#[expect(unreachable_pub, reason = "a library to the fuzz targets, which are a workspace of their own")]
#[path = "../../fuzz/src/lib.rs"]
mod targets;

type Check = fn(&[u8]);

/// What is kept for a target, by file name.
fn kept(target: &str) -> Vec<(String, Vec<u8>)> {
    let corpus = Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/corpus").join(target);
    let entries = fs::read_dir(&corpus).expect("each target has a corpus").map(|entry| entry.expect("an entry"));
    let mut kept: Vec<(String, Vec<u8>)> = entries
        .map(|entry| (entry.file_name().to_string_lossy().into_owned(), fs::read(entry.path()).expect("a file")))
        .collect();
    kept.sort();
    assert!(kept.len() >= 12, "{}: {} files are no corpus", corpus.display(), kept.len());
    kept
}

/// What can be done to bytes.
#[derive(Clone, Debug)]
enum Change {
    Set(Index, u8),
    Insert(Index, Vec<u8>),
    Remove(Index, usize),
    Repeat(Index, usize),
    CutShort(Index),
}

impl Change {
    fn any() -> impl Strategy<Value = Self> {
        let telling =
            prop_oneof![any::<u8>(), proptest::sample::select(b"\0\x01\x7f\xff\r\n\t *$-0193'\"\\;[](){}=".to_vec())];
        prop_oneof![
            (any::<Index>(), telling.clone()).prop_map(|(at, byte)| Self::Set(at, byte)),
            (any::<Index>(), vec(telling, 1..8)).prop_map(|(at, bytes)| Self::Insert(at, bytes)),
            (any::<Index>(), 1usize..40).prop_map(|(at, count)| Self::Remove(at, count)),
            (any::<Index>(), 1usize..40).prop_map(|(at, count)| Self::Repeat(at, count)),
            any::<Index>().prop_map(Self::CutShort),
        ]
    }

    fn make(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let end = |at: usize, count: usize| (at + count).min(bytes.len());
        match self {
            Self::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Self::Insert(at, inserted) => {
                let at = at.index(bytes.len());
                bytes.splice(at..at, inserted.iter().copied());
            }
            Self::Remove(at, count) => {
                let at = at.index(bytes.len());
                bytes.drain(at..end(at, *count));
            }
            Self::Repeat(at, count) => {
                let at = at.index(bytes.len());
                let again = bytes[at..end(at, *count)].to_vec();
                bytes.splice(at..at, again);
            }
            Self::CutShort(at) => bytes.truncate(at.index(bytes.len())),
        }
    }
}

fn withstands(target: &str, cases: u32, check: Check) {
    let kept = kept(target);
    for (name, bytes) in &kept {
        let checked = catch_unwind(AssertUnwindSafe(|| check(bytes)));
        assert!(checked.is_ok(), "fuzz/corpus/{target}/{name} is a finding");
    }
    let config = ProptestConfig { cases, failure_persistence: None, ..ProptestConfig::default() };
    let mutated = (any::<Index>(), vec(Change::any(), 1..4)).prop_map(|(which, changes)| {
        let mut bytes = which.get(&kept).1.clone();
        for change in &changes {
            change.make(&mut bytes);
        }
        bytes
    });
    // The same mutations each time: luck is for the fuzz targets.
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let outcome = TestRunner::new_with_rng(config, rng).run(&mutated, |bytes| {
        check(&bytes);
        Ok(())
    });
    assert!(outcome.is_ok(), "{target}: {}", outcome.err().map(|error| error.to_string()).unwrap_or_default());
}

#[test]
fn a_redis_withstands_any_client() {
    withstands("redis", 200, targets::redis::check);
}

#[test]
fn a_postgres_withstands_any_client() {
    withstands("postgres", 100, targets::postgres::check);
}

#[test]
fn an_engine_withstands_any_sql() {
    withstands("sql", 200, targets::sql::check);
}

#[test]
fn control_planes_and_our_client_withstand_any_peer() {
    withstands("http", 200, targets::http::check);
}

#[test]
fn files_may_say_anything() {
    withstands("files", 100, targets::files::check);
}
