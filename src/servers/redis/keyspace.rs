//! The sixteen databases: every change goes through [`Keyspace::put`], which keeps deadlines, watches and the record of
//! effects in step. Pure: time is an argument, and effects are collected for the host to report.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;

use super::value::{Entry, Value};

/// How many databases there are, as in Redis' default configuration.
pub(super) const DATABASES: u8 = 16;

/// Why a key changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Set,
    Del,
    Expired,
    Evicted,
    Lost,
    Flushed,
    Garbled,
    /// Only the deadline changed.
    Retimed,
}

impl Cause {
    /// The word of the ground truth; `None` when the value did not change.
    pub(super) fn word(self) -> Option<&'static str> {
        match self {
            Self::Set => Some("set"),
            Self::Del => Some("del"),
            Self::Expired => Some("expired"),
            Self::Evicted => Some("evicted"),
            Self::Lost => Some("lost"),
            Self::Flushed => Some("flushed"),
            Self::Garbled => Some("garbled"),
            Self::Retimed => None,
        }
    }
}

/// A key of one of the databases.
pub(super) type Place = (u8, Bytes);

/// One change of one key.
#[derive(Clone, Debug)]
pub(super) struct Effect {
    pub(super) place: Place,
    pub(super) before: Option<Entry>,
    pub(super) after: Option<Entry>,
    pub(super) cause: Cause,
}

impl Effect {
    /// Whether a reader of values can tell: of all that is lost, it may have been the deadline alone.
    pub(super) fn is_seen(&self) -> bool {
        let (before, after) = (self.before.as_ref(), self.after.as_ref());
        self.cause != Cause::Lost || before.map(|entry| &entry.value) != after.map(|entry| &entry.value)
    }
}

/// All keys of all databases.
#[derive(Debug)]
pub(super) struct Keyspace {
    databases: Vec<BTreeMap<Bytes, Entry>>,
    deadlines: BTreeSet<(i64, u8, Bytes)>,
    watchers: BTreeMap<Place, Vec<u64>>,
    /// Sessions of which a watched key was touched.
    touched: BTreeSet<u64>,
    effects: Vec<Effect>,
    sessions: u64,
    /// How many more commands find the server loading.
    pub(super) loading: u64,
}

impl Default for Keyspace {
    fn default() -> Self {
        Self {
            databases: (0..DATABASES).map(|_| BTreeMap::new()).collect(),
            deadlines: BTreeSet::new(),
            watchers: BTreeMap::new(),
            touched: BTreeSet::new(),
            effects: Vec::new(),
            sessions: 0,
            loading: 0,
        }
    }
}

impl Keyspace {
    /// A number for a new session; never given twice.
    pub(super) fn next_session(&mut self) -> u64 {
        self.sessions += 1;
        self.sessions
    }

    /// What lives under a key. One whose deadline has passed is removed first.
    pub(super) fn live(&mut self, database: u8, key: &Bytes, now: i64) -> Option<&Entry> {
        if self.peek(database, key)?.expired(now) {
            self.put(database, key, None, Cause::Expired);
        }
        self.peek(database, key)
    }

    /// What is stored under a key, be it expired or not.
    pub(super) fn peek(&self, database: u8, key: &Bytes) -> Option<&Entry> {
        self.databases[usize::from(database)].get(key)
    }

    /// All keys of a database, in order, expired ones too.
    pub(super) fn database(&self, database: u8) -> &BTreeMap<Bytes, Entry> {
        &self.databases[usize::from(database)]
    }

    /// Makes `after` what is stored under a key; `None` takes the key away. Returns whether there was anything to do.
    pub(super) fn put(&mut self, database: u8, key: &Bytes, after: Option<Entry>, cause: Cause) -> bool {
        let entries = &mut self.databases[usize::from(database)];
        let before = match &after {
            Some(entry) => entries.insert(key.clone(), entry.clone()),
            None => entries.remove(key),
        };
        if before.is_none() && after.is_none() {
            return false;
        }
        let deadline = |entry: &Option<Entry>| entry.as_ref().and_then(|entry| entry.expires);
        if deadline(&before) != deadline(&after) {
            if let Some(at) = deadline(&before) {
                self.deadlines.remove(&(at, database, key.clone()));
            }
            if let Some(at) = deadline(&after) {
                self.deadlines.insert((at, database, key.clone()));
            }
        }
        let place = (database, key.clone());
        if let Some(sessions) = self.watchers.remove(&place) {
            self.touched.extend(sessions);
        }
        self.effects.push(Effect { place, before, after, cause });
        true
    }

    /// Takes every key of a database away.
    pub(super) fn clear(&mut self, database: u8, cause: Cause) {
        let keys: Vec<Bytes> = self.database(database).keys().cloned().collect();
        for key in keys {
            self.put(database, &key, None, cause);
        }
    }

    /// Takes away every key whose deadline has passed.
    pub(super) fn expire(&mut self, now: i64) {
        while let Some((at, database, key)) = self.deadlines.first().cloned() {
            if at >= now {
                break;
            }
            self.put(database, &key, None, Cause::Expired);
        }
    }

    /// The earliest deadline of all keys.
    pub(super) fn next_deadline(&self) -> Option<i64> {
        self.deadlines.first().map(|deadline| deadline.0)
    }

    /// The `n`-th key of all databases in order, counted round and round.
    pub(super) fn nth(&self, n: u64) -> Option<Place> {
        let keys: usize = self.databases.iter().map(BTreeMap::len).sum();
        let at = n.checked_rem(keys as u64)? as usize;
        let all = (0..DATABASES).flat_map(|database| self.database(database).keys().map(move |key| (database, key)));
        all.skip(at).map(|(database, key)| (database, key.clone())).next()
    }

    /// The `n`-th key of all databases in order that has `part` in its name and holds a text, counted round and round,
    /// and what is stored there.
    pub(super) fn nth_text(&self, part: &str, n: u64) -> Option<(u8, Bytes, Entry)> {
        let meant = |key: &Bytes, entry: &Entry| {
            matches!(entry.value, Value::Text(_)) && String::from_utf8_lossy(key).contains(part)
        };
        let all = (0..DATABASES).flat_map(|database| self.database(database).iter().map(move |held| (database, held)));
        let texts: Vec<_> = all.filter(|(_, (key, entry))| meant(key, entry)).collect();
        let (database, (key, entry)) = texts.get(n.checked_rem(texts.len() as u64)? as usize)?;
        Some((*database, (*key).clone(), (*entry).clone()))
    }

    /// How many keys of a database have a deadline.
    pub(super) fn with_deadline(&self, database: u8) -> usize {
        self.database(database).values().filter(|entry| entry.expires.is_some()).count()
    }

    /// Remembers that a session wants to know of changes to a key.
    pub(super) fn watch(&mut self, session: u64, place: Place) {
        self.watchers.entry(place).or_default().push(session);
    }

    /// Forgets what a session watches.
    pub(super) fn unwatch(&mut self, session: u64, watched: &mut Vec<Place>) {
        self.touched.remove(&session);
        for place in watched.drain(..) {
            if let Some(sessions) = self.watchers.get_mut(&place) {
                sessions.retain(|&other| other != session);
                if sessions.is_empty() {
                    self.watchers.remove(&place);
                }
            }
        }
    }

    /// Whether a key that the session watches was touched since.
    pub(super) fn touched(&self, session: u64) -> bool {
        self.touched.contains(&session)
    }

    /// Forgets all watches: their sessions are gone.
    pub(super) fn forget_sessions(&mut self) {
        self.watchers.clear();
        self.touched.clear();
    }

    /// The changes since the last call, in order.
    pub(super) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }
}
