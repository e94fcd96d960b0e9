//! A scripted fault in words, and what they say.

use std::time::Duration;

use crate::world::nemesis::{Blow, Drawn, Fault, IN_WAIT};

/// A scripted fault: it strikes at an exact time, and for exactly as long as it says.
///
/// | kind | strikes | `lasts` | `by` |
/// |---|---|---|---|
/// | `restart`, `pause` | a host | needed | |
/// | `partition`, `one_way` | a link | needed | |
/// | `slow` | a link | needed | at most how much later messages come: `5s` |
/// | `reset` | a link | | |
/// | `lost_request`, `lost_reply` | a link | how long it waits for one: 10 s by default | |
/// | `late` | a link | how long it waits for a request: 10 s by default | how late that comes: `5s` |
/// | `disk_full` | a host | needed | |
/// | `disk_error` | a host | how long it waits for a call: 10 s by default | |
/// | `clock_jump` | a host | | `2h ahead`, `2h back` |
/// | `clock_drift` | a host | | `300 ppm fast`, `300 ppm slow` |
///
/// A fault that only one kind of host knows takes a `magnitude`, 1 or more. A stall is no strike: script a hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Strike {
    /// When, since the start of the run.
    pub at: Duration,
    /// The kind of fault, and the host or link: `restart pod-b`, `lost_reply c1>pod-a`.
    pub fault: String,
    /// For how long.
    pub lasts: Option<Duration>,
    /// By how much.
    pub by: Option<String>,
    /// How badly, where only the host knows what that means.
    pub magnitude: Option<u64>,
}

/// A part of a strike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    Fault,
    Lasts,
    By,
    Magnitude,
}

/// What is wrong with a part of a strike, and what to write instead.
#[derive(Debug)]
pub(crate) struct Misfit {
    pub(crate) part: Part,
    pub(crate) message: String,
    pub(crate) help: String,
}

impl Misfit {
    pub(crate) fn new(part: Part, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { part, message: message.into(), help: help.into() }
    }
}

impl Strike {
    /// The kind of fault.
    pub fn kind(&self) -> &str {
        self.fault.split_once(' ').map_or(self.fault.as_str(), |(kind, _)| kind)
    }

    /// The host or link that it strikes; empty where none is named.
    pub fn target(&self) -> &str {
        self.fault.split_once(' ').map_or("", |(_, target)| target.trim())
    }

    /// How hard it strikes.
    pub(crate) fn blow(&self) -> Result<Blow, Misfit> {
        let kind = self.kind();
        let Some(fault) = Fault::named(kind) else {
            self.without(&[Part::Lasts, Part::By])?;
            let missing = || {
                let help = "write `magnitude = 1`, or more: what it means is up to the host";
                Misfit::new(Part::Fault, format!("`{kind}` strikes with a magnitude"), help)
            };
            return match self.magnitude {
                Some(0) => Err(Misfit::new(Part::Magnitude, "nothing strikes with magnitude 0", "write 1 or more")),
                magnitude => magnitude.map(Blow::Own).ok_or_else(missing),
            };
        };
        self.without(&[Part::Magnitude])?;
        Ok(match fault {
            Fault::Restart | Fault::Pause | Fault::Partition | Fault::OneWay | Fault::DiskFull => {
                self.without(&[Part::By])?;
                let lasts = self.lasts()?;
                match fault {
                    Fault::Restart => Blow::Restart(lasts),
                    Fault::Pause => Blow::Pause(lasts),
                    Fault::Partition => Blow::Partition(lasts),
                    Fault::DiskFull => Blow::DiskFull(lasts),
                    _ => Blow::OneWay(lasts),
                }
            }
            Fault::Slow => Blow::Slow { by: self.delay()?, lasts: self.lasts()? },
            Fault::Late => Blow::Late { by: self.delay()?, lasts: self.lasts.unwrap_or(IN_WAIT) },
            Fault::LostRequest | Fault::LostReply | Fault::DiskError => {
                self.without(&[Part::By])?;
                let lasts = self.lasts.unwrap_or(IN_WAIT);
                match fault {
                    Fault::LostReply => Blow::LostReply(lasts),
                    Fault::LostRequest => Blow::LostRequest(lasts),
                    _ => Blow::DiskError(lasts),
                }
            }
            Fault::Reset => {
                self.without(&[Part::By, Part::Lasts])?;
                Blow::Reset
            }
            Fault::ClockJump => {
                self.without(&[Part::Lasts])?;
                let read = |text: &str| Some(humantime::parse_duration(text).ok()?.as_nanos() as i64);
                Blow::ClockJump(self.signed([" ahead", " back"], "2h ahead` or `2h back", read)?)
            }
            Fault::ClockDrift => {
                self.without(&[Part::Lasts])?;
                let read = |text: &str| text.strip_suffix(" ppm")?.parse().ok().filter(|rate| *rate < 1_000_000);
                Blow::ClockDrift(self.signed([" fast", " slow"], "300 ppm fast` or `300 ppm slow", read)?)
            }
            Fault::Stall => {
                let help = "script a [[hold]] at that point: it says until when";
                return Err(Misfit::new(Part::Fault, "a stall is no strike", help));
            }
        })
    }

