//! Where decisions come from: addressed, and zero is always benign.
//!
//! Whatever is random is the n-th value at a named *site*. Each site has a `ChaCha8` stream of its own: the key follows from
//! the seed, the stream number from a hash of the site's address, and the n-th decision reads the n-th word. So a
//! decision does not move when another one is taken away, or when code that draws elsewhere is added.
//!
//! A run *is* the list of its non-zero decisions. An *override* pins one; shrinking is pinning to zero.

use std::collections::BTreeMap;
use std::sync::Arc;

use indexmap::IndexMap;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use xxhash_rust::xxh3::{Xxh3DefaultBuilder, xxh3_64};

/// One decision of a run that was not benign, or one that a run is told to take.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Decision {
    /// The site: a fixed name and what it is about, for example `net.latency pod-a>redis`.
    pub site: Arc<str>,
    /// Which of the site's decisions, from 0.
    pub index: u64,
    /// What was decided; zero is benign.
    pub value: u64,
}

/// A site of decisions, ready to draw from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SiteId(u32);

struct Site {
    /// Made at the first draw: most sites of a run that is replayed from overrides never draw.
    stream: Option<Box<ChaCha8Rng>>,
    /// The index whose word the stream yields next.
    at: u64,
    /// The index of the next decision drawn in sequence.
    next: u64,
    pins: BTreeMap<u64, Pin>,
    share: Share,
}

/// What part a site has where the future of a run is drawn anew.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Share {
    /// It stays as it is.
    Kept,
    /// It is drawn anew from where the future begins.
    Later,
    /// It is drawn anew from the start, for it says how later decisions scatter and changes nothing by itself.
    Throughout,
}

/// What of a run is drawn anew: its future from some event on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Redraw {
    /// How many events stay as they are; those that only full detail keeps do not count.
    pub after: u64,
    /// The seed of what comes then.
    pub seed: u64,
    /// The names of sites that stay as they are all the same, for example `operation`.
    pub kept: &'static [&'static str],
    /// The names of sites that say how decisions scatter, and decide nothing: where the past is benign, they are drawn anew
    /// from the start.
    pub throughout: &'static [&'static str],
}

struct Pin {
    value: u64,
    met: bool,
}

/// The source of all decisions of a run.
///
/// ```
/// use sexton::world::tape::{Decision, Tape, below};
///
/// let mut tape = Tape::new(7, &[], false);
/// let site = tape.site("net.latency", "a>b");
/// let drawn = tape.next(site, |word| below(word, 1_000));
///
/// let pin = Decision { site: "net.latency a>b".into(), index: 0, value: 3 };
/// let mut pinned = Tape::new(7, &[pin], false);
/// let site = pinned.site("net.latency", "a>b");
/// assert_eq!(pinned.next(site, |word| below(word, 1_000)), 3);
/// assert!(drawn < 1_000);
/// ```
pub struct Tape {
    seed: u64,
    benign: bool,
    pinned: bool,
    redraw: Option<Redraw>,
    /// Whether the future has begun.
    begun: bool,
    /// By address; a [`SiteId`] is the place here.
    sites: IndexMap<Arc<str>, Site, Xxh3DefaultBuilder>,
    pins: BTreeMap<Arc<str>, BTreeMap<u64, Pin>>,
    log: Vec<(SiteId, u64, u64)>,
    /// What decisions mean, where that is wanted.
    meanings: Option<BTreeMap<(SiteId, u64), String>>,
    scratch: String,
}

impl Tape {
    /// The tape of `seed`, with `overrides` pinned. With `benign`, everything that is not pinned is zero.
    pub fn new(seed: u64, overrides: &[Decision], benign: bool) -> Self {
        let mut pins: BTreeMap<Arc<str>, BTreeMap<u64, Pin>> = BTreeMap::new();
        for pin in overrides {
            pins.entry(pin.site.clone()).or_default().insert(pin.index, Pin { value: pin.value, met: false });
        }
        Self {
            seed,
            benign,
            pinned: !overrides.is_empty(),
            redraw: None,
            begun: false,
            sites: IndexMap::default(),
            pins,
            log: Vec::new(),
            meanings: None,
            scratch: String::new(),
        }
    }

    /// Draws the future anew; to be said before anything is drawn.
    pub(super) fn redraw(&mut self, redraw: Redraw) {
        self.redraw = Some(redraw);
    }

    /// Keeps from now on what decisions mean.
    pub(super) fn keep_meanings(&mut self) {
        self.meanings = Some(BTreeMap::new());
    }

    /// Says what a decision means, in words; does nothing where nobody wants to know.
    pub fn tell(&mut self, site: SiteId, index: u64, meaning: impl FnOnce() -> String) {
        if let Some(meanings) = &mut self.meanings {
            meanings.insert((site, index), meaning());
        }
    }

    /// What each of [`Tape::decisions`] means, in words; empty where that was not wanted.
    pub fn meanings(&self) -> Vec<String> {
        let Some(meanings) = &self.meanings else { return Vec::new() };
        let meaning = |&(site, index, value): &(SiteId, u64, u64)| {
            let untold = || format!("{} decides {value}", self.sites.keys()[site.0 as usize]);
            meanings.get(&(site, index)).cloned().unwrap_or_else(untold)
        };
        self.log.iter().map(meaning).collect()
    }

    /// Says how many events there are, so that the future begins when it is due.
    pub(super) fn reached(&mut self, events: u64) {
        if let Some(redraw) = &self.redraw
            && !self.begun
            && events >= redraw.after
        {
            self.begun = true;
            self.sites.values_mut().filter(|site| site.share == Share::Later).for_each(|site| site.stream = None);
        }
    }

