//! Numbers as Redis reads and writes them; not what they are used for.

/// Reads a whole number: plain decimal, no `+`, no leading zeros, no spaces.
pub(super) fn integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let plain = match digits {
        [b'0'] => text.len() == 1,
        [b'1'..=b'9', rest @ ..] => rest.len() < 19 && rest.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !plain {
        return None;
    }
    std::str::from_utf8(text).ok()?.parse().ok()
}

/// Reads a score: what C reads as a double, but neither out of range nor a NaN, and with nothing around it.
pub(super) fn float(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    let value = hexadecimal(text).or_else(|| text.parse().ok())?;
    let digits = text.split(['e', 'E']).next().unwrap_or_default();
    let spelled_infinite = text.contains(['i', 'I']);
    let underflow = value == 0.0 && hexadecimal(text).is_none() && digits.contains(|c| matches!(c, '1'..='9'));
    (!value.is_nan() && (value.is_finite() || spelled_infinite) && !underflow).then_some(value)
}

/// Reads one bound of a range of scores: `5`, `(5`, `-inf`. The flag is whether the bound itself is left out.
///
/// Laxer than [`float`], as Redis is: space before it is skipped, nothing at all is zero, overflow is infinite.
pub(super) fn bound(text: &[u8]) -> Option<(f64, bool)> {
    let (text, excluded) = text.strip_prefix(b"(").map_or((text, false), |rest| (rest, true));
    if text.is_empty() {
        return Some((0.0, excluded));
    }
    let text = std::str::from_utf8(text).ok()?.trim_start_matches([' ', '\t', '\n', '\r', '\x0b', '\x0c']);
    let value: f64 = hexadecimal(text).or_else(|| text.parse().ok())?;
    (!value.is_nan()).then_some((value, excluded))
}

/// Hexadecimal floats: digits, perhaps a point, perhaps a binary exponent, as in `0x1.8p3`.
fn hexadecimal(text: &str) -> Option<f64> {
    let (text, sign) = match text.as_bytes().first()? {
        b'-' => (&text[1..], -1.0),
        b'+' => (&text[1..], 1.0),
        _ => (text, 1.0),
    };
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (digits, exponent) = match text.split_once(['p', 'P']) {
        Some((digits, exponent)) => (digits, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for digit in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(digit.to_digit(16)?);
    }
    let shift = exponent.saturating_sub(fraction.len() as i32 * 4);
    Some(sign * value * 2f64.powi(shift))
}

/// Writes a double as C's `%.17g` does, and infinities as `inf` and `-inf`.
pub(super) fn write_float(value: f64) -> String {
    const DIGITS: i32 = 17;
    if value.is_infinite() {
        return if value > 0.0 { "inf".to_owned() } else { "-inf".to_owned() };
    }
    let scientific = format!("{value:.16e}");
    let Some((mantissa, exponent)) = scientific.split_once('e') else { return scientific };
    let exponent: i32 = exponent.parse().unwrap_or(0);
    if (-4..DIGITS).contains(&exponent) {
        let decimals = (DIGITS - 1 - exponent) as usize;
        return trim(&format!("{value:.decimals$}")).to_owned();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{}e{sign}{:02}", trim(mantissa), exponent.abs())
}

fn trim(digits: &str) -> &str {
    if digits.contains('.') { digits.trim_end_matches('0').trim_end_matches('.') } else { digits }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_numbers_are_plain_decimals() {
        for (text, value) in [
            ("0", Some(0)),
            ("-1", Some(-1)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            ("-0", None),
            ("01", None),
            ("+1", None),
            (" 1", None),
            ("", None),
            ("-", None),
        ] {
            assert_eq!(integer(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn scores_are_c_doubles_within_range() {
        for (text, value) in [
            ("0x10", Some(16.0)),
            ("0x1p4", Some(16.0)),
            ("+1", Some(1.0)),
            (".5", Some(0.5)),
            ("1.", Some(1.0)),
            ("0e5", Some(0.0)),
            ("-INF", Some(f64::NEG_INFINITY)),
            ("infinity", Some(f64::INFINITY)),
            ("1e400", None),
            ("1e-400", None),
            ("nan", None),
            ("", None),
            (" 1", None),
            ("1 ", None),
            ("1_0", None),
        ] {
            assert_eq!(float(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn bounds_are_laxer_than_scores() {
        for (text, value) in [
            ("", Some((0.0, false))),
            ("(", Some((0.0, true))),
            ("( 1", Some((1.0, true))),
            ("1e400", Some((f64::INFINITY, false))),
            ("(-inf", Some((f64::NEG_INFINITY, true))),
            ("nan", None),
            ("1 ", None),
            ("x", None),
        ] {
            assert_eq!(bound(text.as_bytes()), value, "{text:?}");
        }
    }

    #[test]
    fn doubles_are_written_with_seventeen_digits() {
        for (value, text) in [
            (0.0, "0"),
            (0.1, "0.10000000000000001"),
            (1e16, "10000000000000000"),
            (1e17, "1e+17"),
            (1e300, "1.0000000000000001e+300"),
            (-2.5e-7, "-2.4999999999999999e-07"),
            (1e-4, "0.0001"),
            (f64::NEG_INFINITY, "-inf"),
        ] {
            assert_eq!(write_float(value), text);
        }
    }
}
