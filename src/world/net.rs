//! Links, and what is on its way.
//!
//! One queue of deliveries, ordered by simulated nanosecond and then by the order they were sent. A direction of a
//! stream is first in, first out, as TCP is. A cut link stalls what travels over it until it heals, or until the peer
//! gives up as a TCP stack would. A crash resets.

mod arrival;
mod faults;

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use self::faults::Traps;
pub(super) use self::faults::{Set, Touched, Trap};
use super::history::ActivityId;
use super::host::HostId;
use super::simulation::World;
use super::tape::{SiteId, Tape, below, spread};

const MICRO: u64 = 1_000;
const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1_000_000_000;

/// The shortest way from one host to another, and within one host.
const BASE: u64 = 200 * MICRO;
const LOOPBACK: u64 = 20 * MICRO;
/// How long a connection attempt goes unanswered before it fails: six retransmissions of Linux.
pub(super) const CONNECT_GIVES_UP: u64 = 127 * SECOND;

pub(super) type EndId = usize;

struct Link {
    latency: SiteId,
    name: Arc<str>,
    from: HostId,
    to: HostId,
    /// How many faults cut it at once.
    cuts: u32,
    /// The most that a slow link adds to a message, in nanoseconds.
    slow: u64,
    /// How many faults slow it at once.
    slows: u32,
    traps: Traps,
    touched: Touched,
    stalled: VecDeque<Delivery>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum State {
    Connecting,
    Open,
    /// This end may no longer be used; reads and writes answer with this error.
    Failed(io::ErrorKind),
}

#[expect(clippy::struct_excessive_bools, reason = "the two directions of a TCP stream end independently")]
pub(super) struct End {
    pub(super) host: HostId,
    pub(super) peer: EndId,
    pub(super) local: SocketAddr,
    pub(super) remote: SocketAddr,
    pub(super) link: usize,
    /// Whether this side opened the stream: what it sends are requests.
    pub(super) opener: bool,
    pub(super) state: State,
    /// What has arrived, and for which activity it was sent.
    pub(super) received: VecDeque<(Bytes, ActivityId)>,
    /// The peer sends no more.
    pub(super) eof: bool,
    /// This side sends no more.
    pub(super) finished: bool,
    /// The code that held this end let go of it.
    pub(super) dropped: bool,
    /// Bytes sent that the peer has not read.
    pub(super) unread: usize,
    pub(super) reader: Option<Waker>,
    pub(super) writer: Option<Waker>,
    /// When the last delivery of this direction arrives.
    pub(super) last: u64,
}

pub(super) enum Cargo {
    Open { port: u16, acceptor: EndId },
    Opened,
    Refused,
    Data(Bytes),
    Fin,
    Reset,
    GiveUp,
}

struct Delivery {
    at: u64,
    order: u64,
    link: usize,
    /// The end that receives it; for `Open` the end that asked.
    end: EndId,
    cargo: Cargo,
    by: Sent,
}

/// When something was sent, and for which activity.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sent {
    at: u64,
    activity: ActivityId,
}

impl PartialEq for Delivery {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}
impl Eq for Delivery {}
impl PartialOrd for Delivery {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}
impl Ord for Delivery {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

pub(super) struct Listening {
    pub(super) backlog: VecDeque<EndId>,
    pub(super) wakers: Vec<Waker>,
}

/// The network of a world.
pub(super) struct Net {
    pub(super) ends: Vec<End>,
    links: Vec<Link>,
    by_hosts: BTreeMap<(HostId, HostId), usize>,
    pub(super) listening: BTreeMap<(HostId, u16), Listening>,
    queue: BinaryHeap<Reverse<Delivery>>,
    order: u64,
    /// The most that an ordinary message takes beyond the shortest way, in nanoseconds.
    jitter: u64,
    deaf: bool,
}

impl Default for Net {
    fn default() -> Self {
        Self {
            ends: Vec::new(),
            links: Vec::new(),
            by_hosts: BTreeMap::new(),
            listening: BTreeMap::new(),
            queue: BinaryHeap::new(),
            order: 0,
            jitter: MILLI,
            deaf: false,
        }
    }
}

impl Net {
    pub(super) fn next_delivery(&self) -> Option<u64> {
        self.queue.peek().map(|Reverse(delivery)| delivery.at)
    }

    /// The most that an ordinary message takes beyond the shortest way, in nanoseconds.
    pub(super) fn jitter(&self) -> u64 {
        self.jitter
    }

    /// Something is sent over a link, as others carry it; `stalled`: and comes to a stop there.
    pub(super) fn touch(&mut self, world: &World, from: HostId, to: HostId, stalled: bool) {
        let link = self.link(world, from, to);
        let link = &mut self.links[link];
        link.touched.slowed |= link.slow > 0;
        link.touched.stalled |= stalled;
    }

    /// From now on nothing is sent and nothing arrives.
    pub(super) fn deafen(&mut self) {
        self.deaf = true;
        self.queue.clear();
    }

