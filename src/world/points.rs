//! Points: named places in the code under test where the world may hold a task.
//!
//! A hold is either drawn (`stall`, per hundred points passed) or scripted: a task that passes the named point waits
//! there until the script lets it go.

use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::sync::Notify;

use super::history::What;
use super::simulation::World;
use super::tape::{chance, spread};

/// The longest drawn hold, in milliseconds: longer than every timeout of one operation that we know.
const LONGEST: u64 = 40_000;

#[derive(Default)]
pub(super) struct Points {
    /// Chance of a drawn hold at each point passed, per million.
    stall: u64,
    scripted: Vec<Scripted>,
    /// How often a drawn hold struck.
    stalled: u64,
    /// Faults have healed: nothing is held by chance any more.
    over: bool,
    /// Tells drawn holds that faults have healed.
    healed: Arc<Notify>,
    /// Tells those who wait for it that a task has come to a scripted hold.
    held: Arc<Notify>,
}

struct Scripted {
    name: String,
    subject: Option<String>,
    state: HoldState,
}

enum HoldState {
    Armed,
    Holding(Option<Waker>),
    Released,
}

/// A scripted hold; see [`World::hold_at`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HoldId(usize);

impl World {
    /// Sets how many of a million passes of a point are held for a drawn time.
    pub fn set_stall(&self, per_million: u64) {
        self.points.borrow_mut().stall = per_million;
    }

    /// How often a drawn hold has struck.
    pub fn stalled(&self) -> u64 {
        self.points.borrow().stalled
    }

    /// The first task that passes the point (about `subject`, if given) waits there until [`World::release`]. A `*` at
    /// the end of `subject` stands for any rest.
    pub fn hold_at(&self, name: &str, subject: Option<&str>) -> HoldId {
        let mut points = self.points.borrow_mut();
        points.scripted.push(Scripted {
            name: name.to_owned(),
            subject: subject.map(str::to_owned),
            state: HoldState::Armed,
        });
        HoldId(points.scripted.len() - 1)
    }

    /// Waits until a task has come to the hold, or it was released.
    pub(crate) async fn held(&self, hold: HoldId) {
        let held = self.points.borrow().held.clone();
        loop {
            let come = held.notified();
            if !matches!(self.points.borrow().scripted[hold.0].state, HoldState::Armed) {
                return;
            }
            come.await;
        }
    }

    /// Lets the task at the hold go on, or lets all pass if none has come.
    pub fn release(&self, hold: HoldId) {
        let state = std::mem::replace(&mut self.points.borrow_mut().scripted[hold.0].state, HoldState::Released);
        if let HoldState::Holding(Some(waker)) = state {
            waker.wake();
        }
    }

    /// Lets every held task go on.
    pub fn release_all(&self) {
        let count = self.points.borrow().scripted.len();
        for hold in 0..count {
            self.release(HoldId(hold));
        }
        let mut points = self.points.borrow_mut();
        points.over = true;
        points.healed.notify_waiters();
    }

    fn scripted_at(&self, name: &str, subject: &str) -> Option<HoldId> {
        let mut points = self.points.borrow_mut();
        let place = points.scripted.iter().position(|hold| {
            matches!(hold.state, HoldState::Armed)
                && hold.name == name
                && hold.subject.as_deref().is_none_or(|wanted| match wanted.strip_suffix('*') {
                    Some(beginning) => subject.starts_with(beginning),
                    None => wanted == subject,
                })
        })?;
        points.scripted[place].state = HoldState::Holding(None);
        points.held.notify_waiters();
        Some(HoldId(place))
    }

    /// For how long a task that passes this point is held.
    fn stall_at(&self, name: &'static str, subject: &str) -> Duration {
        let (stall, over) = {
            let points = self.points.borrow();
            (points.stall, points.over)
        };
        let mut tape = self.tape.borrow_mut();
        if over || (stall == 0 && !tape.is_pinned()) {
            return Duration::ZERO;
        }
        let host = self.host_name();
        let site = tape.site("stall", &format!("{name} {host}"));
        let held =
            tape.next(
                site,
                |word| {
                    if chance(word, stall) == 0 { 0 } else { 1 + spread(word.rotate_left(32), LONGEST - 1) }
                },
            );
        if held > 0 {
            self.points.borrow_mut().stalled += 1;
            let pass = tape.asked(site) - 1;
            let time = Duration::from_millis(held);
            tape.tell(site, pass, || format!("a task on {host} is held at {name}, about {subject}, for {time:?}"));
        }
        Duration::from_millis(held)
    }
}

/// Passes a point: waits where the world holds the task.
///
/// The future is `Send`, as code under test expects of what it awaits, so it never holds the world across an await.
pub(crate) async fn pass(name: &'static str, subject: &str) {
    let held = World::with(|world| match world.scripted_at(name, subject) {
        Some(hold) => Held::Until(hold, world.elapsed()),
        None => Held::For(world.stall_at(name, subject), world.points.borrow().healed.clone()),
    });
    match held {
        Some(Held::For(held, healed)) if !held.is_zero() => {
            note(name, subject, None, held);
            // It ends when faults heal, if that is sooner.
            let _ = tokio::time::timeout(held, healed.notified()).await;
        }
        Some(Held::Until(id, since)) => {
            std::future::poll_fn(|cx| World::with(|world| world.poll_hold(id, cx)).unwrap_or(Poll::Ready(()))).await;
            let now = World::with(|world| world.elapsed()).unwrap_or(since);
            note(name, subject, Some(since), now.saturating_sub(since));
        }
        Some(Held::For(..)) => {
            World::with(|world| {
                if world.detail {
                    world.record(What::Passed { name, subject: subject.into() });
                }
            });
        }
        None => {}
    }
}

enum Held {
    For(Duration, Arc<Notify>),
    Until(HoldId, Duration),
}

impl World {
    fn poll_hold(&self, hold: HoldId, cx: &mut Context<'_>) -> Poll<()> {
        match &mut self.points.borrow_mut().scripted[hold.0].state {
            HoldState::Holding(waker) => {
                *waker = Some(cx.waker().clone());
                Poll::Pending
            }
            HoldState::Armed | HoldState::Released => Poll::Ready(()),
        }
    }
}

fn note(name: &'static str, subject: &str, since: Option<Duration>, held: Duration) {
    World::with(|world| {
        let since = since.unwrap_or_else(|| world.elapsed());
        world.record(What::Point { name, subject: subject.into(), since, held });
    });
}
