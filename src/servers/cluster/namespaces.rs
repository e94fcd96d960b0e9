//! All namespaces of a cluster, and how they change: by request, and with time.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::view::{Phase, Rollout, View};
use crate::runtime::time::Instant;

/// How far back a copy may lag that lists are read from.
pub(super) const REACH: Duration = Duration::from_mins(10);

/// A moment, by the clock that everything happens by and by the one that it is told in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub(super) at: Instant,
    pub(super) wall: SystemTime,
}

/// How long things take.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// From a deletion until the namespace is gone.
    pub(super) terminate: Duration,
    /// Until a deployment is up, or has failed.
    pub(super) pull: Duration,
    /// Deployments fail.
    pub(super) fails: bool,
}

/// Why a request is not done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// There is no such namespace.
    Absent,
    /// It has another UID, or is on its way out.
    Conflict,
}

/// One namespace, there or gone.
#[derive(Clone, Debug)]
struct Namespace {
    view: View,
    /// `None`: it has always been there.
    created: Option<Instant>,
    /// When it was deleted, and when it will be or was gone.
    deleted: Option<(Instant, Instant)>,
    /// What becomes of its deployment, and when.
    due: Option<(Instant, Rollout)>,
}

/// A change that the ground truth is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Change {
    pub(super) name: String,
    /// `None`: it is gone.
    pub(super) view: Option<View>,
    pub(super) cause: &'static str,
}

/// All namespaces.
#[derive(Debug, Default)]
pub(super) struct Namespaces {
    /// Those that are there, by name.
    there: BTreeMap<String, Namespace>,
    /// Those that are gone of late.
    gone: Vec<Namespace>,
    made: u64,
    changes: Vec<Change>,
}

impl Namespaces {
    /// A new namespace.
    pub(super) fn create(&mut self, name: &str, labels: BTreeMap<String, String>, now: Now) -> Result<&View, Denied> {
        if self.there.contains_key(name) {
            return Err(Denied::Conflict);
        }
        self.made += 1;
        let view = View {
            name: name.to_owned(),
            uid: format!("uid-{}", self.made),
            labels,
            created: told(now.wall),
            phase: Phase::Active,
            deployment: Rollout::Absent,
            since: told(now.wall),
        };
        let namespace = Namespace { view, created: Some(now.at), deleted: None, due: None };
        self.there.insert(name.to_owned(), namespace);
        self.report(name, "created");
        Ok(&self.there[name].view)
    }

    /// A namespace that has been there since `created`, with a deployment that has fared like this all the time.
    pub(super) fn preload(
        &mut self,
        name: &str,
        labels: BTreeMap<String, String>,
        deployment: Rollout,
        created: SystemTime,
    ) {
        self.made += 1;
        let (since, uid) = (told(created), format!("uid-{}", self.made));
        let view = View {
            name: name.to_owned(),
            uid,
            labels,
            created: since.clone(),
            phase: Phase::Active,
            deployment,
            since,
        };
        self.there.insert(name.to_owned(), Namespace { view, created: None, deleted: None, due: None });
        self.report(name, "created");
    }

    /// The namespace of this name.
    pub(super) fn get(&self, name: &str) -> Option<&View> {
        self.there.get(name).map(|namespace| &namespace.view)
    }

    /// All of them as a copy as of `then` has them, in order of their names.
    pub(super) fn as_of(&self, then: Instant) -> Vec<View> {
        let known = |namespace: &&Namespace| {
            namespace.created.is_none_or(|created| created <= then)
                && namespace.deleted.is_none_or(|(_, gone)| gone > then)
        };
        let view = |namespace: &Namespace| {
            let mut view = namespace.view.clone();
            if namespace.deleted.is_some_and(|(deleted, _)| deleted > then) {
                view.phase = Phase::Active;
            }
            view
        };
        let mut views: Vec<View> = self.there.values().chain(&self.gone).filter(known).map(view).collect();
        views.sort_by(|a, b| a.name.cmp(&b.name));
        views
    }

