//! ORDER BY and LIMIT.

use sqlparser::ast::{Expr, LimitClause, OrderByExpr, OrderBySort, Query, Value};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::Kind;
use super::super::stored::quoted_text;
use super::naming::folded;
use super::scope::{Field, Scope};
use super::{Translator, Typed};

/// How many rows, and from which on.
#[derive(Default)]
pub(super) struct Limit {
    pub(super) sql: String,
    /// Whether it lets one row through at most.
    pub(super) one: bool,
}

impl Translator<'_> {
    /// One key of an order.
    pub(super) fn sort_key(
        &mut self,
        key: &OrderByExpr,
        items: &[(Typed, String)],
        distinct: bool,
        scope: &Scope<'_>,
    ) -> Result<String, Refusal> {
        let fields: Vec<Field> = items
            .iter()
            .map(|(typed, name)| Field {
                name: name.clone(),
                kind: typed.kind,
                nullable: typed.nullable,
                sql: String::new(),
            })
            .collect();
        if let Some(place) = ordinal(key, &fields)? {
            return directed(&place.to_string(), key, fields[place - 1].nullable);
        }
        let typed = self.expression(&key.expr, scope)?;
        let typed = self.settled(typed)?;
        let listed = items.iter().position(|(item, _)| item.sql == typed.sql);
        match listed {
            Some(place) => directed(&(place + 1).to_string(), key, typed.nullable),
            None if distinct => {
                Err(Refusal::new("42P10", "for SELECT DISTINCT, ORDER BY expressions must appear in select list"))
            }
            None => directed(&typed.sql, key, typed.nullable),
        }
    }

    /// The keys of an order inside of an expression.
    pub(super) fn ordering(&mut self, order: &[OrderByExpr], scope: &Scope<'_>) -> Result<Vec<String>, Refusal> {
        order
            .iter()
            .map(|key| {
                let typed = self.expression(&key.expr, scope)?;
                let typed = self.settled(typed)?;
                directed(&typed.sql, key, typed.nullable)
            })
            .collect()
    }

    pub(super) fn limit(&mut self, query: &Query, outer: Option<&Scope<'_>>) -> Result<Limit, Refusal> {
        let (limit, offset) = match (&query.limit_clause, &query.fetch) {
            (None, None) => return Ok(Limit::default()),
            (Some(LimitClause::LimitOffset { limit, offset, limit_by }), None) if limit_by.is_empty() => {
                (limit.as_ref(), offset.as_ref().map(|offset| &offset.value))
            }
            (None, Some(fetch)) if !fetch.with_ties && !fetch.percent => (fetch.quantity.as_ref(), None),
            _ => return Err(Refusal::unsupported("this form of LIMIT or FETCH")),
        };
        let scope = Scope::inside(Vec::new(), outer);
        let mut number = |expr: Option<&Expr>, word: &str| match expr {
            None => Ok(None),
            Some(expr) => {
                let typed = self.expression(expr, &scope)?;
                if let (Kind::Of(Type::Int4 | Type::Int8), Ok(number)) = (typed.kind, typed.sql.parse::<u64>()) {
                    return Ok(Some(number.to_string()));
                }
                let number = self.implicit(&typed, Type::Int8, &format!("argument of {word}"))?;
                Ok::<_, Refusal>(Some(format!("pg_limit({number}, {})", quoted_text(word))))
            }
        };
        let limit = number(limit, "LIMIT")?;
        let offset = number(offset, "OFFSET")?;
        let one = matches!(limit.as_deref(), Some("1" | "0"));
        let sql = match (limit, offset) {
            (None, None) => String::new(),
            (Some(limit), None) => format!(" LIMIT {limit}"),
            (limit, Some(offset)) => format!(" LIMIT {} OFFSET {offset}", limit.as_deref().unwrap_or("-1")),
        };
        Ok(Limit { sql, one })
    }
}

pub(super) fn order_clause(keys: &[String]) -> String {
    if keys.is_empty() { String::new() } else { format!(" ORDER BY {}", keys.join(", ")) }
}

/// The output, from 1, that a key of an order names: by its number or its name.
pub(super) fn ordinal(key: &OrderByExpr, fields: &[Field]) -> Result<Option<usize>, Refusal> {
    match &key.expr {
        Expr::Identifier(name) => {
            let name = folded(name);
            Ok(fields.iter().position(|field| field.name == name).map(|place| place + 1))
        }
        Expr::Value(value) => {
            let Value::Number(digits, _) = &value.value else { return Ok(None) };
            match digits.parse::<usize>() {
                Ok(place) if (1..=fields.len()).contains(&place) => Ok(Some(place)),
                _ => Err(Refusal::new("42P10", format!("ORDER BY position {digits} is not in select list"))),
            }
        }
        _ => Ok(None),
    }
}

/// A key of an order with its direction; NULL counts as more than any value.
pub(super) fn directed(sql: &str, key: &OrderByExpr, nullable: bool) -> Result<String, Refusal> {
    let down = match &key.options.sort {
        None | Some(OrderBySort::Asc) => false,
        Some(OrderBySort::Desc) => true,
        Some(other) => return Err(Refusal::unsupported(format_args!("ORDER BY … {other:?}"))),
    };
    if key.with_fill.is_some() {
        return Err(Refusal::unsupported("WITH FILL"));
    }
    let nulls_first = key.options.nulls_first.unwrap_or(down);
    let direction = if down { " DESC" } else { "" };
    let nulls = match (nullable, nulls_first) {
        (false, _) => "",
        (true, true) => " NULLS FIRST",
        (true, false) => " NULLS LAST",
    };
    Ok(format!("{sql}{direction}{nulls}"))
}
