//! Streams and listeners over turmoil's: what the world knows of each end, beside the bytes that turmoil carries.

use std::collections::{BTreeMap, VecDeque};
use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::pin::Pin;
use std::rc::Rc;
use std::task::{Context as Poller, Poll, Waker};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::super::history::{ActivityId, What};
use super::super::host::HostId;
use super::super::net::{CONNECT_GIVES_UP, Trap, link_name};
use super::super::simulation::World;
use super::super::tape::chance;
use super::Turmoil;
use super::orders::Way;

type EndId = usize;

/// Whether the code under test has an end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Holder {
    Nobody,
    Somebody,
    Gone,
}

/// What is known of one end of a stream. Ends come in twos: the peer of one is the other.
struct End {
    host: HostId,
    port: u16,
    /// Whether this side opened the stream: what it sends are requests.
    opener: bool,
    holder: Holder,
    failed: Option<io::ErrorKind>,
    /// Something that this side has sent is lost: its peer will wait for it for ever.
    lossy: bool,
    /// What is on its way to this end: how many bytes, when they were sent and for whom. A farewell has none.
    coming: VecDeque<Parcel>,
    /// Until when, in simulated nanoseconds, what has come is kept from whoever reads.
    held_until: u64,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

#[derive(Clone, Copy)]
struct Parcel {
    bytes: usize,
    sent: u64,
    activity: ActivityId,
}

/// All ends, and the condition of links where it is not open.
#[derive(Default)]
pub(super) struct Wires {
    ends: Vec<End>,
    pairs: BTreeMap<(SocketAddr, SocketAddr), EndId>,
    ways: BTreeMap<(HostId, HostId), Way>,
}

impl Wires {
    /// The end between these addresses, made together with its peer by whichever comes first.
    fn attach(&mut self, world: &World, local: SocketAddr, remote: SocketAddr, opener: bool) -> EndId {
        let known = self.pairs.get(&(local, remote)).copied().filter(|end| self.ends[*end].holder == Holder::Nobody);
        let end = known.unwrap_or_else(|| {
            let hosts = world.hosts.borrow();
            let me = world.context.borrow().host;
            // A host that is not the world's own counts as outside of it.
            let of = |ip: IpAddr| if ip.is_loopback() { me } else { hosts.at(ip).unwrap_or(HostId::WORLD) };
            let end = self.ends.len();
            for (place, (address, opener)) in [(local, opener), (remote, !opener)].into_iter().enumerate() {
                let host = if place == 0 { me } else { of(address.ip()) };
                self.ends.push(End::new(host, address.port(), opener));
            }
            self.pairs.insert((local, remote), end);
            self.pairs.insert((remote, local), end + 1);
            end
        });
        self.ends[end].holder = Holder::Somebody;
        end
    }

    fn way(&self, from: HostId, to: HostId) -> Way {
        self.ways.get(&(from, to)).copied().unwrap_or_default()
    }

    /// Sets what both ways of a link do, and says what they did. Streams that have lost something over a way that is open
    /// again are reset, as by a peer that gave up.
    pub(super) fn set_ways(&mut self, one: HostId, other: HostId, ways: [Way; 2]) -> [Way; 2] {
        let before = [self.way(one, other), self.way(other, one)];
        self.ways.insert((one, other), ways[0]);
        self.ways.insert((other, one), ways[1]);
        let mut wake = Vec::new();
        for end in 0..self.ends.len() {
            let (from, to) = (self.ends[end].host, self.ends[end ^ 1].host);
            if self.ends[end].lossy
                && [(one, other), (other, one)].contains(&(from, to))
                && self.way(from, to) != Way::Lossy
            {
                self.fail_both(end, io::ErrorKind::ConnectionReset, &mut wake);
            }
        }
        wake.into_iter().for_each(Waker::wake);
        before
    }

    fn fail_both(&mut self, end: EndId, why: io::ErrorKind, wake: &mut Vec<Waker>) {
        for end in [end, end ^ 1] {
            let end = &mut self.ends[end];
            end.failed.get_or_insert(why);
            end.lossy = false;
            wake.extend(end.reader.take());
            wake.extend(end.writer.take());
        }
    }
}

impl End {
    fn new(host: HostId, port: u16, opener: bool) -> Self {
        Self {
            host,
            port,
            opener,
            holder: Holder::Nobody,
            failed: None,
            lossy: false,
            coming: VecDeque::new(),
            held_until: 0,
            reader: None,
            writer: None,
        }
    }

