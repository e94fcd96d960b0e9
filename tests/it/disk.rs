//! Files of hosts: they outlive crashes, do what the system's files do, and have faults of their own.

use std::io::ErrorKind;
use std::rc::Rc;
use std::time::Duration;

use sexton::runtime::{fs, time};
use sexton::world::nemesis::{Blow, Nemesis, Scripted, Target};
use sexton::world::tape::Decision;
use sexton::world::{Config, HostId, Outcome, Program, World, simulate};

/// Runs a host, `pod-a`, that does this at each start, beside a main future that is given the host.
fn beside<T, F, M>(
    config: Config,
    body: impl Fn() -> F + Send + 'static,
    main: impl FnOnce(Rc<World>, HostId) -> M + Send,
) -> Outcome<T>
where
    T: Send + 'static,
    F: Future<Output = ()> + 'static,
    M: Future<Output = T> + 'static,
{
    simulate(config, move || {
        let world = World::current().expect("inside");
        let program: Program = Rc::new(move || Box::pin(body()));
        let host = world.add_host("pod-a", program);
        world.start(host);
        main(world, host)
    })
}

async fn seconds(count: u64) {
    time::sleep(Duration::from_secs(count)).await;
}

/// What a sequence of calls comes to, in words that do not depend on where it ran.
async fn everything(root: &str) -> Vec<String> {
    let mut told = Vec::new();
    let at = |path: &str| format!("{root}/{path}");
    macro_rules! tell {
        ($($call:ident($($argument:expr),*))*) => {$(
            let outcome = fs::$call($($argument),*).await;
            told.push(format!("{} {:?}", stringify!($call), outcome.map_err(|error| error.kind())));
        )*};
    }
    tell! {
        list(&at("")) read(&at("none")) exists(&at("none")) remove_file(&at("none")) remove_dir_all(&at("none"))
        rename(&at("none"), &at("some")) sync(&at("none")) list(&at("none")) exists(&at("some"))
        write(&at("a/b/one"), b"1") append(&at("a/b/one"), b"23") append(&at("a/two"), b"2") read(&at("a/b/one"))
        write(&at("a/b/one"), b"4") read(&at("a/b/one")) list(&at("a")) list(&at("a/b/")) sync(&at("a/b/one")) sync(&at("a"))
        read(&at("a")) write(&at("a"), b"") append(&at("a/b"), b"") remove_file(&at("a/b")) list(&at("a/two"))
        remove_dir_all(&at("a/two")) write(&at("a/two/three"), b"") read(&at("a/two/three")) exists(&at("a/two/three"))
        rename(&at("a/two"), &at("a/b")) rename(&at("a/b"), &at("a/two")) rename(&at("a"), &at("a/b/c"))
        rename(&at("a/two"), &at("a/b/one")) read(&at("a/b/one")) exists(&at("a/two")) rename(&at("a"), &at("a"))
        rename(&at("a/b/one"), &at("a/b/one")) write(&at("d/e/four"), b"4") rename(&at("d"), &at("a"))
        rename(&at("d/e"), &at("a/g/e")) list(&at("d")) rename(&at("a/g"), &at("d")) list(&at("d/e")) list(&at("a"))
        read(&at("d/./e/../e//four")) remove_file(&at("d/e/four")) list(&at("d/e")) remove_dir_all(&at("a"))
        list(&at("")) read("") write("", b"") read("a\0b")
    }
    told
}

#[test]
fn files_do_in_a_world_what_they_do_outside() {
    let outside = tempfile::tempdir().expect("a directory for the test");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    let really = runtime.block_on(everything(outside.path().to_str().expect("its path is text")));
    // The root of the comparison has to be there, as a directory for tests is.
    let simulated = simulate(Config::default(), || async {
        fs::write("root/x", b"").await.expect("there is room");
        fs::remove_file("root/x").await.expect("it is there");
        everything("root").await
    });
    assert_eq!(simulated.value.expect("the run ends by itself"), really);
}

#[test]
fn relative_paths_work_outside_a_world() {
    // The current directory of tests is the package's, where `target` is not to be committed.
    let path = format!("target/fs-{:x}", std::ptr::from_ref(&()).addr());
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
    runtime.block_on(async {
        fs::write(&path, b"1").await.expect("there is room");
        fs::sync(&path).await.expect("the file is there");
        fs::remove_file(&path).await.expect("the file is there");
    });
}

