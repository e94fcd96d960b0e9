//! Calls of functions: how they are read, and those that need more than to know what they take and return.

use sqlparser::ast::{
    BinaryOperator, DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause,
    FunctionArguments, OrderByExpr, WindowType,
};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::{Kind, bits, element};
use super::super::stored::quoted_text;
use super::aggregates::Aggregate;
use super::naming::{folded, relation_name};
use super::scope::Scope;
use super::{CLOCK_MARK, Form, NOW_MARK, Translator, Typed};

impl Translator<'_> {
    /// A call of a function.
    pub(super) fn call(&mut self, function: &Function, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let name = relation_name(&function.name)?;
        if !function.within_group.is_empty() || function.null_treatment.is_some() {
            return Err(Refusal::unsupported(format_args!("the call {function}")));
        }
        let (list, distinct, order): (&[FunctionArg], bool, &[OrderByExpr]) = match &function.args {
            FunctionArguments::None => (&[], false, &[]),
            FunctionArguments::List(list) => {
                let order = match list.clauses.as_slice() {
                    [] => &[],
                    [FunctionArgumentClause::OrderBy(order)] => order.as_slice(),
                    _ => return Err(Refusal::unsupported(format_args!("the call {function}"))),
                };
                (&list.args, list.duplicate_treatment == Some(DuplicateTreatment::Distinct), order)
            }
            FunctionArguments::Subquery(_) => {
                return Err(Refusal::unsupported(format_args!("the call {function}")));
            }
        };
        let over = match &function.over {
            None => None,
            Some(WindowType::WindowSpec(window)) if window.window_name.is_none() && window.window_frame.is_none() => {
                let mut parts = Vec::new();
                if !window.partition_by.is_empty() {
                    let by = window
                        .partition_by
                        .iter()
                        .map(|expr| {
                            let typed = self.expression(expr, scope)?;
                            Ok(self.settled(typed)?.sql)
                        })
                        .collect::<Result<Vec<String>, Refusal>>()?;
                    parts.push(format!("PARTITION BY {}", by.join(", ")));
                }
                if !window.order_by.is_empty() {
                    parts.push(format!("ORDER BY {}", self.ordering(&window.order_by, scope)?.join(", ")));
                }
                Some(format!(" OVER ({})", parts.join(" ")))
            }
            Some(_) => return Err(Refusal::unsupported("window frames and named windows")),
        };
        let mark = scope.bare.borrow().len();
        let suffix = match &function.filter {
            Some(filter) => {
                let filter = self.truth(filter, scope, "FILTER")?;
                scope.bare.borrow_mut().truncate(mark);
                format!(" FILTER (WHERE {filter})")
            }
            None => String::new(),
        } + over.as_deref().unwrap_or_default();
        let aggregate = Aggregate { name: &name, list, distinct, order, suffix: &suffix, window: over.is_some() };
        if let Some(typed) = self.aggregate(&aggregate, scope)? {
            return Ok(typed);
        }
        if !suffix.is_empty() || distinct || !order.is_empty() {
            return Err(Refusal::unsupported(format_args!("the call {function}")));
        }
        if name == "make_interval" {
            return self.make_interval(list, scope);
        }
        let mut arguments = Vec::with_capacity(list.len());
        let mut exprs = Vec::with_capacity(list.len());
        for argument in list {
            let FunctionArg::Unnamed(FunctionArgExpr::Expr(expr)) = argument else {
                return Err(Refusal::unsupported(format_args!("the call {function}")));
            };
            exprs.push(expr);
            arguments.push(self.expression(expr, scope)?);
        }
        self.plain_call(&name, &arguments, &exprs, scope)
    }

    /// A function of the row.
    fn plain_call(
        &mut self,
        name: &str,
        arguments: &[Typed],
        exprs: &[&Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let count = arguments.len();
        match (name, count) {
            ("now" | "transaction_timestamp" | "current_timestamp", 0) => Ok(moment(NOW_MARK)),
            ("statement_timestamp" | "clock_timestamp", 0) => Ok(moment(CLOCK_MARK)),
            ("coalesce", 1..) => {
                let kind = self.common(arguments, "COALESCE")?;
                let words = self.all_common(arguments, kind)?;
                let nullable = arguments.iter().all(|argument| argument.nullable);
                // Of one argument there is nothing to choose, and the storage knows no such call.
                let sql = if count == 1 { words.join("") } else { format!("coalesce({})", words.join(", ")) };
                Ok(Typed { nullable, ..Typed::plain(sql, kind) })
            }
            ("greatest" | "least", 1..) => {
                let kind = self.common(arguments, &name.to_uppercase())?;
                let words = self.all_common(arguments, kind)?;
                Ok(Typed::plain(format!("pg_{name}({})", words.join(", ")), kind))
            }
            ("nullif", 2) => {
                let (one, other) = self.comparable(&arguments[0], &BinaryOperator::Eq, &arguments[1])?;
                let kind = match self.kind_of(&arguments[0]) {
                    Kind::Unknown => Kind::Of(Type::Text),
                    kind => kind,
                };
                let value = self.as_common(&arguments[0], kind)?;
                Ok(Typed::plain(format!("(CASE WHEN {one} = {other} THEN NULL ELSE {value} END)"), kind))
            }
            ("concat", 1..) => {
                let words: Vec<String> = arguments.iter().map(|argument| self.as_text(argument)).collect();
                Ok(Typed::of(format!("concat({})", words.join(", ")), Type::Text))
            }
            ("concat_ws", 2..) => {
                let words: Vec<String> = arguments.iter().map(|argument| self.as_text(argument)).collect();
                Ok(Typed::of(format!("concat_ws({})", words.join(", ")), Type::Text))
            }
            ("abs", 1) => match self.kind_of(&arguments[0]) {
                Kind::Of(kind) if bits(kind).is_some() => {
                    let width = bits(kind).unwrap_or(64);
                    Ok(Typed::of(format!("pg_absolute({}, {width})", arguments[0].sql), kind))
                }
                kind if kind.is_number() => Ok(Typed::plain(format!("abs({})", arguments[0].sql), kind)),
                _ => Err(self.no_function(name, arguments)),
            },
            ("mod", 2) => {
                let kind = self.common(arguments, "mod")?;
                let words = self.all_common(arguments, kind)?;
                match kind {
                    Kind::Of(whole) if bits(whole).is_some() => {
                        let width = bits(whole).unwrap_or(64);
                        Ok(Typed::of(format!("pg_remainder({}, {width})", words.join(", ")), whole))
                    }
                    _ => Err(self.no_function(name, arguments)),
                }
            }
            _ => self.other_call(name, arguments, exprs, scope),
        }
    }

    /// Functions of moments, documents, bytes, arrays, and those that round.
    fn other_call(
        &mut self,
        name: &str,
        arguments: &[Typed],
        exprs: &[&Expr],
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let count = arguments.len();
        match (name, count) {
            ("date_part", 2) => {
                let Form::Literal(field) = &arguments[0].form else {
                    return Err(Refusal::unsupported("date_part of a field that is no literal"));
                };
                let field = field.to_lowercase();
                let part = self.extract(&field, exprs[1], scope)?;
                self.cast(&part, Type::Float8, None)
            }
            ("date_trunc", 2) => {
                let field = self.implicit(&arguments[0], Type::Text, "argument of date_trunc")?;
                let moment = self.implicit(&arguments[1], Type::Timestamptz, "argument of date_trunc")?;
                Ok(Typed::of(format!("pg_date_trunc({field}, {moment})"), Type::Timestamptz))
            }
            ("jsonb_build_object", _) if count.is_multiple_of(2) => {
                let mut words = Vec::with_capacity(count);
                for (place, argument) in arguments.iter().enumerate() {
                    if place.is_multiple_of(2) {
                        words.push(self.as_text(argument));
                    } else {
                        let argument = self.settled(argument.clone())?;
                        words.push(self.as_json(&argument)?);
                    }
                }
                Ok(Typed::of(format!("pg_json_object({})", words.join(", ")), Type::Jsonb))
            }
            ("to_jsonb", 1) => {
                let argument = self.settled(arguments[0].clone())?;
                Ok(Typed::of(self.as_json(&argument)?, Type::Jsonb))
            }
            ("length" | "octet_length", 1) if self.kind_of(&arguments[0]) == Kind::Of(Type::Bytea) => {
                Ok(Typed::of(format!("length({})", arguments[0].sql), Type::Int4))
            }
            ("cardinality", 1) | ("array_length", 2) => match self.kind_of(&arguments[0]) {
                Kind::Of(kind) if element(kind).is_some() => {
                    let length = format!("json_array_length({})", arguments[0].sql);
                    let length = if count == 2 { format!("nullif({length}, 0)") } else { length };
                    Ok(Typed::of(length, Type::Int4))
                }
                _ => Err(self.no_function(name, arguments)),
            },
            ("floor" | "ceil" | "ceiling", 1) => self.rounding(name, exprs[0], scope),
            ("round", 1) => match self.kind_of(&arguments[0]) {
                Kind::Of(Type::Float8) => Ok(Typed::of(format!("pg_round({})", arguments[0].sql), Type::Float8)),
                kind if kind.is_number() => Ok(Typed::plain(format!("round({})", arguments[0].sql), Kind::Numeric)),
                _ => Err(self.no_function(name, arguments)),
            },
            _ => self.listed_call(name, arguments),
        }
    }

    fn all_common(&mut self, all: &[Typed], kind: Kind) -> Result<Vec<String>, Refusal> {
        all.iter().map(|typed| self.as_common(typed, kind)).collect()
    }

    fn make_interval(&mut self, list: &[FunctionArg], scope: &Scope<'_>) -> Result<Typed, Refusal> {
        const PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
        let mut parts = ["0", "0", "0", "0", "0", "0", "0.0"].map(str::to_owned);
        for (place, argument) in list.iter().enumerate() {
            let (place, value) = match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) if place < PARTS.len() => (place, value),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. }
                | FunctionArg::ExprNamed { name: Expr::Identifier(name), arg: FunctionArgExpr::Expr(value), .. } => {
                    let name = folded(name);
                    let place = PARTS.iter().position(|part| *part == name).ok_or_else(|| {
                        Refusal::new("42883", format!("function make_interval({name} => …) does not exist"))
                    })?;
                    (place, value)
                }
                other => return Err(Refusal::unsupported(format_args!("the argument {other}"))),
            };
            let kind = if place == 6 { Type::Float8 } else { Type::Int4 };
            let value = self.expression(value, scope)?;
            parts[place] = self.implicit(&value, kind, "argument of make_interval")?;
        }
        Ok(Typed::of(format!("pg_make_interval({})", parts.join(", ")), Type::Interval))
    }

    /// `extract(field from moment or interval)`
    pub(super) fn extract(&mut self, field: &str, inner: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let typed = self.expression(inner, scope)?;
        let function = match self.kind_of(&typed) {
            Kind::Of(Type::Timestamptz) => "pg_extract",
            Kind::Of(Type::Interval) if field == "epoch" => "pg_interval_epoch",
            Kind::Of(Type::Interval) => {
                return Err(Refusal::unsupported(format_args!("extract({field} from an interval)")));
            }
            kind => {
                return Err(Refusal::new(
                    "42883",
                    format!("function pg_catalog.extract(unknown, {}) does not exist", kind.name()),
                ));
            }
        };
        let field = quoted_text(field);
        Ok(Typed::plain(format!("{function}({field}, {})", typed.sql), Kind::Numeric))
    }

    /// `floor` and `ceil`
    pub(super) fn rounding(&mut self, name: &str, inner: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let typed = self.expression(inner, scope)?;
        let name = if name == "floor" { "floor" } else { "ceil" };
        match self.kind_of(&typed) {
            Kind::Numeric => Ok(Typed::plain(format!("pg_{name}({})", typed.sql), Kind::Numeric)),
            _ => {
                let sql = self.implicit(&typed, Type::Float8, &format!("argument of {name}"))?;
                Ok(Typed::of(format!("pg_{name}({sql})"), Type::Float8))
            }
        }
    }

    /// The expression as a document.
    fn as_json(&mut self, typed: &Typed) -> Result<String, Refusal> {
        let sql = &typed.sql;
        match typed.kind {
            Kind::Of(Type::Jsonb) => Ok(sql.clone()),
            Kind::Of(Type::Bool) => Ok(format!("(CASE WHEN {sql} THEN 'true' ELSE 'false' END)")),
            kind if kind.is_number() => Ok(self.as_text(typed)),
            kind if kind.is_text() || kind == Kind::Of(Type::Uuid) => {
                Ok(format!("pg_json_quote({})", self.as_text(typed)))
            }
            kind => Err(Refusal::unsupported(format_args!("{} in a document", kind.name()))),
        }
    }

    /// An argument that is text.
    pub(super) fn text_argument(&mut self, expr: &Expr, of: &str, scope: &Scope<'_>) -> Result<String, Refusal> {
        let typed = self.expression(expr, scope)?;
        self.implicit(&typed, Type::Text, &format!("argument of {of}"))
    }

    /// An argument that is a whole number.
    pub(super) fn int_argument(&mut self, expr: &Expr, of: &str, scope: &Scope<'_>) -> Result<String, Refusal> {
        let typed = self.expression(expr, scope)?;
        self.implicit(&typed, Type::Int4, &format!("argument of {of}"))
    }

    pub(super) fn no_function(&self, name: &str, arguments: &[Typed]) -> Refusal {
        let kinds: Vec<&str> = arguments.iter().map(|argument| self.kind_of(argument).name()).collect();
        Refusal::new("42883", format!("function {name}({}) does not exist", kinds.join(", ")))
    }
}

fn moment(mark: &str) -> Typed {
    Typed { nullable: false, ..Typed::of(mark, Type::Timestamptz) }
}
