//! Links and what travels them: latency, loss, partition, hold, reset.
//!
//! One queue of deliveries, ordered by simulated nanosecond and then by the order they were sent. A direction of a
//! stream is first in, first out, as TCP is. A cut link stalls what travels over it until it heals, or until the peer
//! gives up as a TCP stack would. A crash resets.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, VecDeque};
use std::io;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;
use std::time::Duration;

use bytes::Bytes;

use super::history::{ActivityId, What};
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
/// How long data goes unacknowledged before its stream is reset: fifteen retransmissions of Linux.
const DATA_GIVES_UP: u64 = 924 * SECOND;

pub(super) type EndId = usize;

/// What an unlucky request or reply meets on a link; each is used up by the next message of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Traps {
    lose_request: bool,
    lose_reply: bool,
    delay_request: u64,
}

/// A kind of trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Set {
    LoseRequest,
    LoseReply,
    DelayRequest,
}

/// What faults of a link have touched since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each kind of fault")]
pub(super) struct Touched {
    pub(super) request: bool,
    pub(super) reply: bool,
    pub(super) late: bool,
    pub(super) stalled: bool,
    pub(super) slowed: bool,
}

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

    /// What happens to a message on a link with a trap set; `None`: nothing.
    fn spring(&mut self, link: usize, end: EndId) -> Option<Trap> {
        let request = !self.ends[end].opener;
        // A trap is set on the link of the requests; a reply travels the other way.
        let (from, to) = (self.links[link].from, self.links[link].to);
        let set_on = if request { Some(link) } else { self.by_hosts.get(&(to, from)).copied() }?;
        let Link { traps, touched, .. } = &mut self.links[set_on];
        if request && std::mem::take(&mut traps.lose_request) {
            touched.request = true;
            return Some(Trap::Lost("request"));
        }
        if !request && std::mem::take(&mut traps.lose_reply) {
            touched.reply = true;
            return Some(Trap::Lost("reply"));
        }
        if request && traps.delay_request > 0 {
            touched.late = true;
            return Some(Trap::Late(std::mem::take(&mut traps.delay_request)));
        }
        None
    }
}

