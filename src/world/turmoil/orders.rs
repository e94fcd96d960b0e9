//! What the world wants of a simulation of turmoil's, done between two of its steps.

use std::rc::Rc;
use std::time::Duration;

use super::super::host::HostId;
use super::super::simulation::World;
use super::Turmoil;

/// What can be done only between two steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    /// A host has been started.
    Start(HostId),
    /// A host has crashed, or its program has returned.
    End(HostId),
    /// Latencies scatter differently.
    Jitter,
}

/// What a link does with what is sent over it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Way {
    #[default]
    Open,
    /// It is kept until the way is open again, as TCP's retransmissions would have it.
    Held,
    /// It is lost.
    Lossy,
}

impl Turmoil {
    /// A host has been started.
    pub(in super::super) fn start(&self, host: HostId) {
        self.order(Order::Start(host));
    }

    /// A host has come to its end.
    pub(in super::super) fn end(&self, host: HostId) {
        self.order(Order::End(host));
    }

    /// Latencies scatter differently from now on.
    pub(in super::super) fn jitter_changed(&self) {
        self.order(Order::Jitter);
    }

    /// A link has been cut, mended, made slow or as fast as ever.
    pub(in super::super) fn link_changed(&self, from: HostId, to: HostId) {
        self.changed.borrow_mut().insert((from.min(to), from.max(to)));
    }

    fn order(&self, order: Order) {
        // Somebody else's simulation is not ours to order about.
        if !self.observing {
            self.orders.borrow_mut().push(order);
        }
    }
}

impl World {
    /// Carries out what was ordered since the last step.
    pub(super) fn carry_out_orders(self: &Rc<Self>, sim: &mut ::turmoil::Sim<'_>) {
        let Some(turmoil) = &self.turmoil else { return };
        let orders = std::mem::take(&mut *turmoil.orders.borrow_mut());
        for order in orders {
            match order {
                Order::Start(host) if turmoil.known.borrow().contains(&host) => sim.bounce(self.address(host)),
                Order::Start(host) => self.attach(sim, host),
                Order::End(host) => sim.crash(self.address(host)),
                Order::Jitter => sim.set_max_message_latency(self.jitter()),
            }
        }
        let changed = std::mem::take(&mut *turmoil.changed.borrow_mut());
        for (one, other) in changed {
            self.set_link(sim, turmoil, one, other);
        }
    }

    /// Gives turmoil's link between two hosts the condition that the world has for it. A link that is cut both ways keeps
    /// what is sent; one that is cut one way loses it, for turmoil keeps both ways or none.
    fn set_link(&self, sim: &::turmoil::Sim<'_>, turmoil: &Turmoil, one: HostId, other: HostId) {
        let known = turmoil.known.borrow();
        if one == other || !known.contains(&one) || !known.contains(&other) {
            return;
        }
        let ((there_cut, there_slow), (back_cut, back_slow)) = (self.condition(one, other), self.condition(other, one));
        let (a, b) = (self.address(one), self.address(other));
        let slow = there_slow.max(back_slow);
        sim.set_link_max_message_latency(a, b, if slow.is_zero() { self.jitter() } else { slow });

        let lost = self.loses_when_cut(one, other);
        let ways = match (there_cut, back_cut) {
            (true, true) if lost => [Way::Lossy; 2],
            (true, true) => [Way::Held; 2],
            (there, back) => [there, back].map(|cut| if cut { Way::Lossy } else { Way::Open }),
        };
        let before = turmoil.wires.borrow_mut().set_ways(one, other, ways);
        if before == ways {
            return;
        }
        match ways {
            [Way::Held, Way::Held] => sim.hold(a, b),
            [Way::Lossy, Way::Lossy] => sim.partition(a, b),
            [there, back] => {
                if before.contains(&Way::Held) {
                    sim.release(a, b);
                }
                sim.repair(a, b);
                if there == Way::Lossy {
                    sim.partition_oneway(a, b);
                }
                if back == Way::Lossy {
                    sim.partition_oneway(b, a);
                }
            }
        }
    }

    fn jitter(&self) -> Duration {
        Duration::from_nanos(self.net.borrow().jitter())
    }
}
