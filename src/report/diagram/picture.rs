//! The diagram itself: which rows it shows, and how they are drawn.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use super::canvas::{Canvas, WIDTH, columns, fit, wrapped};
use super::lanes::{Lanes, MARGIN};
use super::names::Names;
use super::piece::{Form, Line, Piece, Row, Shape, Turn};
use super::scribe::pieces;
use super::subject::Subject;
use crate::harness::{Run, What};
use crate::report::{Ink, Paint};

/// How much of a run a diagram shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scope {
    /// What concerns the entity of the first violation, in about forty rows; the first rows where nothing was broken.
    Brief,
    /// Everything until faults have healed, and after that what concerns the entity of the first violation. For a run that
    /// has been shrunk.
    Whole,
}

/// How many rows a brief diagram has.
const ROWS: usize = 40;
/// How many of them come after the first violation, where there are more before it than fit.
const AFTER: usize = 8;
/// From how many lines on the lanes are named at the end again.
const LONG: usize = 25;
/// How many lines the words of a violation take at most.
const TOLD: usize = 3;

/// The sequence diagram of a run that kept its history. No line is wider than 100 columns. `Display` is plain text, the
/// same for ever for the same run.
///
/// With full detail in the history it also knows which replies never came.
pub struct Diagram {
    lanes: Lanes,
    pieces: Vec<Piece>,
    left_out: Vec<String>,
}

impl fmt::Debug for Diagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Diagram").field("pieces", &self.pieces.len()).finish_non_exhaustive()
    }
}

impl Diagram {
    /// The diagram of a run; `None` where there is nothing to draw, or no history.
    pub fn of(run: &Run, scope: Scope) -> Option<Self> {
        let history = run.history.as_ref()?;
        let names = Names::of(history);
        let subject = Subject::of(run, history, &names);
        let mut pieces = pieces(run, history, &names, &subject);
        let all = rows(&pieces);
        if scope == Scope::Whole {
            let healed = history.events().iter().find(|event| matches!(event.what, What::Phase("heal")));
            let healed = healed.map_or(Duration::MAX, |event| event.at);
            pieces.iter_mut().filter(|piece| piece.at < healed).for_each(|piece| piece.wanted = true);
        }
        pieces.retain(|piece| piece.wanted);
        let other = all - rows(&pieces);
        let lanes = |pieces: &[Piece]| Lanes::of(history, pieces.iter().filter_map(Piece::row), scope == Scope::Whole);
        // What befell hosts that play no part must not take the rows of those that do.
        let first = lanes(&pieces);
        let shown = rows(&pieces);
        if scope == Scope::Brief {
            pieces.retain(|piece| !piece.is(|row| row.trouble && row.is_hidden(&first)));
        }
        let idle = shown - rows(&pieces);
        join(&mut pieces);
        let (before, after) = cut(&mut pieces, scope);
        let lanes = lanes(&pieces);
        let hidden = idle + without_lane(&mut pieces, &lanes, scope);
        if !pieces.iter().any(|piece| piece.is(|row| !row.hosts().is_empty())) {
            return None;
        }
        let mut left_out = Vec::new();
        let mut count = |rows: usize, which: &str| {
            if rows > 0 {
                left_out.push(format!("{rows} {} {which}", if rows == 1 { "row" } else { "rows" }));
            }
        };
        count(before, "before these");
        count(after, "after these");
        count(other, &format!("not about {}", subject.words()));
        count(hidden, "about hosts without a lane");
        if !lanes.left_out.is_empty() {
            left_out.push(format!("the lanes of {}", lanes.left_out.join(", ")));
        }
        Some(Self { lanes, pieces, left_out })
    }

    /// The diagram in colours, or without them.
    pub(crate) fn painted(&self, paint: Paint) -> String {
        let mut lines = vec![self.header()];
        let mut looks: BTreeMap<String, Look> = BTreeMap::new();
        let mut last = None;
        for piece in &self.pieces {
            match &piece.what {
                Shape::Turn(host, turn) => looks.entry(self.lanes.lane(host).into()).or_default().turn(*turn),
                Shape::Row(row) => {
                    let said = last.replace(stamp(piece.at));
                    let at = last.as_deref().filter(|at| said.as_deref() != Some(*at)).unwrap_or_default();
                    self.row(row, at, &looks, &mut lines);
                }
            }
        }
        if lines.len() > LONG {
            lines.push(self.header());
        }
        for line in wrapped(&format!("left out: {}", self.left_out.join(", ")), WIDTH, TOLD) {
            if !self.left_out.is_empty() {
                let mut canvas = Canvas::new();
                canvas.text(0, &line, Ink::Faint);
                lines.push(canvas);
            }
        }
        lines.into_iter().map(|line| line.painted(paint) + "\n").collect()
    }

