//! One line of a diagram: cells of one column each, none beyond the width.

use unicode_width::UnicodeWidthChar;

use crate::report::{Ink, Paint};

/// How wide a diagram is at most, in columns.
pub(super) const WIDTH: usize = 100;

/// The second column of a wide letter.
const TAIL: char = '\0';

/// A line in the making.
pub(super) struct Canvas {
    cells: Vec<(char, Ink)>,
}

impl Canvas {
    pub(super) fn new() -> Self {
        Self { cells: vec![(' ', Ink::Plain); WIDTH] }
    }

    /// Writes text from a column on; what does not fit is cut, and says so.
    pub(super) fn text(&mut self, column: usize, text: &str, ink: Ink) {
        let mut column = column;
        for letter in fit(text, WIDTH.saturating_sub(column)).chars() {
            let wide = letter.width().unwrap_or(0);
            self.put(column, letter, ink);
            if wide == 2 {
                self.put(column + 1, TAIL, ink);
            }
            column += wide;
        }
    }

    /// Writes one letter of one column; nothing where there is no such column.
    pub(super) fn put(&mut self, column: usize, letter: char, ink: Ink) {
        if let Some(cell) = self.cells.get_mut(column) {
            *cell = (letter, ink);
        }
    }

    /// The line, without blanks at its end.
    pub(super) fn painted(mut self, paint: Paint) -> String {
        // Half of a wide letter that was written over is blank.
        for column in 0..self.cells.len() {
            let wide = |cell: &(char, Ink)| cell.0.width() == Some(2);
            let followed = self.cells.get(column + 1).is_some_and(|next| next.0 == TAIL);
            let led = column > 0 && wide(&self.cells[column - 1]);
            let cell = &mut self.cells[column];
            if (wide(cell) && !followed) || (cell.0 == TAIL && !led) {
                cell.0 = ' ';
            }
        }
        let end = self.cells.iter().rposition(|cell| cell.0 != ' ').map_or(0, |last| last + 1);
        let mut line = String::new();
        for run in self.cells[..end].chunk_by(|one, other| one.1 == other.1) {
            let text: String = run.iter().map(|cell| cell.0).filter(|letter| *letter != TAIL).collect();
            line.push_str(&paint.ink(run[0].1, &text));
        }
        line
    }
}

/// How many columns a text takes.
pub(super) fn columns(text: &str) -> usize {
    clean(text).map(|letter| letter.width().unwrap_or(0)).sum()
}

/// The text within so many columns, with an ellipsis where some of it is missing.
pub(super) fn fit(text: &str, width: usize) -> String {
    if columns(text) <= width {
        return clean(text).collect();
    }
    let mut taken = 0;
    let mut short: String = clean(text)
        .take_while(|letter| {
            taken += letter.width().unwrap_or(0);
            taken < width
        })
        .collect();
    if width > 0 {
        short.truncate(short.trim_end().len());
        short.push('…');
    }
    short
}

/// The text in lines of at most so many columns, and of at most so many lines.
pub(super) fn wrapped(text: &str, width: usize, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split_whitespace() {
        match lines.last_mut() {
            Some(line) if columns(line) + 1 + columns(word) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    let more = lines.len() > most;
    lines.truncate(most);
    if more && let Some(last) = lines.last_mut() {
        *last = fit(last, width.saturating_sub(2)) + " …";
    }
    lines.iter().map(|line| fit(line, width)).collect()
}

/// Letters that take a column or two; what moves the cursor is a blank, what has no width is left out, and the few that
/// take more give way to a sign that a letter is missing.
fn clean(text: &str) -> impl Iterator<Item = char> {
    let shown = text.chars().map(|letter| match letter {
        letter if letter.is_control() => ' ',
        letter if letter.width().is_some_and(|width| width > 2) => char::REPLACEMENT_CHARACTER,
        letter => letter,
    });
    shown.filter(|letter| letter.width().is_some_and(|width| width > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_letter_of_three_columns_gives_way() {
        assert_eq!('\u{17d8}'.width(), Some(3));
        assert_eq!((columns("a\u{17d8}b"), fit("a\u{17d8}b", 9)), (3, "a\u{fffd}b".to_owned()));
    }
}
