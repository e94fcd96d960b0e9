//! Glob patterns of `KEYS` and `SCAN`: `*`, `?`, `[a-z]`, `[^a]`, and a backslash before what is meant literally.

/// Whether the whole of `text` matches `pattern`.
pub(super) fn matches(mut pattern: &[u8], mut text: &[u8]) -> bool {
    while let (Some((&token, after)), Some((&byte, rest))) = (pattern.split_first(), text.split_first()) {
        match token {
            b'*' => {
                let next = skip_stars(pattern);
                return next.is_empty() || (0..text.len()).any(|start| matches(next, &text[start..]));
            }
            b'?' => pattern = after,
            b'[' => {
                let (hit, next) = class(after, byte);
                if !hit {
                    return false;
                }
                pattern = next;
            }
            _ => {
                let literal = if token == b'\\' && !after.is_empty() { after } else { pattern };
                if literal[0] != byte {
                    return false;
                }
                pattern = &literal[1..];
            }
        }
        text = rest;
    }
    text.is_empty() && skip_stars(pattern).is_empty()
}

fn skip_stars(pattern: &[u8]) -> &[u8] {
    let stars = pattern.iter().take_while(|&&token| token == b'*').count();
    &pattern[stars..]
}

/// Whether `byte` is in the class that opens `pattern` (behind its bracket), and what follows the class.
/// One that is never closed ends with the pattern.
fn class(pattern: &[u8], byte: u8) -> (bool, &[u8]) {
    let (mut pattern, negated) = pattern.strip_prefix(b"^").map_or((pattern, false), |rest| (rest, true));
    let mut hit = false;
    loop {
        pattern = match pattern {
            [] => return (hit != negated, pattern),
            [b'\\', escaped, rest @ ..] => {
                hit |= *escaped == byte;
                rest
            }
            [b']', rest @ ..] => return (hit != negated, rest),
            [first, b'-', last, rest @ ..] => {
                hit |= (*first.min(last)..=*first.max(last)).contains(&byte);
                rest
            }
            [literal, rest @ ..] => {
                hit |= *literal == byte;
                rest
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns_match_whole_texts() {
        for (pattern, text, expected) in [
            ("*", "", true),
            ("a*", "a", true),
            ("a*c", "abbc", true),
            ("a*c", "abbd", false),
            ("?", "", false),
            ("h[ae]llo", "hello", true),
            ("h[^e]llo", "hello", false),
            ("h[^e]llo", "hallo", true),
            ("[z-a]", "m", true),
            ("[a", "a", true),
            ("[a", "b", false),
            ("\\*", "*", true),
            ("\\*", "a", false),
            ("[\\]]", "]", true),
            ("a\\", "a\\", true),
            ("session:**:x", "session:1:x", true),
            ("", "a", false),
        ] {
            assert_eq!(matches(pattern.as_bytes(), text.as_bytes()), expected, "{pattern:?} on {text:?}");
        }
    }
}
