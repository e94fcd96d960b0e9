//! Long identifiers as people would write them.

/// How many hexadecimal digits in a row are no word and no number any more.
const LONG: usize = 16;
/// How many of them are left of one that has no other name.
const LEFT: usize = 6;

/// The text with its long hexadecimal runs shortened: one behind a name goes (`s1-8dd65a…` is `s1`), another keeps its
/// first digits.
pub(crate) fn brief(text: &str) -> String {
    let mut told = String::with_capacity(text.len());
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.bytes().take_while(u8::is_ascii_hexdigit).count();
        let whole = told.chars().next_back().is_none_or(|before| !before.is_ascii_alphanumeric());
        if whole && is_id(&rest[..digits]) {
            let named =
                told.strip_suffix('-').is_some_and(|name| name.ends_with(|end: char| end.is_ascii_alphanumeric()));
            if named {
                told.pop();
            } else {
                told.push_str(&rest[..LEFT]);
                told.push('…');
            }
            rest = &rest[digits..];
        } else {
            let word = rest.find(|letter: char| !letter.is_ascii_alphanumeric()).unwrap_or(rest.len());
            let step = if word == 0 { rest.chars().next().map_or(rest.len(), char::len_utf8) } else { word };
            told.push_str(&rest[..step]);
            rest = &rest[step..];
        }
    }
    told
}

/// Whether a word is such a run: letters and digits both, or it might be a word or a number.
pub(super) fn is_id(word: &str) -> bool {
    word.len() >= LONG
        && word.bytes().all(|byte| byte.is_ascii_hexdigit())
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_behind_a_name_goes_and_one_alone_is_cut() {
        let id = "8dd65a88d1464fdb8cc4aaf4a638e2a2";
        assert_eq!(brief(&format!("session:s1-{id} in redis")), "session:s1 in redis");
        assert_eq!(brief(&format!("s1.2-{id}: done, again {id}")), "s1.2: done, again 8dd65a…");
        assert_eq!(
            brief("pod-a.434b6062/2 held 1234567890123 ms, déjà vu"),
            "pod-a.434b6062/2 held 1234567890123 ms, déjà vu"
        );
        assert_eq!(brief(&format!("x{id}")), format!("x{id}"), "part of a word");
        assert_eq!(brief(&format!("-{id}")), "-8dd65a…");
    }
}
