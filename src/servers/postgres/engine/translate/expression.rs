//! Expressions: what each is in the storage's SQL, and of which type.

use std::fmt::Write as _;

use sqlparser::ast::{
    BinaryOperator, CaseWhen, DataType, DateTimeField, Expr, Ident, Interval as IntervalLiteral, TrimWhereField,
    UnaryOperator, Value,
};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::interval::Interval;
use super::super::kinds::{Kind, array_of, declared, element};
use super::super::stored::{literal, quoted_name, quoted_text};
use super::naming::folded;
use super::scope::Scope;
use super::{Form, Translator, Typed};

impl Translator<'_> {
    /// Translates an expression.
    pub(super) fn expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let mark = scope.bare.borrow().len();
        let typed = self.any_expression(expr, scope)?;
        if scope.groups.borrow().contains(&typed.sql) {
            scope.bare.borrow_mut().truncate(mark);
        }
        Ok(typed)
    }

    fn any_expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        match expr {
            Expr::Identifier(ident) => self.column(ident, scope),
            Expr::CompoundIdentifier(parts) => self.qualified_column(parts, scope, expr),
            Expr::Nested(inner) => {
                let inner = self.expression(inner, scope)?;
                Ok(if inner.form == Form::Plain { Typed { sql: format!("({})", inner.sql), ..inner } } else { inner })
            }
            Expr::Value(value) => self.value(&value.value),
            Expr::TypedString(typed) => {
                let kind = declared(&typed.data_type)?.kind;
                let text = typed.value.value.clone().into_string().ok_or_else(|| unsupported(expr))?;
                let literal = Typed { form: Form::Literal(text), ..Typed::plain("", Kind::Unknown) };
                self.cast(&literal, kind, None)
            }
            Expr::Interval(interval) => interval_literal(interval),
            Expr::Cast { expr: inner, data_type, format: None, .. } => self.cast_expression(inner, data_type, scope),
            Expr::IsNull(inner) => self.null_test(inner, "IS NULL", scope),
            Expr::IsNotNull(inner) => self.null_test(inner, "IS NOT NULL", scope),
            Expr::IsTrue(inner)
            | Expr::IsNotTrue(inner)
            | Expr::IsFalse(inner)
            | Expr::IsNotFalse(inner)
            | Expr::IsUnknown(inner)
            | Expr::IsNotUnknown(inner) => self.truth_test(expr, inner, scope),
            Expr::IsDistinctFrom(left, right) => self.distinct(left, right, "IS NOT", scope),
            Expr::IsNotDistinctFrom(left, right) => self.distinct(left, right, "IS", scope),
            Expr::InList { expr: needle, list, negated } => self.in_list(needle, list, *negated, scope),
            Expr::InSubquery { expr: needle, subquery, negated } => self.in_subquery(needle, subquery, *negated, scope),
            Expr::Between { expr: middle, negated, low, high } => {
                let low = self.comparison(middle, &BinaryOperator::GtEq, low, scope)?;
                let high = self.comparison(middle, &BinaryOperator::LtEq, high, scope)?;
                let not = if *negated { "NOT " } else { "" };
                Ok(Typed::of(format!("({not}({} AND {}))", low.sql, high.sql), Type::Bool))
            }
            Expr::BinaryOp { left, op, right } => self.binary(left, op, right, scope),
            Expr::UnaryOp { op, expr: inner } => self.unary(*op, inner, scope),
            Expr::Like { negated, any: false, expr: text, pattern, escape_char: None } => {
                self.like(text, pattern, *negated, false, scope)
            }
            Expr::ILike { negated, any: false, expr: text, pattern, escape_char: None } => {
                self.like(text, pattern, *negated, true, scope)
            }
            Expr::AnyOp { left, compare_op, right, .. } => self.any_or_all(left, compare_op, right, false, scope),
            Expr::AllOp { left, compare_op, right } => self.any_or_all(left, compare_op, right, true, scope),
            Expr::Case { operand, conditions, else_result, .. } => {
                self.case(operand.as_deref(), conditions, else_result.as_deref(), scope)
            }
            Expr::Exists { subquery, negated } => {
                let (sql, _) = self.query(subquery, Some(scope), None)?;
                let not = if *negated { "NOT " } else { "" };
                Ok(Typed { nullable: false, ..Typed::of(format!("({not}EXISTS ({sql}))"), Type::Bool) })
            }
            Expr::Subquery(query) => {
                let (sql, fields) = self.query(query, Some(scope), None)?;
                match fields.as_slice() {
                    [field] if self.single => Ok(Typed::plain(format!("({sql})"), field.kind)),
                    [field] => {
                        // The storage would take the first of several rows and say nothing.
                        let (alias, name) = (self.alias(), quoted_name(&field.name));
                        let counted =
                            format!("SELECT pg_single(count(*), max({alias}.{name})) FROM ({sql}) AS {alias}");
                        Ok(Typed::plain(format!("({counted})"), field.kind))
                    }
                    _ => Err(Refusal::new("42601", "subquery must return only one column")),
                }
            }
            Expr::Function(function) => self.call(function, scope),
            Expr::Extract { field, expr: inner, .. } => {
                let field = field_name(field);
                self.extract(&field, inner, scope)
            }
            Expr::Position { .. } | Expr::Substring { .. } | Expr::Trim { .. } => self.text_expression(expr, scope),
            Expr::Floor { expr: inner, .. } => self.rounding("floor", inner, scope),
            Expr::Ceil { expr: inner, .. } => self.rounding("ceil", inner, scope),
            Expr::Array(array) => self.array(&array.elem, scope),
            Expr::Collate { expr: inner, collation } if matches!(collation.to_string().as_str(), "\"C\"" | "C") => {
                self.expression(inner, scope)
            }
            other => Err(unsupported(other)),
        }
    }

    /// What has a grammar of its own among the functions of texts.
    fn text_expression(&mut self, expr: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        match expr {
            Expr::Position { expr: needle, r#in } => {
                let needle = self.text_argument(needle, "position", scope)?;
                let hay = self.text_argument(r#in, "position", scope)?;
                Ok(Typed::of(format!("instr({hay}, {needle})"), Type::Int4))
            }
            Expr::Substring { expr: text, substring_from, substring_for, .. } => {
                let text = self.text_argument(text, "substring", scope)?;
                let from = match substring_from {
                    Some(from) => self.int_argument(from, "substring", scope)?,
                    None => "1".to_owned(),
                };
                let length = match substring_for {
                    Some(length) => format!(", {}", self.int_argument(length, "substring", scope)?),
                    None => String::new(),
                };
                Ok(Typed::of(format!("pg_substr({text}, {from}{length})"), Type::Text))
            }
            Expr::Trim { trim_where, trim_what, expr: text, trim_characters: None } => {
                let name = match trim_where {
                    None | Some(TrimWhereField::Both) => "trim",
                    Some(TrimWhereField::Leading) => "ltrim",
                    Some(TrimWhereField::Trailing) => "rtrim",
                };
                let text = self.text_argument(text, "btrim", scope)?;
                let what = match trim_what {
                    Some(what) => format!(", {}", self.text_argument(what, "btrim", scope)?),
                    None => String::new(),
                };
                Ok(Typed::of(format!("{name}({text}{what})"), Type::Text))
            }
            other => Err(unsupported(other)),
        }
    }

    /// A condition.
    pub(super) fn truth(&mut self, expr: &Expr, scope: &Scope<'_>, what: &str) -> Result<String, Refusal> {
        let typed = self.expression(expr, scope)?;
        self.implicit(&typed, Type::Bool, &format!("argument of {what}"))
    }

    fn column(&mut self, ident: &Ident, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let found = scope.column(&folded(ident))?;
        self.correlated |= found.outer;
        let mut typed = Typed::plain(found.field.sql, found.field.kind);
        typed.nullable = found.field.nullable;
        Ok(typed)
    }

    fn qualified_column(&mut self, parts: &[Ident], scope: &Scope<'_>, expr: &Expr) -> Result<Typed, Refusal> {
        let (relation, column) = match parts {
            [relation, column] => (relation, column),
            [schema, relation, column] if folded(schema) == "public" => (relation, column),
            _ => return Err(unsupported(expr)),
        };
        let found = scope.column_of(&folded(relation), &folded(column))?;
        self.correlated |= found.outer;
        let mut typed = Typed::plain(found.field.sql, found.field.kind);
        typed.nullable = found.field.nullable;
        Ok(typed)
    }

    fn value(&mut self, value: &Value) -> Result<Typed, Refusal> {
        let unknown = |sql: &str, form| Ok(Typed { form, ..Typed::plain(sql, Kind::Unknown) });
        match value {
            Value::Number(digits, _) => Ok(number(digits)?),
            Value::SingleQuotedString(text) | Value::EscapedStringLiteral(text) => {
                unknown(&quoted_text(text), Form::Literal(text.clone()))
            }
            Value::DollarQuotedString(text) => unknown(&quoted_text(&text.value), Form::Literal(text.value.clone())),
            Value::Boolean(truth) => {
                Ok(Typed { nullable: false, ..Typed::of(if *truth { "1" } else { "0" }, Type::Bool) })
            }
            Value::Null => unknown("NULL", Form::Null),
            Value::Placeholder(name) => {
                let number = name.strip_prefix('$').and_then(|digits| digits.parse::<usize>().ok());
                let number = number
                    .filter(|number| (1..=self.parameters.len()).contains(number))
                    .ok_or_else(|| Refusal::new("42P02", format!("there is no parameter {name}")))?;
                match self.parameters[number - 1] {
                    Some(kind) => Ok(Typed::of(format!("?{number}"), kind)),
                    None => unknown(&format!("?{number}"), Form::Parameter(number - 1)),
                }
            }
            other => Err(Refusal::unsupported(format_args!("the literal {other}"))),
        }
    }

    fn cast_expression(&mut self, inner: &Expr, data: &DataType, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let target = declared(data)?;
        if let Expr::Array(array) = inner
            && array.elem.is_empty()
        {
            let empty = Typed { form: Form::Literal("{}".to_owned()), ..Typed::plain("", Kind::Unknown) };
            return self.cast(&empty, target.kind, None);
        }
        let inner = self.expression(inner, scope)?;
        self.cast(&inner, target.kind, target.length)
    }

    fn null_test(&mut self, inner: &Expr, test: &str, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let inner = self.expression(inner, scope)?;
        Ok(Typed { nullable: false, ..Typed::of(format!("({} {test})", inner.sql), Type::Bool) })
    }

    fn truth_test(&mut self, test: &Expr, inner: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let word = match test {
            Expr::IsTrue(_) => "IS TRUE",
            Expr::IsNotTrue(_) => "IS NOT TRUE",
            Expr::IsFalse(_) => "IS FALSE",
            Expr::IsNotFalse(_) => "IS NOT FALSE",
            Expr::IsUnknown(_) => "IS NULL",
            _ => "IS NOT NULL",
        };
        let inner = self.truth(inner, scope, "IS")?;
        Ok(Typed { nullable: false, ..Typed::of(format!("({inner} {word})"), Type::Bool) })
    }

    fn unary(&mut self, op: UnaryOperator, inner: &Expr, scope: &Scope<'_>) -> Result<Typed, Refusal> {
        match op {
            UnaryOperator::Not => {
                let inner = self.truth(inner, scope, "NOT")?;
                Ok(Typed::of(format!("(NOT {inner})"), Type::Bool))
            }
            UnaryOperator::Minus => {
                if let Expr::Value(value) = inner
                    && let Value::Number(digits, _) = &value.value
                {
                    return number(&format!("-{digits}"));
                }
                let typed = self.expression(inner, scope)?;
                self.negated(&typed)
            }
            UnaryOperator::Plus => self.expression(inner, scope),
            other => Err(Refusal::unsupported(format_args!("the operator {other}"))),
        }
    }

    fn case(
        &mut self,
        operand: Option<&Expr>,
        conditions: &[CaseWhen],
        otherwise: Option<&Expr>,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let mut tests = Vec::with_capacity(conditions.len());
        let mut results = Vec::with_capacity(conditions.len() + 1);
        for CaseWhen { condition, result } in conditions {
            tests.push(match operand {
                Some(operand) => self.comparison(operand, &BinaryOperator::Eq, condition, scope)?.sql,
                None => self.truth(condition, scope, "CASE/WHEN")?,
            });
            results.push(self.expression(result, scope)?);
        }
        match otherwise {
            Some(otherwise) => results.push(self.expression(otherwise, scope)?),
            None => results.push(Typed { form: Form::Null, ..Typed::plain("NULL", Kind::Unknown) }),
        }
        let kind = self.common(&results, "CASE")?;
        let mut sql = "CASE".to_owned();
        for (number, result) in results.iter().enumerate() {
            let result = self.as_common(result, kind)?;
            match tests.get(number) {
                Some(test) => write!(sql, " WHEN {test} THEN {result}"),
                None => write!(sql, " ELSE {result} END"),
            }
            .expect("a String can be written to");
        }
        Ok(Typed::plain(format!("({sql})"), kind))
    }

    fn array(&mut self, items: &[Expr], scope: &Scope<'_>) -> Result<Typed, Refusal> {
        let items = items.iter().map(|item| self.expression(item, scope)).collect::<Result<Vec<_>, _>>()?;
        if items.is_empty() {
            return Err(Refusal::new("42P18", "cannot determine type of empty array"));
        }
        let kind = self.common(&items, "ARRAY")?;
        let array = match kind {
            Kind::Of(kind) => array_of(kind),
            _ => None,
        };
        let Some(array) = array else {
            return Err(Refusal::unsupported(format_args!("arrays of {}", kind.name())));
        };
        let mut cells = Vec::with_capacity(items.len());
        for item in &items {
            let item = self.as_common(item, kind)?;
            cells.push(in_array(&item, element(array).unwrap_or(Type::Text)));
        }
        Ok(Typed { nullable: false, ..Typed::of(format!("json_array({})", cells.join(", ")), array) })
    }
}