    /// The site called `name` that is about `subject`, made at its first mention.
    pub fn site(&mut self, name: &'static str, subject: &str) -> SiteId {
        self.scratch.clear();
        self.scratch.push_str(name);
        if !subject.is_empty() {
            self.scratch.push(' ');
            self.scratch.push_str(subject);
        }
        if let Some(place) = self.sites.get_index_of(self.scratch.as_str()) {
            return SiteId(place as u32);
        }
        let address: Arc<str> = self.scratch.as_str().into();
        let pins = self.pins.remove(&address).unwrap_or_default();
        let share = match &self.redraw {
            // Where the past is not benign it was drawn by these, and so they stay.
            Some(redraw) if redraw.throughout.contains(&name) && self.benign => Share::Throughout,
            Some(redraw) if !redraw.kept.contains(&name) && !redraw.throughout.contains(&name) => Share::Later,
            _ => Share::Kept,
        };
        let (place, _) = self.sites.insert_full(address, Site { stream: None, at: 0, next: 0, pins, share });
        SiteId(place as u32)
    }

    /// The next decision of a site: `shape` turns 64 random bits into a value, of which zero must be benign.
    pub fn next(&mut self, site: SiteId, shape: impl FnOnce(u64) -> u64) -> u64 {
        let index = self.sites[site.0 as usize].next;
        self.at(site, index, shape)
    }

    /// A decision by its index, for decisions that are numbered by something else than how often they were asked for.
    ///
    /// # Panics
    /// With a site of another tape.
    pub fn at(&mut self, id: SiteId, index: u64, shape: impl FnOnce(u64) -> u64) -> u64 {
        let (address, site) = self.sites.get_index_mut(id.0 as usize).expect("a site of this tape");
        site.next = index + 1;
        let anew = match (&self.redraw, site.share) {
            (Some(redraw), Share::Later) if self.begun => Some(redraw.seed),
            (Some(redraw), Share::Throughout) => Some(redraw.seed),
            _ => None,
        };
        let pinned = if site.pins.is_empty() || anew.is_some() { None } else { site.pins.get_mut(&index) };
        let value = if let Some(pin) = pinned {
            pin.met = true;
            pin.value
        } else if self.benign && anew.is_none() {
            0
        } else {
            let seed = anew.unwrap_or(self.seed);
            let stream = site.stream.get_or_insert_with(|| {
                let mut stream = ChaCha8Rng::seed_from_u64(seed);
                stream.set_stream(xxh3_64(address.as_bytes()));
                Box::new(stream)
            });
            if site.at != index {
                stream.set_word_pos(u128::from(index) * 2);
            }
            site.at = index + 1;
            shape(stream.next_u64())
        };
        if value != 0 {
            self.log.push((id, index, value));
        }
        value
    }

    /// All decisions so far that were not zero, in the order they were taken.
    pub fn decisions(&self) -> Vec<Decision> {
        self.log
            .iter()
            .map(|&(site, index, value)| {
                let address = &self.sites.keys()[site.0 as usize];
                Decision { site: address.clone(), index, value }
            })
            .collect()
    }

    /// Overrides that no site asked for.
    pub fn drift(&self) -> Vec<Decision> {
        let unknown =
            self.pins.iter().flat_map(|(site, pins)| pins.iter().map(move |(index, pin)| (site, *index, pin)));
        let known = self
            .sites
            .iter()
            .flat_map(|(address, site)| site.pins.iter().map(move |(index, pin)| (address, *index, pin)));
        unknown
            .chain(known)
            .filter(|(_, _, pin)| !pin.met)
            .map(|(site, index, pin)| Decision { site: site.clone(), index, value: pin.value })
            .collect()
    }

    /// Whether sites are to be asked that decide nothing by themselves, for they may be pinned.
    pub fn is_pinned(&self) -> bool {
        self.pinned || self.redraw.is_some()
    }

    /// How many decisions of a site have been asked for in sequence.
    pub(super) fn asked(&self, site: SiteId) -> u64 {
        self.sites[site.0 as usize].next
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }
}

/// A stream of bytes that belongs to `seed` and `subject` but is no decision: what a host's entropy is made of.
pub(super) fn entropy(seed: u64, subject: &str) -> ChaCha8Rng {
    let mut stream = ChaCha8Rng::seed_from_u64(seed);
    stream.set_stream(xxh3_64(subject.as_bytes()) ^ 0x656e_7472_6f70_7900);
    stream
}

/// A number below `bound`, by the high bits of the product. Zero when `bound` is zero.
pub fn below(word: u64, bound: u64) -> u64 {
    ((u128::from(word) * u128::from(bound)) >> 64) as u64
}

/// One in `per_million` of a million cases, else zero.
pub fn chance(word: u64, per_million: u64) -> u64 {
    u64::from(below(word, 1_000_000) >= 1_000_000 - per_million.min(1_000_000))
}

/// A number from zero to `most`, every order of magnitude (base 2) as likely as the others. Integers only, so that
/// every machine draws the same.
pub fn spread(word: u64, most: u64) -> u64 {
    let orders = u64::from(64 - most.leading_zeros());
    let order = below(word, orders + 1) as u32;
    // The low half of the word is independent enough of the high bits that chose the order.
    let fine = word.rotate_left(32);
    let floor = if order == 0 { 0 } else { 1_u64 << (order - 1) };
    let width = if order == 0 { 1 } else { floor };
    (floor + below(fine, width)).min(most)
}