    fn header(&self) -> Canvas {
        let mut canvas = Canvas::new();
        for (name, column) in self.lanes.all() {
            canvas.text(column, &fit(name, self.lanes.room()), Ink::Bold);
        }
        canvas
    }

    fn row(&self, row: &Row, at: &str, looks: &BTreeMap<String, Look>, lines: &mut Vec<Canvas>) {
        let mut canvas = Canvas::new();
        canvas.text(0, at, Ink::Faint);
        for (name, column) in self.lanes.all() {
            canvas.put(column, looks.get(&**name).map_or(Look::IDLE, Look::letter), Ink::Faint);
        }
        match &row.form {
            Form::Arrow { from, to, line } => self.arrow(&mut canvas, from, to, *line, row),
            Form::Mark { host, sign } => {
                let Some(column) = self.lanes.column(host) else { return };
                canvas.put(column, *sign, row.ink);
                canvas.text(column + 2, &(self.owned(host, &row.text) + " "), row.ink);
            }
            Form::Across => {
                let text = format!("── {} ", row.text);
                let rest = WIDTH.saturating_sub(MARGIN + columns(&text));
                canvas.text(MARGIN, &(text + &"─".repeat(rest)), row.ink);
            }
            Form::Broken => {
                for (number, line) in wrapped(&row.text, WIDTH - MARGIN - 2, TOLD).iter().enumerate() {
                    let mut canvas = Canvas::new();
                    if number == 0 {
                        canvas.text(0, at, Ink::Faint);
                    }
                    canvas.text(MARGIN, if number == 0 { "✗" } else { " " }, row.ink);
                    canvas.text(MARGIN + 2, line, row.ink);
                    lines.push(canvas);
                }
                return;
            }
        }
        lines.push(canvas);
    }

    /// Text that says who it is about, where the lane does not.
    fn owned(&self, host: &Arc<str>, text: &str) -> String {
        if self.lanes.shares(host) { format!("{host} {text}") } else { text.to_owned() }
    }

    fn arrow(&self, canvas: &mut Canvas, from: &Arc<str>, to: &Arc<str>, line: Line, row: &Row) {
        let (Some(start), Some(end)) = (self.lanes.column(from), self.lanes.column(to)) else { return };
        let text = if self.lanes.shares(from) { self.owned(from, &row.text) } else { self.owned(to, &row.text) };
        let (left, right) = (start.min(end), start.max(end));
        if left == right {
            canvas.put(left, '↻', row.ink);
            canvas.text(left + 2, &(text + " "), row.ink);
            return;
        }
        let dash = match line {
            Line::Asks | Line::Writes => '─',
            Line::Answers => '╌',
            Line::Fault => '╍',
        };
        (left + 1..right).for_each(|column| canvas.put(column, dash, row.ink));
        match line {
            Line::Fault => {
                canvas.put(left, '├', row.ink);
                canvas.put(right, '┤', row.ink);
            }
            _ if start < end => {
                canvas.put(start, '├', row.ink);
                canvas.put(end - 1, '▶', row.ink);
            }
            _ => {
                canvas.put(start, '┤', row.ink);
                canvas.put(end + 1, '◀', row.ink);
            }
        }
        if line == Line::Writes {
            canvas.put(end, '■', row.ink);
        }
        let within = (right - left).saturating_sub(SHAFT);
        let beside = WIDTH.saturating_sub(right + 2);
        if columns(&text) <= within || within >= beside {
            let text = format!(" {} ", fit(&text, within));
            canvas.text(left + 3, &text, row.ink);
        } else {
            canvas.text(right + 2, &(fit(&text, beside) + " "), row.ink);
        }
    }
}

/// What an arrow needs beside the words on it: a dash, its head, blanks around the words.
const SHAFT: usize = 7;

impl fmt::Display for Diagram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.painted(Paint::PLAIN))
    }
}

/// What a lane looks like at a time.
#[derive(Default)]
struct Look {
    busy: usize,
    down: bool,
    paused: bool,
}

impl Look {
    const IDLE: char = '│';

    fn turn(&mut self, turn: Turn) {
        match turn {
            Turn::Begins => self.busy += 1,
            Turn::Ends => self.busy = self.busy.saturating_sub(1),
            Turn::Down => *self = Self { down: true, ..Self::default() },
            Turn::Up => self.down = false,
            Turn::Paused => self.paused = true,
            Turn::Resumed => self.paused = false,
        }
    }