    /// Until when the next of what comes is kept from whoever reads. Hosts have their ticks by turns, and one whose turn is
    /// later may be sent something at a time that its own clock has yet to reach.
    fn kept_until(&self) -> u64 {
        self.held_until.max(self.coming.front().map_or(0, |parcel| parcel.sent))
    }

    /// How many bytes, of those that are known to come, were sent by now.
    fn sent_by(&self, now: u64) -> usize {
        self.coming.iter().take_while(|parcel| parcel.sent <= now).map(|parcel| parcel.bytes).sum()
    }
}

impl Turmoil {
    /// Resets every stream between two hosts; true: there was one.
    pub(in super::super) fn reset(&self, one: HostId, other: HostId) -> bool {
        let mut wake = Vec::new();
        let mut any = false;
        {
            let mut wires = self.wires.borrow_mut();
            for end in (0..wires.ends.len()).step_by(2) {
                let (here, there) = (&wires.ends[end], &wires.ends[end + 1]);
                let between = (here.host, there.host) == (one, other) || (here.host, there.host) == (other, one);
                if between && here.failed.is_none() && here.holder != Holder::Gone && there.holder != Holder::Gone {
                    wires.fail_both(end, io::ErrorKind::ConnectionReset, &mut wake);
                    any = true;
                }
            }
        }
        wake.into_iter().for_each(Waker::wake);
        any
    }

    /// Lets go what is kept from those who read.
    pub(in super::super) fn hurry(&self) {
        let wake: Vec<Waker> = {
            let mut wires = self.wires.borrow_mut();
            let all = wires.ends.iter_mut();
            all.filter_map(|end| if std::mem::take(&mut end.held_until) > 0 { end.reader.take() } else { None })
                .collect()
        };
        wake.into_iter().for_each(Waker::wake);
    }
}

impl World {
    /// Whether a link that is cut both ways loses what is sent over it rather than keeping it: drawn for each time that it is
    /// cut.
    pub(super) fn loses_when_cut(&self, one: HostId, other: HostId) -> bool {
        let (there, back) = (self.condition(one, other).0, self.condition(other, one).0);
        let Some(turmoil) = &self.turmoil else { return false };
        let now = turmoil.wires.borrow().way(one, other);
        if !(there && back) || now != Way::Open {
            return now == Way::Lossy;
        }
        let mut tape = self.tape.borrow_mut();
        let site = tape.site("turmoil.lossy", &link_name(self, one, other));
        tape.next(site, |word| chance(word, 500_000)) > 0
    }
}

/// Does something with the wires of this thread's world.
fn on_wires<R>(act: impl FnOnce(&Rc<World>, &mut Wires) -> R) -> Option<R> {
    World::with(|world| Some(act(world, &mut world.turmoil.as_ref()?.wires.borrow_mut()))).flatten()
}

fn over<T>() -> io::Result<T> {
    Err(io::Error::new(io::ErrorKind::NotConnected, "the simulated world has ended"))
}

/// One end of a stream that turmoil carries.
#[derive(Debug)]
pub(crate) struct Stream {
    carrier: turmoil::net::TcpStream,
    end: EndId,
    local: SocketAddr,
    remote: SocketAddr,
    late: Option<Pin<Box<Sleep>>>,
}

impl Stream {
    pub(crate) async fn connect(host: &str, port: u16) -> io::Result<Self> {
        let remote = SocketAddr::new(World::with(|world| world.resolve(host)).unwrap_or_else(over)?, port);
        on_wires(|world, wires| wires.approached(world, remote.ip()));
        // Turmoil waits for ever where nobody answers.
        let gives_up = Duration::from_nanos(CONNECT_GIVES_UP);
        let carrier = tokio::time::timeout(gives_up, turmoil::net::TcpStream::connect(remote)).await??;
        Self::over(carrier, true)
    }

