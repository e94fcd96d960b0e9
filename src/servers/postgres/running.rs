//! How statements run on a connection: one by one, or several together as one transaction.

use super::engine::Progress;
use super::portal::Portal;
use super::refusal::Refusal;
use super::session::Session;
use super::waiting::Stopped;

impl Session {
    /// Carries out the statements of one query string: several are one transaction, unless they say otherwise.
    pub(super) async fn simple(&mut self, text: &str) -> Result<(), Stopped> {
        let texts = self.server.lock().database.split(text)?;
        if texts.is_empty() {
            self.replies.done(String::new());
        }
        for text in &texts {
            let mut portal = Portal::plain(self.prepare(text, &[])?)?;
            if portal.statement.columns().is_some() {
                portal.describe(&mut self.replies);
            }
            self.carry_out(&mut portal, texts.len() == 1).await?;
            portal.send(None, &mut self.replies)?;
        }
        Ok(())
    }

    /// Carries out a portal, or goes on with it. `alone`: nothing else is part of its transaction.
    pub(super) async fn advance(&mut self, mut portal: Portal, most: i32, alone: bool) -> Result<Portal, Stopped> {
        self.carry_out(&mut portal, alone).await?;
        let most = usize::try_from(most).ok().filter(|most| *most > 0);
        portal.send(most, &mut self.replies)?;
        Ok(portal)
    }

    async fn carry_out(&mut self, portal: &mut Portal, alone: bool) -> Result<(), Stopped> {
        let Some(parameters) = portal.begin() else { return Ok(()) };
        let session = self.badge.session;
        if !alone {
            self.server.act(|state, now| state.database.begin_implicit(session, now));
        }
        let answer = match self.server.execute(session, &portal.statement, parameters) {
            Progress::Done(answer) => answer?,
            Progress::Blocked => self.server.blocked(&self.badge).await?,
        };
        portal.done(answer);
        Ok(())
    }

    /// Says no, and spoils the transaction that this was part of.
    pub(super) fn refuse(&mut self, refusal: &Refusal) {
        let session = self.badge.session;
        self.replies.refuse(refusal);
        self.server.act(|state, _| state.database.fail(session));
    }
}