    pub(super) fn link(&mut self, world: &World, from: HostId, to: HostId) -> usize {
        if let Some(link) = self.by_hosts.get(&(from, to)) {
            return *link;
        }
        let name = link_name(world, from, to);
        let latency = world.tape.borrow_mut().site("net.latency", &name);
        let link = self.links.len();
        self.links.push(Link {
            latency,
            name,
            from,
            to,
            cuts: 0,
            slow: 0,
            slows: 0,
            traps: Traps::default(),
            touched: Touched::default(),
            stalled: VecDeque::new(),
        });
        self.by_hosts.insert((from, to), link);
        link
    }

    fn push(&mut self, at: u64, link: usize, end: EndId, cargo: Cargo, by: Sent) {
        let order = self.order;
        self.order += 1;
        self.queue.push(Reverse(Delivery { at, order, link, end, cargo, by }));
    }

    /// Ends a connection attempt or a stream at `at`, unless it has got on by then.
    pub(super) fn give_up(&mut self, at: u64, link: usize, end: EndId) {
        self.push(at, link, end, Cargo::GiveUp, Sent { at, activity: ActivityId(0) });
    }

    /// Sends from one end to its peer.
    pub(super) fn send(&mut self, world: &World, from: EndId, cargo: Cargo) {
        if self.deaf {
            return;
        }
        let link = self.ends[from].link;
        let extra = self.travel(&mut world.tape.borrow_mut(), link);
        self.links[link].touched.slowed |= self.links[link].slow > 0;
        let base = if self.links[link].from == self.links[link].to { LOOPBACK } else { BASE };
        let sender = &mut self.ends[from];
        let at = (world.clock.now() + base + extra).max(sender.last);
        sender.last = at;
        let to = if matches!(cargo, Cargo::Open { .. }) { from } else { sender.peer };
        let by = Sent { at: world.clock.now(), activity: world.context.borrow().activity };
        self.push(at, link, to, cargo, by);
    }

    fn travel(&self, tape: &mut Tape, link: usize) -> u64 {
        let link = &self.links[link];
        if link.from == link.to {
            return 0;
        }
        let (jitter, slow) = (self.jitter, link.slow);
        let extra = tape.next(link.latency, |word| {
            // One message in 64 is a straggler.
            let most = if word & 63 == 63 { jitter * 16 } else { jitter };
            let ordinary = below(word, most + 1);
            if slow == 0 { ordinary } else { ordinary + spread(word.rotate_left(17), slow) }
        });
        if extra > 0 {
            let number = tape.asked(link.latency);
            let (name, extra) = (&link.name, Duration::from_nanos(extra));
            tape.tell(link.latency, number - 1, || format!("message {number} of {name} takes {extra:?} longer"));
        }
        extra
    }

    fn fail(&mut self, end: EndId, why: io::ErrorKind, wake: &mut Vec<Waker>) {
        let end = &mut self.ends[end];
        if !matches!(end.state, State::Failed(_)) {
            end.state = State::Failed(why);
        }
        end.received.clear();
        wake.extend(end.reader.take());
        wake.extend(end.writer.take());
    }
}

/// Hands over the next delivery of the queue.
pub(super) fn deliver_next(world: &Rc<World>) {
    let mut wake: Vec<Waker> = Vec::new();
    {
        let mut net = world.net.borrow_mut();
        let Some(Reverse(delivery)) = net.queue.pop() else { return };
        world.clock.set_fine(delivery.at);
        net.deliver(world, delivery, &mut wake);
    }
    for waker in wake {
        waker.wake();
    }
}

impl World {
    /// The most that an ordinary message takes beyond the shortest way.
    pub fn set_jitter(&self, most: Duration) {
        self.net.borrow_mut().jitter = most.as_nanos() as u64;
        if let Some(turmoil) = &self.turmoil {
            turmoil.jitter_changed();
        }
    }

    /// The network's part of a crash: nothing of the host is heard any more, and its peers are reset.
    pub(super) fn net_crash(&self, host: HostId) {
        let mut wakers = Vec::new();
        {
            let mut net = self.net.borrow_mut();
            net.listening.retain(|(at, _), _| *at != host);
            for end in 0..net.ends.len() {
                // An attempt that has not arrived belongs to nobody here yet: whoever is up by then answers it.
                let arriving = !net.ends[end].opener && net.ends[end].state == State::Connecting;
                if net.ends[end].host != host || net.ends[end].dropped || arriving {
                    continue;
                }
                let alive = !matches!(net.ends[end].state, State::Failed(_));
                net.fail(end, io::ErrorKind::ConnectionReset, &mut wakers);
                net.ends[end].dropped = true;
                if alive && net.ends[end].peer != end {
                    net.send(self, end, Cargo::Reset);
                }
            }
        }
        // These wake tasks that are about to be dropped.
        drop(wakers);
    }
}

/// The names of two hosts, as faults tell of a link.
pub(super) fn link_name(world: &World, from: HostId, to: HostId) -> Arc<str> {
    let hosts = world.hosts.borrow();
    format!("{}>{}", hosts.get(from).name, hosts.get(to).name).into()
}
