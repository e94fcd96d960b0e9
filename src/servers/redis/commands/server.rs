//! The server as a whole: sizes, flushing, what it says of itself.

use std::fmt::Write;

use super::super::keyspace::{Cause, DATABASES};
use super::super::reply::Refusal;
use super::connection::VERSION;
use super::table::{COMMANDS, Command, Kind, find};
use super::{Call, Outcome};

/// Stands in the table for a command that is only its parts.
pub(super) fn no_part(call: &mut Call<'_>) -> Outcome {
    Err(call.wrong_arity())
}

pub(super) fn dbsize(call: &mut Call<'_>) -> Outcome {
    let keys = call.keyspace.database(call.session.database).len();
    call.reply().count(keys);
    Ok(())
}

/// `SYNC` and `ASYNC` are told apart by nothing that a client can see.
fn flush(call: &mut Call<'_>, databases: impl Iterator<Item = u8>) -> Outcome {
    let proper = match call.args.len() {
        1 => true,
        2 => call.is(1, "sync") || call.is(1, "async"),
        _ => false,
    };
    if !proper {
        return Err(Refusal::SYNTAX);
    }
    for database in databases {
        call.keyspace.clear(database, Cause::Flushed);
    }
    call.reply().ok();
    Ok(())
}

pub(super) fn flushdb(call: &mut Call<'_>) -> Outcome {
    let database = call.session.database;
    flush(call, std::iter::once(database))
}

pub(super) fn flushall(call: &mut Call<'_>) -> Outcome {
    flush(call, 0..DATABASES)
}

pub(super) fn time(call: &mut Call<'_>) -> Outcome {
    let now = call.now;
    call.reply().array(2);
    call.reply().bulk((now / 1000).to_string().as_bytes());
    call.reply().bulk((now % 1000 * 1000).to_string().as_bytes());
    Ok(())
}

pub(super) fn info(call: &mut Call<'_>) -> Outcome {
    let sections = call.rest(1);
    let everything = sections
        .iter()
        .any(|name| [&b"all"[..], b"default", b"everything"].iter().any(|every| name.eq_ignore_ascii_case(every)));
    let wanted = |section: &str| {
        everything || sections.is_empty() || sections.iter().any(|name| name.eq_ignore_ascii_case(section.as_bytes()))
    };
    let mut text = String::new();
    let mut section = |name: &str, body: &str| {
        if wanted(name) {
            let gap = if text.is_empty() { "" } else { "\r\n" };
            // Writing to a string cannot fail.
            let _ = write!(text, "{gap}# {name}\r\n{body}");
        }
    };
    section("Server", &format!("redis_version:{VERSION}\r\nredis_mode:standalone\r\n"));
    section("Persistence", "loading:0\r\n");
    section("Replication", "role:master\r\nconnected_slaves:0\r\n");
    let mut keyspace = String::new();
    for database in 0..DATABASES {
        let keys = call.keyspace.database(database).len();
        if keys > 0 {
            let expires = call.keyspace.with_deadline(database);
            let _ = write!(keyspace, "db{database}:keys={keys},expires={expires},avg_ttl=0\r\n");
        }
    }
    section("Keyspace", &keyspace);
    call.reply().verbatim(&text);
    Ok(())
}

fn describe(call: &mut Call<'_>, command: &Command) {
    let reply = call.reply();
    reply.array(10);
    reply.bulk(command.name.as_bytes());
    reply.integer(command.arity);
    let flag = match command.kind {
        Kind::Read => Some("readonly"),
        Kind::Write => Some("write"),
        Kind::Control => Some("loading"),
        Kind::Plain => None,
    };
    reply.array(usize::from(flag.is_some()));
    if let Some(flag) = flag {
        reply.simple(flag);
    }
    let (first, last, step) = command.keys;
    for number in [first, last, step] {
        reply.integer(number);
    }
    // Categories, hints and key specifications are not told.
    for _ in 0..3 {
        reply.array(0);
    }
    reply.array(command.parts.len());
    for part in command.parts {
        describe(call, part);
    }
}

pub(super) fn command(call: &mut Call<'_>) -> Outcome {
    call.reply().array(COMMANDS.len());
    for command in COMMANDS {
        describe(call, command);
    }
    Ok(())
}

pub(super) fn command_count(call: &mut Call<'_>) -> Outcome {
    call.reply().count(COMMANDS.len());
    Ok(())
}

/// There are no docs to give, which clients take for a server that does not know the command.
pub(super) fn command_docs(call: &mut Call<'_>) -> Outcome {
    call.reply().map(0);
    Ok(())
}

pub(super) fn command_info(call: &mut Call<'_>) -> Outcome {
    let names = call.rest(2);
    if names.is_empty() {
        return command(call);
    }
    call.reply().array(names.len());
    for name in names {
        match find(name) {
            Some(command) => describe(call, command),
            None => call.reply().null_array(),
        }
    }
    Ok(())
}
