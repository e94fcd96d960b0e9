//! Replies as a client reads them, and a client that reads them. Knows nothing of our encoder.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// A reply, with its type on the wire.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Reply {
    Simple(String),
    Error(String),
    Integer(i64),
    Double(String),
    Bulk(String),
    Verbatim(String),
    NullBulk,
    NullArray,
    Null,
    Array(Vec<Reply>),
    Map(Vec<(Reply, Reply)>),
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Simple(text) => write!(f, "+{text:?}"),
            Self::Error(text) => write!(f, "-{text:?}"),
            Self::Integer(number) => write!(f, ":{number}"),
            Self::Double(text) => write!(f, ",{text}"),
            Self::Bulk(text) => write!(f, "{text:?}"),
            Self::Verbatim(text) => write!(f, "={text:?}"),
            Self::NullBulk => f.write_str("$-1"),
            Self::NullArray => f.write_str("*-1"),
            Self::Null => f.write_str("_"),
            Self::Array(elements) => f.debug_list().entries(elements).finish(),
            Self::Map(pairs) => f.debug_map().entries(pairs.iter().map(|(name, value)| (name, value))).finish(),
        }
    }
}

/// A blocking connection.
pub(crate) struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
    at: usize,
}

impl Connection {
    pub(crate) fn open(address: SocketAddr) -> io::Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        Ok(Self { stream, input: Vec::new(), at: 0 })
    }

    pub(crate) fn send(&mut self, commands: &[&[Vec<u8>]]) -> io::Result<()> {
        let mut bytes = Vec::new();
        for words in commands {
            write!(bytes, "*{}\r\n", words.len())?;
            for word in *words {
                write!(bytes, "${}\r\n", word.len())?;
                bytes.extend_from_slice(word);
                bytes.extend_from_slice(b"\r\n");
            }
        }
        self.stream.write_all(&bytes)
    }

    pub(crate) fn ask(&mut self, words: &[&str]) -> Reply {
        let words: Vec<Vec<u8>> = words.iter().map(|word| word.as_bytes().to_vec()).collect();
        self.send(&[&words]).expect("the server takes a request");
        self.reply().expect("the server replies")
    }

    fn fill(&mut self) -> io::Result<()> {
        if self.at > 0 {
            self.input.drain(..self.at);
            self.at = 0;
        }
        let mut piece = [0; 16 * 1024];
        match self.stream.read(&mut piece)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.input.extend_from_slice(&piece[..length]);
                Ok(())
            }
        }
    }

    fn line(&mut self) -> io::Result<String> {
        loop {
            if let Some(length) = self.input[self.at..].windows(2).position(|pair| pair == b"\r\n") {
                let line = text(&self.input[self.at..self.at + length]);
                self.at += length + 2;
                return Ok(line);
            }
            self.fill()?;
        }
    }

    fn block(&mut self, length: usize) -> io::Result<String> {
        while self.input.len() - self.at < length + 2 {
            self.fill()?;
        }
        let block = text(&self.input[self.at..self.at + length]);
        self.at += length + 2;
        Ok(block)
    }

    pub(crate) fn reply(&mut self) -> io::Result<Reply> {
        let line = self.line()?;
        let strange = || io::Error::new(io::ErrorKind::InvalidData, format!("not a reply: {line:?}"));
        let (kind, rest) = line.split_at_checked(1).ok_or_else(strange)?;
        let number = || rest.parse::<i64>().map_err(|_| strange());
        Ok(match kind {
            "+" => Reply::Simple(rest.to_owned()),
            "-" => Reply::Error(rest.to_owned()),
            ":" => Reply::Integer(number()?),
            "," => Reply::Double(rest.to_owned()),
            "_" => Reply::Null,
            "$" if rest == "-1" => Reply::NullBulk,
            "*" if rest == "-1" => Reply::NullArray,
            "$" => Reply::Bulk(self.block(number()? as usize)?),
            "=" => Reply::Verbatim(self.block(number()? as usize)?),
            "*" => Reply::Array((0..number()?).map(|_| self.reply()).collect::<io::Result<_>>()?),
            "%" => Reply::Map((0..number()?).map(|_| Ok((self.reply()?, self.reply()?))).collect::<io::Result<_>>()?),
            _ => return Err(strange()),
        })
    }
}

/// Bytes as text, one character each, so that nothing is lost.
fn text(bytes: &[u8]) -> String {
    bytes.iter().map(|&byte| char::from(byte)).collect()
}

/// Everything that has come back for some raw bytes, and whether the server hung up.
pub(crate) struct Raw {
    stream: TcpStream,
    pub(crate) received: Vec<u8>,
    pub(crate) closed: bool,
}

impl Raw {
    pub(crate) fn send(address: SocketAddr, bytes: &[u8]) -> Self {
        let mut stream = TcpStream::connect(address).expect("the server accepts");
        stream.set_read_timeout(Some(Duration::from_millis(60))).expect("a timeout can be set");
        stream.write_all(bytes).expect("the server takes bytes");
        Self { stream, received: Vec::new(), closed: false }
    }

    /// Says that nothing more will be sent.
    pub(crate) fn finish(&self) {
        // The server may have hung up already.
        let _ = self.stream.shutdown(std::net::Shutdown::Write);
    }

    /// Reads for as long as something comes.
    pub(crate) fn drain(&mut self) {
        let mut piece = [0; 16 * 1024];
        while !self.closed {
            match self.stream.read(&mut piece) {
                Ok(0) => self.closed = true,
                Ok(length) => self.received.extend_from_slice(&piece[..length]),
                Err(error) if matches!(error.kind(), io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut) => return,
                Err(_) => self.closed = true,
            }
        }
    }

    pub(crate) fn outcome(&self) -> (String, bool) {
        (String::from_utf8_lossy(&self.received).into_owned(), self.closed)
    }
}
