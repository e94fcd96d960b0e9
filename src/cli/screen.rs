//! Printing: results to standard output, errors and progress to standard error.

use std::cell::RefCell;
use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use indicatif::{ProgressBar, ProgressStyle};
use miette::{Diagnostic, GraphicalReportHandler, GraphicalTheme, IntoDiagnostic, WrapErr};
use serde::Serialize;

use crate::report::{Ink, Paint};

/// Where a command prints.
pub(super) struct Screen {
    pub(super) paint: Paint,
    out: RefCell<Box<dyn Write>>,
    err: RefCell<Box<dyn Write>>,
}

impl Screen {
    /// Results go to `out`, errors to `err`.
    pub(super) fn new(paint: Paint, out: Box<dyn Write>, err: Box<dyn Write>) -> Self {
        Self { paint, out: RefCell::new(out), err: RefCell::new(err) }
    }

    /// A line of the result. Whoever closes the pipe has read enough.
    pub(super) fn say(&self, text: impl AsRef<str>) {
        let mut out = self.out.borrow_mut();
        let _ = writeln!(out, "{}", text.as_ref()).and_then(|()| out.flush());
    }

    /// How far it is, on standard error.
    pub(super) fn note(&self, text: &str) {
        let _ = writeln!(self.err.borrow_mut(), "{text}");
    }

    /// Something to know beside the result, on standard error.
    pub(super) fn warn(&self, text: &str) {
        self.note(&format!("warning: {text}"));
    }

    /// Text of a result, in an ink.
    pub(super) fn ink(&self, ink: Ink, text: &str) -> String {
        self.paint.ink(ink, text)
    }

    /// An error: what is wrong, where, what to do.
    pub(super) fn complain(&self, error: &dyn Diagnostic) {
        let theme = if self.paint.0 { GraphicalTheme::unicode() } else { GraphicalTheme::unicode_nocolor() };
        let mut text = String::new();
        let told = GraphicalReportHandler::new_themed(theme).with_width(110).render_report(&mut text, error);
        let text = if told.is_ok() { text } else { format!("{error}\n") };
        let _ = self.err.borrow_mut().write_all(text.as_bytes());
    }
}

/// A bar on standard error, where that is a terminal.
pub(super) fn progress(length: u64, what: &str) -> ProgressBar {
    let bar = ProgressBar::new(length);
    if let Ok(style) = ProgressStyle::with_template("{prefix} {bar:30} {percent:>3}% {msg}") {
        bar.set_style(style);
    }
    bar.set_prefix(what.to_owned());
    bar
}

/// Finds out before long work whether its result can be written at all.
pub(super) fn writable(path: Option<&Path>) -> miette::Result<()> {
    let Some(path) = path else { return Ok(()) };
    OpenOptions::new()
        .create(true)
        .append(true)
        .open(path)
        .map(drop)
        .into_diagnostic()
        .wrap_err_with(|| format!("{}: cannot be written", path.display()))
}

/// Writes a result for machines.
pub(super) fn write_json(path: Option<&Path>, value: &impl Serialize) -> miette::Result<()> {
    let Some(path) = path else { return Ok(()) };
    let text = serde_json::to_string_pretty(value).into_diagnostic()?;
    write(path, &format!("{text}\n"))
}

/// Writes a result.
pub(super) fn write(path: &Path, text: &str) -> miette::Result<()> {
    std::fs::write(path, text).into_diagnostic().wrap_err_with(|| format!("{}: cannot be written", path.display()))
}
