//! From text to a statement that is checked and translated.

use sqlparser::ast::{
    CascadeOption, ContextModifier, DiscardObject, Expr, ObjectType, Reset, Set, Statement as Parsed,
    TransactionAccessMode, TransactionIsolationLevel, TransactionMode, Truncate, TruncateIdentityOption, Value,
};
use sqlparser::dialect::PostgreSqlDialect;
use sqlparser::keywords::Keyword;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, TokenWithSpan, Tokenizer, Word};

use super::super::refusal::Refusal;
use super::super::value::Type;
use super::catalog::Catalog;
use super::depth;
use super::statement::{Column, Plan, Prepared};
use super::translate::{Translator, folded, relation_name};

/// Before the name of a table after `FOR UPDATE OF`: how strongly it is locked, where the parser has no word for it.
pub(super) const STRENGTH: &str = "\u{1}strength:";
/// Before the condition of a partial key after `ON CONFLICT (…)`, where the parser has no place for it.
pub(super) const WHERE: &str = "\u{1}where:";

/// The statements of a query string.
pub(super) fn split(text: &str) -> Result<Vec<String>, Refusal> {
    let tokens = tokens(text)?;
    let mut offsets = LineOffsets::new(text);
    let mut statements = Vec::new();
    let mut begin = None;
    for token in &tokens {
        let at = offsets.of(token.span.start.line, token.span.start.column);
        match &token.token {
            Token::SemiColon => {
                if let Some(begin) = begin.take() {
                    statements.push(text[begin..at].trim().to_owned());
                }
            }
            Token::Whitespace(_) | Token::EOF => {}
            _ => {
                begin.get_or_insert(at);
            }
        }
    }
    if let Some(begin) = begin {
        statements.push(text[begin..].trim().to_owned());
    }
    Ok(statements)
}

/// From lines and columns to bytes, for places that only go forward.
struct LineOffsets<'t> {
    rest: std::iter::Peekable<std::str::CharIndices<'t>>,
    line: u64,
    column: u64,
    end: usize,
}

impl<'t> LineOffsets<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text.char_indices().peekable(), line: 1, column: 1, end: text.len() }
    }

    fn of(&mut self, line: u64, column: u64) -> usize {
        while (self.line, self.column) < (line, column) {
            match self.rest.next() {
                Some((_, '\n')) => (self.line, self.column) = (self.line + 1, 1),
                Some(_) => self.column += 1,
                None => break,
            }
        }
        self.rest.peek().map_or(self.end, |(at, _)| *at)
    }
}

fn tokens(text: &str) -> Result<Vec<TokenWithSpan>, Refusal> {
    if text.contains(['\0', '\u{1}']) {
        return Err(Refusal::new("22021", "invalid byte sequence for encoding \"UTF8\": 0x00"));
    }
    Tokenizer::new(&PostgreSqlDialect {}, text)
        .tokenize_with_location()
        .map_err(|error| Refusal::new("42601", format!("syntax error: {error}")))
}

/// The one statement of a text, and how many parameters it names; `None` where there is none.
pub(super) fn one(text: &str) -> Result<Option<(Parsed, usize)>, Refusal> {
    let mut tokens = tokens(text)?;
    refuse_by_name(&tokens)?;
    depth::bounded(&tokens)?;
    spell_out_abort(&mut tokens);
    mark_strengths(&mut tokens);
    mark_conflict_conditions(&mut tokens);
    let mut parameters = 0;
    for token in &tokens {
        if let Token::Placeholder(name) = &token.token {
            let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
            match number {
                Some(number @ 1..=1_000) => parameters = parameters.max(number),
                _ => return Err(Refusal::new("42P02", format!("there is no parameter {name}"))),
            }
        }
    }
    let mut statements = Parser::new(&PostgreSqlDialect {})
        .with_tokens_with_locations(tokens)
        .parse_statements()
        .map_err(|error| Refusal::new("42601", format!("syntax error: {error}")))?;
    match statements.len() {
        0 => Ok(None),
        1 => Ok(statements.pop().map(|statement| (statement, parameters))),
        _ => Err(Refusal::new("42601", "cannot insert multiple commands into a prepared statement")),
    }
}

fn word(token: &Token) -> Option<&Word> {
    match token {
        Token::Word(word) if word.quote_style.is_none() => Some(word),
        _ => None,
    }
}