enum Trap {
    Lost(&'static str),
    Late(u64),
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

impl Net {
    fn deliver(&mut self, world: &Rc<World>, delivery: Delivery, wake: &mut Vec<Waker>) {
        let Delivery { at, order, link, end, cargo, by } = delivery;
        if self.links[link].cuts > 0 && !matches!(cargo, Cargo::GiveUp) {
            if self.links[link].stalled.is_empty() && matches!(cargo, Cargo::Data(_)) {
                self.give_up(at + DATA_GIVES_UP, link, end);
            }
            self.links[link].touched.stalled = true;
            self.links[link].stalled.push_back(Delivery { at, order, link, end, cargo, by });
            return;
        }
        if matches!(cargo, Cargo::Data(_)) {
            match self.spring(link, end) {
                Some(Trap::Lost(what)) => {
                    self.note(world, link, end, by, &format!("lost {what}, reset"));
                    let peer = self.ends[end].peer;
                    self.fail(end, io::ErrorKind::ConnectionReset, wake);
                    self.fail(peer, io::ErrorKind::ConnectionReset, wake);
                    return;
                }
                Some(Trap::Late(delay)) => {
                    self.note(world, link, end, by, "request held back");
                    self.hold_back(link, end, cargo, by, at + delay);
                    return;
                }
                None => {}
            }
        }
        self.hand_over(world, link, end, cargo, by, wake);
    }

    /// Delivers a message later, and what its stream has sent since behind it, in the same order.
    fn hold_back(&mut self, link: usize, end: EndId, cargo: Cargo, by: Sent, until: u64) {
        let queue = std::mem::take(&mut self.queue);
        let (mut behind, others): (Vec<_>, Vec<_>) = queue
            .into_iter()
            .partition(|Reverse(delivery)| delivery.end == end && !matches!(delivery.cargo, Cargo::GiveUp));
        self.queue = others.into();
        behind.sort_by_key(|Reverse(delivery)| (delivery.at, delivery.order));
        self.push(until, link, end, cargo, by);
        for Reverse(delivery) in behind {
            self.push(delivery.at.max(until), delivery.link, delivery.end, delivery.cargo, delivery.by);
        }
        let sender = self.ends[end].peer;
        self.ends[sender].last = self.ends[sender].last.max(until);
    }

    fn hand_over(&mut self, world: &Rc<World>, link: usize, end: EndId, cargo: Cargo, by: Sent, wake: &mut Vec<Waker>) {
        match cargo {
            Cargo::Open { port, acceptor } => {
                self.note(world, link, end, by, &format!("connects to port {port}"));
                self.open(world, link, end, port, acceptor, wake);
            }
            Cargo::Opened => {
                self.note(world, link, end, by, "connected");
                let state = &mut self.ends[end];
                if state.state == State::Connecting && state.dropped {
                    // Whoever asked has gone: the kernel tells the one who accepted.
                    state.state = State::Failed(io::ErrorKind::ConnectionReset);
                    self.send(world, end, Cargo::Reset);
                } else if state.state == State::Connecting {
                    state.state = State::Open;
                    wake.extend(state.reader.take());
                }
            }
            Cargo::Refused => {
                self.note(world, link, end, by, "refused");
                self.fail(end, io::ErrorKind::ConnectionRefused, wake);
            }
            Cargo::Data(data) => {
                world.history.borrow_mut().fold(world.clock.now(), self.ends[end].local.port(), &data);
                if world.detail {
                    self.tell(world, link, by, &format!("{} bytes", data.len()));
                }
                let state = &mut self.ends[end];
                if state.dropped && !matches!(state.state, State::Failed(_)) {
                    // Nobody reads here any more: the kernel says so.
                    state.state = State::Failed(io::ErrorKind::ConnectionReset);
                    self.send(world, end, Cargo::Reset);
                } else if state.state == State::Open {
                    state.received.push_back((data, by.activity));
                    wake.extend(state.reader.take());
                }
            }
            Cargo::Fin => {
                self.note(world, link, end, by, "closed by peer");
                self.ends[end].eof = true;
                wake.extend(self.ends[end].reader.take());
            }
            Cargo::Reset => {
                self.note(world, link, end, by, "reset");
                self.fail(end, io::ErrorKind::ConnectionReset, wake);
            }
            Cargo::GiveUp => {
                let connecting = self.ends[end].state == State::Connecting;
                let stalled = self.links[link].stalled.iter().any(|delivery| delivery.end == end);
                if connecting || stalled {
                    self.note(world, link, end, by, "timed out");
                    let peer = self.ends[end].peer;
                    self.fail(end, io::ErrorKind::TimedOut, wake);
                    if peer != end {
                        self.fail(peer, io::ErrorKind::TimedOut, wake);
                    }
                }
            }
        }
    }

    /// A connection attempt arrives at its host.
    fn open(&mut self, world: &Rc<World>, link: usize, end: EndId, port: u16, acceptor: EndId, wake: &mut Vec<Waker>) {
        if matches!(self.ends[end].state, State::Failed(_)) || self.ends[end].dropped {
            return;
        }
        let to = self.links[link].to;
        let up = world.hosts.borrow().get(to).up;
        match self.listening.get_mut(&(to, port)) {
            Some(listening) if up => {
                listening.backlog.push_back(acceptor);
                wake.append(&mut listening.wakers);
                self.ends[acceptor].state = State::Open;
                self.send(world, acceptor, Cargo::Opened);
            }
            _ => {
                self.ends[acceptor].state = State::Failed(io::ErrorKind::ConnectionRefused);
                self.ends[acceptor].dropped = true;
                self.send(world, acceptor, Cargo::Refused);
            }
        }
    }

    /// Notes a delivery: always in the fingerprint, in the history where detail is asked for.
    fn note(&self, world: &World, link: usize, end: EndId, by: Sent, what: &str) {
        world.history.borrow_mut().fold(world.clock.now(), self.ends[end].local.port(), what.as_bytes());
        if world.detail {
            self.tell(world, link, by, what);
        }
    }

    fn tell(&self, world: &World, link: usize, by: Sent, what: &str) {
        let link = &self.links[link];
        let (from, to) = {
            let hosts = world.hosts.borrow();
            (hosts.get(link.from).name.clone(), hosts.get(link.to).name.clone())
        };
        let sent = Duration::from_nanos(by.at);
        world.record_for(link.to, by.activity, What::Message { from, to, sent, what: what.into() });
    }
}

impl World {
    /// The most that an ordinary message takes beyond the shortest way.
    pub fn set_jitter(&self, most: Duration) {
        self.net.borrow_mut().jitter = most.as_nanos() as u64;
    }

    /// Cuts the way from one host to another: what travels it stalls. Cuts add up; each needs its own [`World::mend`].
    pub fn cut(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        net.links[link].cuts += 1;
    }

    /// Takes one cut away; with the last one, what had stalled goes on.
    pub fn mend(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        let state = &mut net.links[link];
        state.cuts = state.cuts.saturating_sub(1);
        if state.cuts > 0 {
            return;
        }
        let stalled = std::mem::take(&mut state.stalled);
        // With the order they were sent in, so that they stay ahead of what their streams have sent since.
        let at = self.clock.now();
        net.queue.extend(stalled.into_iter().map(|delivery| Reverse(Delivery { at, ..delivery })));
    }

    /// Adds up to `most` to each message from one host to another. Each needs its own [`World::unslow`]; meanwhile the
    /// slowest counts.
    pub fn slow(&self, from: HostId, to: HostId, most: Duration) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        let link = &mut net.links[link];
        link.slows += 1;
        link.slow = link.slow.max(most.as_nanos() as u64);
    }

    /// Takes one slowness away; with the last one, messages are as fast as ever.
    pub fn unslow(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        let link = &mut net.links[link];
        link.slows = link.slows.saturating_sub(1);
        if link.slows == 0 {
            link.slow = 0;
        }
    }

    /// The next request from `from` to `to` is lost before it has any effect, and its stream reset.
    pub fn lose_request(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        net.links[link].traps.lose_request = true;
    }

    /// The next reply to a request of `from` to `to` is lost after the request took effect, and its stream reset.
    pub fn lose_reply(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        net.links[link].traps.lose_reply = true;
    }

    /// The next request from `from` to `to` takes effect only after `delay`.
    pub fn delay_request(&self, from: HostId, to: HostId, delay: std::time::Duration) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        net.links[link].traps.delay_request = delay.as_nanos() as u64;
    }

