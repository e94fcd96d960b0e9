//! Numbers.

use rusqlite::functions::FunctionFlags;
use rusqlite::types::ValueRef;

use super::super::super::refusal::Refusal;
use super::super::hashtext::hashtext;
use super::super::live::Signal;
use super::{Registry, int, real, string};

/// Makes them known.
pub(super) fn register(registry: &Registry<'_>) -> rusqlite::Result<()> {
    let whole = |body: fn(i64, i64) -> Option<i64>| {
        move |arguments: &[ValueRef<'_>]| {
            let (left, right, bits) = (int(arguments[0]), int(arguments[1]), int(arguments[2]));
            body(left, right).and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
        }
    };
    registry.strict("pg_add", 3, whole(i64::checked_add))?;
    registry.strict("pg_subtract", 3, whole(i64::checked_sub))?;
    registry.strict("pg_multiply", 3, whole(i64::checked_mul))?;
    let divisor = |arguments: &[ValueRef<'_>]| {
        if int(arguments[1]) == 0 { Err(Refusal::new("22012", "division by zero")) } else { Ok(int(arguments[1])) }
    };
    registry.strict("pg_quotient", 3, move |arguments| {
        let (divisor, bits) = (divisor(arguments)?, int(arguments[2]));
        let quotient = int(arguments[0]).checked_div(divisor).and_then(|number| narrowed(number, bits));
        quotient.ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_remainder", 3, move |arguments| Ok(int(arguments[0]).wrapping_rem(divisor(arguments)?)))?;
    registry.strict("pg_absolute", 2, |arguments| {
        let bits = int(arguments[1]);
        int(arguments[0]).checked_abs().and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_divide", 2, |arguments| {
        if real(arguments[1]) == 0.0 {
            return Err(Refusal::new("22012", "division by zero"));
        }
        Ok(real(arguments[0]) / real(arguments[1]))
    })?;
    registry.strict("pg_whole", 2, |arguments| {
        let bits = int(arguments[1]);
        let number = match arguments[0] {
            ValueRef::Real(number) => {
                let rounded = number.round_ties_even();
                (rounded.abs() < 9.223_372_036_854_775e18).then_some(rounded as i64)
            }
            other => Some(int(other)),
        };
        number.and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_whole_numeric", 2, |arguments| {
        let bits = int(arguments[1]);
        let number = match arguments[0] {
            ValueRef::Real(number) => (number.abs() < 9.223_372_036_854_775e18).then_some(number.round() as i64),
            other => Some(int(other)),
        };
        number.and_then(|number| narrowed(number, bits)).ok_or_else(|| too_wide(bits))
    })?;
    registry.strict("pg_floor", 1, |arguments| Ok(real(arguments[0]).floor()))?;
    registry.strict("pg_ceil", 1, |arguments| Ok(real(arguments[0]).ceil()))?;
    registry.strict("pg_round", 1, |arguments| Ok(real(arguments[0]).round_ties_even()))?;
    registry.strict("pg_step", 1, |arguments| match int(arguments[0]) {
        0 => Err(Refusal::new("22023", "step size cannot equal zero")),
        step => Ok(step),
    })?;
    registry.strict("pg_hashtext", 1, |arguments| Ok(i64::from(hashtext(&string(arguments[0])))))?;
    registry.function("pg_limit", 2, FunctionFlags::SQLITE_DETERMINISTIC, |arguments, _| {
        let word = string(arguments[1]);
        match arguments[0] {
            ValueRef::Null if word == "LIMIT" => Ok(-1),
            ValueRef::Null => Ok(0),
            number if int(number) < 0 => {
                let state = if word == "LIMIT" { "2201W" } else { "2201X" };
                Err(Signal::Refused(Refusal::new(state, format!("{word} must not be negative"))))
            }
            number => Ok(int(number)),
        }
    })
}

fn narrowed(number: i64, bits: i64) -> Option<i64> {
    let fits = match bits {
        16 => i16::try_from(number).is_ok(),
        32 => i32::try_from(number).is_ok(),
        _ => true,
    };
    fits.then_some(number)
}

fn too_wide(bits: i64) -> Refusal {
    let name = match bits {
        16 => "smallint",
        32 => "integer",
        _ => "bigint",
    };
    Refusal::new("22003", format!("{name} out of range"))
}