/// What the parser does not know, or knows otherwise, is named before it can take it for a mistake.
fn refuse_by_name(tokens: &[TokenWithSpan]) -> Result<(), Refusal> {
    let mut words = tokens.iter().filter(|token| !matches!(token.token, Token::Whitespace(_)));
    let first = words.next().and_then(|token| word(&token.token)).map(|word| word.value.to_uppercase());
    match first.as_deref() {
        Some(
            name @ ("COPY" | "LISTEN" | "UNLISTEN" | "NOTIFY" | "DECLARE" | "FETCH" | "MOVE" | "CLOSE" | "EXPLAIN"
            | "VACUUM" | "ANALYZE" | "CLUSTER" | "REINDEX" | "LOCK" | "MERGE" | "GRANT" | "REVOKE" | "DO"
            | "CALL" | "PREPARE" | "EXECUTE" | "DEALLOCATE" | "REFRESH" | "COMMENT" | "SECURITY" | "CHECKPOINT"
            | "LOAD" | "REASSIGN"),
        ) => Err(Refusal::unsupported(format_args!("{name}"))),
        _ => Ok(()),
    }
}

/// `ABORT` is another word for `ROLLBACK`, which the parser does not know.
fn spell_out_abort(tokens: &mut [TokenWithSpan]) {
    let first = tokens.iter_mut().find(|token| !matches!(token.token, Token::Whitespace(_)));
    if let Some(first) = first
        && word(&first.token).is_some_and(|word| word.value.eq_ignore_ascii_case("abort"))
    {
        first.token = Token::make_keyword("ROLLBACK");
    }
}

/// Where the words from a place on are these, the place after them.
fn follows(tokens: &[TokenWithSpan], from: usize, words: &[&str]) -> Option<usize> {
    let mut at = from;
    for wanted in words {
        while matches!(tokens.get(at)?.token, Token::Whitespace(_)) {
            at += 1;
        }
        word(&tokens[at].token).filter(|word| word.value.eq_ignore_ascii_case(wanted))?;
        at += 1;
    }
    Some(at)
}

/// `FOR NO KEY UPDATE` and `FOR KEY SHARE`, for which the parser has no words: as `FOR UPDATE OF` a marked name.
fn mark_strengths(tokens: &mut Vec<TokenWithSpan>) {
    let mut at = 0;
    while at < tokens.len() {
        let found = [("nokeyupdate", &["FOR", "NO", "KEY", "UPDATE"][..]), ("keyshare", &["FOR", "KEY", "SHARE"][..])]
            .into_iter()
            .find_map(|(name, words)| follows(tokens, at, words).map(|end| (name, end)));
        let Some((name, end)) = found else {
            at += 1;
            continue;
        };
        let (table, end) = match follows(tokens, end, &["OF"]) {
            Some(of) => {
                let table = (of..tokens.len()).find(|&place| matches!(tokens[place].token, Token::Word(_)));
                match table.map(|place| (place, &tokens[place].token)) {
                    Some((place, Token::Word(table))) => {
                        let name =
                            if table.quote_style.is_some() { table.value.clone() } else { table.value.to_lowercase() };
                        (name, place + 1)
                    }
                    _ => (String::new(), of),
                }
            }
            None => (String::new(), end),
        };
        let span = tokens[at].span;
        let plain = |text: &str| TokenWithSpan { token: Token::make_keyword(text), span };
        let space = || TokenWithSpan { token: Token::Whitespace(sqlparser::tokenizer::Whitespace::Space), span };
        let marked =
            Word { value: format!("{STRENGTH}{name}:{table}"), quote_style: Some('"'), keyword: Keyword::NoKeyword };
        let marked = TokenWithSpan { token: Token::Word(marked), span };
        let replacement = [plain("FOR"), space(), plain("UPDATE"), space(), plain("OF"), space(), marked];
        at += replacement.len();
        tokens.splice(at - replacement.len()..end, replacement);
    }
}