#[test]
fn each_host_has_a_disk_of_its_own_that_outlives_its_process() {
    let body = || async {
        let started = fs::read("starts").await.unwrap_or_default().len();
        fs::append("starts", b".").await.expect("there is room");
        fs::sync("starts").await.expect("it is there");
        assert!(started < 3, "it is started three times");
        std::future::pending::<()>().await;
    };
    let outcome = beside(Config::default(), body, |world, host| async move {
        for _ in 0..2 {
            seconds(1).await;
            world.crash(host);
            assert!(!fs::exists("starts").await.expect("it can be told"), "that is another host's");
            world.start(host);
        }
        seconds(1).await;
        world.elapsed()
    });
    assert!(outcome.value.is_some(), "{:?}", outcome.stuck);
    let power = outcome.decisions.iter().find(|decision| decision.site.starts_with("disk.power"));
    assert_eq!(power, None, "all was synced, so nothing could be lost");
}

/// A host that writes lines and never syncs, crashes after a second and says at its next start what it finds.
fn unsynced(config: Config) -> Outcome<String> {
    let body = || async {
        if fs::exists("log").await.expect("it can be told") {
            fs::rename("log", "found").await.expect("it is there");
        }
        for _ in 0..5 {
            fs::append("log", b"line\n").await.expect("there is room");
        }
        std::future::pending::<()>().await;
    };
    beside(config, body, |world, host| async move {
        seconds(1).await;
        world.crash(host);
        world.start(host);
        seconds(1).await;
        world.crash(host);
        world.read_history(|history| format!("{:?}", history.events()))
    })
}

fn pin(site: &str, value: u64) -> Decision {
    Decision { site: site.into(), index: 0, value }
}

#[test]
fn a_crash_takes_the_process_or_the_power_too() {
    let benign = unsynced(Config { benign: true, ..Config::default() });
    assert_eq!(benign.decisions, []);
    let told = benign.value.expect("the run ends by itself");
    assert!(!told.contains("power_loss"), "{told}");

    let pins = vec![pin("disk.power pod-a", 1), pin("disk.lost pod-a log", 2), pin("disk.torn pod-a log", 3)];
    let config = Config { overrides: pins.clone(), benign: true, meanings: true, ..Config::default() };
    let outcome = unsynced(config.clone());
    assert_eq!((outcome.decisions, outcome.drift), (pins, vec![]));
    let meanings = [
        "pod-a loses power, and not only its process",
        "the last 2 of 6 unsynced changes of log on pod-a are lost",
        "3 bytes of the first lost change of log on pod-a are left",
    ];
    assert_eq!(outcome.meanings, meanings);
    let told = outcome.value.expect("the run ends by itself");
    assert!(told.contains("lost 2 of 6 changes of log"), "{told}");

    let lossy = (0..20).filter(|seed| {
        let outcome = unsynced(Config { seed: *seed, ..Config::default() });
        outcome.value.expect("the run ends by itself").contains("power_loss")
    });
    assert!((3..18).contains(&lossy.count()), "some crashes take the power, and some do not");
}

#[test]
fn a_full_disk_refuses_what_is_written_and_an_error_strikes_once() {
    let strike = |kind: &str, host, at, blow| Scripted {
        at: Duration::from_secs(at),
        kind: kind.into(),
        target: Target::Host(host),
        blow,
    };
    let outcome = beside(Config::default(), std::future::pending, |world, host| async move {
        let full = strike("disk_full", HostId::WORLD, 1, Blow::DiskFull(Duration::from_secs(2)));
        let error = strike("disk_error", HostId::WORLD, 5, Blow::DiskError(Duration::from_secs(10)));
        let unmet = strike("disk_error", host, 5, Blow::DiskError(Duration::from_secs(10)));
        let nemesis = Nemesis::new(&world, Vec::new(), vec![full, error, unmet], Rc::new(|| (1, 1)));
        let kind = |outcome: std::io::Result<()>| outcome.map_err(|error| error.kind());
        let calls = async {
            let mut told = vec![kind(fs::write("a", b"1").await)];
            seconds(2).await;
            told.extend([
                kind(fs::write("a", b"2").await),
                kind(fs::sync("a").await),
                kind(fs::append("a", b"2").await),
            ]);
            assert_eq!(fs::read("a").await.expect("reading needs no room"), b"1");
            seconds(2).await;
            told.push(kind(fs::append("a", b"2").await));
            seconds(2).await;
            told.extend([kind(fs::sync("a").await), kind(fs::sync("a").await)]);
            seconds(20).await;
            told
        };
        let (told, ()) = tokio::join!(calls, nemesis.act());
        (told, nemesis.tallies())
    });
    let (told, tallies) = outcome.value.expect("the run ends by itself");
    let full = Err(ErrorKind::StorageFull);
    assert_eq!(told, [Ok(()), full, Ok(()), full, Ok(()), Err(ErrorKind::Other), Ok(())]);
    let met: Vec<_> = tallies.iter().map(|(kind, tally)| (&**kind, tally.injected, tally.met)).collect();
    assert_eq!(met, [("disk_error", 2, 1), ("disk_full", 1, 1)]);
}
