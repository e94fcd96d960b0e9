//! Words for people: times as short as they may be, lines that fit a terminal.

use std::time::Duration;

/// How wide text may be.
pub(super) const WIDTH: usize = 100;

/// Simulated time, to a tenth of a millisecond.
pub(super) fn clock(at: Duration) -> String {
    format!("{}.{:04} s", at.as_secs(), at.subsec_micros() / 100)
}

/// A length of time as people say it: no finer than it matters.
pub(super) fn length(time: Duration) -> String {
    humantime::format_duration(Duration::from_millis(time.as_millis() as u64)).to_string()
}

/// Times to the nanosecond, as messages have them, to a tenth of a millisecond.
pub(super) fn times(text: &str) -> String {
    text.split(' ')
        .map(|word| {
            let bare = word.trim_end_matches([',', '.', ')', ';', ':']);
            let rest = &word[bare.len()..];
            match bare.strip_suffix('s').and_then(|number| number.split_once('.')) {
                Some((whole, part))
                    if part.len() > 4 && whole.bytes().chain(part.bytes()).all(|digit| digit.is_ascii_digit()) =>
                {
                    format!("{whole}.{}s{rest}", &part[..4])
                }
                _ => word.to_owned(),
            }
        })
        .collect::<Vec<_>>()
        .join(" ")
}

/// The text in lines that fit, each behind as much room as `title` takes.
pub(crate) fn wrapped(title: &str, text: &str) -> String {
    let indent = " ".repeat(title.chars().count());
    let mut lines = vec![title.to_owned()];
    for word in text.split_whitespace() {
        let line = lines.last_mut().expect("there is a line from the start");
        let room = line.chars().count() + word.chars().count() < WIDTH;
        let fresh = line.trim().is_empty() || *line == title;
        if room || fresh {
            if !fresh {
                line.push(' ');
            }
            line.push_str(word);
        } else {
            lines.push(format!("{indent}{word}"));
        }
    }
    lines.join("\n") + "\n"
}

/// The text, cut where it is too long.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let kept: String = text.chars().take(width.saturating_sub(1)).collect();
    format!("{kept}…")
}
