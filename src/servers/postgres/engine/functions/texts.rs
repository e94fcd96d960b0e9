//! Texts.

use super::super::super::refusal::Refusal;
use super::super::super::value::Type;
use super::super::text;
use super::{Registry, TYPES, int, string};

/// Makes them known.
pub(super) fn register(registry: &Registry<'_>) -> rusqlite::Result<()> {
    registry.strict("pg_parse", 2, |arguments| {
        let kind = TYPES.get(int(arguments[0]) as usize).copied().unwrap_or(Type::Text);
        text::parse(kind, &string(arguments[1]), 0)
    })?;
    registry.strict("pg_tell", 2, |arguments| {
        let kind = TYPES.get(int(arguments[0]) as usize).copied().unwrap_or(Type::Text);
        Ok(text::told(kind, arguments[1]))
    })?;
    registry.strict("pg_fits", 2, |arguments| {
        let text = string(arguments[0]);
        let most = int(arguments[1]) as usize;
        let cut: String = text.chars().take(most).collect();
        // Spaces beyond the end are cut off without a word.
        if text.chars().skip(most).any(|letter| letter != ' ') {
            return Err(Refusal::new("22001", format!("value too long for type character varying({most})")));
        }
        Ok(cut)
    })?;
    registry.strict("pg_like", 3, |arguments| {
        let (text, pattern) = (string(arguments[0]), string(arguments[1]));
        let any_case = int(arguments[2]) != 0;
        let letters = |text: &str| -> Vec<char> {
            if any_case { text.to_ascii_lowercase().chars().collect() } else { text.chars().collect() }
        };
        if pattern.chars().rev().take_while(|&letter| letter == '\\').count() % 2 == 1 {
            return Err(Refusal::new("22025", "LIKE pattern must not end with escape character"));
        }
        Ok(like(&letters(&text), &letters(&pattern)))
    })?;
    parts(registry)
}

fn parts(registry: &Registry<'_>) -> rusqlite::Result<()> {
    registry.strict("pg_substr", -1, |arguments| {
        let text = string(arguments[0]);
        let from = int(arguments[1]);
        let last = match arguments.get(2) {
            Some(length) if int(*length) < 0 => {
                return Err(Refusal::new("22011", "negative substring length not allowed"));
            }
            Some(length) => from.saturating_add(int(*length)),
            None => i64::MAX,
        };
        let numbered = text.chars().zip(1_i64..);
        Ok(numbered.filter(|(_, at)| *at >= from && *at < last).map(|(letter, _)| letter).collect::<String>())
    })?;
    registry.strict("pg_left", 2, |arguments| {
        let text = string(arguments[0]);
        let length = text.chars().count() as i64;
        let count = int(arguments[1]);
        let count = if count < 0 { (length + count).max(0) } else { count };
        Ok(text.chars().take(count as usize).collect::<String>())
    })?;
    registry.strict("pg_right", 2, |arguments| {
        let text = string(arguments[0]);
        let length = text.chars().count() as i64;
        let count = int(arguments[1]);
        let count = if count < 0 { (length + count).max(0) } else { count.min(length) };
        Ok(text.chars().skip((length - count) as usize).collect::<String>())
    })?;
    registry.strict("pg_repeat", 2, |arguments| {
        let count = int(arguments[1]).max(0) as usize;
        let text = string(arguments[0]);
        if text.len().saturating_mul(count) > 1 << 24 {
            return Err(Refusal::new("54000", "requested length too large"));
        }
        Ok(text.repeat(count))
    })?;
    registry.strict("pg_lpad", 3, |arguments| {
        let (text, fill) = (string(arguments[0]), string(arguments[2]));
        let length = int(arguments[1]).clamp(0, 1 << 20) as usize;
        let missing = length.saturating_sub(text.chars().count());
        let missing = if fill.is_empty() { 0 } else { missing };
        Ok(fill.chars().cycle().take(missing).chain(text.chars()).take(length).collect::<String>())
    })?;
    registry.strict("pg_split_part", 3, |arguments| {
        let (text, between) = (string(arguments[0]), string(arguments[1]));
        let number = int(arguments[2]);
        if number == 0 {
            return Err(Refusal::new("22023", "field position must not be zero"));
        }
        let parts: Vec<&str> = if between.is_empty() { vec![&text] } else { text.split(&*between).collect() };
        let place = if number > 0 { number - 1 } else { parts.len() as i64 + number };
        let part = usize::try_from(place).ok().and_then(|place| parts.get(place));
        Ok(part.map_or_else(String::new, |part| (*part).to_owned()))
    })?;
    registry.strict("pg_starts_with", 2, |arguments| Ok(string(arguments[0]).starts_with(&*string(arguments[1]))))?;
    registry.strict("pg_encode", 2, |arguments| {
        let bytes = arguments[0].as_blob().unwrap_or_default();
        match string(arguments[1]).as_ref() {
            "hex" => Ok(text::hex(bytes)),
            form => Err(Refusal::unsupported(format_args!("encode(…, '{form}')"))),
        }
    })?;
    registry.strict("pg_decode", 2, |arguments| match string(arguments[1]).as_ref() {
        "hex" => text::unhex(&string(arguments[0])).ok_or_else(|| Refusal::new("22023", "invalid hexadecimal digit")),
        form => Err(Refusal::unsupported(format_args!("decode(…, '{form}')"))),
    })
}

/// Whether a text is as a pattern says: `%` for anything, `_` for one letter, `\` before a letter that means itself.
fn like(text: &[char], pattern: &[char]) -> bool {
    let (mut at, mut rule) = (0, 0);
    let mut back: Option<(usize, usize)> = None;
    loop {
        let step = match pattern.get(rule) {
            Some('%') => {
                back = Some((at, rule + 1));
                rule += 1;
                continue;
            }
            Some('_') if at < text.len() => Some(1),
            Some('\\') if at < text.len() && pattern.get(rule + 1) == Some(&text[at]) => Some(2),
            Some(letter) if *letter != '_' && *letter != '\\' && text.get(at) == Some(letter) => Some(1),
            None if at == text.len() => return true,
            _ => None,
        };
        match (step, &mut back) {
            (Some(step), _) => {
                at += 1;
                rule += step;
            }
            (None, Some((from, resume))) if *from < text.len() => {
                *from += 1;
                at = *from;
                rule = *resume;
            }
            (None, _) => return false,
        }
    }
}
