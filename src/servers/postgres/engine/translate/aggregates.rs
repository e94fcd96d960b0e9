//! Aggregates and window functions.

use sqlparser::ast::{FunctionArg, FunctionArgExpr, OrderByExpr};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::{Kind, array_of};
use super::expression::in_array;
use super::scope::Scope;
use super::{Translator, Typed};

const AGGREGATES: [&str; 12] = [
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "bool_and",
    "bool_or",
    "every",
    "string_agg",
    "array_agg",
    "jsonb_agg",
    "json_agg",
];
const WINDOWS: [&str; 7] = ["row_number", "rank", "dense_rank", "lag", "lead", "first_value", "last_value"];

/// The parts of a call.
pub(super) struct Aggregate<'a> {
    pub(super) name: &'a str,
    pub(super) list: &'a [FunctionArg],
    pub(super) distinct: bool,
    pub(super) order: &'a [OrderByExpr],
    /// FILTER and OVER.
    pub(super) suffix: &'a str,
    /// Whether it looks at a window.
    pub(super) window: bool,
}

impl Translator<'_> {
    /// The call of an aggregate or a window function; `None` where it is neither.
    pub(super) fn aggregate(&mut self, call: &Aggregate<'_>, scope: &Scope<'_>) -> Result<Option<Typed>, Refusal> {
        let &Aggregate { name, list, order, suffix, window, .. } = call;
        if WINDOWS.contains(&name) {
            return self.window_call(name, list, suffix, window, scope).map(Some);
        }
        if !AGGREGATES.contains(&name) {
            return Ok(None);
        }
        if !window {
            if !scope.aggregates.get() {
                return Err(Refusal::new("42803", "aggregate functions are not allowed here"));
            }
            scope.aggregated.set(true);
        }
        let mark = scope.bare.borrow().len();
        let was = scope.aggregates.replace(false);
        let mut arguments = Vec::with_capacity(list.len());
        let mut star = false;
        for argument in list {
            match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Wildcard) => star = true,
                FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) => arguments.push(self.expression(expr, scope)?),
                other => return Err(Refusal::unsupported(format_args!("the argument {other}"))),
            }
        }
        let order = if order.is_empty() {
            String::new()
        } else {
            format!(" ORDER BY {}", self.ordering(order, scope)?.join(", "))
        };
        scope.aggregates.set(was);
        if !window {
            scope.bare.borrow_mut().truncate(mark);
        }
        if star {
            if name != "count" || !arguments.is_empty() {
                return Err(Refusal::new("42883", format!("function {name}(*) does not exist")));
            }
            return Ok(Some(Typed { nullable: false, ..Typed::of(format!("count(*){suffix}"), Type::Int8) }));
        }
        self.aggregated(call, &arguments, &order).map(Some)
    }

    fn aggregated(&mut self, call: &Aggregate<'_>, arguments: &[Typed], order: &str) -> Result<Typed, Refusal> {
        let &Aggregate { name, suffix, distinct, .. } = call;
        let only =
            |count: usize| if arguments.len() == count { Ok(()) } else { Err(self.no_function(name, arguments)) };
        let word = if distinct { "DISTINCT " } else { "" };
        let text = matches!(name, "string_agg");
        only(if text { 2 } else { 1 })?;
        let first = self.settled(arguments[0].clone())?;
        let (sql, kind) = (&first.sql, first.kind);
        let numeric_or_refused = || {
            if kind.is_number() { Ok(()) } else { Err(self.no_function(name, arguments)) }
        };
        let typed = match name {
            "count" => Typed { nullable: false, ..Typed::of(format!("count({word}{sql}){suffix}"), Type::Int8) },
            "sum" => {
                numeric_or_refused()?;
                let result = match kind {
                    Kind::Of(Type::Int2 | Type::Int4) => Kind::Of(Type::Int8),
                    Kind::Of(Type::Float8) => kind,
                    _ => Kind::Numeric,
                };
                Typed::plain(format!("sum({word}{sql}){suffix}"), result)
            }
            "avg" => {
                numeric_or_refused()?;
                let result = if kind == Kind::Of(Type::Float8) { kind } else { Kind::Numeric };
                Typed::plain(format!("avg({word}{sql}){suffix}"), result)
            }
            "min" | "max" => {
                if matches!(kind, Kind::Of(Type::Bool | Type::Uuid | Type::Bytea | Type::Jsonb | Type::Void)) {
                    return Err(self.no_function(name, arguments));
                }
                Typed::plain(format!("{name}({word}{sql}){suffix}"), kind)
            }
            "bool_and" | "every" | "bool_or" => {
                let sql = self.implicit(&first, Type::Bool, &format!("argument of {name}"))?;
                let function = if name == "bool_or" { "max" } else { "min" };
                Typed::of(format!("{function}({sql}){suffix}"), Type::Bool)
            }
            "string_agg" => {
                if distinct {
                    return Err(Refusal::unsupported("string_agg(DISTINCT …)"));
                }
                let sql = self.implicit(&first, Type::Text, "argument of string_agg")?;
                let between = self.implicit(&arguments[1], Type::Text, "argument of string_agg")?;
                Typed::of(format!("group_concat({sql}, {between}{order}){suffix}"), Type::Text)
            }
            "array_agg" => {
                let item = match kind {
                    Kind::Of(kind) => array_of(kind).map(|array| (in_array(sql, kind), array)),
                    _ => None,
                };
                let Some((item, array)) = item else {
                    return Err(Refusal::unsupported(format_args!("arrays of {}", kind.name())));
                };
                // No rows make no array, where the storage makes an empty one.
                let array_sql = format!("json_group_array({word}{item}{order}){suffix}");
                Typed::of(format!("nullif({array_sql}, '[]')"), array)
            }
            _ => return Err(Refusal::unsupported(format_args!("the function {name}"))),
        };
        Ok(typed)
    }

    fn window_call(
        &mut self,
        name: &str,
        list: &[FunctionArg],
        suffix: &str,
        window: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        if !window {
            return Err(Refusal::new("42P20", format!("window function {name} requires an OVER clause")));
        }
        let mut arguments = Vec::with_capacity(list.len());
        for argument in list {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
                return Err(Refusal::unsupported(format_args!("the argument {argument}")));
            };
            let typed = self.expression(expr, scope)?;
            arguments.push(self.settled(typed)?);
        }
        match (name, arguments.as_slice()) {
            ("row_number" | "rank" | "dense_rank", []) => Ok(Typed::of(format!("{name}(){suffix}"), Type::Int8)),
            ("lag" | "lead" | "first_value" | "last_value", [value]) => {
                Ok(Typed::plain(format!("{name}({}){suffix}", value.sql), value.kind))
            }
            _ => Err(Refusal::unsupported(format_args!("the function {name} with these arguments"))),
        }
    }
}
