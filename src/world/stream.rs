//! Streams and listeners as code under test holds them: what it reads, writes and accepts of the network.

use std::collections::VecDeque;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::host::HostId;
use super::net::{CONNECT_GIVES_UP, Cargo, End, EndId, Listening, Net, State};
use super::simulation::World;

/// What a peer may send ahead of what the other has read, in bytes.
const WINDOW: usize = 256 * 1024;

/// One end of a simulated stream.
#[derive(Debug)]
pub(crate) struct Stream {
    end: EndId,
    local: SocketAddr,
    remote: SocketAddr,
}

impl Stream {
    pub(crate) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let stream = World::with(|world| Self::ask(world, host, port)).unwrap_or_else(over)?;
        std::future::poll_fn(|cx| stream.poll_connected(cx)).await?;
        Ok(stream)
    }

    fn ask(world: &Rc<World>, host: &str, port: u16) -> io::Result<Self> {
        let from = world.context.borrow().host;
        let (to, local, remote) = {
            let mut hosts = world.hosts.borrow_mut();
            let to = if host == "localhost" || host == "127.0.0.1" { Some(from) } else { hosts.find(host) };
            let Some(to) = to else {
                return Err(io::Error::new(io::ErrorKind::NotFound, format!("no host is called `{host}`")));
            };
            let remote = SocketAddr::new(hosts.get(to).ip, port);
            let me = hosts.get_mut(from);
            let local = SocketAddr::new(me.ip, me.next_port);
            me.next_port = me.next_port.checked_add(1).unwrap_or(49_152);
            (to, local, remote)
        };
        let mut net = world.net.borrow_mut();
        let (there, back) = (net.link(world, from, to), net.link(world, to, from));
        let end = net.ends.len();
        let blank = |host, peer, local, remote, link, opener| End {
            host,
            peer,
            local,
            remote,
            link,
            opener,
            state: State::Connecting,
            received: VecDeque::new(),
            eof: false,
            finished: false,
            dropped: false,
            unread: 0,
            reader: None,
            writer: None,
            last: 0,
        };
        net.ends.push(blank(from, end + 1, local, remote, there, true));
        net.ends.push(blank(to, end, remote, local, back, false));
        net.send(world, end, Cargo::Open { port, acceptor: end + 1 });
        let gives_up = world.clock.now() + CONNECT_GIVES_UP;
        net.give_up(gives_up, there, end);
        Ok(Self { end, local, remote })
    }

    fn poll_connected(&self, cx: &mut Poller<'_>) -> Poll<io::Result<()>> {
        on_net(|_, net| match net.ends[self.end].state {
            State::Connecting => {
                net.ends[self.end].reader = Some(cx.waker().clone());
                Poll::Pending
            }
            State::Open => Poll::Ready(Ok(())),
            State::Failed(why) => Poll::Ready(Err(why.into())),
        })
        .unwrap_or_else(|| Poll::Ready(over()))
    }

    pub(crate) fn peer_addr(&self) -> SocketAddr {
        self.remote
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

fn over<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::NotConnected, "the simulated world has ended"))
}

