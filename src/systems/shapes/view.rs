//! What a client has of a shape, and what answers make of that. A client and whoever judges what it was told go by the
//! same steps.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use super::outcome::{Answer, Asked, Body, Change, Message, Offset};
use super::query::Row;

/// What a client has of a shape. It outlives any restart of the service.
#[derive(Clone, Debug, Default)]
pub(super) struct View {
    handle: Option<Arc<str>>,
    offset: Option<Offset>,
    up_to_date: bool,
    rows: BTreeMap<Arc<str>, Row>,
}

/// What is to be done after an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    /// There is more to read.
    More,
    /// There was nothing more.
    UpToDate,
    /// All is to be fetched again: from here on it is another view.
    Anew,
    /// The service is not ready: ask again a little later.
    Later,
    /// The answer is of no use.
    Nothing,
}

/// A message or an answer that does not follow from what came before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Misstep {
    /// A row is inserted that is there already.
    InsertOfPresent(Arc<str>),
    /// A row is changed that is not there.
    UpdateOfAbsent(Arc<str>),
    /// A row is deleted that is not there.
    DeleteOfAbsent(Arc<str>),
    /// A message does not come after what the client has.
    NotAfter(Offset),
    /// An answer ends before its messages, or before what was asked for.
    EndsEarly(Offset),
    /// An answer is about another shape than the one that was asked about.
    AnotherHandle(Arc<str>),
}

impl Misstep {
    /// What went wrong, the same for all rows and positions.
    pub(super) const fn about(&self) -> &'static str {
        match self {
            Self::InsertOfPresent(_) => "insert of a row that is there",
            Self::UpdateOfAbsent(_) => "update of a row that is not there",
            Self::DeleteOfAbsent(_) => "delete of a row that is not there",
            Self::NotAfter(_) => "a change that comes again",
            Self::EndsEarly(_) => "an end before its changes",
            Self::AnotherHandle(_) => "an answer about another shape",
        }
    }
}

impl fmt::Display for Misstep {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let about = self.about();
        match self {
            Self::InsertOfPresent(what)
            | Self::UpdateOfAbsent(what)
            | Self::DeleteOfAbsent(what)
            | Self::AnotherHandle(what) => write!(f, "{about}: {what}"),
            Self::NotAfter(offset) | Self::EndsEarly(offset) => write!(f, "{about}: at {offset}"),
        }
    }
}

impl View {
    /// Nothing yet, of a shape whose handle may be known.
    pub(super) fn of(handle: Option<Arc<str>>) -> Self {
        Self { handle, ..Self::default() }
    }

    /// The next request; `live`: it may be held until something comes, where the client has all there was.
    pub(super) fn ask(&self, live: bool) -> Asked {
        match (&self.handle, self.offset) {
            (Some(handle), Some(offset)) if live && self.up_to_date => Asked::Live { handle: handle.clone(), offset },
            (handle, offset) => Asked::Read { handle: handle.clone(), offset },
        }
    }

    /// The shape's handle.
    pub(super) fn handle(&self) -> Option<&Arc<str>> {
        self.handle.as_ref()
    }

    /// The rows, by primary key.
    pub(super) fn rows(&self) -> &BTreeMap<Arc<str>, Row> {
        &self.rows
    }

    /// Takes an answer in, and says what is to be done next. After [`Next::Anew`] nothing is left but the handle to go on with.
    pub(super) fn take(&mut self, answer: &Answer) -> Next {
        match answer.status {
            200 => {
                let (next, _) = self.apply(&answer.body);
                next
            }
            409 => {
                *self = Self::of(answer.body.handle.clone());
                Next::Anew
            }
            503 if answer.retry_after => Next::Later,
            _ => Next::Nothing,
        }
    }

    /// Takes in what an answer that goes on from here says, and tells what in it does not follow. Whatever that is, the rows
    /// become what the messages say.
    pub(super) fn apply(&mut self, body: &Body) -> (Next, Vec<Misstep>) {
        let mut missteps = Vec::new();
        if let (Some(known), Some(told)) = (&self.handle, &body.handle)
            && known != told
        {
            missteps.push(Misstep::AnotherHandle(told.clone()));
        }
        let asked = self.offset;
        let mut last = asked;
        for message in &body.messages {
            if last.is_some_and(|last| !follows(message.offset, last)) {
                missteps.push(Misstep::NotAfter(message.offset));
            }
            last = last.max(Some(message.offset));
            missteps.extend(self.step(message));
        }
        if let Some(end) = body.offset
            && last.is_some_and(|last| end < last)
        {
            missteps.push(Misstep::EndsEarly(end));
        }
        self.handle = body.handle.clone().or_else(|| self.handle.take());
        self.offset = body.offset.or(last);
        self.up_to_date = body.up_to_date;
        (if body.up_to_date { Next::UpToDate } else { Next::More }, missteps)
    }

