//! Which hosts there are, and what each is there for.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Lane, LaneKind};
use crate::harness::{History, What};

/// The lanes of a run, and the place of each host among them.
pub(super) struct Lanes<'a> {
    pub(super) all: Vec<Lane>,
    places: BTreeMap<&'a str, usize>,
}

/// The host that is none.
const WORLD: &str = "world";

impl<'a> Lanes<'a> {
    /// Clients, then services, then stores, each in the order in which they first appear.
    pub(super) fn of(history: &'a History) -> Self {
        let (mut hosts, mut clients, mut stores) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
        for event in history.events() {
            let host = &*event.host;
            let silent = host == WORLD && matches!(event.what, What::Phase(_) | What::Fault { .. });
            if !silent && !hosts.contains(&host) {
                hosts.push(host);
            }
            match event.what {
                What::Invoked { .. } => drop(clients.insert(stem(host))),
                What::Commit { .. } => drop(stores.insert(host)),
                _ => {}
            }
        }
        let kind = |host: &str| match host {
            WORLD => LaneKind::World,
            _ if clients.contains(stem(host)) => LaneKind::Client,
            _ if stores.contains(host) => LaneKind::Store,
            _ => LaneKind::Service,
        };
        hosts.sort_by_key(|host| kind(host));
        let places = hosts.iter().enumerate().map(|(place, host)| (*host, place)).collect();
        Self { all: hosts.iter().map(|host| Lane { name: (*host).into(), kind: kind(host) }).collect(), places }
    }

    /// The lane of a host.
    pub(super) fn place(&self, host: &str) -> Option<usize> {
        self.places.get(host).copied()
    }

    /// The lanes that a fault strikes: a host's, or both ends of a link such as `a>b`.
    pub(super) fn struck(&self, subject: &str) -> Option<(usize, Option<usize>)> {
        match subject.split_once('>') {
            Some((from, to)) => Some((self.place(from)?, Some(self.place(to)?))),
            None => Some((self.place(subject)?, None)),
        }
    }
}

/// A host's name without its number: hosts that are alike do the same.
fn stem(host: &str) -> &str {
    host.trim_end_matches(|letter: char| letter.is_ascii_digit())
}
