//! The table of commands: names, arities, and what each is for.

use super::transactions;
use super::{Call, Outcome, connection, expiry, hashes, keys, scan, server, sorted_ranges, sorted_sets, strings};

/// What a command touches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Reads keys, or nothing.
    Read,
    /// May write keys.
    Write,
    /// Is about the connection, transaction or server, and is served even while the server loads its data.
    Control,
    /// Is about the connection or server, but not served while loading.
    Plain,
}

impl Kind {
    pub(crate) fn while_loading(self) -> bool {
        self == Self::Control
    }
}

/// A command, or one part of a command such as `client|id`.
#[derive(Debug)]
pub(crate) struct Command {
    pub(crate) name: &'static str,
    /// How many arguments with the name; negative: at least as many.
    pub(crate) arity: i64,
    pub(crate) kind: Kind,
    /// First key, last key (from the end when negative), step; zeros: no keys.
    pub(crate) keys: (i64, i64, i64),
    /// Executed even between `MULTI` and `EXEC`.
    pub(crate) immediate: bool,
    pub(crate) parts: &'static [Command],
    pub(crate) run: fn(&mut Call<'_>) -> Outcome,
}

impl Command {
    /// The second word of a part.
    pub(crate) fn part(&self) -> &'static str {
        self.name.split_once('|').map_or(self.name, |(_, part)| part)
    }
}