    /// A namespace is on its way out from now on, if it is not so already.
    pub(super) fn delete(
        &mut self,
        name: &str,
        uid: Option<&str>,
        pace: Pace,
        now: Now,
        cause: &'static str,
    ) -> Result<&View, Denied> {
        let namespace = self.find(name, uid)?;
        if namespace.deleted.is_none() {
            namespace.deleted = Some((now.at, now.at + pace.terminate));
            namespace.view.phase = Phase::Terminating;
            namespace.due = None;
            self.report(name, cause);
        }
        Ok(&self.there[name].view)
    }

    /// A namespace gets a deployment, if it has none that is up or will be.
    pub(super) fn deploy(&mut self, name: &str, uid: Option<&str>, pace: Pace, now: Now) -> Result<&View, Denied> {
        let namespace = self.find(name, uid)?;
        if namespace.view.phase == Phase::Terminating {
            return Err(Denied::Conflict);
        }
        if matches!(namespace.view.deployment, Rollout::Absent | Rollout::Failed) {
            let outcome = if pace.fails { Rollout::Failed } else { Rollout::Running };
            namespace.fares(Rollout::Pending, now.wall);
            namespace.due = Some((now.at + pace.pull, outcome));
            self.report(name, "deployed");
        }
        Ok(&self.there[name].view)
    }

    /// A namespace loses its deployment.
    pub(super) fn withdraw(&mut self, name: &str, uid: Option<&str>, now: Now) -> Result<&View, Denied> {
        let namespace = self.find(name, uid)?;
        if namespace.view.deployment != Rollout::Absent {
            namespace.due = None;
            namespace.fares(Rollout::Absent, now.wall);
            self.report(name, "withdrawn");
        }
        Ok(&self.there[name].view)
    }

    /// Lets happen what is due by now.
    pub(super) fn pass(&mut self, now: Now) {
        let due = |namespace: &Namespace| namespace.soonest().is_some_and(|at| at <= now.at);
        let names: Vec<String> =
            self.there.iter().filter(|(_, namespace)| due(namespace)).map(|(name, _)| name.clone()).collect();
        for name in names {
            let Some(namespace) = self.there.get_mut(&name) else { continue };
            if namespace.deleted.is_some() {
                self.gone.extend(self.there.remove(&name));
                self.report(&name, "gone");
            } else if let Some((_, outcome)) = namespace.due.take() {
                namespace.fares(outcome, now.wall);
                self.report(&name, "settled");
            }
        }
        // What no copy lags behind any more is forgotten.
        let recent = |gone: &Namespace| gone.deleted.is_some_and(|(_, at)| at + REACH > now.at);
        self.gone.retain(recent);
    }

    /// When something happens by itself next.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.there.values().filter_map(Namespace::soonest).min()
    }

    /// The names of all that are there, in order.
    pub(super) fn names(&self) -> Vec<&str> {
        self.there.keys().map(String::as_str).collect()
    }

    /// What has changed since the last call.
    pub(super) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    fn find(&mut self, name: &str, uid: Option<&str>) -> Result<&mut Namespace, Denied> {
        let namespace = self.there.get_mut(name).ok_or(Denied::Absent)?;
        if uid.is_some_and(|uid| uid != namespace.view.uid) {
            return Err(Denied::Conflict);
        }
        Ok(namespace)
    }

    fn report(&mut self, name: &str, cause: &'static str) {
        let view = self.get(name).cloned();
        self.changes.push(Change { name: name.to_owned(), view, cause });
    }
}

impl Namespace {
    fn soonest(&self) -> Option<Instant> {
        match (self.deleted, self.due) {
            (Some((_, gone)), _) => Some(gone),
            (None, Some((at, _))) => Some(at),
            (None, None) => None,
        }
    }

    fn fares(&mut self, how: Rollout, wall: SystemTime) {
        self.view.deployment = how;
        self.view.since = told(wall);
    }
}

/// A date as answers have it: whole seconds.
fn told(wall: SystemTime) -> String {
    humantime::format_rfc3339_seconds(wall).to_string()
}
