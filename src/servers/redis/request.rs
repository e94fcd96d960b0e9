//! Requests off the wire: arrays of bulk strings, and inline commands as a person types them.
//!
//! Reads only what has arrived; a broken request is found as early as Redis finds it, in the words of Redis.

use std::ops::RangeInclusive;

use bytes::{Buf, Bytes, BytesMut};

use super::numbers;

/// The longest inline command, and the longest header line, in bytes.
const MAX_LINE: usize = 64 * 1024;
/// The longest bulk string, in bytes.
const MAX_BULK: i64 = 512 * 1024 * 1024;
/// The most room that is made for a bulk string before it arrives, in bytes: who announces one need not send it.
const AHEAD: usize = 64 * 1024;

/// A request that is not the protocol; the connection ends with it. The text is what follows `ERR Protocol error: `.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) Vec<u8>);

impl From<&str> for Malformed {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

/// The state of a stream of requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    /// Arguments of the array that is being read that are still to come.
    missing: usize,
    /// The length of the bulk string that is being read.
    bulk: Option<usize>,
    args: Vec<Bytes>,
}

impl Requests {
    /// Takes the next complete request off `buffer`. `None`: more has to arrive. Requests of no words are skipped.
    pub(super) fn next(&mut self, buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, Malformed> {
        loop {
            if self.missing == 0 {
                match buffer.first() {
                    None => return Ok(None),
                    Some(b'*') => {
                        let count = header(buffer, i64::MIN..=i64::from(i32::MAX), "mbulk count", "multibulk")?;
                        let Some(count) = count else { return Ok(None) };
                        self.missing = count.max(0) as usize;
                        self.args = Vec::with_capacity(self.missing.min(64));
                        continue;
                    }
                    Some(_) => {
                        let Some(words) = inline(buffer)? else { return Ok(None) };
                        if words.is_empty() {
                            continue;
                        }
                        return Ok(Some(words));
                    }
                }
            }
            let Some(argument) = self.argument(buffer)? else { return Ok(None) };
            self.args.push(argument);
            self.missing -= 1;
            if self.missing == 0 {
                return Ok(Some(std::mem::take(&mut self.args)));
            }
        }
    }

    fn argument(&mut self, buffer: &mut BytesMut) -> Result<Option<Bytes>, Malformed> {
        let length = if let Some(length) = self.bulk {
            length
        } else {
            if line_end(buffer, b'\r').is_some() && buffer[0] != b'$' {
                return Err(unexpected(buffer[0]));
            }
            let Some(length) = header(buffer, 0..=MAX_BULK, "bulk count", "bulk")? else { return Ok(None) };
            length as usize
        };
        self.bulk = Some(length);
        // Like Redis, two bytes are expected behind the data, and not looked at.
        if buffer.len() < length + 2 {
            buffer.reserve((length + 2 - buffer.len()).min(AHEAD));
            return Ok(None);
        }
        self.bulk = None;
        // A copy, so that what is stored does not keep the whole receive buffer alive.
        let argument = Bytes::copy_from_slice(&buffer[..length]);
        buffer.advance(length + 2);
        Ok(Some(argument))
    }
}

fn unexpected(byte: u8) -> Malformed {
    let mut text = b"expected '$', got '".to_vec();
    // C ends the text at a zero byte.
    if byte != 0 {
        text.extend_from_slice(&[byte, b'\'']);
    }
    Malformed(text)
}

/// Where `end` is, unless a zero byte comes first: to Redis the rest is then yet to arrive.
fn line_end(buffer: &[u8], end: u8) -> Option<usize> {
    let at = buffer.iter().position(|&byte| byte == end || byte == 0)?;
    (buffer[at] == end).then_some(at)
}

/// The number behind the first byte of a header line, which must lie within `range`. `None`: the line is not complete.
/// `line` and `number` are what Redis calls the two.
fn header(
    buffer: &mut BytesMut,
    range: RangeInclusive<i64>,
    line: &str,
    number: &str,
) -> Result<Option<i64>, Malformed> {
    let Some(end) = line_end(buffer, b'\r') else {
        return if buffer.len() > MAX_LINE { Err(format!("too big {line} string").as_str().into()) } else { Ok(None) };
    };
    if buffer.len() < end + 2 {
        return Ok(None);
    }
    let value = numbers::integer(&buffer[1..end]).filter(|value| range.contains(value));
    buffer.advance(end + 2);
    value.map(Some).ok_or_else(|| format!("invalid {number} length").as_str().into())
}

fn inline(buffer: &mut BytesMut) -> Result<Option<Vec<Bytes>>, Malformed> {
    let Some(end) = line_end(buffer, b'\n') else {
        return if buffer.len() > MAX_LINE { Err("too big inline request".into()) } else { Ok(None) };
    };
    let line = buffer.split_to(end + 1);
    let line = &line[..end];
    let words = words(line.strip_suffix(b"\r").unwrap_or(line));
    words.map(Some).ok_or(Malformed::from("unbalanced quotes in request"))
}

/// Splits a line at spaces. Within double quotes `\xHH`, `\n`, `\r`, `\t`, `\b`, `\a` and escaped bytes are read, within
/// single quotes only `\'`. `None`: a quote is left open, or has something right behind it.
fn words(line: &[u8]) -> Option<Vec<Bytes>> {
    let mut words = Vec::new();
    let mut rest = line;
    loop {
        rest = &rest[rest.iter().take_while(|&&byte| is_space(byte)).count()..];
        if rest.is_empty() {
            return Some(words);
        }
        let mut word = Vec::new();
        while let Some((&byte, after)) = rest.split_first() {
            rest = after;
            match byte {
                b'"' | b'\'' => {
                    rest = quoted(byte, rest, &mut word)?;
                    if rest.first().is_some_and(|next| !is_space(*next)) {
                        return None;
                    }
                    break;
                }
                byte if is_space(byte) => break,
                byte => word.push(byte),
            }
        }
        words.push(word.into());
    }
}

fn is_space(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t' | b'\n' | b'\r' | 0x0b | 0x0c)
}

/// Reads up to the closing quote, and returns what is behind it.
fn quoted<'a>(quote: u8, mut rest: &'a [u8], word: &mut Vec<u8>) -> Option<&'a [u8]> {
    loop {
        rest = match rest {
            [] => return None,
            [byte, after @ ..] if *byte == quote => return Some(after),
            [b'\\', b'x', high, low, after @ ..]
                if quote == b'"' && high.is_ascii_hexdigit() && low.is_ascii_hexdigit() =>
            {
                let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or(0) as u8;
                word.push(digit(*high) << 4 | digit(*low));
                after
            }
            [b'\\', escaped, after @ ..] if quote == b'"' => {
                word.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 0x08,
                    b'a' => 0x07,
                    other => *other,
                });
                after
            }
            [b'\\', b'\'', after @ ..] if quote == b'\'' => {
                word.push(b'\'');
                after
            }
            [byte, after @ ..] => {
                word.push(*byte);
                after
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Feeds `input` in pieces of `size` bytes; the requests, and the error that ended them.
    fn read(input: &[u8], size: usize) -> (Vec<Vec<Bytes>>, Option<String>) {
        let (mut requests, mut buffer, mut read) = (Requests::default(), BytesMut::new(), Vec::new());
        for piece in input.chunks(size) {
            buffer.extend_from_slice(piece);
            loop {
                match requests.next(&mut buffer) {
                    Ok(Some(args)) => read.push(args),
                    Ok(None) => break,
                    Err(Malformed(text)) => return (read, Some(String::from_utf8_lossy(&text).into_owned())),
                }
            }
        }
        (read, None)
    }

    #[test]
    fn announcing_a_bulk_string_takes_no_room() {
        let (mut requests, mut buffer) = (Requests::default(), BytesMut::from("*2\r\n$536870912\r\nabc"));
        assert_eq!(requests.next(&mut buffer), Ok(None));
        assert!(buffer.capacity() <= 2 * AHEAD, "room for {} bytes", buffer.capacity());
    }

    fn words_of(line: &str) -> Option<Vec<String>> {
        let words = words(line.as_bytes())?;
        Some(words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect())
    }

    #[test]
    fn requests_are_whole_however_they_arrive() {
        let input = b"*2\r\n$3\r\nGET\r\n$5\r\na\r\nbc\r\n*0\r\n\r\nping  x\r\n*1\r\n$4\r\nQUIT\r\n";
        let expected = (
            vec![
                vec![Bytes::from("GET"), Bytes::from("a\r\nbc")],
                vec![Bytes::from("ping"), Bytes::from("x")],
                vec![Bytes::from("QUIT")],
            ],
            None,
        );
        for size in 1..=input.len() {
            assert_eq!(read(input, size), expected, "in pieces of {size}");
        }
    }

    #[test]
    fn quotes_hold_words_together() {
        assert_eq!(words_of(r#"set "a b" 'c d'"#), Some(vec!["set".into(), "a b".into(), "c d".into()]));
        assert_eq!(words_of(r#""\x41\n\"" '\'\n'"#), Some(vec!["A\n\"".into(), r"'\n".into()]));
        assert_eq!(words_of("''"), Some(vec![String::new()]));
        assert_eq!(words_of("'a"), None);
        assert_eq!(words_of("'a'b"), None);
        assert_eq!(words_of(r#"a"b"#), None);
    }
}
