//! One disk by itself: what is left when power is lost.

use proptest::prelude::*;

use super::contents::{Contents, LOST, Lost, TORN};

/// Loses power: so many changes of every file, and so many bytes of the first of them are left.
fn lose(disk: &mut Contents, changes: usize, bytes: usize) -> Vec<Lost> {
    disk.lose_power(|what, _, most| match what {
        LOST => changes.min(most),
        _ => bytes.min(most),
    })
}

fn text(disk: &Contents, path: &str) -> Option<String> {
    disk.read(path).ok().map(|bytes| String::from_utf8(bytes).expect("the tests write text"))
}

fn written(steps: &[(&str, &str)]) -> Contents {
    let mut disk = Contents::default();
    for (path, bytes) in steps {
        disk.append(path, bytes.as_bytes()).expect("there is room");
    }
    disk
}

#[test]
fn what_was_synced_is_never_lost() {
    let mut disk = written(&[("a/log", "one")]);
    disk.sync("a/log").expect("the file is there");
    assert!(disk.is_synced());
    disk.append("a/log", b"two").expect("there is room");
    disk.append("a/log", b"three").expect("there is room");
    assert!(!disk.is_synced());
    assert_eq!(lose(&mut disk, 9, 0), [Lost { path: "a/log".into(), changes: 2, of: 2 }]);
    assert_eq!(text(&disk, "a/log").as_deref(), Some("one"));
    assert!(disk.is_synced(), "what is left has come from the disk");
}

#[test]
fn the_last_changes_go_first_and_the_first_of_them_may_be_torn() {
    let fresh = || {
        let mut disk = written(&[("log", "one"), ("log", "two"), ("log", "three")]);
        disk.write("state", b"new").expect("there is room");
        disk
    };
    let mut disk = fresh();
    lose(&mut disk, 1, 0);
    assert_eq!(text(&disk, "log").as_deref(), Some("onetwo"));
    assert_eq!(text(&disk, "state").as_deref(), Some(""), "the file was made, and its bytes are lost");

    let mut disk = fresh();
    lose(&mut disk, 2, 2);
    assert_eq!(text(&disk, "log").as_deref(), Some("onetw"));
    assert_eq!(text(&disk, "state"), None, "it was never made");

    let mut disk = fresh();
    assert_eq!(lose(&mut disk, 0, 0), []);
    assert_eq!(text(&disk, "log").as_deref(), Some("onetwothree"));
}

#[test]
fn a_replaced_file_is_the_old_one_or_a_part_of_the_new_one() {
    for (kept, left) in [(0, "old"), (2, "ne"), (9, "ne")] {
        let mut disk = written(&[("state", "old")]);
        disk.sync("state").expect("the file is there");
        disk.write("state", b"new").expect("there is room");
        lose(&mut disk, 1, kept);
        assert_eq!(text(&disk, "state").as_deref(), Some(left), "{kept} bytes");
    }
}

#[test]
fn a_rename_is_whole_or_has_not_been() {
    let fresh = |sync: bool| {
        let mut disk = written(&[("state", "old"), ("state.new", "new")]);
        disk.sync("state").expect("the file is there");
        disk.sync("state.new").expect("the file is there");
        disk.rename("state.new", "state").expect("the file is there");
        if sync {
            disk.sync("state").expect("the file is there");
        }
        disk
    };
    let mut disk = fresh(false);
    assert_eq!((text(&disk, "state").as_deref(), text(&disk, "state.new")), (Some("new"), None));
    lose(&mut disk, 9, 9);
    assert_eq!((text(&disk, "state").as_deref(), text(&disk, "state.new").as_deref()), (Some("old"), Some("new")));
    let mut disk = fresh(true);
    lose(&mut disk, 9, 9);
    assert_eq!((text(&disk, "state").as_deref(), text(&disk, "state.new")), (Some("new"), None));
}

#[test]
fn what_a_lost_rename_uncovers_may_itself_be_lost() {
    let mut disk = written(&[("state", "oldest")]);
    disk.sync("state").expect("the file is there");
    for text in ["older", "newer"] {
        disk.write("state.new", text.as_bytes()).expect("there is room");
        disk.rename("state.new", "state").expect("the file is there");
    }
    let mut again = written(&[]);
    std::mem::swap(&mut disk, &mut again);
    lose(&mut again, 9, 0);
    assert_eq!((text(&again, "state").as_deref(), text(&again, "state.new")), (Some("oldest"), None));
}

#[test]
fn removed_is_removed() {
    let mut disk = written(&[("a/b/c", "1"), ("a/d", "2"), ("e", "3")]);
    disk.remove_directory("a/b").expect("it is there");
    disk.remove_file("e").expect("it is there");
    lose(&mut disk, 0, 0);
    assert_eq!(disk.list("/").expect("the root is there"), ["a"]);
    assert_eq!(disk.list("a").expect("it is there"), ["d"]);
}

proptest! {
    /// Whatever is lost, a log of which a part was synced is a prefix of what was written, no shorter than that part.
    #[test]
    fn a_log_is_cut_and_never_garbled(
        steps in prop::collection::vec((0..8_u8, 1..5_usize), 1..30),
        changes in 0..40_usize,
        bytes in 0..5_usize,
    ) {
        let mut disk = Contents::default();
        let (mut all, mut synced) = (String::new(), 0);
        for (number, (what, length)) in steps.into_iter().enumerate() {
            if what == 0 && !all.is_empty() {
                disk.sync("log").expect("the file is there");
                synced = all.len();
            } else {
                let line: String = std::iter::repeat_n((b'a' + number as u8 % 26) as char, length).collect();
                disk.append("log", line.as_bytes()).expect("there is room");
                all.push_str(&line);
            }
        }
        let lost = disk.lose_power(|what, path, most| {
            assert_eq!(path, "log");
            assert!(what == TORN || most <= 60);
            if what == LOST { changes.min(most) } else { bytes.min(most) }
        });
        let left = text(&disk, "log").unwrap_or_default();
        prop_assert!(all.starts_with(&left));
        prop_assert!(left.len() >= synced);
        prop_assert_eq!(lost.is_empty(), changes == 0 || synced == all.len());
    }
}