    fn without(&self, parts: &[Part]) -> Result<(), Misfit> {
        for part in parts {
            let (there, key) = match part {
                Part::Lasts => (self.lasts.is_some(), "lasts"),
                Part::By => (self.by.is_some(), "by"),
                Part::Magnitude => (self.magnitude.is_some(), "magnitude"),
                Part::Fault => (false, "strike"),
            };
            if there {
                let message = format!("`{}` has no `{key}`", self.kind());
                return Err(Misfit::new(*part, message, format!("leave `{key}` out")));
            }
        }
        Ok(())
    }

    fn lasts(&self) -> Result<Duration, Misfit> {
        self.lasts.filter(|lasts| !lasts.is_zero()).ok_or_else(|| {
            let part = if self.lasts.is_some() { Part::Lasts } else { Part::Fault };
            Misfit::new(part, format!("`{}` lasts for some time", self.kind()), "say how long: `lasts = \"4s\"`")
        })
    }

    /// `by`, as a time.
    fn delay(&self) -> Result<Duration, Misfit> {
        let help = || format!("say how much: `by = \"{}\"`", "5s");
        let Some(text) = &self.by else {
            return Err(Misfit::new(Part::Fault, format!("`{}` delays by some time", self.kind()), help()));
        };
        humantime::parse_duration(text)
            .map_err(|_| Misfit::new(Part::By, format!("`{text}` is not a duration such as `5s`"), help()))
    }

    /// `by`, with a word for its sign: the first is up, the second down.
    fn signed(&self, words: [&str; 2], such: &str, read: impl Fn(&str) -> Option<i64>) -> Result<i64, Misfit> {
        let text = self.by.as_deref().unwrap_or_default();
        let up = text.strip_suffix(words[0]).and_then(&read);
        let down = || text.strip_suffix(words[1]).and_then(&read).map(|number| -number);
        up.or_else(down).ok_or_else(|| {
            let part = if self.by.is_some() { Part::By } else { Part::Fault };
            let message = format!("`{}` goes by some amount, one way or the other", self.kind());
            Misfit::new(part, message, format!("write `by` as `{such}`"))
        })
    }
}

impl From<Drawn> for Strike {
    fn from(drawn: Drawn) -> Self {
        let Drawn { at, kind, target, blow } = drawn;
        let time = |time: Duration| humantime::format_duration(time).to_string();
        let (lasts, by, magnitude) = match blow {
            Blow::Restart(lasts)
            | Blow::Pause(lasts)
            | Blow::Partition(lasts)
            | Blow::OneWay(lasts)
            | Blow::DiskFull(lasts) => (Some(lasts), None, None),
            Blow::LostRequest(lasts) | Blow::LostReply(lasts) | Blow::DiskError(lasts) => {
                (Some(lasts).filter(|lasts| *lasts != IN_WAIT), None, None)
            }
            Blow::Slow { by, lasts } => (Some(lasts), Some(time(by)), None),
            Blow::Late { by, lasts } => (Some(lasts).filter(|lasts| *lasts != IN_WAIT), Some(time(by)), None),
            Blow::Reset => (None, None, None),
            Blow::ClockJump(nanos) => {
                let way = if nanos < 0 { "back" } else { "ahead" };
                (None, Some(format!("{} {way}", time(Duration::from_nanos(nanos.unsigned_abs())))), None)
            }
            Blow::ClockDrift(rate) => {
                let way = if rate < 0 { "slow" } else { "fast" };
                (None, Some(format!("{} ppm {way}", rate.unsigned_abs())), None)
            }
            Blow::Own(magnitude) => (None, None, Some(magnitude)),
        };
        Self { at, fault: format!("{kind} {target}"), lasts, by, magnitude }
    }
}
