//! The connection itself: protocol, name, database, authentication.

use bytes::Bytes;

use super::super::keyspace::DATABASES;
use super::super::numbers;
use super::super::reply::{Protocol, Refusal};
use super::{Call, Outcome};

/// The version that `HELLO` and `INFO` tell: the one that replies are checked against.
pub(super) const VERSION: &str = "7.0.15";

const WRONG_PASSWORD: Refusal = Refusal::Plain("WRONGPASS invalid username-password pair or user is disabled.");

pub(super) fn ping(call: &mut Call<'_>) -> Outcome {
    match call.rest(1) {
        [] => call.reply().simple("PONG"),
        [text] => call.reply().bulk(text),
        _ => return Err(call.wrong_arity()),
    }
    Ok(())
}

pub(super) fn echo(call: &mut Call<'_>) -> Outcome {
    let text = &call.args[1];
    call.reply().bulk(text);
    Ok(())
}

pub(super) fn quit(call: &mut Call<'_>) -> Outcome {
    call.reply().ok();
    call.session.closing = true;
    Ok(())
}

pub(super) fn reset(call: &mut Call<'_>) -> Outcome {
    call.session.reset(call.keyspace);
    call.reply().simple("RESET");
    Ok(())
}

pub(super) fn select(call: &mut Call<'_>) -> Outcome {
    let number = call.integer(1)?;
    if i32::try_from(number).is_err() {
        return Err(Refusal::Plain("ERR value is out of range, value must between -2147483648 and 2147483647"));
    }
    let database = u8::try_from(number).ok().filter(|&database| database < DATABASES);
    call.session.database = database.ok_or(Refusal::Plain("ERR DB index is out of range"))?;
    call.reply().ok();
    Ok(())
}

/// There is one user, `default`, who has no password, so that any will do.
fn known_user(name: &[u8]) -> bool {
    name == b"default"
}

pub(super) fn auth(call: &mut Call<'_>) -> Outcome {
    match call.rest(1) {
        [_] => Err(Refusal::Plain(
            "ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        )),
        [user, _] if known_user(user) => {
            call.reply().ok();
            Ok(())
        }
        [_, _] => Err(WRONG_PASSWORD),
        _ => Err(Refusal::SYNTAX),
    }
}

pub(super) fn hello(call: &mut Call<'_>) -> Outcome {
    let protocol = match call.args.get(1).map(|version| numbers::integer(version)) {
        None => None,
        Some(Some(2)) => Some(Protocol::Resp2),
        Some(Some(3)) => Some(Protocol::Resp3),
        Some(Some(_)) => return Err(Refusal::Plain("NOPROTO unsupported protocol version")),
        Some(None) => return Err(Refusal::Plain("ERR Protocol version is not an integer or out of range")),
    };
    let mut at = 2;
    while at < call.args.len() {
        let more = call.args.len() - at - 1;
        if call.is(at, "auth") && more >= 2 {
            if !known_user(&call.args[at + 1]) {
                return Err(WRONG_PASSWORD);
            }
            at += 3;
        } else if call.is(at, "setname") && more >= 1 {
            set_name(call, &call.args[at + 1])?;
            at += 2;
        } else {
            return Err(Refusal::quoting("ERR Syntax error in HELLO option '", &call.args[at], usize::MAX, "'"));
        }
    }
    if let Some(protocol) = protocol {
        call.reply().protocol = protocol;
    }
    let id = call.session.id;
    let reply = call.reply();
    reply.map(7);
    for (name, value) in [("server", "redis"), ("version", VERSION)] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"proto");
    reply.integer(if reply.protocol == Protocol::Resp3 { 3 } else { 2 });
    reply.bulk(b"id");
    reply.integer(id as i64);
    for (name, value) in [("mode", "standalone"), ("role", "master")] {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    }
    reply.bulk(b"modules");
    reply.array(0);
    Ok(())
}

fn set_name(call: &mut Call<'_>, name: &Bytes) -> Outcome {
    if !name.iter().all(|byte| (b'!'..=b'~').contains(byte)) {
        return Err(Refusal::Plain("ERR Client names cannot contain spaces, newlines or special characters."));
    }
    call.session.name = name.clone();
    Ok(())
}

pub(super) fn client_setname(call: &mut Call<'_>) -> Outcome {
    set_name(call, &call.args[2])?;
    call.reply().ok();
    Ok(())
}

pub(super) fn client_getname(call: &mut Call<'_>) -> Outcome {
    let name = Some(call.session.name.clone()).filter(|name| !name.is_empty());
    call.reply().bulk_or_null(name.as_ref());
    Ok(())
}

pub(super) fn client_id(call: &mut Call<'_>) -> Outcome {
    let id = call.session.id;
    call.reply().integer(id as i64);
    Ok(())
}

pub(super) fn client_setinfo(call: &mut Call<'_>) -> Outcome {
    if !call.is(2, "lib-name") && !call.is(2, "lib-ver") {
        return Err(Refusal::quoting("ERR Unrecognized option '", &call.args[2], usize::MAX, "'"));
    }
    call.reply().ok();
    Ok(())
}