fn on_net<R>(act: impl FnOnce(&Rc<World>, &mut Net) -> R) -> Option<R> {
    World::with(|world| act(world, &mut world.net.borrow_mut()))
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Poller<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let mut writer = None;
        let read = on_net(|world, net| {
            let end = &mut net.ends[self.end];
            if let State::Failed(why) = end.state {
                return Poll::Ready(Err(why.into()));
            }
            if end.received.is_empty() {
                if end.eof {
                    return Poll::Ready(Ok(()));
                }
                end.reader = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let before = buf.remaining();
            while buf.remaining() > 0
                && let Some((front, sender)) = end.received.front_mut()
            {
                world.context.borrow_mut().heard = *sender;
                let part = front.len().min(buf.remaining());
                buf.put_slice(&front[..part]);
                front.advance(part);
                if front.is_empty() {
                    end.received.pop_front();
                }
            }
            let peer = end.peer;
            let sender = &mut net.ends[peer];
            sender.unread = sender.unread.saturating_sub(before - buf.remaining());
            writer = sender.writer.take();
            Poll::Ready(Ok(()))
        });
        if let Some(writer) = writer {
            writer.wake();
        }
        read.unwrap_or_else(|| Poll::Ready(over()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Poller<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        on_net(|world, net| {
            let end = &mut net.ends[self.end];
            if let State::Failed(why) = end.state {
                return Poll::Ready(Err(why.into()));
            }
            if end.finished {
                return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into()));
            }
            if data.is_empty() {
                return Poll::Ready(Ok(0));
            }
            let room = WINDOW.saturating_sub(end.unread);
            if room == 0 {
                end.writer = Some(cx.waker().clone());
                return Poll::Pending;
            }
            let part = data.len().min(room);
            end.unread += part;
            net.send(world, self.end, Cargo::Data(Bytes::copy_from_slice(&data[..part])));
            Poll::Ready(Ok(part))
        })
        .unwrap_or_else(|| Poll::Ready(over()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Poller<'_>) -> Poll<io::Result<()>> {
        on_net(|world, net| {
            let end = &mut net.ends[self.end];
            if end.state == State::Open && !end.finished {
                end.finished = true;
                net.send(world, self.end, Cargo::Fin);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let wakers = on_net(|world, net| {
            let end = &mut net.ends[self.end];
            if end.dropped {
                return (None, None);
            }
            end.dropped = true;
            let unread = !end.received.is_empty();
            end.received = VecDeque::new();
            let wakers = (end.reader.take(), end.writer.take());
            if end.state == State::Open {
                if unread {
                    // As TCP does where the receiver leaves with data unread.
                    end.state = State::Failed(io::ErrorKind::ConnectionReset);
                    net.send(world, self.end, Cargo::Reset);
                } else if !end.finished {
                    end.finished = true;
                    net.send(world, self.end, Cargo::Fin);
                }
            }
            wakers
        });
        drop(wakers);
    }
}

/// A simulated listener.
#[derive(Debug)]
pub(crate) struct Listener {
    host: HostId,
    incarnation: u32,
    local: SocketAddr,
}

impl Listener {
    pub(crate) fn bind(port: u16) -> io::Result<Self> {
        World::with(|world| {
            let (host, incarnation) = {
                let context = world.context.borrow();
                (context.host, context.incarnation)
            };
            let mut hosts = world.hosts.borrow_mut();
            let me = hosts.get_mut(host);
            let port = if port == 0 {
                me.next_port = me.next_port.checked_add(1).unwrap_or(49_152);
                me.next_port
            } else {
                port
            };
            let local = SocketAddr::new(me.ip, port);
            let mut net = world.net.borrow_mut();
            if net.listening.contains_key(&(host, port)) {
                return Err(io::ErrorKind::AddrInUse.into());
            }
            net.listening.insert((host, port), Listening { backlog: VecDeque::new(), wakers: Vec::new() });
            Ok(Self { host, incarnation, local })
        })
        .unwrap_or_else(over)
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        std::future::poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Poller<'_>) -> Poll<io::Result<(Stream, SocketAddr)>> {
        on_net(|_, net| {
            let Some(listening) = net.listening.get_mut(&(self.host, self.local.port())) else {
                return Poll::Ready(Err(io::ErrorKind::NotConnected.into()));
            };
            let Some(end) = listening.backlog.pop_front() else {
                listening.wakers.push(cx.waker().clone());
                return Poll::Pending;
            };
            let (local, remote) = (net.ends[end].local, net.ends[end].remote);
            Poll::Ready(Ok((Stream { end, local, remote }, remote)))
        })
        .unwrap_or_else(|| Poll::Ready(over()))
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        let gone = World::with(|world| {
            // A crash took the port away already, and a new incarnation may hold it now.
            if world.hosts.borrow().get(self.host).incarnation != self.incarnation {
                return None;
            }
            let mut net = world.net.borrow_mut();
            let gone = net.listening.remove(&(self.host, self.local.port()))?;
            for end in &gone.backlog {
                net.ends[*end].dropped = true;
                net.ends[*end].state = State::Failed(io::ErrorKind::ConnectionReset);
                net.send(world, *end, Cargo::Reset);
            }
            Some(gone)
        });
        drop(gone);
    }
}
