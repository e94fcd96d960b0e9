//! What the host itself has to know of a statement: whether it begins or ends a transaction, is about settings, or writes.

use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::tokenizer::{Token, Tokenizer};

use super::refusal::Refusal;
use super::settings::Reach;

/// A statement as the host sees it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Command {
    /// `BEGIN`, `START TRANSACTION`
    Begin,
    /// `COMMIT`, `END`
    Commit,
    /// `ROLLBACK`, `ABORT`, but not to a savepoint
    Rollback,
    /// `ROLLBACK TO`: the one other statement that a failed transaction takes
    RollbackTo,
    /// `SET name = value`; no value: back to what it was at first.
    Set { name: String, value: Option<String>, reach: Reach },
    /// `SHOW name`
    Show(String),
    /// `RESET ALL`
    ResetAll,
    /// `DISCARD ALL`
    DiscardAll,
    /// What the engine alone knows.
    Other,
}

impl Command {
    /// What this statement is.
    pub(super) fn of(text: &str) -> Result<Self, Refusal> {
        let word = first_word(text);
        let is = |known: &str| word.eq_ignore_ascii_case(known);
        Ok(if is("BEGIN") || is("START") {
            Self::Begin
        } else if is("COMMIT") || is("END") {
            Self::Commit
        } else if is("ROLLBACK") || is("ABORT") {
            let to = words(text)?.iter().any(|token| keyword(token) == Some("TO"));
            if to { Self::RollbackTo } else { Self::Rollback }
        } else if is("SET") {
            set(&words(text)?)?
        } else if is("SHOW") {
            match &words(text)?[..] {
                [_, name] => Self::Show(name_of(name)?),
                [_, time, zone] if keyword(time) == Some("TIME") && keyword(zone) == Some("ZONE") => {
                    Self::Show("TimeZone".to_owned())
                }
                _ => return Err(syntax(text)),
            }
        } else if is("RESET") {
            match &words(text)?[..] {
                [_, all] if keyword(all) == Some("ALL") => Self::ResetAll,
                [_, name] => Self::Set { name: name_of(name)?, value: None, reach: Reach::Session },
                _ => return Err(syntax(text)),
            }
        } else if is("DISCARD") {
            match &words(text)?[..] {
                [_, all] if keyword(all) == Some("ALL") => Self::DiscardAll,
                _ => return Err(Refusal::unsupported(format_args!("`{}`", text.trim()))),
            }
        } else {
            Self::Other
        })
    }
}

/// The word for what a statement writes, where it writes: what a server that only reads refuses it by.
pub(super) fn written(text: &str) -> Option<&'static str> {
    let tokens = words(text).ok()?;
    let mut before = None;
    for token in &tokens {
        let word = keyword(token);
        let found = match word {
            Some("UPDATE" | "SHARE") if before == Some("FOR") || before == Some("KEY") => "SELECT FOR UPDATE",
            Some("INSERT") => "INSERT",
            Some("UPDATE") if before != Some("DO") => "UPDATE",
            Some("DELETE") if before != Some("ON") => "DELETE",
            Some("TRUNCATE") => "TRUNCATE TABLE",
            Some("CREATE") => "CREATE TABLE",
            Some("ALTER") => "ALTER TABLE",
            Some("DROP") => "DROP TABLE",
            _ => {
                before = word;
                continue;
            }
        };
        return Some(found);
    }
    None
}

/// The first word, behind spaces and comments.
fn first_word(text: &str) -> &str {
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if let Some(comment) = rest.strip_prefix("--") {
            rest = comment.split_once('\n').map_or("", |(_, rest)| rest);
        } else if let Some(comment) = rest.strip_prefix("/*") {
            rest = comment.split_once("*/").map_or("", |(_, rest)| rest);
        } else {
            break;
        }
    }
    let end = rest.find(|letter: char| !letter.is_ascii_alphabetic()).unwrap_or(rest.len());
    &rest[..end]
}

/// The tokens of a statement, without spaces, comments and the semicolon at its end.
fn words(text: &str) -> Result<Vec<Token>, Refusal> {
    let tokens = Tokenizer::new(&PostgreSqlDialect {}, text).tokenize();
    let tokens = tokens.map_err(|error| Refusal::new("42601", error.to_string()))?;
    Ok(tokens.into_iter().filter(|token| !matches!(token, Token::Whitespace(_) | Token::SemiColon)).collect())
}

/// A word that stands without quotes, in capitals, if it is one that matters here.
fn keyword(token: &Token) -> Option<&'static str> {
    const KNOWN: [&str; 22] = [
        "ALL",
        "ALTER",
        "CHARACTERISTICS",
        "CREATE",
        "DEFAULT",
        "DELETE",
        "DO",
        "DROP",
        "FOR",
        "INSERT",
        "KEY",
        "LOCAL",
        "ON",
        "ROLE",
        "SESSION",
        "SHARE",
        "TIME",
        "TO",
        "TRANSACTION",
        "TRUNCATE",
        "UPDATE",
        "ZONE",
    ];
    let Token::Word(word) = token else { return None };
    KNOWN.into_iter().find(|known| word.quote_style.is_none() && word.value.eq_ignore_ascii_case(known))
}

fn name_of(token: &Token) -> Result<String, Refusal> {
    match token {
        Token::Word(word) => Ok(word.value.clone()),
        other => Err(syntax(&other.to_string())),
    }
}

fn syntax(near: &str) -> Refusal {
    Refusal::new("42601", format!("syntax error at or near \"{}\"", near.trim()))
}

fn set(tokens: &[Token]) -> Result<Command, Refusal> {
    let (reach, rest) = match tokens.get(1).and_then(keyword) {
        Some("LOCAL") => (Reach::Transaction, &tokens[2..]),
        // `SET SESSION CHARACTERISTICS` and `SET SESSION AUTHORIZATION` are no settings.
        Some("SESSION") if tokens.len() > 4 => (Reach::Session, &tokens[2..]),
        _ => (Reach::Session, tokens.get(1..).unwrap_or_default()),
    };
    let (name, values) = match rest {
        [first, ..] if matches!(keyword(first), Some("TRANSACTION" | "CHARACTERISTICS" | "ROLE")) => {
            return Ok(Command::Other);
        }
        [time, zone, values @ ..] if keyword(time) == Some("TIME") && keyword(zone) == Some("ZONE") => {
            ("TimeZone".to_owned(), values)
        }
        [name, Token::Eq, values @ ..] => (name_of(name)?, values),
        [name, to, values @ ..] if keyword(to) == Some("TO") => (name_of(name)?, values),
        [other, ..] => return Err(syntax(&other.to_string())),
        [] => return Err(syntax("SET")),
    };
    let value = match values {
        [] => return Err(syntax(&name)),
        [default] if keyword(default) == Some("DEFAULT") => None,
        values => Some(values.iter().map(value_of).collect::<Result<Vec<_>, _>>()?.concat()),
    };
    Ok(Command::Set { name, value, reach })
}

fn value_of(token: &Token) -> Result<String, Refusal> {
    Ok(match token {
        Token::SingleQuotedString(text) => text.clone(),
        Token::Word(word) => word.value.clone(),
        Token::Number(digits, _) => digits.clone(),
        Token::Minus => "-".to_owned(),
        Token::Comma => ", ".to_owned(),
        other => return Err(syntax(&other.to_string())),
    })
}
