//! What users ask for, but for looks.

use std::sync::Arc;

use serde::Deserialize;
use uuid::Uuid;

use super::state::{Api, Refusal};
use crate::runtime::{point, task};
use crate::systems::sweeper::cluster::Turned;
use crate::systems::sweeper::row::{Stack, Status, namespace_of};
use crate::systems::sweeper::store::With;
use crate::systems::sweeper::teardown::tear_down;
use crate::systems::sweeper::{points, sql};

/// What a stack is to be like.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Creation {
    /// `anonymous`, or `paid`.
    pub(crate) tier: String,
    /// Its id, where a fixture wants to have its own.
    pub(crate) id: Option<String>,
    /// The namespace that it has already elsewhere, by name.
    pub(crate) namespace: Option<String>,
}

impl Api {
    /// Makes a stack: its row at once, and what it runs in later.
    pub(crate) async fn create(self: &Arc<Self>, slug: &str, wanted: Creation) -> Result<(), Refusal> {
        if wanted.namespace.is_some() {
            return self.import(slug, wanted).await;
        }
        let id = wanted.id.unwrap_or_else(fresh);
        let namespace = namespace_of(slug);
        let made = self.insert(&id, slug, &namespace, Status::Building, &wanted.tier).await?;
        let stack = made.ok_or(Refusal::Conflict)?;
        point(points::INSERTED, slug).await;
        let this = self.clone();
        drop(task::spawn(async move { this.build(stack).await }));
        Ok(())
    }

    /// Takes in a stack from elsewhere: what it runs in first, and its row once that is there.
    async fn import(&self, slug: &str, wanted: Creation) -> Result<(), Refusal> {
        let (Some(namespace), None) = (&wanted.namespace, self.stacks.read(slug).await?) else {
            return Err(Refusal::Conflict);
        };
        let id = wanted.id.unwrap_or_else(fresh);
        let Turned::Done(view) = self.cluster.create(namespace, &id).await? else { return Err(Refusal::Conflict) };
        self.cluster.deploy(namespace, &view.uid).await?;
        point(points::IMPORTED, slug).await;
        match self.insert(&id, slug, namespace, Status::Healthy, &wanted.tier).await? {
            Some(_) => Ok(()),
            None => {
                // Somebody was faster, and this was never anybody's.
                self.cluster.delete(namespace, Some(&view.uid)).await?;
                Err(Refusal::Conflict)
            }
        }
    }

    async fn insert(
        &self,
        id: &str,
        slug: &str,
        namespace: &str,
        status: Status,
        tier: &str,
    ) -> Result<Option<Stack>, Refusal> {
        let status = status.word();
        let with: [With<'_>; 4] = [&slug, &namespace, &status, &tier];
        Ok(self.stacks.write(sql::INSERT, id, &with).await?)
    }

    /// Gives a stack another day, or for good: `sql` is one of these.
    pub(crate) async fn prolong(&self, sql: &'static str, slug: &str) -> Result<(), Refusal> {
        let stack = self.found(slug).await?;
        if self.stacks.change(sql, &stack.id, &[]).await? { Ok(()) } else { Err(Refusal::Conflict) }
    }

    /// Deletes a stack: what it runs in, as far as that goes, and its row.
    pub(crate) async fn delete(&self, slug: &str) -> Result<(), Refusal> {
        let stack = self.found(slug).await?;
        if let Err(error) = tear_down(&self.cluster, &stack).await {
            tracing::warn!(slug, %error, "left to the sweep for orphans");
        }
        point(points::TORN_DOWN, slug).await;
        if self.stacks.change(sql::DELETE, &stack.id, &[]).await? { Ok(()) } else { Err(Refusal::NotFound) }
    }

    pub(super) async fn found(&self, slug: &str) -> Result<Stack, Refusal> {
        let stack = self.stacks.read(slug).await?.ok_or(Refusal::NotFound)?;
        point(points::ROW_READ, slug).await;
        Ok(stack)
    }
}

/// An id that no stack has had before.
fn fresh() -> String {
    Uuid::new_v4().to_string()
}