    fn over(carrier: turmoil::net::TcpStream, opener: bool) -> io::Result<Self> {
        let (local, remote) = (carrier.local_addr()?, carrier.peer_addr()?);
        let end = on_wires(|world, wires| wires.attach(world, local, remote, opener)).map_or_else(over, Ok)?;
        Ok(Self { carrier, end, local, remote, late: None })
    }

    pub(crate) fn peer_addr(&self) -> SocketAddr {
        self.remote
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }

    /// Waits while what has come is kept from this end.
    fn poll_late(&mut self, cx: &mut Poller<'_>) -> Poll<()> {
        loop {
            let left = on_wires(|world, wires| wires.ends[self.end].kept_until().saturating_sub(world.clock.now()));
            let left = Duration::from_nanos(left.unwrap_or_default());
            if left.is_zero() {
                self.late = None;
                return Poll::Ready(());
            }
            let late = self.late.get_or_insert_with(|| Box::pin(tokio::time::sleep(left)));
            std::task::ready!(late.as_mut().poll(cx));
            self.late = None;
        }
    }
}

impl World {
    fn resolve(&self, host: &str) -> io::Result<IpAddr> {
        if host == "localhost" || host == "127.0.0.1" {
            return Ok(IpAddr::V4(Ipv4Addr::LOCALHOST));
        }
        let hosts = self.hosts.borrow();
        match hosts.find(host) {
            Some(host) => Ok(hosts.get(host).ip),
            None if self.turmoil.as_ref().is_some_and(|turmoil| turmoil.observing) => Ok(turmoil::lookup(host)),
            None => Err(io::Error::new(io::ErrorKind::NotFound, format!("no host is called `{host}`"))),
        }
    }
}

impl Wires {
    /// What is read was sent for somebody.
    fn received(&mut self, world: &World, end: EndId, data: &[u8]) {
        let peer = self.ends[end ^ 1].host;
        let state = &mut self.ends[end];
        world.history.borrow_mut().fold(world.clock.now(), state.port, data);
        let mut left = data.len();
        while left > 0
            && let Some(front) = state.coming.front_mut()
        {
            let part = front.bytes.min(left);
            world.context.borrow_mut().heard = front.activity;
            let parcel = *front;
            front.bytes -= part;
            left -= part;
            if front.bytes == 0 {
                state.coming.pop_front();
            }
            if world.detail {
                let name = |host| world.hosts.borrow().get(host).name.clone();
                let (from, to) = (name(peer), name(state.host));
                let sent = Duration::from_nanos(parcel.sent);
                let what = What::Message { from, to, sent, what: format!("{part} bytes").into() };
                world.record_for(state.host, parcel.activity, what);
            }
        }
    }

    /// What becomes of what an end is about to write: a trap on its link may take it.
    fn trapped(&mut self, world: &World, end: EndId, wake: &mut Vec<Waker>) -> bool {
        let (from, to, opener) = (self.ends[end].host, self.ends[end ^ 1].host, self.ends[end].opener);
        let trap = {
            let mut net = world.net.borrow_mut();
            let link = net.link(world, from, to);
            net.spring(link, opener)
        };
        match trap {
            Some(Trap::Lost(_)) => {
                self.fail_both(end, io::ErrorKind::ConnectionReset, wake);
                true
            }
            Some(Trap::Late(delay)) => {
                self.ends[end ^ 1].held_until = world.clock.now() + delay;
                false
            }
            None => false,
        }
    }

    /// Somebody asks for a connection.
    fn approached(&self, world: &World, remote: IpAddr) {
        let from = world.context.borrow().host;
        let to = world.hosts.borrow().at(remote);
        if let Some(to) = to {
            self.touch(world, from, to);
        }
    }

    /// Something sets out from one host to another; says what becomes of it.
    fn touch(&self, world: &World, from: HostId, to: HostId) -> Way {
        let way = self.way(from, to);
        world.net.borrow_mut().touch(world, from, to, way != Way::Open);
        way
    }

