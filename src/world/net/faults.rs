//! What faults do to links: cuts, slowness, traps for the next message, resets.

use std::cmp::Reverse;
use std::io;
use std::time::Duration;

use super::{BASE, Cargo, Delivery, Link, Net, State};
use crate::world::host::HostId;
use crate::world::simulation::World;

/// What an unlucky request or reply meets on a link; each is used up by the next message of its kind.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traps {
    lose_request: bool,
    lose_reply: bool,
    delay_request: u64,
}

/// A kind of trap.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Set {
    LoseRequest,
    LoseReply,
    DelayRequest,
}

/// What faults of a link have touched since it was last asked.
#[derive(Clone, Copy, Debug, Default)]
#[expect(clippy::struct_excessive_bools, reason = "one for each kind of fault")]
pub(in super::super) struct Touched {
    pub(in super::super) request: bool,
    pub(in super::super) reply: bool,
    pub(in super::super) late: bool,
    pub(in super::super) stalled: bool,
    pub(in super::super) slowed: bool,
}

/// What a message has met.
pub(in super::super) enum Trap {
    Lost(&'static str),
    Late(u64),
}

impl Net {
    /// What happens to a message on a link with a trap set; `None`: nothing.
    pub(in super::super) fn spring(&mut self, link: usize, request: bool) -> Option<Trap> {
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

impl World {
    /// Cuts the way from one host to another: what travels it stalls. Cuts add up; each needs its own [`World::mend`].
    pub fn cut(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        net.links[link].cuts += 1;
        self.tell_turmoil(from, to);
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
        self.tell_turmoil(from, to);
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
        self.tell_turmoil(from, to);
    }

    /// Takes one slowness away; with the last one, messages are as fast as ever.
    pub fn unslow(&self, from: HostId, to: HostId) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        let link = &mut net.links[link];
        link.slows = link.slows.saturating_sub(1);
        if link.slows == 0 {
            link.slow = 0;
            self.tell_turmoil(from, to);
        }
    }

    fn tell_turmoil(&self, from: HostId, to: HostId) {
        if let Some(turmoil) = &self.turmoil {
            turmoil.link_changed(from, to);
        }
    }

    /// Whether the way from one host to another is cut, and the most that it adds to a message.
    pub(in super::super) fn condition(&self, from: HostId, to: HostId) -> (bool, Duration) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        let link = &net.links[link];
        (link.cuts > 0, Duration::from_nanos(link.slow))
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
    pub fn delay_request(&self, from: HostId, to: HostId, delay: Duration) {
        let mut net = self.net.borrow_mut();
        let link = net.link(self, from, to);
        net.links[link].traps.delay_request = delay.as_nanos() as u64;
    }

    /// Takes off a link the trap that loses the next request, that loses the next reply, or that delays the next request.
    pub(in super::super) fn disarm(&self, from: HostId, to: HostId, trap: Set) {
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
    pub(in super::super) fn take_touched(&self, from: HostId, to: HostId, of: fn(&mut Touched) -> &mut bool) -> bool {
        let mut net = self.net.borrow_mut();
        let (there, back) = (net.link(self, from, to), net.link(self, to, from));
        let there = std::mem::take(of(&mut net.links[there].touched));
        let back = std::mem::take(of(&mut net.links[back].touched));
        there || back
    }

    /// Hands over soon what was held back or slowed: from now on nothing is late.
    pub(in super::super) fn hurry(&self) {
        if let Some(turmoil) = &self.turmoil {
            turmoil.hurry();
        }
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
        if let Some(turmoil) = &self.turmoil {
            return turmoil.reset(one, other);
        }
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
}
