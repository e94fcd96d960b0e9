//! Letting go of sessions: those that nobody has used for long, and all of them when the replica shuts down.

use std::sync::Arc;

use super::Manager;
use crate::runtime::time::{self, Instant};
use crate::runtime::{activity, point};
use crate::systems::sandbox::points;
use crate::systems::sandbox::policy::Reaper;
use crate::systems::sandbox::session::Session;
use crate::systems::sandbox::timeouts::{REAP, SHUTDOWN};

impl Manager {
    /// Lets go of idle sessions, for ever; returns at once where the policy does without.
    ///
    /// It looks once a minute, but sleeps through the minutes in which no session can have been idle for long enough.
    pub(crate) async fn keep_reaping(self: Arc<Self>) {
        if self.policy.reaper == Reaper::Off {
            return;
        }
        let start = Instant::now();
        loop {
            let populated = self.populated.notified();
            let Some(due) = self.next_due() else {
                populated.await;
                continue;
            };
            let minutes = (due - start).as_millis().div_ceil(REAP.as_millis()) as u32;
            time::sleep_until(start + REAP * minutes).await;
            activity("reaper", self.reap()).await;
            // Those in use are looked at again when the next minute is over.
            if self.next_due().is_some_and(|due| due <= Instant::now()) {
                time::sleep(REAP).await;
            }
        }
    }

    /// When the first session may have been idle for long enough.
    fn next_due(&self) -> Option<Instant> {
        let now = Instant::now();
        self.sessions().values().map(|session| session.idle_since().unwrap_or(now) + self.idle).min()
    }

    async fn reap(&self) {
        let now = Instant::now();
        let idle = |session: &Arc<Session>| {
            !session.is_closing() && session.idle_since().is_some_and(|since| now - since > self.idle)
        };
        let chosen: Vec<_> = self.sessions().values().filter(|session| idle(session)).cloned().collect();
        for session in chosen {
            session.close("idle");
            point(points::REAP, &session.key.id).await;
            self.take_out(&session, "idle");
            self.flush(&session, "reaper").await;
            session.disconnect();
        }
    }

    /// Takes no more requests, waits for those under way, and lets go of all sessions.
    pub(crate) async fn shut_down(self: &Arc<Self>) {
        self.stop_admitting();
        let _ = time::timeout(SHUTDOWN, self.wait_until_quiet()).await;
        let all: Vec<_> = self.sessions().values().cloned().collect();
        for session in all {
            self.tear_down(&session, "shutdown");
        }
    }
}
