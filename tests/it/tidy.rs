//! The tree keeps to what ARCHITECTURE.md says of it, as far as text can show it.

use std::fs;
use std::path::{Path, PathBuf};

fn files(below: &str) -> Vec<(PathBuf, String)> {
    fn walk(dir: &Path, found: &mut Vec<PathBuf>) {
        let mut entries: Vec<PathBuf> =
            fs::read_dir(dir).expect("a directory of the tree").map(|entry| entry.expect("an entry").path()).collect();
        entries.sort();
        for path in entries {
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join(below);
    let mut found = Vec::new();
    if root.exists() {
        walk(&root, &mut found);
    }
    found.into_iter().map(|path| (path.clone(), fs::read_to_string(&path).expect("a source file is text"))).collect()
}

/// Says where a file below `below`, unless excepted, has a line with one of the `words` outside of comments.
fn nowhere(below: &str, words: &[&str], except: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, text) in files(below) {
        if except.iter().any(|name| path.ends_with(name) || path.to_string_lossy().contains(name)) {
            continue;
        }
        for (number, line) in text.lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            if let Some(word) = words.iter().find(|word| code.contains(**word)) {
                found.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    found
}

#[test]
fn layers_import_downwards_only() {
    let above_world = [
        "crate::runtime",
        "crate::systems",
        "crate::servers",
        "crate::search",
        "crate::report",
        "crate::cli",
        "crate::scenario",
        "crate::storage",
        "crate::cache",
        "crate::oracle",
        "crate::http",
        "crate::harness",
        "crate::testing",
    ];
    assert_eq!(nowhere("src/world", &above_world, &[]), Vec::<String>::new());
    assert_eq!(nowhere("src/systems", &["crate::world", "crate::search", "crate::cli"], &[]), Vec::<String>::new());
    for below in ["src/servers", "src/storage", "src/cache", "src/http", "src/oracle", "src/harness", "src/runtime"] {
        assert_eq!(nowhere(below, &["crate::systems", "crate::cli", "crate::search"], &[]), Vec::<String>::new());
    }
}

#[test]
fn no_oracle_sees_a_policy() {
    for (path, text) in files("src/systems") {
        let below = path.strip_prefix(env!("CARGO_MANIFEST_DIR")).unwrap_or(&path);
        if below.to_string_lossy().contains("oracle") {
            let sees = ["policy::", "Policy", "S0-", "S1-", "S2-", "S3-", "S4-"].iter().any(|word| text.contains(word));
            assert!(!sees, "{}: an oracle reads the history only", path.display());
        }
    }
}

#[test]
fn every_file_says_what_lives_there() {
    for below in ["src", "tests", "benches", "examples", "fuzz/src", "fuzz/fuzz_targets"] {
        for (path, text) in files(below) {
            assert!(text.starts_with("//!"), "{}: open it with `//!` and what lives there", path.display());
        }
    }
}

#[test]
fn what_depends_on_the_host_stays_on_top() {
    let host = ["std::env::", "println!(", "eprintln!(", "std::process::exit"];
    assert_eq!(nowhere("src", &host, &["src/cli", "src/testing.rs", "src/main.rs"]), Vec::<String>::new());
    assert_eq!(nowhere("src", &["unsafe "], &["hermetic.rs"]), Vec::<String>::new());
}

#[test]
fn the_readme_names_only_what_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    for document in ["README.md", "ARCHITECTURE.md"] {
        let text = fs::read_to_string(root.join(document)).expect("the document is there");
        for word in text.split(|c: char| c.is_whitespace() || "`()|,;".contains(c)) {
            let path = word.trim_end_matches(['.', ':']);
            let ours = ["src/", "scenarios/", "seeds/", "tests/", "benches/", "examples/", "fuzz/", ".ci/"];
            if ours.iter().any(|start| path.starts_with(start)) && !path.contains(['<', '*', '…']) {
                assert!(root.join(path).exists(), "{document} names {path}, which is not there");
            }
        }
    }
}
