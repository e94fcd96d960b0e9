//! `tracing` events and spans of the code under test, kept in the history with time, host and activity.

use std::cell::{Cell, RefCell};
use std::fmt::{self, Write as _};
use std::sync::OnceLock;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::subscriber::DefaultGuard;
use tracing::{Dispatch, Event, Level, Metadata, Subscriber};

use super::history::What;
use super::simulation::World;

/// Sends the logs of this thread into the world's history, as long as the guard lives.
pub(super) fn install() -> DefaultGuard {
    // One subscriber for all runs, because making one takes a lock over all call sites of the process. It has no state:
    // spans live in thread-locals of the run's own thread.
    static DISPATCH: OnceLock<Dispatch> = OnceLock::new();
    let dispatch = DISPATCH.get_or_init(|| Dispatch::new(Logs));
    tracing::dispatcher::set_default(dispatch)
}

thread_local! {
    static SPANS: RefCell<Vec<String>> = const { RefCell::new(Vec::new()) };
    static ENTERED: RefCell<Vec<u64>> = const { RefCell::new(Vec::new()) };
    static BUSY: Cell<bool> = const { Cell::new(false) };
}

struct Logs;

impl Subscriber for Logs {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        // Turmoil tells of each message and host; that is told here by the world.
        *metadata.level() <= Level::DEBUG && !metadata.target().starts_with("turmoil")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut text = span.metadata().name().to_owned();
        let mut fields = Fields::default();
        span.record(&mut fields);
        if !fields.rest.is_empty() {
            let _ = write!(text, "{{{}}}", fields.rest.trim_start());
        }
        SPANS.with(|spans| {
            let mut spans = spans.borrow_mut();
            spans.push(text);
            Id::from_u64(spans.len() as u64)
        })
    }

    fn record(&self, span: &Id, values: &Record<'_>) {
        let mut fields = Fields::default();
        values.record(&mut fields);
        SPANS.with(|spans| {
            if let Some(text) = spans.borrow_mut().get_mut(span.into_u64() as usize - 1) {
                text.push_str(&fields.rest);
            }
        });
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        // A field's own `Debug` may log; that line would come in the middle of this one.
        if BUSY.replace(true) {
            return;
        }
        let mut fields = Fields::default();
        event.record(&mut fields);
        BUSY.set(false);
        let mut message = fields.message;
        message.push_str(&fields.rest);
        ENTERED.with(|entered| {
            SPANS.with(|spans| {
                let spans = spans.borrow();
                for id in entered.borrow().iter() {
                    if let Some(span) = spans.get(*id as usize - 1) {
                        let _ = write!(message, " in {span}");
                    }
                }
            });
        });
        let metadata = event.metadata();
        World::with(|world| {
            world.record(What::Log {
                level: metadata.level().as_str(),
                target: metadata.target().into(),
                message: message.trim_start().into(),
            });
        });
    }

    fn enter(&self, span: &Id) {
        ENTERED.with(|entered| entered.borrow_mut().push(span.into_u64()));
    }

    fn exit(&self, span: &Id) {
        ENTERED.with(|entered| {
            let mut entered = entered.borrow_mut();
            if let Some(place) = entered.iter().rposition(|id| *id == span.into_u64()) {
                entered.remove(place);
            }
        });
    }
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: String,
}

impl Visit for Fields {
    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            self.message.push_str(value);
        } else {
            let _ = write!(self.rest, " {}={value}", field.name());
        }
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        if field.name() == "message" {
            let _ = write!(self.message, "{value:?}");
        } else {
            let _ = write!(self.rest, " {}={value:?}", field.name());
        }
    }
}
