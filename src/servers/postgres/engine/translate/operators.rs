//! Operators: which types each goes with, and what it is in the storage's SQL.

use sqlparser::ast::{BinaryOperator, Expr, Query, SetExpr};

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::kinds::{Kind, array_of, bits, element, name};
use super::expression::out_of_array;
use super::scope::Scope;
use super::{Form, Translator, Typed};

const FLOAT: Kind = Kind::Of(Type::Float8);
const INTERVAL: Kind = Kind::Of(Type::Interval);
const MOMENT: Kind = Kind::Of(Type::Timestamptz);

impl Translator<'_> {
    /// An operator between two expressions.
    pub(super) fn binary(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        match op {
            BinaryOperator::And | BinaryOperator::Or => {
                let what = op.to_string();
                let left = self.truth(left, scope, &what)?;
                let right = self.truth(right, scope, &what)?;
                Ok(Typed::of(format!("({left} {what} {right})"), Type::Bool))
            }
            BinaryOperator::Eq
            | BinaryOperator::NotEq
            | BinaryOperator::Lt
            | BinaryOperator::LtEq
            | BinaryOperator::Gt
            | BinaryOperator::GtEq => self.comparison(left, op, right, scope),
            BinaryOperator::Plus
            | BinaryOperator::Minus
            | BinaryOperator::Multiply
            | BinaryOperator::Divide
            | BinaryOperator::Modulo => {
                let left = self.expression(left, scope)?;
                let right = self.expression(right, scope)?;
                self.arithmetic(&left, op, &right)
            }
            BinaryOperator::StringConcat => {
                let left = self.expression(left, scope)?;
                let right = self.expression(right, scope)?;
                self.concatenation(&left, &right)
            }
            BinaryOperator::Arrow | BinaryOperator::LongArrow => {
                let document = self.expression(left, scope)?;
                let document = self.implicit(&document, Type::Jsonb, "argument of ->")?;
                let path = self.expression(right, scope)?;
                let path = match self.kind_of(&path) {
                    Kind::Of(Type::Int4) => path.sql,
                    _ => self.implicit(&path, Type::Text, "argument of ->")?,
                };
                let (function, kind) = match op {
                    BinaryOperator::Arrow => ("pg_field", Type::Jsonb),
                    _ => ("pg_field_text", Type::Text),
                };
                Ok(Typed::of(format!("{function}({document}, {path})"), kind))
            }
            BinaryOperator::PGLikeMatch => self.like(left, right, false, false, scope),
            BinaryOperator::PGNotLikeMatch => self.like(left, right, true, false, scope),
            BinaryOperator::PGILikeMatch => self.like(left, right, false, true, scope),
            BinaryOperator::PGNotILikeMatch => self.like(left, right, true, true, scope),
            other => Err(Refusal::unsupported(format_args!("the operator {other}"))),
        }
    }

    /// A comparison, of rows too.
    pub(super) fn comparison(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        if let (Expr::Tuple(lefts), Expr::Tuple(rights)) = (left, right) {
            if lefts.len() != rights.len() {
                return Err(Refusal::new("42601", "unequal number of entries in row expressions"));
            }
            let mut pairs = (Vec::new(), Vec::new());
            for (left, right) in lefts.iter().zip(rights) {
                let left = self.expression(left, scope)?;
                let right = self.expression(right, scope)?;
                let (left, right) = self.comparable(&left, op, &right)?;
                pairs.0.push(left);
                pairs.1.push(right);
            }
            return Ok(Typed::of(format!("(({}) {op} ({}))", pairs.0.join(", "), pairs.1.join(", ")), Type::Bool));
        }
        let left = self.expression(left, scope)?;
        let right = self.expression(right, scope)?;
        self.compared(&left, op, &right)
    }

    /// A comparison of two expressions that are translated.
    pub(super) fn compared(&mut self, left: &Typed, op: &BinaryOperator, right: &Typed) -> Result<Typed, Refusal> {
        let nullable = left.nullable || right.nullable;
        let (left, right) = self.comparable(left, op, right)?;
        Ok(Typed { nullable, ..Typed::of(format!("({left} {op} {right})"), Type::Bool) })
    }

    /// `IS [NOT] DISTINCT FROM`
    pub(super) fn distinct(
        &mut self,
        left: &Expr,
        right: &Expr,
        test: &str,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let left = self.expression(left, scope)?;
        let right = self.expression(right, scope)?;
        let (left, right) = self.comparable(&left, &BinaryOperator::Eq, &right)?;
        Ok(Typed { nullable: false, ..Typed::of(format!("({left} {test} {right})"), Type::Bool) })
    }

    /// Both sides so that the storage compares them as Postgres does.
    pub(super) fn comparable(
        &mut self,
        left: &Typed,
        op: &BinaryOperator,
        right: &Typed,
    ) -> Result<(String, String), Refusal> {
        let (one, other) = (self.kind_of(left), self.kind_of(right));
        let kind = match (one, other) {
            (Kind::Unknown, Kind::Unknown) => Kind::Of(Type::Text),
            (Kind::Unknown, kind) | (kind, Kind::Unknown) if kind.is_text() => Kind::Of(Type::Text),
            (Kind::Unknown, Kind::Numeric) | (Kind::Numeric, Kind::Unknown) => FLOAT,
            (Kind::Unknown, kind) | (kind, Kind::Unknown) => kind,
            (one, other) if one == other => one,
            (one, other) if one.is_number() && other.is_number() => {
                return Ok((left.sql.clone(), right.sql.clone()));
            }
            (one, other) if one.is_text() && other.is_text() => Kind::Of(Type::Text),
            (one, other) => return Err(no_operator(one, op, other)),
        };
        let left = self.as_common(left, kind)?;
        let right = self.as_common(right, kind)?;
        Ok(match kind {
            INTERVAL => (format!("substr({left}, 1, 16)"), format!("substr({right}, 1, 16)")),
            Kind::Of(Type::Void) => return Err(no_operator(one, op, other)),
            _ => (left, right),
        })
    }

    /// `-x`
    pub(super) fn negated(&mut self, typed: &Typed) -> Result<Typed, Refusal> {
        let sql = &typed.sql;
        match self.kind_of(typed) {
            Kind::Of(kind) if bits(kind).is_some() => {
                let bits = bits(kind).unwrap_or(64);
                Ok(Typed::of(format!("pg_subtract(0, {sql}, {bits})"), kind))
            }
            kind @ (FLOAT | Kind::Numeric) => Ok(Typed::plain(format!("(- {sql})"), kind)),
            INTERVAL => Ok(Typed::of(format!("pg_interval_scale({sql}, -1.0)"), Type::Interval)),
            kind => Err(Refusal::new("42883", format!("operator does not exist: - {}", kind.name()))),
        }
    }

    fn arithmetic(&mut self, left: &Typed, op: &BinaryOperator, right: &Typed) -> Result<Typed, Refusal> {
        let (one, other) = (self.kind_of(left), self.kind_of(right));
        let adds = matches!(op, BinaryOperator::Plus | BinaryOperator::Minus);
        let minus = *op == BinaryOperator::Minus;
        let interval = |sql: String| Ok(Typed::of(sql, Type::Interval));
        match (one, other) {
            (MOMENT, INTERVAL | Kind::Unknown) if adds && !(minus && other == Kind::Unknown) => {
                let span = self.implicit(right, Type::Interval, "argument of +")?;
                let function = if minus { "pg_before" } else { "pg_after" };
                Ok(Typed::of(format!("{function}({}, {span})", left.sql), Type::Timestamptz))
            }
            (INTERVAL, MOMENT) if *op == BinaryOperator::Plus => {
                Ok(Typed::of(format!("pg_after({}, {})", right.sql, left.sql), Type::Timestamptz))
            }
            (MOMENT, MOMENT | Kind::Unknown) | (Kind::Unknown, MOMENT) if minus => {
                let left = self.implicit(left, Type::Timestamptz, "argument of -")?;
                let right = self.implicit(right, Type::Timestamptz, "argument of -")?;
                interval(format!("pg_between({right}, {left})"))
            }
            (INTERVAL, INTERVAL | Kind::Unknown) | (Kind::Unknown, INTERVAL) if adds => {
                let left = self.implicit(left, Type::Interval, "argument of +")?;
                let right = self.implicit(right, Type::Interval, "argument of +")?;
                interval(format!("pg_interval_sum({left}, {right}, {})", if minus { -1 } else { 1 }))
            }
            (INTERVAL, factor)
                if *op == BinaryOperator::Multiply && (factor.is_number() || factor == Kind::Unknown) =>
            {
                let factor = self.implicit(right, Type::Float8, "argument of *")?;
                interval(format!("pg_interval_scale({}, {factor})", left.sql))
            }
            (factor, INTERVAL)
                if *op == BinaryOperator::Multiply && (factor.is_number() || factor == Kind::Unknown) =>
            {
                let factor = self.implicit(left, Type::Float8, "argument of *")?;
                interval(format!("pg_interval_scale({}, {factor})", right.sql))
            }
            (INTERVAL, divisor)
                if *op == BinaryOperator::Divide && (divisor.is_number() || divisor == Kind::Unknown) =>
            {
                let divisor = self.implicit(right, Type::Float8, "argument of /")?;
                interval(format!("pg_interval_scale({}, pg_divide(1.0, {divisor}))", left.sql))
            }
            (Kind::Unknown, kind) | (kind, Kind::Unknown) if kind.is_number() => {
                let left = self.as_common(left, kind)?;
                let right = self.as_common(right, kind)?;
                numbers(&left, op, &right, kind)
            }
            (one, other) => match (one.rank(), other.rank()) {
                (Some(narrow), Some(wide)) => {
                    numbers(&left.sql, op, &right.sql, if narrow >= wide { one } else { other })
                }
                _ => Err(no_operator(one, op, other)),
            },
        }
    }

    fn concatenation(&mut self, left: &Typed, right: &Typed) -> Result<Typed, Refusal> {
        let (one, other) = (self.kind_of(left), self.kind_of(right));
        let is_array = |kind| matches!(kind, Kind::Of(kind) if element(kind).is_some());
        if is_array(one) || is_array(other) {
            return Err(Refusal::unsupported("|| of arrays"));
        }
        if matches!((one, other), (Kind::Of(Type::Jsonb), _) | (_, Kind::Of(Type::Jsonb)))
            && !one.is_text()
            && !other.is_text()
        {
            let left = self.implicit(left, Type::Jsonb, "argument of ||")?;
            let right = self.implicit(right, Type::Jsonb, "argument of ||")?;
            return Ok(Typed::of(format!("pg_json_merge({left}, {right})"), Type::Jsonb));
        }
        if !(one.is_text() || other.is_text() || one == Kind::Unknown || other == Kind::Unknown) {
            return Err(no_operator(one, &BinaryOperator::StringConcat, other));
        }
        if matches!((one, other), (Kind::Of(Type::Bytea), _) | (_, Kind::Of(Type::Bytea))) {
            return Err(Refusal::unsupported("|| of bytea"));
        }
        let (left, right) = (self.as_text(left), self.as_text(right));
        Ok(Typed::of(format!("({left} || {right})"), Type::Text))
    }

    /// `LIKE` and `ILIKE`
    pub(super) fn like(
        &mut self,
        text: &Expr,
        pattern: &Expr,
        negated: bool,
        any_case: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let what = if any_case { BinaryOperator::PGILikeMatch } else { BinaryOperator::PGLikeMatch };
        let text = self.expression(text, scope)?;
        let pattern = self.expression(pattern, scope)?;
        let kinds = (self.kind_of(&text), self.kind_of(&pattern));
        let fits = |kind: Kind| kind.is_text() || kind == Kind::Unknown;
        if !fits(kinds.0) || !fits(kinds.1) {
            return Err(no_operator(kinds.0, &what, kinds.1));
        }
        let text = self.implicit(&text, Type::Text, "argument of LIKE")?;
        let pattern = self.implicit(&pattern, Type::Text, "argument of LIKE")?;
        let not = if negated { "NOT " } else { "" };
        Ok(Typed::of(format!("({not}pg_like({text}, {pattern}, {}))", u8::from(any_case)), Type::Bool))
    }

    /// `x IN (a, b)`
    pub(super) fn in_list(
        &mut self,
        needle: &Expr,
        list: &[Expr],
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let not = if negated { "NOT " } else { "" };
        if matches!(needle, Expr::Tuple(_)) {
            let tests = list
                .iter()
                .map(|item| Ok(self.comparison(needle, &BinaryOperator::Eq, item, scope)?.sql))
                .collect::<Result<Vec<String>, Refusal>>()?;
            return Ok(Typed::of(format!("({not}({}))", tests.join(" OR ")), Type::Bool));
        }
        let mut all = vec![self.expression(needle, scope)?];
        for item in list {
            all.push(self.expression(item, scope)?);
        }
        let kind = self.common(&all, "IN").map_err(|_| {
            let other = all[1..].iter().find(|item| self.kind_of(item) != self.kind_of(&all[0]));
            no_operator(self.kind_of(&all[0]), &BinaryOperator::Eq, other.map_or(Kind::Unknown, |item| item.kind))
        })?;
        let mut words = Vec::with_capacity(all.len());
        for typed in &all {
            words.push(self.as_common(typed, kind)?);
        }
        let needle = words.remove(0);
        Ok(Typed::of(format!("({needle} {not}IN ({}))", words.join(", ")), Type::Bool))
    }

    /// `x IN (SELECT …)`
    pub(super) fn in_subquery(
        &mut self,
        needle: &Expr,
        query: &Query,
        negated: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let needles = match needle {
            Expr::Tuple(needles) => needles.iter().collect(),
            one => vec![one],
        };
        let needles = needles.iter().map(|needle| self.expression(needle, scope)).collect::<Result<Vec<_>, _>>()?;
        let (sql, fields) = self.query(query, Some(scope), None)?;
        if fields.len() != needles.len() {
            let few = if fields.len() < needles.len() { "few" } else { "many" };
            return Err(Refusal::new("42601", format!("subquery has too {few} columns")));
        }
        let mut words = Vec::with_capacity(needles.len());
        for (needle, field) in needles.iter().zip(&fields) {
            let field = Typed::plain("_", field.kind);
            words.push(self.comparable(needle, &BinaryOperator::Eq, &field)?.0);
        }
        let not = if negated { "NOT " } else { "" };
        let needle = if words.len() == 1 { words.remove(0) } else { format!("({})", words.join(", ")) };
        Ok(Typed::of(format!("({needle} {not}IN ({sql}))"), Type::Bool))
    }

    /// `x = ANY (array)`, `x <> ALL (array)`, and the same of subqueries.
    pub(super) fn any_or_all(
        &mut self,
        left: &Expr,
        op: &BinaryOperator,
        right: &Expr,
        all: bool,
        scope: &Scope<'_>,
    ) -> Result<Typed, Refusal> {
        let negated = match (op, all) {
            (BinaryOperator::Eq, false) => false,
            (BinaryOperator::NotEq, true) => true,
            _ => {
                let word = if all { "ALL" } else { "ANY" };
                return Err(Refusal::unsupported(format_args!("the operator {op} {word}")));
            }
        };
        if let Expr::Subquery(query) = right
            && matches!(query.body.as_ref(), SetExpr::Select(_) | SetExpr::SetOperation { .. } | SetExpr::Query(_))
        {
            return self.in_subquery(left, query, negated, scope);
        }
        let right = match right {
            Expr::Nested(inner) => inner,
            other => other,
        };
        let needle = self.expression(left, scope)?;
        let array = self.expression(right, scope)?;
        let kind = match (self.kind_of(&array), self.kind_of(&needle)) {
            (Kind::Of(array), _) => element(array),
            (_, Kind::Of(needle)) => Some(needle).filter(|_| array.form != Form::Plain),
            _ => Some(Type::Text),
        };
        let Some(kind) = kind else {
            return Err(Refusal::new("42809", "op ANY/ALL (array) requires array on right side"));
        };
        let Some(whole) = array_of(kind) else {
            return Err(Refusal::unsupported(format_args!("arrays of {}", name(kind))));
        };
        let array = self.implicit(&array, whole, "argument of ANY")?;
        let item = Typed::of("_", kind);
        let needle = self.comparable(&needle, op, &item)?.0;
        let not = if negated { "NOT " } else { "" };
        let value = out_of_array("value", kind);
        let test = format!("({needle} {not}IN (SELECT {value} FROM json_each({array})))");
        Ok(Typed::of(format!("(CASE WHEN {array} IS NULL THEN NULL ELSE {test} END)"), Type::Bool))
    }
}

fn numbers(left: &str, op: &BinaryOperator, right: &str, kind: Kind) -> Result<Typed, Refusal> {
    let width = match kind {
        Kind::Of(kind) => bits(kind),
        _ => None,
    };
    let sql = match (width, op) {
        (Some(bits), _) => {
            let function = match op {
                BinaryOperator::Plus => "pg_add",
                BinaryOperator::Minus => "pg_subtract",
                BinaryOperator::Multiply => "pg_multiply",
                BinaryOperator::Divide => "pg_quotient",
                _ => "pg_remainder",
            };
            format!("{function}({left}, {right}, {bits})")
        }
        (None, BinaryOperator::Divide) => format!("pg_divide({left}, {right})"),
        (None, BinaryOperator::Modulo) => return Err(no_operator(kind, op, kind)),
        (None, _) => format!("({left} {op} {right})"),
    };
    Ok(Typed::plain(sql, kind))
}

fn no_operator(left: Kind, op: &BinaryOperator, right: Kind) -> Refusal {
    Refusal::new("42883", format!("operator does not exist: {} {op} {}", left.name(), right.name()))
}
