//! Looks at stacks.

use super::state::{Api, Refusal};
use crate::servers::cluster::{Phase, Rollout};
use crate::systems::sweeper::outcome::View;
use crate::systems::sweeper::policy::Told;
use crate::systems::sweeper::row::{OWNER, Stack, Status};
use crate::systems::sweeper::sql;
use crate::systems::sweeper::timeouts::ASK;

impl Api {
    /// How a stack is.
    pub(crate) async fn show(&self, slug: &str) -> Result<View, Refusal> {
        let stack = self.found(slug).await?;
        let status = match self.policy.told {
            Told::Row => stack.status.word(),
            Told::Cluster => self.look(&stack).await?,
        };
        Ok(View { slug: stack.slug, status: status.to_owned() })
    }

    /// All stacks, as their rows have them.
    pub(crate) async fn list(&self) -> Result<Vec<View>, Refusal> {
        let mut all: Vec<View> = Vec::new();
        loop {
            let after = all.last().map_or("", |last| &*last.slug).to_owned();
            let page = self.stacks.all(sql::LIST, &[&after]).await?;
            if page.is_empty() {
                return Ok(all);
            }
            all.extend(page.into_iter().map(|Stack { slug, status, .. }| View { slug, status: status.word().into() }));
        }
    }

    /// How a stack really is.
    async fn look(&self, stack: &Stack) -> Result<&'static str, Refusal> {
        if stack.status == Status::Expiring {
            return Ok(stack.status.word());
        }
        let found = self.cluster.get(&stack.namespace, ASK).await?;
        let own = found.map(|(view, _)| view).filter(|view| view.labels.get(OWNER) == Some(&stack.id));
        Ok(match own {
            None if stack.status == Status::Building => "building",
            None => "missing",
            Some(view) if view.phase == Phase::Terminating => "terminating",
            Some(view) => match view.deployment {
                Rollout::Running => "healthy",
                Rollout::Pending => "building",
                Rollout::Absent if stack.status == Status::Building => "building",
                Rollout::Absent | Rollout::Failed => "failed",
            },
        })
    }
}
