//! How deep a statement's expressions are nested, read off its tokens: the parser, and whatever goes over what it has made,
//! uses stack by that depth.
//!
//! The parser bounds what it opens itself, such as parentheses. A row of operators it takes without end, and each of them
//! makes the tree deeper by one.

use sqlparser::keywords::Keyword;
use sqlparser::tokenizer::{Token, TokenWithSpan};

use super::super::refusal::Refusal;

/// The most levels of a statement: what a thread of 2 MB takes that is not optimised, with room to spare.
const MOST: usize = 100;

/// A pair of parentheses or brackets, or the statement as a whole.
#[derive(Default)]
struct Level {
    /// Queries put together so far, each on top of the one before.
    queries: usize,
    /// Operators since the last comma.
    operators: usize,
    /// The deepest of what is closed since the last comma.
    inner: usize,
    /// The deepest before the last comma.
    before: usize,
}

impl Level {
    fn depth(&self) -> usize {
        self.queries + self.before.max(self.operators + self.inner)
    }

    fn separate(&mut self) {
        self.before = self.before.max(self.operators + self.inner);
        (self.operators, self.inner) = (0, 0);
    }
}

/// Refuses what is nested too deep.
///
/// # Errors
/// `54001`, as Postgres does when its stack is used up.
pub(super) fn bounded(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    let mut levels = vec![Level::default()];
    for token in tokens {
        if matches!(token.token, Token::RParen | Token::RBracket) && levels.len() > 1 {
            close(&mut levels);
            continue;
        }
        let Some(level) = levels.last_mut() else { break };
        match &token.token {
            Token::Whitespace(_) | Token::Number(..) | Token::Period | Token::Placeholder(_) | Token::EOF => {}
            Token::LParen | Token::LBracket => levels.push(Level::default()),
            Token::Comma | Token::SemiColon => level.separate(),
            Token::Word(word) => match word.keyword {
                Keyword::UNION | Keyword::EXCEPT | Keyword::INTERSECT => {
                    level.separate();
                    level.queries += 1;
                }
                Keyword::AND
                | Keyword::OR
                | Keyword::NOT
                | Keyword::IS
                | Keyword::IN
                | Keyword::LIKE
                | Keyword::ILIKE
                | Keyword::SIMILAR
                | Keyword::BETWEEN
                | Keyword::COLLATE
                | Keyword::AT
                | Keyword::JOIN => level.operators += 1,
                _ => {}
            },
            text if is_text(text) => {}
            // An operator, whatever its name.
            _ => level.operators += 1,
        }
    }
    while levels.len() > 1 {
        close(&mut levels);
    }
    if levels.pop().is_none_or(|whole| whole.depth() <= MOST) {
        return Ok(());
    }
    let detail = format!("The simulated Postgres takes {MOST} levels.");
    Err(Refusal { detail: Some(detail), ..Refusal::new("54001", "stack depth limit exceeded") })
}

fn close(levels: &mut Vec<Level>) {
    let depth = levels.pop().map_or(0, |closed| closed.depth()) + 1;
    if let Some(level) = levels.last_mut() {
        level.inner = level.inner.max(depth);
    }
}

fn is_text(token: &Token) -> bool {
    matches!(
        token,
        Token::SingleQuotedString(_)
            | Token::DoubleQuotedString(_)
            | Token::EscapedStringLiteral(_)
            | Token::HexStringLiteral(_)
            | Token::NationalStringLiteral(_)
            | Token::UnicodeStringLiteral(_)
            | Token::DollarQuotedString(_)
    )
}

#[cfg(test)]
mod tests {
    use sqlparser::dialect::PostgreSqlDialect;
    use sqlparser::tokenizer::Tokenizer;

    use super::{MOST, bounded};

    fn accepted(sql: &str) -> bool {
        let tokens = Tokenizer::new(&PostgreSqlDialect {}, sql).tokenize_with_location().expect("SQL");
        bounded(&tokens).is_ok()
    }

    #[test]
    fn rows_of_operators_are_bounded() {
        for part in ["+ 1", "|| 'a'", "OR true", "::int", "-> 'a'", "UNION ALL SELECT 1, 2", "IS NULL", "- 1"] {
            assert!(accepted(&format!("SELECT 1 {}", [part].repeat(MOST).join(" "))), "{part}");
            assert!(!accepted(&format!("SELECT 1 {}", [part].repeat(MOST + 1).join(" "))), "{part}");
        }
    }

    #[test]
    fn what_is_within_counts_with_what_is_around_it() {
        let half = " + 1".repeat(MOST / 2);
        assert!(!accepted(&format!("SELECT (1{half}){half}")));
        assert!(!accepted(&format!("SELECT coalesce(1{half}, 2){half}")));
        assert!(accepted(&format!("SELECT 2 + (SELECT 1{half} UNION SELECT 1{half})")));
        assert!(accepted(&format!("SELECT 1{half}, 1{half}, 1{half}")));
        assert!(accepted(&format!("SELECT (1{half}), 1{half}")));
    }

    #[test]
    fn long_lists_are_not_deep() {
        let rows = "(1, 'a', -1), ".repeat(10_000);
        assert!(accepted(&format!("INSERT INTO t VALUES {rows} (2, 'b', 3)")));
        assert!(accepted(&format!("SELECT 1 IN ({} 2)", "1, ".repeat(10_000))));
    }
}