/// An element as it lies in an array.
pub(super) fn in_array(sql: &str, kind: Type) -> String {
    match kind {
        Type::Uuid => format!("pg_tell({}, {sql})", super::super::functions::code(kind)),
        _ => sql.to_owned(),
    }
}

/// What an array's element is once it is out of it.
pub(super) fn out_of_array(sql: &str, kind: Type) -> String {
    match kind {
        Type::Uuid => format!("pg_parse({}, {sql})", super::super::functions::code(kind)),
        _ => sql.to_owned(),
    }
}

fn number(digits: &str) -> Result<Typed, Refusal> {
    let plain = |sql: String, kind| Ok(Typed { nullable: false, ..Typed::plain(sql, kind) });
    if let Ok(number) = digits.parse::<i64>() {
        let kind = if i32::try_from(number).is_ok() { Type::Int4 } else { Type::Int8 };
        return plain(literal(&rusqlite::types::Value::Integer(number)), Kind::Of(kind));
    }
    let number: f64 =
        digits.parse().map_err(|_| Refusal::new("42601", format!("syntax error at or near \"{digits}\"")))?;
    plain(literal(&rusqlite::types::Value::Real(number)), Kind::Numeric)
}

fn interval_literal(interval: &IntervalLiteral) -> Result<Typed, Refusal> {
    let whole = |text: &str| {
        let text = match &interval.leading_field {
            Some(field) => format!("{text} {}", field_name(field)),
            None => text.to_owned(),
        };
        let cell = rusqlite::types::Value::Blob(Interval::parse(&text)?.stored());
        Ok(Typed { nullable: false, ..Typed::of(literal(&cell), Type::Interval) })
    };
    match interval.value.as_ref() {
        Expr::Value(value) if interval.last_field.is_none() => match &value.value {
            Value::SingleQuotedString(text) => whole(text),
            other => Err(Refusal::unsupported(format_args!("the interval {other}"))),
        },
        other => Err(Refusal::unsupported(format_args!("the interval {other}"))),
    }
}

fn field_name(field: &DateTimeField) -> String {
    field.to_string().to_lowercase()
}

fn unsupported(expr: &Expr) -> Refusal {
    Refusal::unsupported(format_args!("the expression {expr}"))
}
