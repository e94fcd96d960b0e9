//! What a system puts into the world: hosts, the programs they run, who talks to whom, and the faults that only it knows.

use std::future::Future;
use std::rc::Rc;

use crate::world::Program;
use crate::world::nemesis::{Fault, Strike};

/// The role of the hosts on which clients run.
pub const CLIENT: &str = "client";

/// A host to be: its name, role and program.
pub struct Host {
    pub(super) name: String,
    pub(super) role: &'static str,
    pub(super) program: Program,
    pub(super) immune: Vec<Fault>,
    pub(super) faults: Vec<(&'static str, Strike)>,
    pub(super) heals: Vec<Rc<dyn Fn()>>,
}

impl Host {
    /// A host with a program, which runs anew at each start. What outlives a crash (a disk) is what the closure shares.
    pub fn new<F>(name: impl Into<String>, role: &'static str, program: impl Fn() -> F + 'static) -> Self
    where
        F: Future<Output = ()> + 'static,
    {
        Self {
            name: name.into(),
            role,
            program: Rc::new(move || Box::pin(program())),
            immune: Vec::new(),
            faults: Vec::new(),
            heals: Vec::new(),
        }
    }

    /// Faults that never strike this host.
    #[must_use]
    pub fn immune(mut self, faults: &[Fault]) -> Self {
        self.immune.extend_from_slice(faults);
        self
    }

    /// A fault of this host's own, for example `evict`. `strike` gets a drawn magnitude (1 or more) and says what it did.
    #[must_use]
    pub fn fault(mut self, kind: &'static str, strike: impl Fn(u64) -> String + 'static) -> Self {
        self.faults.push((kind, Rc::new(strike)));
        self
    }

    /// Several faults of this host's own: `strike` is told as well which of them it is.
    #[must_use]
    pub fn faults(self, kinds: &[&'static str], strike: impl Fn(&'static str, u64) -> String + 'static) -> Self {
        let strike = Rc::new(strike);
        kinds.iter().fold(self, |host, &kind| {
            let strike = strike.clone();
            host.fault(kind, move |magnitude| strike(kind, magnitude))
        })
    }

    /// Ends what faults of this host's own have left behind, when all faults heal.
    #[must_use]
    pub fn heal(mut self, heal: impl Fn() + 'static) -> Self {
        self.heals.push(Rc::new(heal));
        self
    }
}

/// What a system puts into the world.
#[derive(Default)]
pub struct Deployment {
    pub(super) hosts: Vec<Host>,
    pub(super) links: Vec<(&'static str, &'static str)>,
}

impl Deployment {
    /// Adds a host; hosts start in the order they are added.
    pub fn host(&mut self, host: Host) {
        self.hosts.push(host);
    }

    /// Hosts of one role send requests to hosts of another; faults of links strike there. The role of clients is
    /// [`CLIENT`]. Without any link, faults strike between all hosts but two clients.
    pub fn link(&mut self, from: &'static str, to: &'static str) {
        self.links.push((from, to));
    }

    /// The names of the hosts that this kind of fault may strike; a link may be any two hosts, so it has none.
    pub(crate) fn struck_by(&self, kind: &str) -> Vec<&str> {
        let fault = Fault::named(kind);
        let may = |host: &&Host| match fault {
            Some(fault) => !host.immune.contains(&fault),
            None => host.faults.iter().any(|(own, _)| *own == kind),
        };
        self.hosts.iter().filter(may).map(|host| host.name.as_str()).collect()
    }

    /// The names of all hosts but those of clients.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        self.hosts.iter().map(|host| host.name.as_str())
    }
}