    /// Takes off a link the trap that loses the next request, that loses the next reply, or that delays the next request.
    pub(super) fn disarm(&self, from: HostId, to: HostId, trap: Set) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        let traps = &mut net.links[link].traps;
        match trap {
            Set::LoseRequest => traps.lose_request = false,
            Set::LoseReply => traps.lose_reply = false,
            Set::DelayRequest => traps.delay_request = 0,
        }
    }

    /// Whether one kind of fault has touched anything on a link, to or fro, since this was last asked of that kind.
    pub(super) fn take_touched(&self, from: HostId, to: HostId, of: fn(&mut Touched) -> &mut bool) -> bool {
        let mut net = self.net.borrow_mut();
        let (there, back) = (net.link(self, from, to), net.link(self, to, from));
        let there = std::mem::take(of(&mut net.links[there].touched));
        let back = std::mem::take(of(&mut net.links[back].touched));
        there || back
    }

    /// Hands over soon what was held back or slowed: from now on nothing is late.
    pub(super) fn hurry(&self) {
        let mut net = self.net.borrow_mut();
        let soon = self.clock.now() + BASE;
        let queue = std::mem::take(&mut net.queue);
        // All that is moved arrives at once, in the order in which it would have arrived: each stream keeps its own.
        let mut waiting: Vec<Delivery> = queue.into_iter().map(|Reverse(delivery)| delivery).collect();
        waiting.sort();
        for mut delivery in waiting {
            if !matches!(delivery.cargo, Cargo::GiveUp) {
                delivery.at = delivery.at.min(soon);
                delivery.order = net.order;
                net.order += 1;
            }
            net.queue.push(Reverse(delivery));
        }
        for end in &mut net.ends {
            end.last = end.last.min(soon);
        }
    }

    /// Resets every stream between two hosts; true: there was one.
    pub fn reset(&self, one: HostId, other: HostId) -> bool {
        let mut wake = Vec::new();
        let mut any = false;
        {
            let mut net = self.net.borrow_mut();
            for end in 0..net.ends.len() {
                let peer = net.ends[end].peer;
                let between = (net.ends[end].host == one && net.ends[peer].host == other)
                    || (net.ends[end].host == other && net.ends[peer].host == one);
                if between && net.ends[end].state == State::Open {
                    net.fail(end, io::ErrorKind::ConnectionReset, &mut wake);
                    any = true;
                }
            }
        }
        for waker in wake {
            waker.wake();
        }
        any
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
