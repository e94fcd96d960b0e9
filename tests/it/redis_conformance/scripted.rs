//! What random sequences do not reach: the table of commands, cursors, and time that passes.

use super::compare::sorted;
use super::peers::{Peers, pause};
use super::wire::{Connection, Reply};

#[test]
fn the_table_of_commands_is_that_of_redis() {
    let Some(peers) = Peers::start() else { return };
    let [mut real, mut simulated] =
        [peers.real, peers.simulated].map(|address| Connection::open(address).expect("open"));
    let Reply::Array(commands) = simulated.ask(&["COMMAND"]) else { panic!("COMMAND lists commands") };
    assert_eq!(simulated.ask(&["COMMAND", "COUNT"]), Reply::Integer(commands.len() as i64));
    let mut compared = 0;
    for command in &commands {
        let Reply::Array(fields) = command else { panic!("a command is described by fields") };
        let Reply::Bulk(name) = &fields[0] else { panic!("the first field is the name") };
        let Reply::Array(found) = real.ask(&["COMMAND", "INFO", name]) else { panic!("Redis describes {name}") };
        compared += compare_description(&found[0], command);
    }
    assert!(compared > 70, "only {compared} descriptions were compared");
}

/// Compares names, arities, flags that we know of, and keys, part by part. Returns how many were compared.
fn compare_description(real: &Reply, simulated: &Reply) -> usize {
    let (Reply::Array(a), Reply::Array(b)) = (real, simulated) else {
        panic!("not two descriptions: {real:?}, {simulated:?}");
    };
    let flags = |reply: &Reply| {
        let known = ["readonly", "write", "loading"].map(|flag| Reply::Simple(flag.to_owned()));
        sorted(reply).into_iter().filter(|flag| known.contains(flag)).collect::<Vec<_>>()
    };
    assert_eq!(a[..2], b[..2], "name and arity");
    assert_eq!(flags(&a[2]), flags(&b[2]), "flags of {:?}", a[0]);
    assert_eq!(a[3..6], b[3..6], "keys of {:?}", a[0]);
    let (Reply::Array(theirs), Reply::Array(ours)) = (&a[9], &b[9]) else { panic!("the last field is the parts") };
    let mut compared = 1;
    for part in ours {
        let Reply::Array(fields) = part else { panic!("a part is described by fields") };
        match theirs.iter().find(|other| matches!(other, Reply::Array(other) if other[0] == fields[0])) {
            Some(other) => compared += compare_description(other, part),
            None => assert_eq!(fields[0], Reply::Bulk("client|setinfo".to_owned()), "a part that Redis has not"),
        }
    }
    compared
}

#[test]
fn cursors_lead_to_every_key() {
    let Some(peers) = Peers::start() else { return };
    for address in [peers.real, peers.simulated] {
        let mut connection = Connection::open(address).expect("open");
        for number in 0..200 {
            connection.ask(&["SET", &format!("key:{number}"), "v"]);
        }
        let (mut cursor, mut seen, mut rounds) = ("0".to_owned(), Vec::new(), 0);
        loop {
            let reply = connection.ask(&["SCAN", &cursor, "COUNT", "10"]);
            let Reply::Array(parts) = &reply else { panic!("{reply:?}") };
            let Reply::Bulk(next) = &parts[0] else { panic!("{reply:?}") };
            seen.extend(sorted(&parts[1]));
            rounds += 1;
            cursor.clone_from(next);
            if cursor == "0" {
                break;
            }
        }
        seen.sort();
        seen.dedup();
        assert_eq!(seen.len(), 200);
        assert!(rounds > 5, "{rounds} rounds are no iteration");
    }
}

#[test]
fn keys_expire_alike() {
    let Some(peers) = Peers::start() else { return };
    let mut connections = [peers.real, peers.simulated].map(|address| Connection::open(address).expect("open"));
    let before = ["SET k v PX 40", "SET w v PX 40", "WATCH w", "SET gone v PX 1"];
    let after = [
        "GET k",
        "TTL k",
        "PTTL k",
        "TYPE k",
        "EXISTS k",
        "SETNX k 1",
        "DBSIZE",
        "MULTI",
        "PING",
        "EXEC",
        "DEL gone",
        "KEYS *",
    ];
    let play = |connections: &mut [Connection; 2], lines: &[&str]| {
        for line in lines {
            let words: Vec<&str> = line.split(' ').collect();
            let [real, simulated] = connections.each_mut().map(|connection| connection.ask(&words));
            assert_eq!(real, simulated, "{line}");
        }
    };
    play(&mut connections, &before);
    // Long enough for the real server's own round of expiry, too.
    pause(std::time::Duration::from_millis(400));
    play(&mut connections, &after);
}
