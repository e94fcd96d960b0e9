//! Words, trees and marks: what needs no server.

use std::collections::BTreeMap;

use crate::systems::sandbox::errors::Code;
use crate::systems::sandbox::policy::{Confirm, Drain, Fence, MarkWhen, Policy, Preset};
use crate::systems::sandbox::stamp::Stamp;
use crate::systems::sandbox::tree::{Node, Tree};
use crate::systems::sandbox::words::parse_script;
use crate::systems::sandbox::workload::{Operation, Topology};

#[test]
fn operations_read_back_as_they_are_written() {
    let texts = [
        "create sb1",
        "destroy sb2 via replica-b",
        "get sb1 via replica-c",
        "exec sb1 read /f1; write /d/f2 x; append /f1 y; remove /f1; list /d via replica-b",
        "read sb1 /f1",
        "write sb1 /d/f2 c1.7 via replica-c",
        "append sb1 /f1 c1.8a",
        "remove sb1 /f1",
        "list sb1 / via replica-b",
        "index t1",
        "wait 1h 5s",
        "inspect replica-b",
        "drain replica-a",
    ];
    for text in texts {
        assert_eq!(Operation::parse(text, &Topology::default()).map(|read| read.to_string()), Ok(text.to_owned()));
    }
}

#[test]
fn what_makes_no_sense_is_refused_with_what_would() {
    let cases = [
        ("burn sb1", "`burn` is not an operation"),
        ("create s1", "`s1` in `create s1` is no sandbox: write sb1"),
        ("create", "`create` ends where a sandbox"),
        ("get sb1 via replica-z", "there is no replica `replica-z`: they are replica-a to replica-c"),
        ("read sb1 f1", "`f1` in `read f1` is no path"),
        ("write sb1 /f1", "`write /f1` is no step"),
        ("exec sb1 via replica-a", "the script has no steps"),
        ("index t2", "there is no tenant `t2`: they are t1 to t1"),
        ("get sb1 now", "`now` in `get sb1 now` is one word too many"),
        ("wait long", "no duration in `wait long`"),
    ];
    for (text, complaint) in cases {
        let refused = Operation::parse(text, &Topology::default()).unwrap_err();
        assert!(refused.contains(complaint), "{text}: {refused}");
    }
    assert!(parse_script("read /f1\nread //").is_err());
}

fn tree() -> Tree {
    let file = |ino| Node::File { ino, sha256: format!("hash {ino}") };
    let nodes = [
        ("", Node::Directory { ino: -3 }),
        ("/d", Node::Directory { ino: 1 }),
        ("/d/f2", file(2)),
        ("/d/f2x", file(5)),
        ("/e", Node::Directory { ino: 3 }),
        ("/f1", file(4)),
    ];
    let nodes: BTreeMap<String, Node> = nodes.into_iter().map(|(path, node)| (path.to_owned(), node)).collect();
    Tree::new(Stamp { epoch: 3, version: 17 }, "t1".to_owned(), nodes)
}

#[test]
fn a_tree_tells_files_from_directories_and_what_is_in_the_way() {
    let tree = tree();
    assert_eq!(tree.content("/d/f2"), Ok("hash 2"));
    assert_eq!(tree.list("/"), Ok(["d", "e", "f1"].map(str::to_owned).to_vec()));
    assert_eq!(tree.list("/d"), Ok(["f2", "f2x"].map(str::to_owned).to_vec()));
    assert_eq!(tree.way_to("/a/b/c").map(|way| way.len()), Ok(2));
    assert_eq!(tree.way_to("/d/new"), Ok(Vec::new()));
    assert_eq!(tree.place("/d/new"), Ok((1, "new")));
    assert_eq!(tree.removable("/e"), Ok(3));
    let refused = [
        (tree.content("/d").map(drop), Code::Eisdir),
        (tree.content("/x").map(drop), Code::Enoent),
        (tree.content("/f1/x").map(drop), Code::Enotdir),
        (tree.list("/f1").map(drop), Code::Enotdir),
        (tree.way_to("/f1/x").map(drop), Code::Enotdir),
        (tree.way_to("/d").map(drop), Code::Eisdir),
        (tree.removable("/d").map(drop), Code::Enotempty),
        (tree.removable("/").map(drop), Code::Einval),
    ];
    for (number, (result, code)) in refused.into_iter().enumerate() {
        let failure = result.unwrap_err();
        assert_eq!((failure.code, failure.path), (code, true), "case {number}: {failure}");
    }
}

#[test]
fn what_is_left_of_a_sandbox_has_not_even_a_root() {
    let gone = Tree::gone(Stamp { epoch: 1, version: 0 }, "t1");
    assert_eq!(gone.list("/").unwrap_err().code, Code::Enoent);
    assert_eq!(gone.place("/f1").unwrap_err().code, Code::Enoent);
}

#[test]
fn stamps_go_by_epoch_first() {
    let stamp = |text| Stamp::parse(text).unwrap();
    assert!(stamp("3:17") < stamp("4:0"));
    assert_eq!(stamp("3:17").next(), stamp("3:18"));
    assert_eq!(stamp("3:17").to_string(), "3:17");
    assert_eq!([Stamp::parse("3"), Stamp::parse("DESTROYED:3"), Stamp::parse("")], [None; 3]);
}

#[test]
fn every_promise_of_a_code_is_one_of_three() {
    assert!(Code::Estale.is_retryable() && !Code::Estale.is_applied());
    assert!(Code::Ecoherence.is_applied() && !Code::Ecoherence.is_retryable());
    assert!(!Code::Eio.is_applied() && !Code::Eio.is_retryable());
}

#[test]
fn choices_that_exclude_each_other_are_refused() {
    assert_eq!(Policy::default().check(), Ok(()));
    for preset in [Preset::Before, Preset::First, Preset::Merged] {
        assert_eq!(Policy::preset(preset).check(), Ok(()));
    }
    assert_eq!(Policy::preset(Preset::Merged).mark_when, MarkWhen::RowDeleted);
    let unfenced = Policy { fence: Fence::Nothing, drain: Drain::Blind, ..Policy::default() };
    assert!(unfenced.check().is_err());
    let counted = Policy { confirm: Confirm::Counter, fence: Fence::Nothing, ..Policy::default() };
    assert!(counted.check().unwrap_err().contains("stamped"));
}