    fn step(&mut self, message: &Message) -> Option<Misstep> {
        let Message { change, key, row, .. } = message;
        let before = match row {
            Some(row) => self.rows.insert(key.clone(), row.clone()),
            None => self.rows.remove(key),
        };
        match (change, before) {
            (Change::Insert, Some(_)) => Some(Misstep::InsertOfPresent(key.clone())),
            (Change::Update, None) => Some(Misstep::UpdateOfAbsent(key.clone())),
            (Change::Delete, None) => Some(Misstep::DeleteOfAbsent(key.clone())),
            _ => None,
        }
    }
}

/// Whether a message may come after another; those of a snapshot have no order among themselves.
fn follows(offset: Offset, last: Offset) -> bool {
    offset > last || (offset.lsn == 0 && last.lsn == 0)
}

#[cfg(test)]
mod tests {
    use super::super::query::Column;
    use super::*;

    fn message(offset: &str, change: Change, key: &str) -> Message {
        let row = (change != Change::Delete).then(|| Row::of([(Column::Id, key)]));
        Message { offset: offset.parse().unwrap(), change, key: key.into(), row }
    }

    fn body(offset: &str, messages: Vec<Message>) -> Body {
        let offset = Some(offset.parse().unwrap());
        Body { handle: Some("h1".into()), offset, up_to_date: true, messages, ..Body::default() }
    }

    #[track_caller]
    fn missteps(view: &mut View, body: &Body) -> Vec<String> {
        view.apply(body).1.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn rows_become_what_messages_say_and_what_does_not_follow_is_told() {
        use Change::{Delete, Insert, Update};
        let mut view = View::default();
        assert_eq!(view.ask(true), Asked::Read { handle: None, offset: None });
        let snapshot = body("0_0", vec![message("0_0", Insert, "a"), message("0_0", Insert, "b")]);
        assert_eq!(missteps(&mut view, &snapshot), Vec::<String>::new());
        let offset = "0_0".parse().unwrap();
        assert_eq!(view.ask(true), Asked::Live { handle: "h1".into(), offset });
        assert_eq!(view.ask(false), Asked::Read { handle: Some("h1".into()), offset: Some(offset) });
        let log = body("9_1", vec![message("9_0", Delete, "a"), message("9_1", Update, "b")]);
        assert_eq!(missteps(&mut view, &log), Vec::<String>::new());
        assert_eq!(view.rows().keys().map(|key| &**key).collect::<Vec<_>>(), ["b"]);
        assert_eq!(
            missteps(&mut view, &log),
            [
                "a change that comes again: at 9_0",
                "delete of a row that is not there: a",
                "a change that comes again: at 9_1"
            ]
        );
        let wrong = body("10_1", vec![message("10_0", Insert, "b"), message("10_2", Update, "c")]);
        assert_eq!(
            missteps(&mut view, &wrong),
            [
                "insert of a row that is there: b",
                "update of a row that is not there: c",
                "an end before its changes: at 10_1"
            ]
        );
        let elsewhere = Body { handle: Some("h2".into()), ..body("11_0", Vec::new()) };
        assert_eq!(missteps(&mut view, &elsewhere), ["an answer about another shape: h2"]);
    }

    #[test]
    fn a_client_goes_on_anew_or_comes_back_as_it_is_told() {
        let mut view = View::default();
        let answer = |status, retry_after, body| Answer { status, retry_after, body };
        let more = Body { up_to_date: false, ..body("0_0", vec![message("0_0", Change::Insert, "a")]) };
        assert_eq!(view.take(&answer(200, false, more)), Next::More);
        assert!(matches!(view.ask(true), Asked::Read { .. }), "what is not up to date is not held");
        assert_eq!(view.take(&answer(200, false, body("3_0", Vec::new()))), Next::UpToDate);
        assert_eq!(view.take(&answer(503, true, Body::default())), Next::Later);
        assert_eq!(view.take(&answer(503, false, Body::default())), Next::Nothing);
        assert_eq!(view.take(&answer(500, false, Body::default())), Next::Nothing);
        assert_eq!(view.rows().len(), 1);
        let rotated = Body { handle: Some("h2".into()), ..Body::default() };
        assert_eq!(view.take(&answer(409, false, rotated)), Next::Anew);
        assert_eq!(view.ask(true), Asked::Read { handle: Some("h2".into()), offset: None });
        assert!(view.rows().is_empty());
    }
}
