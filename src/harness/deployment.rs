//! What a system puts into the world: hosts, the programs they run, and the faults that only it knows.

use std::future::Future;
use std::pin::Pin;
use std::rc::Rc;

pub(crate) type Program = Rc<dyn Fn() -> Pin<Box<dyn Future<Output = ()>>>>;
pub(crate) type Strike = Rc<dyn Fn(u64) -> String>;

/// A host to be: its name, role and program.
pub struct Host {
    pub(crate) name: String,
    pub(crate) role: &'static str,
    pub(crate) program: Program,
    pub(crate) immune: Vec<&'static str>,
    pub(crate) faults: Vec<(&'static str, Strike)>,
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
        }
    }

    /// Faults, as a scenario's `[faults]` names them, that never strike this host.
    #[must_use]
    pub fn immune(mut self, kinds: &[&'static str]) -> Self {
        self.immune.extend_from_slice(kinds);
        self
    }

    /// A fault of this host's own, for example `evict`. `strike` gets a drawn magnitude (1 or more) and says what it did.
    #[must_use]
    pub fn fault(mut self, kind: &'static str, strike: impl Fn(u64) -> String + 'static) -> Self {
        self.faults.push((kind, Rc::new(strike)));
        self
    }
}

/// What a system puts into the world.
#[derive(Default)]
pub struct Deployment {
    pub(crate) hosts: Vec<Host>,
}

impl Deployment {
    /// Adds a host; hosts start in the order they are added.
    pub fn host(&mut self, host: Host) {
        self.hosts.push(host);
    }
}
