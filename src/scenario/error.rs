//! Why a scenario or seed file is refused: what is wrong, where in the file, and what would be right.

use std::ops::Range;
use std::path::{Path, PathBuf};

use miette::{Diagnostic, NamedSource, SourceSpan};
use thiserror::Error;

use super::nearest::instead;

/// A file that cannot be used.
#[derive(Debug, Error, Diagnostic)]
pub enum FileError {
    /// There is no such file.
    #[error("{}: no such file", path.display())]
    Missing {
        /// The path that was asked for.
        path: PathBuf,
        /// The nearest file that is there.
        #[help]
        help: String,
    },
    /// The file is there but cannot be read.
    #[error("{}: cannot be read: {source}", path.display())]
    Unreadable {
        /// The path.
        path: PathBuf,
        /// What the operating system said.
        source: std::io::Error,
    },
    /// The file is not text.
    #[error("{}:{line}: not UTF-8", path.display())]
    #[diagnostic(help("these files are TOML, which is text in UTF-8: save it as such"))]
    NotText {
        /// The path.
        path: PathBuf,
        /// The line of the first byte that is not text, from 1.
        line: usize,
    },
    /// The file has nothing in it.
    #[error("{}: the file is empty", path.display())]
    Empty {
        /// The path.
        path: PathBuf,
        /// What belongs there.
        #[help]
        help: String,
    },
    /// The file says something that is not accepted.
    #[error(transparent)]
    #[diagnostic(transparent)]
    Refused(#[from] Box<Refusal>),
}

/// Something in a file that is not accepted.
#[derive(Debug, Error, Diagnostic)]
#[error("{place}: {message}")]
pub struct Refusal {
    /// File, line and column.
    pub place: String,
    /// What is wrong.
    pub message: String,
    /// The file, for showing the place.
    #[source_code]
    source_code: NamedSource<String>,
    /// Where in it.
    #[label("{label}")]
    span: SourceSpan,
    /// The mark at the place.
    label: String,
    /// What to do instead.
    #[help]
    pub help: Option<String>,
}

/// The text of one file, which refuses parts of itself.
#[derive(Clone, Debug)]
pub(crate) struct Source {
    pub(crate) path: PathBuf,
    pub(crate) text: String,
}

impl Source {
    /// Reads a file; `kind` says what belongs there, in words, when it is empty.
    pub(crate) fn read(path: &Path, kind: &str) -> Result<Self, FileError> {
        let bytes = std::fs::read(path).map_err(|source| match source.kind() {
            std::io::ErrorKind::NotFound => FileError::Missing { path: path.into(), help: neighbours(path) },
            _ => FileError::Unreadable { path: path.into(), source },
        })?;
        let text = String::from_utf8(bytes).map_err(|error| {
            let good = &error.as_bytes()[..error.utf8_error().valid_up_to()];
            let line = 1 + String::from_utf8_lossy(good).matches('\n').count();
            FileError::NotText { path: path.into(), line }
        })?;
        Self { path: path.into(), text }.filled(kind)
    }

    /// Refuses a file without any content.
    pub(crate) fn filled(self, kind: &str) -> Result<Self, FileError> {
        let nothing = self.text.lines().all(|line| line.trim().is_empty() || line.trim_start().starts_with('#'));
        if nothing {
            let help = format!("{kind}; a file that was cut short is best taken from version control again");
            return Err(FileError::Empty { path: self.path, help });
        }
        Ok(self)
    }

    /// Refuses what stands at `span`.
    pub(crate) fn refuse(
        &self,
        span: Range<usize>,
        message: impl Into<String>,
        label: &str,
        help: Option<String>,
    ) -> FileError {
        let mut start = span.start.min(self.text.len());
        while !self.text.is_char_boundary(start) {
            start -= 1;
        }
        let before = &self.text[..start];
        let line = 1 + before.matches('\n').count();
        let column = 1 + before.rsplit('\n').next().unwrap_or("").chars().count();
        // Nothing can be marked behind the last letter, so the mark goes to the letter itself.
        let shown = self.text.trim_end().len();
        let shown =
            if start >= shown { self.text[..shown].char_indices().next_back().map_or(0, |(at, _)| at) } else { start };
        Box::new(Refusal {
            place: format!("{}:{line}:{column}", self.path.display()),
            message: message.into(),
            source_code: NamedSource::new(self.path.display().to_string(), self.text.clone()),
            span: (shown, span.end.min(self.text.len()).saturating_sub(shown)).into(),
            label: label.into(),
            help,
        })
        .into()
    }

    /// Refuses an unknown word, with the nearest right one.
    pub(crate) fn unknown<'a>(
        &self,
        span: Range<usize>,
        what: &str,
        word: &str,
        known: impl IntoIterator<Item = &'a str> + Clone,
    ) -> FileError {
        self.refuse(span, format!("unknown {what} `{word}`"), "not known", Some(instead(what, word, known)))
    }

    /// Turns the parser's complaint into ours: its message names the words it would have taken.
    pub(crate) fn complain(&self, error: &toml::de::Error) -> FileError {
        let message = error.message().trim_end();
        let span = error.span().unwrap_or(0..0);
        let words: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
        for (start, what) in [("unknown field", "key"), ("unknown variant", "value")] {
            if let (true, Some((word, known))) = (message.starts_with(start), words.split_first()) {
                return self.unknown(span, what, word, known.iter().copied());
            }
        }
        if let (true, [field]) = (message.starts_with("missing field"), words.as_slice()) {
            // A key that is missing from the file as a whole may have stood where the file now ends.
            let lost =
                if span.start == 0 { ", or take the file from version control again if it was cut short" } else { "" };
            let help = Some(format!("add `{field} = …`{lost}"));
            return self.refuse(span, format!("the key `{field}` is missing"), "not in here", help);
        }
        let cut_short = span.end >= self.text.trim_end().len();
        let help = cut_short.then(|| {
            "the file seems to have been cut short here: complete it, or take it from version control again".into()
        });
        self.refuse(span, plain(message), "here", help)
    }
}

/// The parser's words without the names of Rust's types.
fn plain(message: &str) -> String {
    let message = message.replace('\n', ", ");
    let Some((start, expected)) = message.rsplit_once("expected ") else { return message };
    let words = match expected {
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more",
        "i64" | "i32" => "a whole number",
        "f32" | "f64" => "a number",
        "a boolean" => "`true` or `false`",
        other => other,
    };
    format!("{start}expected {words}")
}

/// Help for a path that is not there: the nearest name in the same directory.
fn neighbours(path: &Path) -> String {
    let directory = match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    };
    let Ok(entries) = std::fs::read_dir(directory) else {
        return format!("there is no directory `{}` either", directory.display());
    };
    let names: Vec<String> = entries
        .filter_map(Result::ok)
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "toml"))
        .collect();
    let wanted = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    instead("file there", &wanted, names.iter().map(String::as_str))
}
