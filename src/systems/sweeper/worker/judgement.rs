//! What makes a namespace an orphan.

use std::collections::BTreeSet;
use std::time::SystemTime;

use super::state::{Trouble, Worker};
use crate::runtime::{fact, point};
use crate::servers::cluster::{Phase, View};
use crate::systems::sweeper::cluster::{Listing, Turned, age};
use crate::systems::sweeper::points;
use crate::systems::sweeper::policy::{Blast, Empty, Grace, Key, Order, Precondition, Recheck, Source};
use crate::systems::sweeper::row::{PREFIX, token};
use crate::systems::sweeper::timeouts::{CAP, GRACE};

impl Worker {
    /// Namespaces of ours, and what is live, by what namespaces are held against. `None`: there are no namespaces of ours.
    pub(super) async fn survey(&self) -> Result<Option<(Listing, BTreeSet<String>)>, Trouble> {
        let early = match self.policy.order {
            Order::FetchFirst => {
                let live = self.live().await?;
                point(points::HALF_SEEN, &self.name).await;
                Some(live)
            }
            Order::ListFirst => None,
        };
        let mut listing = self.cluster.list().await?;
        listing.items.retain(|view| view.name.starts_with(PREFIX));
        if listing.items.is_empty() {
            return Ok(None);
        }
        let live = match early {
            Some(live) => live,
            None => {
                point(points::HALF_SEEN, &self.name).await;
                self.live().await?
            }
        };
        Ok(Some((listing, live)))
    }

    async fn live(&self) -> Result<BTreeSet<String>, Trouble> {
        let stacks = match self.policy.source {
            Source::Primary => &self.primary,
            Source::Replica => &self.replica,
        };
        Ok(stacks.live(self.policy.key, self.policy.fetch, self.page).await?)
    }

    /// Whether what is live is too little to be true.
    pub(super) fn distrusts(&self, live: &BTreeSet<String>) -> bool {
        let distrusts = live.is_empty() && self.policy.empty == Empty::Refused;
        if distrusts {
            tracing::warn!(worker = self.name, "there are no rows at all: nothing is deleted on that account");
        }
        distrusts
    }

    /// Those of a list that are to be deleted as far as can be told from it.
    pub(super) fn judge(&self, listing: Listing, live: &BTreeSet<String>) -> Vec<View> {
        if self.distrusts(live) {
            return Vec::new();
        }
        let Listing { items, date } = listing;
        let is_orphan = |view: &View| {
            view.phase == Phase::Active
                && held_against(self.policy.key, &view.name).is_some_and(|held| !live.contains(held))
                && self.is_old(view, date)
        };
        let mut orphans: Vec<View> = items.into_iter().filter(is_orphan).collect();
        if self.policy.blast == Blast::Capped {
            orphans.sort_by(|a, b| (&a.created, &a.name).cmp(&(&b.created, &b.name)));
            if orphans.len() > CAP {
                tracing::warn!(worker = self.name, orphans = orphans.len(), "more than one sweep may delete");
                orphans.truncate(CAP);
            }
        }
        orphans
    }

    fn is_old(&self, view: &View, date: Option<SystemTime>) -> bool {
        self.policy.grace == Grace::Nothing || age(view, date).is_some_and(|age| age >= GRACE)
    }

    /// Those that have no row still, by this part of it.
    pub(super) async fn recheck(&self, key: Key, mut orphans: Vec<View>) -> Result<Vec<View>, Trouble> {
        if orphans.is_empty() || self.policy.recheck == Recheck::Nothing {
            return Ok(orphans);
        }
        let held: Vec<&str> = orphans.iter().filter_map(|view| held_against(key, &view.name)).collect();
        let live = self.primary.live_among(key, &held).await?;
        orphans.retain(|view| held_against(key, &view.name).is_some_and(|held| !live.contains(held)));
        Ok(orphans)
    }

    /// Deletes orphans, each for itself.
    pub(super) async fn delete(&self, orphans: &[View]) {
        for View { name, uid, .. } in orphans {
            fact("sweeper.condemned", [("namespace", name.into()), ("uid", uid.into())]);
        }
        for View { name, uid, .. } in orphans {
            point(points::CONDEMNED, name).await;
            let uid = (self.policy.precondition == Precondition::Uid).then_some(&**uid);
            match self.cluster.delete(name, uid).await {
                Ok(Turned::Done(_) | Turned::Absent) => {}
                Ok(Turned::Conflict) => tracing::info!(worker = self.name, name, "it is another one by now"),
                Err(error) => tracing::warn!(worker = self.name, name, %error, "left to the next sweep"),
            }
        }
    }
}

/// What of a namespace's name is held against this part of rows; `None`: it is none of ours.
fn held_against(key: Key, name: &str) -> Option<&str> {
    let token = token(name)?;
    Some(match key {
        Key::Id | Key::Slug => token,
        Key::Namespace => name,
    })
}
