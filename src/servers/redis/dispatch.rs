//! One command from its arguments to its reply: look-up, arity, queueing inside a transaction.

use bytes::Bytes;

use super::commands::{self, Call, Command};
use super::keyspace::Keyspace;
use super::reply::Refusal;
use super::session::Session;

const LOADING: &str = "LOADING Redis is loading the dataset in memory";

/// Executes one request at the wall clock's `now` (milliseconds since the epoch) and adds its reply to the session's.
pub(super) fn execute(keyspace: &mut Keyspace, session: &mut Session, now: i64, args: Vec<Bytes>) {
    let Some(name) = args.first() else { return };
    // A browser was made to talk to us: closed without another word, as Redis does.
    if name.eq_ignore_ascii_case(b"post") || name.eq_ignore_ascii_case(b"host:") {
        session.replies.bytes().clear();
        session.closing = true;
        return;
    }
    let command = match find(keyspace, &args) {
        Ok(command) => command,
        Err((command, refusal)) => return reject(keyspace, session, command, refusal),
    };
    if let Some(transaction) = session.transaction.as_mut().filter(|_| !command.immediate) {
        transaction.queue.push((command, args));
        return session.replies.simple("QUEUED");
    }
    run(keyspace, session, now, command, &args);
}

/// Runs a command whose name and arity are right.
pub(super) fn run(keyspace: &mut Keyspace, session: &mut Session, now: i64, command: &'static Command, args: &[Bytes]) {
    let mut call = Call { keyspace, session, now, command, args };
    if let Err(refusal) = (command.run)(&mut call) {
        session.replies.refuse(&refusal);
    }
}

fn find(keyspace: &mut Keyspace, args: &[Bytes]) -> Result<&'static Command, (Option<&'static Command>, Refusal)> {
    let Some(command) = commands::find(&args[0]) else { return Err((None, Refusal::unknown_command(args))) };
    let command = match args.get(1) {
        Some(part) if !command.parts.is_empty() => {
            let found = command.parts.iter().find(|candidate| part.eq_ignore_ascii_case(candidate.part().as_bytes()));
            let hint = format!("'. Try {} HELP.", command.name.to_ascii_uppercase());
            found.ok_or_else(|| (None, Refusal::quoting("ERR unknown subcommand '", part, 128, &hint)))?
        }
        _ => command,
    };
    let given = args.len() as i64;
    if given != command.arity && (command.arity > 0 || given < -command.arity) {
        return Err((Some(command), Refusal::arity(command.name)));
    }
    if keyspace.loading > 0 && !command.kind.while_loading() {
        keyspace.loading -= 1;
        return Err((Some(command), Refusal::Plain(LOADING)));
    }
    Ok(command)
}

/// Answers a command that cannot even be queued, which breaks a transaction.
fn reject(keyspace: &mut Keyspace, session: &mut Session, command: Option<&Command>, refusal: Refusal) {
    if let Some(transaction) = session.transaction.as_mut() {
        transaction.broken = true;
    }
    let refusal = match refusal {
        Refusal::Composed(text) if command.is_some_and(|command| command.name == "exec") => {
            session.discard(keyspace);
            let text = text.strip_prefix(b"ERR ").unwrap_or(&text);
            Refusal::Composed([b"EXECABORT Transaction discarded because of: ", text].concat())
        }
        other => other,
    };
    session.replies.refuse(&refusal);
}
