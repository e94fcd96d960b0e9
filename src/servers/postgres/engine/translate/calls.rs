//! Functions by name: what each takes, what it returns, and what it is in the storage's SQL.

use sqlparser::ast::{
    DuplicateTreatment, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArgumentClause, FunctionArguments,
    OrderByExpr, WindowType,
};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::{Kind, array_of, bits};
use super::expression::in_array;
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
        let suffix = match &function.filter {
            Some(filter) => format!(" FILTER (WHERE {})", self.truth(filter, scope, "FILTER")?),
            None => String::new(),
        } + over.as_deref().unwrap_or_default();
        if let Some(typed) = self.aggregate(&name, list, distinct, order, &suffix, over.is_some(), scope)? {
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
                let (one, other) =
                    self.comparable(&arguments[0], &sqlparser::ast::BinaryOperator::Eq, &arguments[1])?;
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
            ("length", 1) if self.kind_of(&arguments[0]) == Kind::Of(Type::Bytea) => {
                Ok(Typed::of(format!("length({})", arguments[0].sql), Type::Int4))
            }
            ("octet_length", 1) if self.kind_of(&arguments[0]) == Kind::Of(Type::Bytea) => {
                Ok(Typed::of(format!("length({})", arguments[0].sql), Type::Int4))
            }
            ("cardinality", 1) | ("array_length", 2) => match self.kind_of(&arguments[0]) {
                Kind::Of(kind) if super::super::kinds::element(kind).is_some() => {
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

    /// A function that is known by what it takes and returns alone.
    fn listed_call(&mut self, name: &str, arguments: &[Typed]) -> Result<Typed, Refusal> {
        let forms: Vec<&Listed> = LISTED.iter().filter(|listed| listed.name == name).collect();
        if forms.is_empty() {
            if KNOWN.contains(&name) || name.starts_with("pg_") {
                return Err(Refusal::unsupported(format_args!("the function {name}")));
            }
            return Err(self.no_function(name, arguments));
        }
        let fitting = forms.iter().find(|listed| {
            listed.takes.len() == arguments.len()
                && listed.takes.iter().zip(arguments).all(|(&takes, argument)| match self.kind_of(argument) {
                    Kind::Unknown => true,
                    Kind::Numeric => takes == Type::Float8,
                    kind if kind.is_text() => takes == Type::Text,
                    kind => match (kind.rank(), Kind::Of(takes).rank()) {
                        (Some(narrow), Some(wide)) => narrow <= wide,
                        _ => kind == Kind::Of(takes),
                    },
                })
        });
        let Some(listed) = fitting else {
            return Err(self.no_function(name, arguments));
        };
        let mut words = Vec::with_capacity(arguments.len());
        for (&takes, argument) in listed.takes.iter().zip(arguments) {
            words.push(self.implicit(argument, takes, &format!("argument of {name}"))?);
        }
        self.locks |= listed.locks;
        let mut sql = listed.sql.to_owned();
        for (place, word) in words.iter().enumerate().rev() {
            sql = sql.replace(&format!("${}", place + 1), word);
        }
        Ok(Typed::of(sql, listed.returns))
    }

    fn all_common(&mut self, all: &[Typed], kind: Kind) -> Result<Vec<String>, Refusal> {
        all.iter().map(|typed| self.as_common(typed, kind)).collect()
    }

    #[expect(clippy::too_many_arguments, reason = "the parts of one call, taken apart in one place")]
    fn aggregate(
        &mut self,
        name: &str,
        list: &[FunctionArg],
        distinct: bool,
        order: &[OrderByExpr],
        suffix: &str,
        window: bool,
        scope: &Scope<'_>,
    ) -> Result<Option<Typed>, Refusal> {
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
        let only =
            |count: usize| if arguments.len() == count { Ok(()) } else { Err(self.no_function(name, &arguments)) };
        let word = if distinct { "DISTINCT " } else { "" };
        let text = matches!(name, "string_agg");
        only(if text { 2 } else { 1 })?;
        let first = self.settled(arguments[0].clone())?;
        let (sql, kind) = (&first.sql, first.kind);
        let numeric_or_refused = || {
            if kind.is_number() { Ok(()) } else { Err(self.no_function(name, &arguments)) }
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
                    return Err(self.no_function(name, &arguments));
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
        Ok(Some(typed))
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

    fn make_interval(&mut self, list: &[FunctionArg], scope: &Scope<'_>) -> Result<Typed, Refusal> {
        const PARTS: [&str; 7] = ["years", "months", "weeks", "days", "hours", "mins", "secs"];
        let mut parts = ["0", "0", "0", "0", "0", "0", "0.0"].map(str::to_owned);
        for (place, argument) in list.iter().enumerate() {
            let (place, value) = match argument {
                FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) if place < PARTS.len() => (place, value),
                FunctionArg::Named { name, arg: FunctionArgExpr::Expr(value), .. } => {
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
        let field = super::super::stored::quoted_text(field);
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

    fn no_function(&self, name: &str, arguments: &[Typed]) -> Refusal {
        let kinds: Vec<&str> = arguments.iter().map(|argument| self.kind_of(argument).name()).collect();
        Refusal::new("42883", format!("function {name}({}) does not exist", kinds.join(", ")))
    }
}

fn moment(mark: &str) -> Typed {
    Typed { nullable: false, ..Typed::of(mark, Type::Timestamptz) }
}

/// A function that is known by what it takes and returns alone.
struct Listed {
    name: &'static str,
    takes: &'static [Type],
    returns: Type,
    /// `$1` for its first argument.
    sql: &'static str,
    /// Whether it takes or gives back a lock.
    locks: bool,
}

const fn listed(name: &'static str, takes: &'static [Type], returns: Type, sql: &'static str) -> Listed {
    Listed { name, takes, returns, sql, locks: false }
}

const fn lock(name: &'static str, takes: &'static [Type], returns: Type, sql: &'static str) -> Listed {
    Listed { name, takes, returns, sql, locks: true }
}

/// What a real server knows and this one does not.
const KNOWN: [&str; 16] = [
    "md5",
    "sha256",
    "random",
    "age",
    "to_char",
    "to_date",
    "to_number",
    "regexp_replace",
    "regexp_match",
    "format",
    "jsonb_set",
    "row_to_json",
    "jsonb_build_array",
    "quote_ident",
    "txid_current",
    "unnest",
];

use Type::{Bool, Bytea, Float8, Int4, Int8, Text, Timestamptz, Uuid, Void};

const LISTED: &[Listed] = &[
    listed("lower", &[Text], Text, "lower($1)"),
    listed("upper", &[Text], Text, "upper($1)"),
    listed("length", &[Text], Int4, "length($1)"),
    listed("char_length", &[Text], Int4, "length($1)"),
    listed("character_length", &[Text], Int4, "length($1)"),
    listed("octet_length", &[Text], Int4, "octet_length($1)"),
    listed("substr", &[Text, Int4], Text, "pg_substr($1, $2)"),
    listed("substr", &[Text, Int4, Int4], Text, "pg_substr($1, $2, $3)"),
    listed("substring", &[Text, Int4], Text, "pg_substr($1, $2)"),
    listed("substring", &[Text, Int4, Int4], Text, "pg_substr($1, $2, $3)"),
    listed("strpos", &[Text, Text], Int4, "instr($1, $2)"),
    listed("replace", &[Text, Text, Text], Text, "replace($1, $2, $3)"),
    listed("btrim", &[Text], Text, "trim($1)"),
    listed("btrim", &[Text, Text], Text, "trim($1, $2)"),
    listed("ltrim", &[Text], Text, "ltrim($1)"),
    listed("ltrim", &[Text, Text], Text, "ltrim($1, $2)"),
    listed("rtrim", &[Text], Text, "rtrim($1)"),
    listed("rtrim", &[Text, Text], Text, "rtrim($1, $2)"),
    listed("left", &[Text, Int4], Text, "pg_left($1, $2)"),
    listed("right", &[Text, Int4], Text, "pg_right($1, $2)"),
    listed("repeat", &[Text, Int4], Text, "pg_repeat($1, $2)"),
    listed("lpad", &[Text, Int4, Text], Text, "pg_lpad($1, $2, $3)"),
    listed("lpad", &[Text, Int4], Text, "pg_lpad($1, $2, ' ')"),
    listed("split_part", &[Text, Text, Int4], Text, "pg_split_part($1, $2, $3)"),
    listed("starts_with", &[Text, Text], Bool, "pg_starts_with($1, $2)"),
    listed("encode", &[Bytea, Text], Text, "pg_encode($1, $2)"),
    listed("decode", &[Text, Text], Bytea, "pg_decode($1, $2)"),
    listed("to_timestamp", &[Float8], Timestamptz, "pg_to_timestamp($1)"),
    listed("gen_random_uuid", &[], Uuid, "pg_uuid()"),
    listed("hashtext", &[Text], Int4, "pg_hashtext($1)"),
    listed("nextval", &[Text], Int8, "pg_nextval($1)"),
    listed("version", &[], Text, "'PostgreSQL 15.0 (simulated)'"),
    listed("current_database", &[], Text, "pg_setting('database')"),
    listed("current_user", &[], Text, "pg_setting('user')"),
    listed("session_user", &[], Text, "pg_setting('user')"),
    listed("current_schema", &[], Text, "'public'"),
    listed("pg_backend_pid", &[], Int4, "pg_backend()"),
    listed("current_setting", &[Text], Text, "pg_setting($1)"),
    listed("pg_is_in_recovery", &[], Bool, "pg_recovery()"),
    lock("pg_advisory_lock", &[Int8], Void, "pg_advisory('lock', $1)"),
    lock("pg_advisory_lock", &[Int4, Int4], Void, "pg_advisory('lock', $1, $2)"),
    lock("pg_advisory_lock_shared", &[Int8], Void, "pg_advisory('lock_shared', $1)"),
    lock("pg_advisory_lock_shared", &[Int4, Int4], Void, "pg_advisory('lock_shared', $1, $2)"),
    lock("pg_advisory_xact_lock", &[Int8], Void, "pg_advisory('xact_lock', $1)"),
    lock("pg_advisory_xact_lock", &[Int4, Int4], Void, "pg_advisory('xact_lock', $1, $2)"),
    lock("pg_advisory_xact_lock_shared", &[Int8], Void, "pg_advisory('xact_lock_shared', $1)"),
    lock("pg_advisory_xact_lock_shared", &[Int4, Int4], Void, "pg_advisory('xact_lock_shared', $1, $2)"),
    lock("pg_try_advisory_lock", &[Int8], Bool, "pg_advisory('try_lock', $1)"),
    lock("pg_try_advisory_lock", &[Int4, Int4], Bool, "pg_advisory('try_lock', $1, $2)"),
    lock("pg_try_advisory_lock_shared", &[Int8], Bool, "pg_advisory('try_lock_shared', $1)"),
    lock("pg_try_advisory_xact_lock", &[Int8], Bool, "pg_advisory('try_xact_lock', $1)"),
    lock("pg_try_advisory_xact_lock", &[Int4, Int4], Bool, "pg_advisory('try_xact_lock', $1, $2)"),
    lock("pg_try_advisory_xact_lock_shared", &[Int8], Bool, "pg_advisory('try_xact_lock_shared', $1)"),
    lock("pg_advisory_unlock", &[Int8], Bool, "pg_advisory('unlock', $1)"),
    lock("pg_advisory_unlock", &[Int4, Int4], Bool, "pg_advisory('unlock', $1, $2)"),
    lock("pg_advisory_unlock_shared", &[Int8], Bool, "pg_advisory('unlock_shared', $1)"),
    lock("pg_advisory_unlock_all", &[], Void, "pg_advisory('unlock_all')"),
];