    fn letter(&self) -> char {
        match self {
            Self { down: true, .. } => ' ',
            Self { paused: true, .. } => '┊',
            Self { busy: 0, .. } => Self::IDLE,
            _ => '┃',
        }
    }
}

impl Piece {
    /// What cannot be shown in its lanes is told in the one that is there, or over all.
    fn keep_within(&mut self, lanes: &Lanes) {
        let Shape::Row(row) = &mut self.what else { return };
        let shown = |host: &Arc<str>| !hidden(lanes, host);
        let sign = if row.trouble { '↯' } else { '·' };
        row.form = match &row.form {
            Form::Arrow { from, to, .. } if !shown(from) || !shown(to) => {
                row.text = format!("{} {from}>{to}", row.text);
                match [from, to].into_iter().find(|host| shown(host)) {
                    Some(host) => Form::Mark { host: host.clone(), sign },
                    None => Form::Across,
                }
            }
            Form::Mark { host, .. } if !shown(host) => {
                row.text = format!("{host} {}", row.text);
                Form::Across
            }
            _ => return,
        };
    }
}

/// Leaves out what has no lane, or tells it where there is one. How many rows went.
fn without_lane(pieces: &mut Vec<Piece>, lanes: &Lanes, scope: Scope) -> usize {
    let before = rows(pieces);
    match scope {
        Scope::Brief => pieces.retain(|piece| !piece.is(|row| row.is_hidden(lanes))),
        Scope::Whole => pieces.iter_mut().for_each(|piece| piece.keep_within(lanes)),
    }
    before - rows(pieces)
}

impl Row {
    /// Whether a lane that it needs is not there.
    fn is_hidden(&self, lanes: &Lanes) -> bool {
        self.hosts().into_iter().any(|host| hidden(lanes, host))
    }
}

fn hidden(lanes: &Lanes, host: &Arc<str>) -> bool {
    lanes.column(host).is_none()
}

fn rows(pieces: &[Piece]) -> usize {
    pieces.iter().filter(|piece| piece.row().is_some()).count()
}

/// Joins each write with its reply, and a hold with its end, where nothing is shown between them.
fn join(pieces: &mut Vec<Piece>) {
    let mut last: Option<usize> = None;
    let mut gone = Vec::new();
    for index in 0..pieces.len() {
        let Some(row) = pieces[index].row() else { continue };
        if let (Some(asked), Some(before)) = (row.answers, last)
            && pieces[before].place == asked
        {
            let text = row.text.clone();
            if let Shape::Row(Row { form: Form::Arrow { .. }, text: asked, .. }) = &mut pieces[before].what {
                *asked = text;
            }
            gone.push(index);
            continue;
        }
        last = Some(index);
    }
    for index in gone.into_iter().rev() {
        pieces.remove(index);
    }
}

/// Cuts what comes after the last violation, and all but so many rows around the first. A brief diagram ends when faults
/// heal, unless nothing was broken before. How many rows went, before and after.
fn cut(pieces: &mut Vec<Piece>, scope: Scope) -> (usize, usize) {
    let broken = |piece: &Piece| piece.is(|row| matches!(row.form, Form::Broken));
    let most = if scope == Scope::Brief { ROWS } else { usize::MAX };
    let all = rows(pieces);
    let healed = pieces.iter().position(|piece| piece.is(|row| matches!(row.form, Form::Across)));
    if let Some(healed) = healed
        && scope == Scope::Brief
        && (pieces[..healed].iter().any(broken) || !pieces.iter().any(broken))
    {
        pieces.truncate(healed);
    }
    if let Some(last) = pieces.iter().rposition(broken) {
        pieces.truncate(last + 1);
    }
    let places: Vec<usize> = (0..pieces.len()).filter(|index| pieces[*index].row().is_some()).collect();
    let first = pieces.iter().position(broken).map_or(0, |first| places.partition_point(|place| *place < first));
    let from = (first + AFTER).min(places.len()).saturating_sub(most);
    let to = (from.saturating_add(most)).min(places.len());
    if let Some(end) = places.get(to) {
        pieces.truncate(*end);
    }
    // How lanes look is due to what came before, shown or not.
    let start = places.get(from).copied().unwrap_or_default();
    let mut index = 0;
    pieces.retain(|piece| {
        index += 1;
        index > start || piece.row().is_none()
    });
    (from, all - to)
}

/// The time at the start of a line, to the millisecond.
fn stamp(at: Duration) -> String {
    format!("{:>6}.{:03}s", at.as_secs(), at.subsec_millis())
}
