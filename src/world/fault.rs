//! Kinds of fault, how hard they strike, and what a drawn number says of that.
//!
//! What strikes when is up to `nemesis.rs`.

use std::time::Duration;

use super::tape::{Decision, spread};

/// How long a slot is, in which a kind of fault strikes a target once at most.
pub(super) const SLOT: Duration = Duration::from_secs(5);

/// A kind of fault that every world knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Fault {
    /// A host crashes and starts again within half a minute.
    Restart,
    /// A host stands still for up to 40 s.
    Pause,
    /// Two hosts cannot reach each other for up to 90 s.
    Partition,
    /// One host cannot reach another, though it hears it, for up to 90 s.
    OneWay,
    /// Messages between two hosts take up to 5 s longer, for up to a minute.
    Slow,
    /// All streams between two hosts are reset.
    Reset,
    /// A request is lost before it takes effect, and its stream reset.
    LostRequest,
    /// A request takes effect and its reply is lost with the stream.
    LostReply,
    /// A request takes effect up to a minute late, when its caller may long have given up.
    Late,
    /// A host's wall clock jumps by up to two hours, forwards or backwards.
    ClockJump,
    /// A host's wall clock runs up to 1 % too fast or too slow.
    ClockDrift,
    /// A host's disk has no room for up to a minute: what is written is refused.
    DiskFull,
    /// The next call to a host's disk within ten seconds fails.
    DiskError,
    /// A task is held at a point, for up to 40 s. Its rate is per hundred points passed.
    Stall,
}

impl Fault {
    /// All of them.
    pub const ALL: [Self; 14] = [
        Self::Restart,
        Self::Pause,
        Self::Partition,
        Self::OneWay,
        Self::Slow,
        Self::Reset,
        Self::LostRequest,
        Self::LostReply,
        Self::Late,
        Self::ClockJump,
        Self::ClockDrift,
        Self::DiskFull,
        Self::DiskError,
        Self::Stall,
    ];

    /// The name in a scenario's `[faults]`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Restart => "restart",
            Self::Pause => "pause",
            Self::Partition => "partition",
            Self::OneWay => "one_way",
            Self::Slow => "slow",
            Self::Reset => "reset",
            Self::LostRequest => "lost_request",
            Self::LostReply => "lost_reply",
            Self::Late => "late",
            Self::ClockJump => "clock_jump",
            Self::ClockDrift => "clock_drift",
            Self::DiskFull => "disk_full",
            Self::DiskError => "disk_error",
            Self::Stall => "stall",
        }
    }

    /// The fault of this name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|fault| fault.name() == name)
    }

    /// Whether it strikes a link rather than a host.
    pub const fn strikes_links(self) -> bool {
        matches!(
            self,
            Self::Partition
                | Self::OneWay
                | Self::Slow
                | Self::Reset
                | Self::LostRequest
                | Self::LostReply
                | Self::Late
        )
    }

    /// Where its sites of decisions are found.
    pub(super) const fn site(self) -> &'static str {
        match self {
            Self::Restart => "fault.restart",
            Self::Pause => "fault.pause",
            Self::Partition => "fault.partition",
            Self::OneWay => "fault.one_way",
            Self::Slow => "fault.slow",
            Self::Reset => "fault.reset",
            Self::LostRequest => "fault.lost_request",
            Self::LostReply => "fault.lost_reply",
            Self::Late => "fault.late",
            Self::ClockJump => "fault.clock_jump",
            Self::ClockDrift => "fault.clock_drift",
            Self::DiskFull => "fault.disk_full",
            Self::DiskError => "fault.disk_error",
            Self::Stall => "fault.stall",
        }
    }
}

/// How hard a fault strikes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Blow {
    /// A host is down for this long.
    Restart(Duration),
    /// A host stands still for this long.
    Pause(Duration),
    /// Two hosts cannot reach each other for this long.
    Partition(Duration),
    /// The first host cannot reach the second for this long.
    OneWay(Duration),
    /// Messages take longer.
    Slow {
        /// By how much at most.
        by: Duration,
        /// For how long.
        lasts: Duration,
    },
    /// All streams are reset.
    Reset,
    /// The next request within this time is lost.
    LostRequest(Duration),
    /// The reply to the next request within this time is lost.
    LostReply(Duration),
    /// The next request is late.
    Late {
        /// By how much.
        by: Duration,
        /// Within which time.
        lasts: Duration,
    },
    /// A wall clock jumps by so many nanoseconds, ahead or back.
    ClockJump(i64),
    /// A wall clock runs fast, or slow, by so many parts per million.
    ClockDrift(i64),
    /// A disk has no room for this long.
    DiskFull(Duration),
    /// The next call to a disk within this time fails.
    DiskError(Duration),
    /// A fault of a host's own, with its magnitude, 1 or more.
    Own(u64),
}

