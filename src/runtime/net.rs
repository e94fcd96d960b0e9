//! TCP listeners and streams: simulated inside a world, tokio's outside.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

#[cfg(feature = "sim")]
use crate::world::{self, World};

/// Where to connect or bind: `"redis:6379"`, `("redis", 6379)`, or a socket address.
///
/// Names are resolved by the system in production, and are host names inside a world.
pub trait Address {
    /// The host and the port.
    ///
    /// # Errors
    /// When the text has no port.
    fn host_port(&self) -> io::Result<(String, u16)>;
}

fn parse(text: &str) -> io::Result<(String, u16)> {
    let bad = || io::Error::new(io::ErrorKind::InvalidInput, format!("`{text}` is not an address: write host:port"));
    let (host, port) = text.rsplit_once(':').ok_or_else(bad)?;
    let host = host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host);
    Ok((host.to_owned(), port.parse().map_err(|_| bad())?))
}

impl Address for str {
    fn host_port(&self) -> io::Result<(String, u16)> {
        parse(self)
    }
}
impl Address for String {
    fn host_port(&self) -> io::Result<(String, u16)> {
        parse(self)
    }
}
impl Address for (&str, u16) {
    fn host_port(&self) -> io::Result<(String, u16)> {
        Ok((self.0.to_owned(), self.1))
    }
}
impl Address for SocketAddr {
    fn host_port(&self) -> io::Result<(String, u16)> {
        Ok((self.ip().to_string(), self.port()))
    }
}
impl Address for (IpAddr, u16) {
    fn host_port(&self) -> io::Result<(String, u16)> {
        Ok((self.0.to_string(), self.1))
    }
}
impl<A: Address + ?Sized> Address for &A {
    fn host_port(&self) -> io::Result<(String, u16)> {
        (**self).host_port()
    }
}

/// A TCP stream.
#[derive(Debug)]
pub struct TcpStream(Inner);

#[derive(Debug)]
enum Inner {
    Tokio(tokio::net::TcpStream),
    #[cfg(feature = "sim")]
    Simulated(world::Stream),
    #[cfg(feature = "sim")]
    Turmoil(world::TurmoilStream),
}

/// Does the same with whichever stream it is.
macro_rules! either {
    ($inner:expr, $stream:ident => $act:expr) => {
        match $inner {
            Inner::Tokio($stream) => $act,
            #[cfg(feature = "sim")]
            Inner::Simulated($stream) => $act,
            #[cfg(feature = "sim")]
            Inner::Turmoil($stream) => $act,
        }
    };
}

impl TcpStream {
    /// Opens a connection.
    ///
    /// # Errors
    /// As tokio's: refused, reset, timed out, unknown host.
    #[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
    pub async fn connect(address: impl Address) -> io::Result<Self> {
        let (host, port) = address.host_port()?;
        #[cfg(feature = "sim")]
        match World::is_on_turmoil() {
            Some(false) => return world::Stream::connect(&host, port).await.map(|s| Self(Inner::Simulated(s))),
            Some(true) => {
                return world::TurmoilStream::connect(&host, port).await.map(|s| Self(Inner::Turmoil(s)));
            }
            None => {}
        }
        tokio::net::TcpStream::connect((host.as_str(), port)).await.map(|stream| Self(Inner::Tokio(stream)))
    }

    /// The address of the other end.
    ///
    /// # Errors
    /// When the stream is no longer connected.
    pub fn peer_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Inner::Tokio(stream) => stream.peer_addr(),
            #[cfg(feature = "sim")]
            Inner::Simulated(stream) => Ok(stream.peer_addr()),
            #[cfg(feature = "sim")]
            Inner::Turmoil(stream) => Ok(stream.peer_addr()),
        }
    }

    /// The address of this end.
    ///
    /// # Errors
    /// When the stream is no longer connected.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Inner::Tokio(stream) => stream.local_addr(),
            #[cfg(feature = "sim")]
            Inner::Simulated(stream) => Ok(stream.local_addr()),
            #[cfg(feature = "sim")]
            Inner::Turmoil(stream) => Ok(stream.local_addr()),
        }
    }

    /// Sends small writes at once. A simulated stream always does.
    ///
    /// # Errors
    /// When the stream is no longer connected.
    pub fn set_nodelay(&self, nodelay: bool) -> io::Result<()> {
        match &self.0 {
            Inner::Tokio(stream) => stream.set_nodelay(nodelay),
            #[cfg(feature = "sim")]
            Inner::Simulated(_) | Inner::Turmoil(_) => Ok(()),
        }
    }
}

impl AsyncRead for TcpStream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, stream => Pin::new(stream).poll_read(cx, buf))
    }
}

impl AsyncWrite for TcpStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        either!(&mut self.0, stream => Pin::new(stream).poll_write(cx, data))
    }
    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, stream => Pin::new(stream).poll_flush(cx))
    }
    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        either!(&mut self.0, stream => Pin::new(stream).poll_shutdown(cx))
    }
}

/// A TCP listener.
#[derive(Debug)]
pub struct TcpListener(Listening);

#[derive(Debug)]
enum Listening {
    Tokio(tokio::net::TcpListener),
    #[cfg(feature = "sim")]
    Simulated(world::Listener),
    #[cfg(feature = "sim")]
    Turmoil(world::TurmoilListener),
}

impl TcpListener {
    /// Listens on an address. Inside a world the host part is the host's own, whatever it says.
    ///
    /// # Errors
    /// When the port is taken.
    #[expect(clippy::disallowed_methods, reason = "this is the replacement that the ban names")]
    pub async fn bind(address: impl Address) -> io::Result<Self> {
        let (host, port) = address.host_port()?;
        #[cfg(feature = "sim")]
        match World::is_on_turmoil() {
            Some(false) => return world::Listener::bind(port).map(|it| Self(Listening::Simulated(it))),
            Some(true) => {
                return world::TurmoilListener::bind(port).await.map(|it| Self(Listening::Turmoil(it)));
            }
            None => {}
        }
        tokio::net::TcpListener::bind((host.as_str(), port)).await.map(|listener| Self(Listening::Tokio(listener)))
    }

    /// Waits for the next connection.
    ///
    /// # Errors
    /// As tokio's.
    pub async fn accept(&self) -> io::Result<(TcpStream, SocketAddr)> {
        match &self.0 {
            Listening::Tokio(listener) => {
                listener.accept().await.map(|(stream, peer)| (TcpStream(Inner::Tokio(stream)), peer))
            }
            #[cfg(feature = "sim")]
            Listening::Simulated(listener) => {
                listener.accept().await.map(|(stream, peer)| (TcpStream(Inner::Simulated(stream)), peer))
            }
            #[cfg(feature = "sim")]
            Listening::Turmoil(listener) => {
                listener.accept().await.map(|(stream, peer)| (TcpStream(Inner::Turmoil(stream)), peer))
            }
        }
    }

    /// The address it listens on.
    ///
    /// # Errors
    /// As tokio's.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        match &self.0 {
            Listening::Tokio(listener) => listener.local_addr(),
            #[cfg(feature = "sim")]
            Listening::Simulated(listener) => Ok(listener.local_addr()),
            #[cfg(feature = "sim")]
            Listening::Turmoil(listener) => Ok(listener.local_addr()),
        }
    }
}
