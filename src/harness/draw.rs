//! What decides a client's next operation.

use std::fmt::Write as _;
use std::time::Duration;

use crate::world::World;
use crate::world::tape::{SiteId, below, chance, spread};

/// The decisions of one operation. Each field is a site of its own, so that leaving one operation out changes no other.
pub struct Draw<'a> {
    world: &'a World,
    client: &'a str,
    /// The number of this operation among those of its client.
    ordinal: u32,
    /// Fields drawn so far, with their sites: the second draw of one is a site of its own.
    drawn: Vec<(&'static str, SiteId)>,
    think: Option<SiteId>,
    scratch: String,
}

impl<'a> Draw<'a> {
    pub(super) fn new(world: &'a World, client: &'a str, ordinal: u32) -> Self {
        Self { world, client, ordinal, drawn: Vec::new(), think: None, scratch: String::new() }
    }

    /// How long the client pauses before the operation.
    pub(super) fn think(&mut self, most: Duration) -> Duration {
        let most = most.as_millis() as u64;
        let mut tape = self.world.tape().borrow_mut();
        let site = tape.site("think", self.client);
        self.think = Some(site);
        Duration::from_millis(tape.at(site, u64::from(self.ordinal), |word| spread(word, most)).min(most))
    }

    /// Says what has been decided about this operation, now that it is known: nothing where it is `None`.
    pub(super) fn tell(&self, operation: Option<&str>, pause: Duration) {
        let (client, number) = (self.client, self.ordinal + 1);
        let what = operation.map_or_else(|| "nothing".to_owned(), |operation| format!("`{operation}`"));
        let mut tape = self.world.tape().borrow_mut();
        if let Some(site) = self.think {
            tape.tell(site, self.ordinal.into(), || {
                format!("{client} waits {pause:?} before operation {number}, {what}")
            });
        }
        for (place, (field, site)) in self.drawn.iter().enumerate() {
            let of = if place == 0 { String::new() } else { format!(": its {field}") };
            tape.tell(*site, self.ordinal.into(), || format!("operation {number} of {client} is {what}{of}"));
        }
    }

    fn decide(&mut self, field: &'static str, shape: impl FnOnce(u64) -> u64) -> u64 {
        let repeat = self.drawn.iter().filter(|(drawn, _)| *drawn == field).count();
        self.scratch.clear();
        let _ = match repeat {
            0 => write!(self.scratch, "{field} {}", self.client),
            _ => write!(self.scratch, "{field}#{} {}", repeat + 1, self.client),
        };
        let mut tape = self.world.tape().borrow_mut();
        let site = tape.site("operation", &self.scratch);
        self.drawn.push((field, site));
        tape.at(site, u64::from(self.ordinal), shape)
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// When `bound` is zero.
    pub fn below(&mut self, field: &'static str, bound: u64) -> u64 {
        assert!(bound > 0, "there is no number below zero to draw for `{field}`");
        self.decide(field, |word| below(word, bound)).min(bound - 1)
    }

    /// An index into `weights`, as likely as its weight; `None` is never drawn, but a shrunk run may pin it.
    ///
    /// # Panics
    /// When all weights are zero.
    pub fn weighted(&mut self, field: &'static str, weights: &[u32]) -> Option<usize> {
        let total: u64 = weights.iter().map(|weight| u64::from(*weight)).sum();
        assert!(total > 0, "all weights are zero, so nothing can be drawn for `{field}`");
        let value = self.decide(field, |word| {
            let mut left = below(word, total);
            for (index, weight) in weights.iter().enumerate() {
                if left < u64::from(*weight) {
                    return index as u64 + 1;
                }
                left -= u64::from(*weight);
            }
            0
        });
        let index = usize::try_from(value).ok()?.checked_sub(1)?;
        (index < weights.len()).then_some(index)
    }

    /// True in `per_mille` of 1,000 cases.
    pub fn chance(&mut self, field: &'static str, per_mille: u64) -> bool {
        self.decide(field, |word| chance(word, per_mille * 1_000)) > 0
    }

    /// A duration up to `most`, in milliseconds, each order of magnitude as likely as the others.
    pub fn duration(&mut self, field: &'static str, most: Duration) -> Duration {
        let most = most.as_millis() as u64;
        Duration::from_millis(self.decide(field, |word| spread(word, most)).min(most))
    }

    /// The client whose operation it is, for example `c1`.
    pub fn client(&self) -> &str {
        self.client
    }

    /// The number of this operation among those of its client, from 0.
    pub fn ordinal(&self) -> u32 {
        self.ordinal
    }
}
