//! What becomes of a delivery when its time has come.

use std::cmp::Reverse;
use std::io;
use std::rc::Rc;
use std::task::Waker;
use std::time::Duration;

use super::faults::Trap;
use super::{Cargo, Delivery, EndId, Net, SECOND, Sent, State};
use crate::world::history::What;
use crate::world::simulation::World;

/// How long data goes unacknowledged before its stream is reset: fifteen retransmissions of Linux.
const DATA_GIVES_UP: u64 = 924 * SECOND;

impl Net {
    /// Delivers it, unless a fault is in its way.
    pub(super) fn deliver(&mut self, world: &Rc<World>, delivery: Delivery, wake: &mut Vec<Waker>) {
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
            match self.spring(link, !self.ends[end].opener) {
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
