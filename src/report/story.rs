//! The story of a run: its history as lines that a person reads from top to bottom, with the violations where they happened.

use std::fmt;
use std::time::Duration;

use super::line::{Line, Sort, clock, lines};
use super::paint::{Ink, Paint};
use crate::harness::{Run, Violation};

/// The story of a run. `Display` is plain text, the same for ever for the same run.
#[derive(Clone, Debug)]
pub struct Story {
    lines: Vec<Line>,
    violations: Vec<Violation>,
    everything: bool,
}

impl Story {
    /// The story of a run that kept its history: operations, faults, host events, logs from INFO up and violations;
    /// with `everything` all the rest too.
    pub fn of(run: &Run, everything: bool) -> Self {
        let all = run.history.as_ref().map(lines).unwrap_or_default();
        let lines = all.into_iter().filter(|line| everything || line.sort.is_plot()).collect();
        let mut violations = run.violations.clone();
        violations.sort_by_key(|violation| violation.at);
        Self { lines, violations, everything }
    }

    /// The story in colours, or without them.
    pub(crate) fn painted(&self, paint: Paint) -> String {
        let width = self.lines.iter().map(|line| line.host.chars().count()).max().unwrap_or(0);
        let mut text = String::new();
        let mut open = self.violations.iter().peekable();
        for line in &self.lines {
            while let Some(broken) = open.next_if(|broken| broken.at.as_nanos() < u128::from(line.at)) {
                text.push_str(&told(broken, width, paint));
            }
            text.push_str(&self.one(line, width, paint));
        }
        for broken in open {
            text.push_str(&told(broken, width, paint));
        }
        text
    }

    fn one(&self, line: &Line, width: usize, paint: Paint) -> String {
        let at = paint.ink(Ink::Faint, &clock(Duration::from_nanos(line.at)));
        let mark = match line.sort {
            Sort::Invoked => "→",
            Sort::Returned => "←",
            Sort::Fault => "⚡",
            Sort::Broken => "✗",
            Sort::Host | Sort::Phase => "•",
            _ => " ",
        };
        let ink = match line.sort {
            Sort::Phase => Ink::Bold,
            Sort::Fault => Ink::Yellow,
            Sort::Broken => Ink::Red,
            Sort::Host => Ink::Cyan,
            Sort::Invoked | Sort::Returned => Ink::Plain,
            _ => Ink::Faint,
        };
        // An operation's own line says already which activity it is.
        let told = matches!(line.sort, Sort::Invoked | Sort::Returned) || line.activity.is_empty();
        let activity = if told || !(self.everything || line.sort == Sort::Log) {
            String::new()
        } else {
            paint.ink(Ink::Faint, &format!("  [{}]", line.activity))
        };
        format!("{at}  {:width$}  {mark} {}{activity}\n", line.host, paint.ink(ink, &line.text))
    }
}

fn told(broken: &Violation, width: usize, paint: Paint) -> String {
    let text = format!("✗ {} ({}): {}", broken.invariant, broken.about, broken.message);
    format!("{}  {:width$}  {}\n", paint.ink(Ink::Faint, &clock(broken.at)), "", paint.ink(Ink::Red, &text))
}

impl fmt::Display for Story {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.painted(Paint::PLAIN))
    }
}