/// `ON CONFLICT (a) WHERE b DO`, for which the parser has no place: the condition becomes a marked column.
fn mark_conflict_conditions(tokens: &mut Vec<TokenWithSpan>) {
    let Some(conflict) = (0..tokens.len()).find_map(|at| follows(tokens, at, &["ON", "CONFLICT"])) else { return };
    let mut depth = 0;
    let Some(close) = (conflict..tokens.len()).find(|&at| {
        match tokens[at].token {
            Token::LParen => depth += 1,
            Token::RParen => depth -= 1,
            _ => {}
        }
        tokens[at].token == Token::RParen && depth == 0
    }) else {
        return;
    };
    let Some(condition) = follows(tokens, close + 1, &["WHERE"]) else { return };
    let ends = |at: &usize| {
        follows(tokens, *at, &["DO", "NOTHING"]).or_else(|| follows(tokens, *at, &["DO", "UPDATE"])).is_some()
    };
    let Some(end) = (condition..tokens.len()).find(ends) else { return };
    let text: String = tokens[condition..end].iter().map(|token| token.token.to_string()).collect();
    let span = tokens[close].span;
    let marked = Word { value: format!("{WHERE}{}", text.trim()), quote_style: Some('"'), keyword: Keyword::NoKeyword };
    let space = TokenWithSpan { token: Token::Whitespace(sqlparser::tokenizer::Whitespace::Space), span };
    let replacement = [
        TokenWithSpan { token: Token::Comma, span },
        TokenWithSpan { token: Token::Word(marked), span },
        TokenWithSpan { token: Token::RParen, span },
        space,
    ];
    tokens.splice(close..end, replacement);
}

/// Whether a text is a statement that ends a transaction, or goes back in it, or none at all.
pub(super) fn ends_transaction(text: &str) -> Result<bool, Refusal> {
    Ok(match one(text)? {
        None | Some((Parsed::Commit { .. } | Parsed::Rollback { .. }, _)) => true,
        Some(_) => false,
    })
}

/// An expression that was set aside as text.
pub(super) fn expression(text: &str) -> Result<Expr, Refusal> {
    Parser::new(&PostgreSqlDialect {})
        .try_with_sql(text)
        .and_then(|mut parser| parser.parse_expr())
        .map_err(|error| Refusal::new("42601", format!("syntax error: {error}")))
}

/// Parses, checks and translates one statement.
pub(super) fn prepare(catalog: &Catalog, text: &str, hints: &[Option<Type>]) -> Result<Prepared, Refusal> {
    let prepared = |parameters, columns, plan| Prepared {
        text: text.to_owned(),
        hints: hints.to_vec(),
        generation: catalog.generation,
        parameters,
        columns,
        plan,
    };
    let Some((parsed, parameters)) = one(text)? else {
        return Ok(prepared(Vec::new(), None, Plan::Empty));
    };
    if let Parsed::Query(_) | Parsed::Insert(_) | Parsed::Update(_) | Parsed::Delete(_) = parsed {
        let translated = Translator::new(catalog, parameters, hints).statement(&parsed)?;
        return Ok(prepared(translated.parameters, translated.columns, Plan::Work(translated.work)));
    }
    let plan = plan(catalog, parsed)?;
    let columns = match &plan {
        Plan::Show(name) => Some(vec![Column { name: name.clone(), kind: Type::Text }]),
        _ => None,
    };
    Ok(prepared(Vec::new(), columns, plan))
}

fn plan(catalog: &Catalog, parsed: Parsed) -> Result<Plan, Refusal> {
    Ok(match parsed {
        Parsed::StartTransaction { modes, modifier: None, begin, .. } => Plan::Begin {
            read_only: access(&modes)?.unwrap_or(false),
            tag: if begin { "BEGIN" } else { "START TRANSACTION" },
        },
        Parsed::Commit { chain: false, modifier: None, .. } => Plan::Commit,
        Parsed::Rollback { chain: false, savepoint: None } => Plan::Rollback,
        Parsed::Rollback { chain: false, savepoint: Some(name) } => Plan::RollbackTo(folded(&name)),
        Parsed::Savepoint { name } => Plan::Savepoint(folded(&name)),
        Parsed::ReleaseSavepoint { name } => Plan::Release(folded(&name)),
        Parsed::Set(set) => setting(set)?,
        Parsed::Reset(reset) => match reset.reset {
            Reset::ALL => Plan::ResetAll,
            Reset::ConfigurationParameter(name) => {
                Plan::Set { name: name.to_string().to_lowercase(), value: None, local: false }
            }
            Reset::SessionAuthorization => return Err(Refusal::unsupported("RESET SESSION AUTHORIZATION")),
        },
        Parsed::Discard { object_type: DiscardObject::ALL } => Plan::Discard,
        Parsed::ShowVariable { variable } => {
            let words: Vec<String> = variable.iter().map(folded).collect();
            Plan::Show(match words.join(" ").as_str() {
                "time zone" => "timezone".to_owned(),
                "transaction isolation level" => "transaction_isolation".to_owned(),
                "all" => return Err(Refusal::unsupported("SHOW ALL")),
                name => name.to_owned(),
            })
        }
        Parsed::Truncate(truncate) => emptied(catalog, &truncate)?,
        Parsed::CreateTable(_)
        | Parsed::CreateIndex(_)
        | Parsed::AlterTable(_)
        | Parsed::Drop { object_type: ObjectType::Table | ObjectType::Index, .. } => Plan::Define(Box::new(parsed)),
        other => return Err(super::translate::unsupported_statement(&other)),
    })
}

