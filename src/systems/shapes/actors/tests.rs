//! Links, monitors, calls and ends.

use std::sync::Arc;
use std::time::Duration;

use super::{Actors, Address, Context, Mail, Reason, Reply, Start};
use crate::runtime::time;

enum Ask {
    Echo(u32, Reply<u32>),
    Ignore(Reply<u32>),
    End(Reason),
    Monitor(super::Pid),
    Seen(Reply<Vec<String>>),
}

/// Answers until it is told to end; writes down what it is noticed of.
async fn body(mut context: Context<Ask>) -> Reason {
    let mut seen = Vec::new();
    let mut ignored = Vec::new();
    loop {
        match context.next().await {
            Mail::Letter(Ask::Echo(number, reply)) => reply.send(number),
            Mail::Letter(Ask::Ignore(reply)) => ignored.push(reply),
            Mail::Letter(Ask::End(reason)) => return reason,
            Mail::Letter(Ask::Monitor(of)) => context.monitor(of),
            Mail::Letter(Ask::Seen(reply)) => reply.send(seen.clone()),
            Mail::Exit(from, reason) => {
                seen.push(format!("exit: {reason}{}", if context.is_parent(from) { ", of the parent" } else { "" }));
            }
            Mail::Down(_, reason) => seen.push(format!("down: {reason}")),
        }
    }
}

fn start(actors: &Actors, name: &str, parent: Option<&Address<Ask>>, traps: bool) -> Address<Ask> {
    actors.spawn(Start { name: name.into(), parent: parent.map(Address::pid), traps }, body)
}

async fn settle() {
    time::sleep(Duration::from_millis(1)).await;
}

#[tokio::test(start_paused = true)]
async fn a_call_is_answered_or_says_why_not() {
    let actors = Actors::new("signal");
    let one = start(&actors, "one", None, false);
    assert_eq!(one.call(|reply| Ask::Echo(7, reply)).await, Ok(7));
    let (asking, ending) = (one.clone(), one.clone());
    let (answer, ()) = tokio::join!(asking.call(Ask::Ignore), async move {
        settle().await;
        ending.send(Ask::End(Reason::Tagged("enough")));
    });
    assert_eq!(answer, Err(Reason::Tagged("enough")));
    assert_eq!(one.call(|reply| Ask::Echo(7, reply)).await, Err(Reason::Absent));
    let two = start(&actors, "two", None, false);
    assert_eq!(two.call_within(Duration::from_secs(1), Ask::Ignore).await, Err(Reason::Late));
    actors.kill(two.pid());
    let limit = Duration::from_secs(5);
    let three = start(&actors, "three", None, true);
    assert_eq!(actors.all_gone(Some(three.pid()), limit).await, Vec::<Arc<str>>::new());
    assert!(three.is_alive());
    assert_eq!(actors.all_gone(None, limit).await, [Arc::<str>::from("three")]);
    assert!(!three.is_alive());
}

#[tokio::test(start_paused = true)]
async fn an_end_goes_along_links_unless_it_is_trapped() {
    let actors = Actors::new("signal");
    let top = start(&actors, "top", None, false);
    let plain = start(&actors, "plain", Some(&top), false);
    let trapping = start(&actors, "trapping", Some(&top), true);
    let other = start(&actors, "other", None, false);
    other.send(Ask::Monitor(plain.pid()));
    settle().await;
    actors.kill(top.pid());
    assert_eq!(actors.end_of(plain.pid()).await, Reason::Killed);
    settle().await;
    assert_eq!(trapping.call(Ask::Seen).await, Ok(vec!["exit: killed, of the parent".to_owned()]));
    assert_eq!(other.call(Ask::Seen).await, Ok(vec!["down: killed".to_owned()]));
    other.send(Ask::Monitor(plain.pid()));
    settle().await;
    assert_eq!(other.call(Ask::Seen).await.unwrap().last().unwrap(), "down: absent");
    let late = start(&actors, "late", Some(&top), false);
    assert_eq!(actors.end_of(late.pid()).await, Reason::Absent, "there is no parent to be linked to");
}

#[tokio::test(start_paused = true)]
async fn what_ends_normally_takes_nobody_along() {
    let actors = Actors::new("signal");
    let top = start(&actors, "top", None, false);
    let child = start(&actors, "child", Some(&top), false);
    child.send(Ask::End(Reason::Normal));
    assert_eq!(actors.end_of(child.pid()).await, Reason::Normal);
    settle().await;
    assert!(top.is_alive());
}

#[tokio::test(start_paused = true)]
async fn who_does_not_stop_in_time_is_killed() {
    let actors = Actors::new("signal");
    let top = start(&actors, "top", None, true);
    let stubborn = start(&actors, "stubborn", Some(&top), true);
    let limit = Duration::from_secs(5);
    let begun = time::Instant::now();
    assert_eq!(actors.stop(top.pid(), stubborn.pid(), Reason::Shutdown, limit).await, Reason::Killed);
    assert_eq!(begun.elapsed(), limit);
    let meek = start(&actors, "meek", Some(&top), false);
    assert_eq!(actors.stop(top.pid(), meek.pid(), Reason::Shutdown, limit).await, Reason::Shutdown);
}

#[tokio::test(start_paused = true)]
async fn work_goes_on_until_the_parent_ends_it() {
    let actors = Actors::new("signal");
    let top = start(&actors, "top", None, true);
    let begin = Start { name: "worker".into(), parent: Some(top.pid()), traps: true };
    let worker = actors.spawn(begin, |mut context: Context<Ask>| async move {
        let told = context.unless_told(std::future::pending::<()>()).await;
        let mut mails = Vec::new();
        while mails.len() < 2 {
            mails.push(format!("{}", matches!(context.next().await, Mail::Exit(..))));
        }
        Reason::failed(format!("{told:?} {}", mails.join(" ")))
    });
    worker.send(Ask::End(Reason::Normal));
    settle().await;
    actors.signal(top.pid(), worker.pid(), Reason::Shutdown);
    assert_eq!(actors.end_of(worker.pid()).await, Reason::failed("Err(Shutdown) true false"));
}