type Run = fn(&mut Call<'_>) -> Outcome;

const NO_KEYS: (i64, i64, i64) = (0, 0, 0);
const ONE_KEY: (i64, i64, i64) = (1, 1, 1);
const ALL_KEYS: (i64, i64, i64) = (1, -1, 1);
const PAIRS: (i64, i64, i64) = (1, -1, 2);

const fn make(name: &'static str, arity: i64, kind: Kind, keys: (i64, i64, i64), run: Run) -> Command {
    Command { name, arity, kind, keys, immediate: false, parts: &[], run }
}

const fn read(name: &'static str, arity: i64, run: Run) -> Command {
    make(name, arity, Kind::Read, ONE_KEY, run)
}

const fn write(name: &'static str, arity: i64, run: Run) -> Command {
    make(name, arity, Kind::Write, ONE_KEY, run)
}

const fn control(name: &'static str, arity: i64, run: Run) -> Command {
    make(name, arity, Kind::Control, NO_KEYS, run)
}

const fn immediate(name: &'static str, arity: i64, run: Run) -> Command {
    Command { immediate: true, ..control(name, arity, run) }
}

const CLIENT: &[Command] = &[
    control("client|getname", 2, connection::client_getname),
    control("client|id", 2, connection::client_id),
    control("client|setinfo", 4, connection::client_setinfo),
    control("client|setname", 3, connection::client_setname),
];

const COMMAND: &[Command] = &[
    control("command|count", 2, server::command_count),
    control("command|docs", -2, server::command_docs),
    control("command|info", -2, server::command_info),
];

/// Every command, in the order of names.
pub(crate) static COMMANDS: &[Command] = &[
    write("append", 3, strings::append),
    control("auth", -2, connection::auth),
    Command { kind: Kind::Plain, parts: CLIENT, ..control("client", -2, server::no_part) },
    Command { parts: COMMAND, ..control("command", -1, server::command) },
    make("dbsize", 1, Kind::Read, NO_KEYS, server::dbsize),
    write("decr", 2, strings::decr),
    write("decrby", 3, strings::decrby),
    make("del", -2, Kind::Write, ALL_KEYS, keys::del),
    immediate("discard", 1, transactions::discard),
    control("echo", 2, connection::echo),
    immediate("exec", 1, transactions::exec),
    make("exists", -2, Kind::Read, ALL_KEYS, keys::exists),
    write("expire", -3, expiry::expire),
    write("expireat", -3, expiry::expireat),
    read("expiretime", 2, expiry::expiretime),
    make("flushall", -1, Kind::Write, NO_KEYS, server::flushall),
    make("flushdb", -1, Kind::Write, NO_KEYS, server::flushdb),
    read("get", 2, strings::get),
    write("getdel", 2, strings::getdel),
    write("getex", -2, strings::getex),
    write("getset", 3, strings::getset),
    write("hdel", -3, hashes::hdel),
    control("hello", -1, connection::hello),
    read("hexists", 3, hashes::hexists),
    read("hget", 3, hashes::hget),
    read("hgetall", 2, hashes::hgetall),
    write("hincrby", 4, hashes::hincrby),
    read("hkeys", 2, hashes::hkeys),
    read("hlen", 2, hashes::hlen),
    read("hmget", -3, hashes::hmget),
    write("hmset", -4, hashes::hmset),
    write("hset", -4, hashes::hset),
    write("hsetnx", 4, hashes::hsetnx),
    read("hvals", 2, hashes::hvals),
    write("incr", 2, strings::incr),
    write("incrby", 3, strings::incrby),
    control("info", -1, server::info),
    make("keys", 2, Kind::Read, NO_KEYS, scan::keys),
    make("mget", -2, Kind::Read, ALL_KEYS, strings::mget),
    make("mset", -3, Kind::Write, PAIRS, strings::mset),
    immediate("multi", 1, transactions::multi),
    write("persist", 2, expiry::persist),
    write("pexpire", -3, expiry::pexpire),
    write("pexpireat", -3, expiry::pexpireat),
    read("pexpiretime", 2, expiry::pexpiretime),
    make("ping", -1, Kind::Plain, NO_KEYS, connection::ping),
    write("psetex", 4, strings::psetex),
    read("pttl", 2, expiry::pttl),
    immediate("quit", -1, connection::quit),
    immediate("reset", 1, connection::reset),
    make("scan", -2, Kind::Read, NO_KEYS, scan::scan),
    control("select", 2, connection::select),
    write("set", -3, strings::set),
    write("setex", 4, strings::setex),
    write("setnx", 3, strings::setnx),
    read("strlen", 2, strings::strlen),
    control("time", 1, server::time),
    read("ttl", 2, expiry::ttl),
    read("type", 2, keys::type_of),
    make("unlink", -2, Kind::Write, ALL_KEYS, keys::del),
    control("unwatch", 1, transactions::unwatch),
    Command { keys: ALL_KEYS, ..immediate("watch", -2, transactions::watch) },
    write("zadd", -4, sorted_sets::zadd),
    read("zcard", 2, sorted_sets::zcard),
    read("zcount", 4, sorted_ranges::zcount),
    write("zincrby", 4, sorted_sets::zincrby),
    read("zrange", -4, sorted_ranges::zrange),
    read("zrangebyscore", -4, sorted_ranges::zrangebyscore),
    write("zrem", -3, sorted_sets::zrem),
    write("zremrangebyscore", 4, sorted_ranges::zremrangebyscore),
    read("zscore", 3, sorted_sets::zscore),
];

/// The longest name in the table.
const LONGEST: usize = 16;

/// Finds a command, however its name is cased.
pub(crate) fn find(name: &[u8]) -> Option<&'static Command> {
    let mut lower = [0; LONGEST];
    let lower = lower.get_mut(..name.len())?;
    lower.copy_from_slice(name);
    lower.make_ascii_lowercase();
    let at = COMMANDS.binary_search_by(|command| command.name.as_bytes().cmp(lower)).ok()?;
    Some(&COMMANDS[at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_command_is_found_by_its_name() {
        for command in COMMANDS {
            let found = find(command.name.to_ascii_uppercase().as_bytes());
            assert_eq!(found.map(|found| found.name), Some(command.name));
        }
        assert!(find(b"nosuchcommand").is_none());
        assert!(find(&[b'x'; 100]).is_none());
    }
}
