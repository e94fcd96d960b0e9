//! What tasks of a host do to its disk: how long it takes, what faults refuse, and what a crash leaves.

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind, Result};
use std::time::Duration;

use super::super::history::What;
use super::super::host::HostId;
use super::super::simulation::World;
use super::super::tape::{below, chance, spread};
use super::contents::{Contents, LOST};

/// How many of a million crashes with something unsynced lose power, and not only the process.
const POWER: u64 = 300_000;

/// What a call does to the disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Call {
    /// It reads a file, or looks at what there is.
    Look,
    /// It writes, and may need room.
    Write,
    /// It renames or removes.
    Change,
    /// It waits for the disk to have all of a file.
    Sync,
}

impl Call {
    /// The longest time that it takes, in milliseconds.
    const fn most(self) -> u64 {
        match self {
            Self::Look => 1,
            Self::Write | Self::Change => 2,
            Self::Sync => 20,
        }
    }
}

/// What may be wrong with a disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Trouble {
    /// It has no room.
    Full,
    /// The next call fails.
    Error,
}

/// The disk of a host.
#[derive(Debug, Default)]
struct Disk {
    contents: Contents,
    full: Faulty,
    error: Faulty,
}

/// A kind of trouble of one disk.
#[derive(Debug, Default)]
struct Faulty {
    /// How many faults cause it now.
    causes: u32,
    /// Whether a call has met it.
    met: bool,
}

impl Disk {
    fn trouble(&mut self, trouble: Trouble) -> &mut Faulty {
        match trouble {
            Trouble::Full => &mut self.full,
            Trouble::Error => &mut self.error,
        }
    }

    /// Why a call fails, if it does.
    fn refusal(&mut self, call: Call) -> Option<Error> {
        if self.error.causes > 0 {
            self.error = Faulty { causes: 0, met: true };
            return Some(Error::other("input/output error"));
        }
        if self.full.causes > 0 && call == Call::Write {
            self.full.met = true;
            return Some(Error::new(ErrorKind::StorageFull, "no space left on device"));
        }
        None
    }
}

/// The disks of all hosts that have used theirs.
#[derive(Debug, Default)]
pub(in super::super) struct Disks(BTreeMap<HostId, Disk>);

impl World {
    /// The disk of a host is in trouble from now on.
    pub(in super::super) fn trouble_disk(&self, host: HostId, trouble: Trouble) {
        let mut disks = self.disks.borrow_mut();
        let faulty = disks.0.entry(host).or_default().trouble(trouble);
        // An error is one call's, however many faults wait for it.
        faulty.causes = if trouble == Trouble::Error { 1 } else { faulty.causes + 1 };
        if faulty.causes == 1 {
            faulty.met = false;
        }
    }

    /// One cause of trouble is over. Whether any call has met it.
    pub(in super::super) fn relieve_disk(&self, host: HostId, trouble: Trouble) -> bool {
        let mut disks = self.disks.borrow_mut();
        let faulty = disks.0.entry(host).or_default().trouble(trouble);
        faulty.causes = faulty.causes.saturating_sub(1);
        faulty.met
    }

    /// A host crashes: perhaps its power is lost, and what was not synced with it.
    pub(in super::super) fn crash_disk(&self, host: HostId) {
        let mut disks = self.disks.borrow_mut();
        let Some(disk) = disks.0.get_mut(&host).filter(|disk| !disk.contents.is_synced()) else { return };
        let name = self.hosts.borrow().get(host).name.clone();
        let mut tape = self.tape.borrow_mut();
        let power = tape.site("disk.power", &name);
        if tape.next(power, |word| chance(word, POWER)) == 0 {
            return;
        }
        let crash = tape.asked(power) - 1;
        tape.tell(power, crash, || format!("{name} loses power, and not only its process"));
        let lost = disk.contents.lose_power(|what, path, most| {
            let site = tape.site(what, &format!("{name} {path}"));
            let drawn = tape.next(site, |word| below(word, most as u64 + 1));
            let index = tape.asked(site) - 1;
            tape.tell(site, index, || match what {
                LOST => format!("the last {drawn} of {most} unsynced changes of {path} on {name} are lost"),
                _ => format!("{drawn} bytes of the first lost change of {path} on {name} are left"),
            });
            drawn as usize
        });
        drop((tape, disks));
        let losses: Vec<String> =
            lost.iter().map(|lost| format!("{} of {} changes of {}", lost.changes, lost.of, lost.path)).collect();
        let detail = if losses.is_empty() { "nothing".to_owned() } else { losses.join(", ") };
        self.record_of(
            HostId::WORLD,
            What::Fault {
                kind: "power_loss".into(),
                subject: name,
                detail: format!("lost {detail}").into(),
                lasts: Duration::ZERO,
            },
        );
    }

    /// How long a call takes, in milliseconds.
    fn disk_latency(&self, call: Call) -> u64 {
        let name = self.host_name();
        let mut tape = self.tape.borrow_mut();
        let site = tape.site("disk.latency", &name);
        let millis = tape.next(site, |word| if word & 1 == 0 { 0 } else { spread(word, call.most()) });
        if millis > 0 {
            let number = tape.asked(site);
            tape.tell(site, number - 1, || format!("call {number} to the disk of {name} takes {millis} ms longer"));
        }
        millis
    }

    fn call_disk<T>(&self, call: Call, act: impl FnOnce(&mut Contents) -> Result<T>) -> Result<T> {
        let host = self.context.borrow().host;
        let mut disks = self.disks.borrow_mut();
        let disk = disks.0.entry(host).or_default();
        match disk.refusal(call) {
            Some(error) => Err(error),
            None => act(&mut disk.contents),
        }
    }
}

/// Does something to the current host's disk, which takes some time before and after.
///
/// The future is `Send`, as code under test expects of what it awaits, so it never holds the world across an await.
pub(crate) async fn on_disk<T>(call: Call, act: impl FnOnce(&mut Contents) -> Result<T>) -> Result<T> {
    let takes = World::with(|world| world.disk_latency(call)).unwrap_or_default();
    wait(takes / 2).await;
    let done = World::with(|world| world.call_disk(call, act))
        .unwrap_or_else(|| Err(Error::new(ErrorKind::NotConnected, "the simulated world has ended")));
    wait(takes - takes / 2).await;
    done
}

async fn wait(millis: u64) {
    if millis > 0 {
        tokio::time::sleep(Duration::from_millis(millis)).await;
    }
}
