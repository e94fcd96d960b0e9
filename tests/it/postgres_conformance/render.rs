//! From a template and numbers drawn to a statement: `{name}` stands for a value or words of that name.

use super::templates::{Words, words};

/// A statement in both its forms.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Statement {
    /// With parameters `$1`, `$2` …
    pub(crate) text: String,
    /// With literals in their place.
    pub(crate) literal: String,
    /// As text; `None` is NULL.
    pub(crate) parameters: Vec<Option<String>>,
}

impl Statement {
    /// One without parameters.
    pub(crate) fn plain(text: &str) -> Self {
        Self { text: text.to_owned(), literal: text.to_owned(), parameters: Vec::new() }
    }

    /// One with these parameters for `$1` and so on.
    pub(crate) fn new(text: &str, parameters: Vec<Option<String>>) -> Self {
        let literal = parameters.iter().enumerate().rev().fold(text.to_owned(), |text, (at, value)| {
            text.replace(&format!("${}", at + 1), &literal(value.as_deref()))
        });
        Self { text: text.to_owned(), literal, parameters }
    }

    /// Whether the order of its rows is promised: whether `ORDER BY` stands outside of parentheses.
    pub(crate) fn is_ordered(&self) -> bool {
        self.literal.rsplit(')').next().is_some_and(|end| end.contains("ORDER BY"))
    }
}

/// Fills a template in. Each name takes the next number; where they have run out, it is 0: the plainest choice.
pub(crate) fn render(template: &str, picks: &[u16]) -> Statement {
    let mut statement = Statement { text: String::new(), literal: String::new(), parameters: Vec::new() };
    fill(template, &mut picks.iter().copied(), &mut statement, &mut false);
    statement
}

fn fill(template: &str, picks: &mut impl Iterator<Item = u16>, statement: &mut Statement, wrong: &mut bool) {
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        statement.text.push_str(before);
        statement.literal.push_str(before);
        let (name, after) = after.split_once('}').expect("a name ends");
        rest = after;
        let mut pick = |choices: &[&'static str]| choices[usize::from(picks.next().unwrap_or(0)) % choices.len()];
        match words(name) {
            Words::Values(values) => {
                let picked = pick(values);
                let value = match picked.strip_prefix('!') {
                    Some(_) if *wrong => values[0],
                    Some(value) => {
                        *wrong = true;
                        value
                    }
                    None => picked,
                };
                parameter(Some(value).filter(|value| *value != "NULL"), statement);
            }
            Words::Plain(choices) => {
                let word = pick(choices);
                statement.text.push_str(word);
                statement.literal.push_str(word);
            }
            Words::Templates(choices) => {
                let inner = pick(choices);
                fill(inner, picks, statement, wrong);
            }
        }
    }
    statement.text.push_str(rest);
    statement.literal.push_str(rest);
}

fn parameter(value: Option<&str>, statement: &mut Statement) {
    statement.parameters.push(value.map(str::to_owned));
    statement.text.push('$');
    statement.text.push_str(&statement.parameters.len().to_string());
    statement.literal.push_str(&literal(value));
}

fn literal(value: Option<&str>) -> String {
    value.map_or_else(|| "NULL".to_owned(), |value| format!("'{}'", value.replace('\'', "''")))
}
