//! The expirer: stacks whose time is over go, namespace first; and what it has begun is finished.

use super::state::{Trouble, Worker};
use crate::runtime::point;
use crate::systems::sweeper::cluster::Silence;
use crate::systems::sweeper::policy::{Expiry, Guard, Precondition};
use crate::systems::sweeper::row::Stack;
use crate::systems::sweeper::teardown::tear_down;
use crate::systems::sweeper::{points, sql};

/// What the expirer was once told that all of its namespaces begin with.
const OTHER_PREFIX: &str = "instant-customer-";

impl Worker {
    /// Lets stacks expire whose time is over.
    pub(super) async fn expire(&self) -> Result<(), Trouble> {
        let due = match self.policy.expiry {
            Expiry::Looked => self.primary.all(sql::EXPIRED, &[]).await?,
            Expiry::Claimed => self.primary.all(sql::CLAIM_EXPIRED, &[]).await?,
        };
        for stack in due {
            self.end(&stack).await;
        }
        Ok(())
    }

    /// Finishes what was begun: by a worker that is no more, or that got no answer.
    pub(super) async fn finish(&self) -> Result<(), Trouble> {
        for stack in self.primary.all(sql::UNFINISHED, &[]).await? {
            self.end(&stack).await;
        }
        Ok(())
    }

    /// The end of one stack; what goes wrong with it is nothing to the others.
    async fn end(&self, stack: &Stack) {
        point(points::EXPIRED, &stack.slug).await;
        if let Err(error) = self.end_namespace(stack).await {
            tracing::warn!(slug = stack.slug, %error, "its row stays until its namespace is gone");
            return;
        }
        point(points::TORN_DOWN, &stack.slug).await;
        let delete = match self.policy.expiry {
            Expiry::Looked => sql::DELETE,
            Expiry::Claimed => sql::DELETE_EXPIRING,
        };
        if let Err(error) = self.primary.change(delete, &stack.id, &[]).await {
            tracing::warn!(slug = stack.slug, %error, "left to the next time");
        }
    }

    async fn end_namespace(&self, stack: &Stack) -> Result<(), Silence> {
        if self.policy.guard == Guard::OtherPrefix && !stack.namespace.starts_with(OTHER_PREFIX) {
            return Ok(());
        }
        match self.policy.precondition {
            Precondition::Name => self.cluster.delete(&stack.namespace, None).await.map(drop),
            Precondition::Uid => tear_down(&self.cluster, stack).await,
        }
    }
}
