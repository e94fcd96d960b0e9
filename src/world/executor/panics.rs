//! Panics inside a world: findings, and not the end of the process.

use std::any::Any;
use std::cell::RefCell;

use crate::world::history::What;
use crate::world::simulation::World;

thread_local! {
    static PANIC: RefCell<Option<String>> = const { RefCell::new(None) };
}

/// Panics inside a world are findings, told in the history with host and task; elsewhere they print as before.
pub(in super::super) fn silence_panics() {
    static ONCE: std::sync::Once = std::sync::Once::new();
    ONCE.call_once(|| {
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            if World::with(|_| ()).is_none() {
                before(info);
                return;
            }
            let place =
                info.location().map_or_else(String::new, |at| format!(" at {}:{}", portable(at.file()), at.line()));
            let message = info.payload_as_str().unwrap_or("a payload that is no text");
            let text = format!("{message}{place}");
            let _ = PANIC.try_with(|panic| *panic.borrow_mut() = Some(text));
        }));
    });
}

/// The path of a source file without the part that differs between machines.
fn portable(file: &str) -> &str {
    let in_registry = file.split_once("/registry/src/").and_then(|(_, rest)| rest.split_once('/'));
    let in_std = file.split_once("/library/");
    in_registry.or(in_std).map_or(file, |(_, rest)| rest)
}

/// Tells of a panic in the history.
pub(super) fn report_panic(payload: &(dyn Any + Send)) {
    let noted = PANIC.with(|panic| panic.borrow_mut().take());
    let message = noted.unwrap_or_else(|| {
        let text = payload.downcast_ref::<&str>().map(|text| (*text).to_owned());
        text.or_else(|| payload.downcast_ref::<String>().cloned()).unwrap_or_default()
    });
    World::with(|world| {
        let context = world.context();
        let task = context.task.as_ref().map_or_else(|| "world".into(), |task| task.name.clone());
        world.record_as(&context, What::Panicked { task, message: message.into() });
    });
}
