//! Which hosts have a lane, and where it is.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;

use super::canvas::WIDTH;
use super::piece::Row;
use crate::harness::{History, What};

/// What the time takes at the start of a line.
pub(super) const MARGIN: usize = 12;
/// What is kept for words to the right of the last lane, at least and where lanes can be closer together for it.
const LAST: RangeInclusive<usize> = 24..=32;
/// How far lanes are apart, at least and at most.
const APART: RangeInclusive<usize> = 9..=16;
/// The lane that clients share where there is no room for all.
const CLIENTS: &str = "clients";

/// The lanes of a diagram, from left to right.
pub(super) struct Lanes {
    names: Vec<Arc<str>>,
    apart: usize,
    /// Clients that share a lane.
    shared: BTreeSet<Arc<str>>,
    /// Hosts there was no room for.
    pub(super) left_out: Vec<Arc<str>>,
}

impl Lanes {
    /// For the hosts that these rows need. Those that only trouble struck have a lane where there is room.
    pub(super) fn of<'a>(history: &History, rows: impl Iterator<Item = &'a Row>, troubled: bool) -> Self {
        let (mut busy, mut struck) = (BTreeMap::new(), BTreeSet::new());
        for row in rows {
            for host in row.hosts() {
                match row.trouble {
                    true => drop(struck.insert(host)),
                    false => *busy.entry(host).or_insert(0) += 1,
                }
            }
        }
        let order = order(history);
        let place = |host: &Arc<str>| order.get(host).copied();
        let most = (WIDTH - MARGIN - LAST.start()) / APART.start() + 1;
        let mut hosts: Vec<(&Arc<str>, usize)> = busy.iter().map(|(host, rows)| (*host, *rows)).collect();
        if troubled {
            let mut struck: Vec<_> =
                struck.into_iter().filter(|host| place(host).is_some() && !busy.contains_key(host)).collect();
            struck.sort_by_key(|host| place(host));
            hosts.extend(struck.into_iter().take(most.saturating_sub(hosts.len())).map(|host| (host, 0)));
        }
        hosts.sort_by_key(|(host, _)| place(host).unwrap_or((Role::Other, usize::MAX)));
        let mut shared = BTreeSet::new();
        if hosts.len() > most {
            let is_client = |host: &Arc<str>| place(host).is_some_and(|(role, _)| role == Role::Client);
            shared = hosts.iter().map(|(host, _)| *host).filter(|host| is_client(host)).cloned().collect();
            hosts.retain(|(host, _)| !shared.contains(*host));
        }
        let room = most - usize::from(!shared.is_empty());
        let mut left_out = Vec::new();
        while hosts.len() > room {
            // The least busy one; of equals the one furthest to the right.
            let least = (0..hosts.len()).min_by_key(|index| (hosts[*index].1, usize::MAX - index)).unwrap_or_default();
            left_out.push(hosts.remove(least).0.clone());
        }
        left_out.sort_by_key(place);
        let first = (!shared.is_empty()).then(|| Arc::from(CLIENTS));
        let names: Vec<Arc<str>> = first.into_iter().chain(hosts.into_iter().map(|(host, _)| host.clone())).collect();
        let gaps = names.len().saturating_sub(1).max(1);
        let apart = ((WIDTH - MARGIN - LAST.end()) / gaps).clamp(*APART.start(), *APART.end());
        Self { names, apart, shared, left_out }
    }

    /// The lanes' names with their columns.
    pub(super) fn all(&self) -> impl Iterator<Item = (&Arc<str>, usize)> {
        self.names.iter().enumerate().map(|(index, name)| (name, MARGIN + index * self.apart))
    }

    /// How many columns a lane's name may take.
    pub(super) fn room(&self) -> usize {
        self.apart - 1
    }

    /// The column of a host's lane.
    pub(super) fn column(&self, host: &Arc<str>) -> Option<usize> {
        let name = self.lane(host);
        self.all().find(|(lane, _)| ***lane == *name).map(|(_, column)| column)
    }

    /// The lane that a host is in, which may be one that it shares.
    pub(super) fn lane<'a>(&self, host: &'a Arc<str>) -> &'a str {
        if self.shares(host) { CLIENTS } else { host }
    }

    /// Whether a host's lane does not say which host it is.
    pub(super) fn shares(&self, host: &Arc<str>) -> bool {
        self.shared.contains(host)
    }
}

/// Clients stand on the left, stores to the right of those who use them.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Role {
    Client,
    Server,
    Store,
    Other,
}

/// Each host's role and place among its like: in the order in which they first appear.
fn order(history: &History) -> BTreeMap<Arc<str>, (Role, usize)> {
    let mut order: BTreeMap<Arc<str>, (Role, usize)> = BTreeMap::new();
    let active: BTreeSet<&Arc<str>> = history.activities().iter().map(|activity| &activity.host).collect();
    for (place, event) in history.events().iter().enumerate() {
        let role = match event.what {
            What::Invoked { .. } => Role::Client,
            What::Commit { .. } => Role::Store,
            What::Access(_) => Role::Server,
            _ if active.contains(&event.host) => Role::Server,
            _ => Role::Other,
        };
        let known = order.entry(event.host.clone()).or_insert((role, place));
        let more = match role {
            Role::Client | Role::Store => true,
            Role::Server => known.0 == Role::Other,
            Role::Other => false,
        };
        if more {
            known.0 = role;
        }
    }
    order
}
