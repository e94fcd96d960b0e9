//! How a commit altered a value, in words: the fields that came, went and changed, where the value is an object.

use serde_json::{Map, Value};

use super::brief::brief;
use crate::harness::{History, What};

/// How many fields are named.
const FIELDS: usize = 3;
/// How long a value may be to be told in full.
const LONG: usize = 32;

/// How the commit at this place of the history altered its key; `None`: it is no commit.
pub(crate) fn alteration(history: &History, place: usize) -> Option<String> {
    let What::Commit { store, key, value, cause } = &history.events().get(place)?.what else { return None };
    let before = history.events()[..place].iter().rev().find_map(|event| match &event.what {
        What::Commit { store: other, key: same, value, .. } if other == store && same == key => Some(value.as_deref()),
        _ => None,
    });
    Some(match (before.flatten(), value.as_deref()) {
        (_, None) => match *cause {
            "del" | "delete" => "deleted".to_owned(),
            other => format!("gone ({other})"),
        },
        (None, Some(_)) if before.is_some() => "written, and so there again".to_owned(),
        (None, Some(_)) => "written for the first time".to_owned(),
        (Some(was), Some(now)) if was == now => "written as it was".to_owned(),
        (Some(was), Some(now)) => fields(was, now).unwrap_or_else(|| "changed".to_owned()),
    })
}

/// The fields of an object that differ: those that came, those that went, and those that changed.
fn fields(was: &str, now: &str) -> Option<String> {
    let read = |text: &str| serde_json::from_str::<Map<String, Value>>(text).ok();
    let (was, now) = (read(was)?, read(now)?);
    let come =
        now.iter().filter(|(key, _)| !was.contains_key(*key)).map(|(key, value)| format!("+{key} {}", short(value)));
    let gone = was.keys().filter(|key| !now.contains_key(*key)).map(|key| format!("−{key}"));
    let changed = now
        .iter()
        .filter_map(|(key, value)| was.get(key).filter(|was| *was != value).map(|was| (key, was, value)))
        .map(|(key, was, value)| format!("{key} {} → {}", short(was), short(value)));
    let all: Vec<String> = gone.chain(come).chain(changed).collect();
    let more = if all.len() > FIELDS { ", …" } else { "" };
    Some(format!("{}{more}", all.iter().take(FIELDS).cloned().collect::<Vec<_>>().join(", ")))
}

fn short(value: &Value) -> String {
    let text = brief(&value.as_str().map_or_else(|| value.to_string(), str::to_owned));
    if text.is_empty() {
        return "\"\"".to_owned();
    }
    if text.chars().count() <= LONG { text } else { text.chars().take(LONG).chain(['…']).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::oracle::story::Story;

    #[test]
    fn fields_that_go_come_and_change_are_named() {
        let history = Story::new(&["redis"])
            .commit(1, "k", Some(r#"{"a":"1","b":"2"}"#), "set")
            .commit(2, "k", Some(r#"{"a":"","c":true}"#), "set")
            .commit(3, "k", None, "del")
            .commit(4, "k", Some("plain"), "set")
            .commit(5, "k", Some("other"), "set")
            .commit(6, "k", None, "expired")
            .history();
        let told: Vec<String> = (0..history.events().len()).filter_map(|place| alteration(&history, place)).collect();
        let expected = [
            "written for the first time",
            r#"−b, +c true, a 1 → """#,
            "deleted",
            "written, and so there again",
            "changed",
            "gone (expired)",
        ];
        assert_eq!(told, expected);
    }
}