/// How long a fault lies in wait for a request, a reply or a call to a disk, unless it is told.
pub const IN_WAIT: Duration = Duration::from_secs(10);

impl Blow {
    /// What a drawn magnitude stands for, and whether a link is struck the other way round. None for a stall.
    pub(super) fn drawn(fault: Option<Fault>, magnitude: u64) -> Option<(Self, bool)> {
        // Twelve bits of magnitude, spread out to as many orders of time.
        let bits = magnitude.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let odd = magnitude & 1 == 1;
        let signed = |number: i64| if odd { -number } else { number };
        let Some(fault) = fault else { return Some((Self::Own(1 + magnitude), false)) };
        let blow = match fault {
            Fault::Restart => Self::Restart(millis(bits, 30_000)),
            Fault::Pause => Self::Pause(millis(bits, 40_000)),
            Fault::Partition => Self::Partition(millis(bits, 90_000)),
            Fault::OneWay => Self::OneWay(millis(bits, 90_000)),
            Fault::Slow => Self::Slow { by: millis(bits.rotate_left(24), 5_000), lasts: millis(bits, 60_000) },
            Fault::Reset => Self::Reset,
            Fault::LostRequest => Self::LostRequest(IN_WAIT),
            Fault::LostReply => Self::LostReply(IN_WAIT),
            Fault::Late => Self::Late { by: millis(bits, 60_000), lasts: IN_WAIT },
            Fault::ClockJump => Self::ClockJump(signed(millis(bits, 7_200_000).as_nanos() as i64)),
            Fault::ClockDrift => Self::ClockDrift(signed(1 + spread(bits, 9_999) as i64)),
            Fault::DiskFull => Self::DiskFull(millis(bits, 60_000)),
            Fault::DiskError => Self::DiskError(IN_WAIT),
            Fault::Stall => return None,
        };
        Some((blow, fault == Fault::OneWay && odd))
    }
}

/// A fault that a decision stands for, as a script would have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drawn {
    /// When it strikes, since the start of the run.
    pub at: Duration,
    /// The kind's name.
    pub kind: String,
    /// The host or link.
    pub target: String,
    /// How hard.
    pub blow: Blow,
}

impl Drawn {
    /// The fault that this decision stands for, if it stands for one.
    pub fn of(decision: &Decision) -> Option<Self> {
        let (name, subject) = decision.site.split_once(' ')?;
        let fault = Fault::ALL.into_iter().find(|fault| fault.site() == name);
        let (kind, target) = match fault {
            Some(fault) => (fault.name(), subject),
            None if name == OWN => subject.split_once(' ')?,
            None => return None,
        };
        let (offset, magnitude) = unpack(decision.value)?;
        let (blow, reversed) = Blow::drawn(fault, magnitude)?;
        let target = match target.split_once('>') {
            Some((from, to)) if reversed => format!("{to}>{from}"),
            _ => target.to_owned(),
        };
        let slot = SLOT.checked_mul(u32::try_from(decision.index).ok()?)?;
        Some(Self { at: slot + Duration::from_nanos(offset), kind: kind.to_owned(), target, blow })
    }
}

/// The site of faults of a host's own.
pub(super) const OWN: &str = "fault.own";

/// Where in its slot a drawn fault strikes, in nanoseconds, and its magnitude; zero is no fault.
pub(super) fn unpack(value: u64) -> Option<(u64, u64)> {
    // The low 8 bits place it within the slot, the rest is its magnitude.
    let value = value.checked_sub(1)?;
    Some(((value & 0xff) * (SLOT.as_nanos() as u64 >> 8), value >> 8))
}

fn millis(word: u64, most: u64) -> Duration {
    Duration::from_millis(1 + spread(word, most - 1))
}