fn access(modes: &[TransactionMode]) -> Result<Option<bool>, Refusal> {
    let mut read_only = None;
    for mode in modes {
        match mode {
            TransactionMode::AccessMode(mode) => read_only = Some(*mode == TransactionAccessMode::ReadOnly),
            TransactionMode::IsolationLevel(
                TransactionIsolationLevel::ReadCommitted | TransactionIsolationLevel::ReadUncommitted,
            ) => {}
            TransactionMode::IsolationLevel(level) => {
                return Err(Refusal::unsupported(format_args!("the isolation level {level}")));
            }
        }
    }
    Ok(read_only)
}

fn setting(set: Set) -> Result<Plan, Refusal> {
    match set {
        Set::SingleAssignment { scope, hivevar: false, variable, values } => {
            let name = variable.to_string().to_lowercase();
            let local = scope == Some(ContextModifier::Local);
            let words = values.iter().map(setting_word).collect::<Result<Vec<String>, Refusal>>()?;
            let value = words.join(", ");
            let value = if value.eq_ignore_ascii_case("default") { None } else { Some(value) };
            Ok(Plan::Set { name, value, local })
        }
        Set::SetTimeZone { local, value } => {
            Ok(Plan::Set { name: "timezone".to_owned(), value: Some(setting_word(&value)?), local })
        }
        Set::SetNames { charset_name, collation_name: None } => {
            Ok(Plan::Set { name: "client_encoding".to_owned(), value: Some(charset_name.value), local: false })
        }
        Set::SetTransaction { modes, snapshot: None, session: false } => {
            Ok(Plan::SetTransaction { read_only: access(&modes)? })
        }
        other => Err(Refusal::unsupported(format_args!("{other}"))),
    }
}

fn setting_word(value: &Expr) -> Result<String, Refusal> {
    match value {
        Expr::Identifier(name) => Ok(name.value.clone()),
        Expr::Value(value) => match &value.value {
            Value::SingleQuotedString(text) => Ok(text.clone()),
            Value::Number(digits, _) => Ok(digits.clone()),
            Value::Boolean(truth) => Ok(if *truth { "on" } else { "off" }.to_owned()),
            other => Err(Refusal::new("22023", format!("invalid value for a parameter: {other}"))),
        },
        other => Err(Refusal::new("22023", format!("invalid value for a parameter: {other}"))),
    }
}

fn emptied(catalog: &Catalog, truncate: &Truncate) -> Result<Plan, Refusal> {
    if truncate.partitions.is_some() || truncate.on_cluster.is_some() || truncate.if_exists {
        return Err(Refusal::new("42601", "syntax error in TRUNCATE"));
    }
    let mut tables = Vec::new();
    for target in &truncate.table_names {
        tables.push(catalog.table(&relation_name(&target.name)?)?.id);
    }
    let mut place = 0;
    while place < tables.len() {
        for reference in catalog.references_to(tables[place]).to_vec() {
            if tables.contains(&reference.child) {
                continue;
            }
            if truncate.cascade != Some(CascadeOption::Cascade) {
                return Err(Refusal::new("0A000", "cannot truncate a table referenced in a foreign key constraint"));
            }
            tables.push(reference.child);
        }
        place += 1;
    }
    let restart = truncate.identity == Some(TruncateIdentityOption::Restart);
    Ok(Plan::Truncate { tables, restart })
}
