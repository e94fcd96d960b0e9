//! Long ids cut short, for people.

/// From how many hex digits on an id is cut short.
const LONG: usize = 12;
/// How many of them stay.
const KEPT: usize = 4;

/// The text with each long hex id cut to its first digits: `s1-8dd65a88d1464fdb8cc4aaf4a638e2a2` is `s1-8dd6…`.
///
/// Plain words and decimal numbers of any length stay as they are.
pub(crate) fn brief(text: &str) -> String {
    let mut short = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(first) = rest.chars().next() {
        let word = rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len()).max(first.len_utf8());
        let (head, tail) = rest.split_at(word);
        if is_id(head) {
            short.push_str(&head[..KEPT]);
            short.push('…');
        } else {
            short.push_str(head);
        }
        rest = tail;
    }
    short
}

/// Whether a word is a long hex id: letters and digits both, or it might be a word or a number.
pub(super) fn is_id(word: &str) -> bool {
    let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
    word.len() >= LONG
        && word.bytes().all(hex)
        && word.bytes().any(|byte| byte.is_ascii_digit())
        && word.bytes().any(|byte| byte.is_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_hex_ids_are_cut_short() {
        let check = |text: &str, short: &str| assert_eq!(brief(text), short);
        check("session:s1-8dd65a88d1464fdb8cc4aaf4a638e2a2", "session:s1-8dd6…");
        check("s1.2-9bfa72854f8e4459a3a869add723f3a2: done, pod-a.434b6062", "s1.2-9bfa…: done, pod-a.434b6062");
        check("1763726000000000 accededeffaced déjà vu … ", "1763726000000000 accededeffaced déjà vu … ");
        check("", "");
    }
}