    fn sent(&mut self, world: &World, end: EndId, bytes: usize) {
        let way = self.touch(world, self.ends[end].host, self.ends[end ^ 1].host);
        self.ends[end].lossy |= way == Way::Lossy;
        let parcel = Parcel { bytes, sent: world.clock.now(), activity: world.context.borrow().activity };
        self.ends[end ^ 1].coming.push_back(parcel);
    }
}

impl AsyncRead for Stream {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Poller<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let failed = on_wires(|_, wires| {
            let end = &mut wires.ends[this.end];
            // Whatever comes, a fault may come first.
            end.reader = Some(cx.waker().clone());
            end.failed
        });
        match failed {
            None => return Poll::Ready(over()),
            Some(Some(why)) => return Poll::Ready(Err(why.into())),
            Some(None) => {}
        }
        if this.poll_late(cx).is_pending() {
            return Poll::Pending;
        }
        let most = match on_wires(|world, wires| wires.ends[this.end].sent_by(world.clock.now())) {
            None | Some(0) => buf.remaining(),
            Some(sent) => sent.min(buf.remaining()),
        };
        let mut part = ReadBuf::new(buf.initialize_unfilled_to(most));
        let read = Pin::new(&mut this.carrier).poll_read(cx, &mut part);
        if read.is_ready() && !part.filled().is_empty() {
            on_wires(|world, wires| wires.received(world, this.end, part.filled()));
        }
        let bytes = part.filled().len();
        buf.advance(bytes);
        read
    }
}

impl AsyncWrite for Stream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Poller<'_>, data: &[u8]) -> Poll<io::Result<usize>> {
        let this = &mut *self;
        let mut wake = Vec::new();
        let verdict = on_wires(|world, wires| {
            let end = &mut wires.ends[this.end];
            end.writer = Some(cx.waker().clone());
            if let Some(why) = end.failed {
                return Some(Err(why.into()));
            }
            // What is lost is taken all the same: whoever sent it learns of that later.
            (!data.is_empty() && wires.trapped(world, this.end, &mut wake)).then_some(Ok(data.len()))
        });
        wake.into_iter().for_each(Waker::wake);
        match verdict {
            None => return Poll::Ready(over()),
            Some(Some(known)) => return Poll::Ready(known),
            Some(None) => {}
        }
        let written = Pin::new(&mut this.carrier).poll_write(cx, data);
        if let Poll::Ready(Ok(bytes @ 1..)) = written {
            on_wires(|world, wires| wires.sent(world, this.end, bytes));
        }
        written
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.carrier).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Poller<'_>) -> Poll<io::Result<()>> {
        let this = &mut *self;
        on_wires(|world, wires| wires.closed(world, this.end));
        // Turmoil refuses a second one; TCP does not mind.
        match Pin::new(&mut this.carrier).poll_shutdown(cx) {
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::NotConnected => Poll::Ready(Ok(())),
            shut => shut,
        }
    }
}

impl Wires {
    /// A farewell takes its time, and may be lost, as well.
    fn closed(&mut self, world: &World, end: EndId) {
        let (from, to) = (self.ends[end].host, self.ends[end ^ 1].host);
        self.ends[end].lossy |= self.way(from, to) == Way::Lossy;
        let farewell = Parcel { bytes: 0, sent: world.clock.now(), activity: world.context.borrow().activity };
        self.ends[end ^ 1].coming.push_back(farewell);
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let wakers = on_wires(|world, wires| {
            wires.closed(world, self.end);
            let end = &mut wires.ends[self.end];
            end.holder = Holder::Gone;
            (end.reader.take(), end.writer.take())
        });
        drop(wakers);
    }
}

/// A listener of turmoil's.
pub(crate) struct Listener {
    carrier: turmoil::net::TcpListener,
    local: SocketAddr,
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Listener").field("local", &self.local).finish_non_exhaustive()
    }
}

impl Listener {
    pub(crate) async fn bind(port: u16) -> io::Result<Self> {
        let ip = World::with(|world| world.address(world.context.borrow().host)).map_or_else(over, Ok)?;
        let carrier = turmoil::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).await?;
        let local = SocketAddr::new(ip, carrier.local_addr()?.port());
        Ok(Self { carrier, local })
    }

    pub(crate) async fn accept(&self) -> io::Result<(Stream, SocketAddr)> {
        let (carrier, remote) = self.carrier.accept().await?;
        Ok((Stream::over(carrier, false)?, remote))
    }

    pub(crate) fn local_addr(&self) -> SocketAddr {
        self.local
    }
}
