//! The client against a small responder on real sockets: what it sends, what it makes of replies, and of silence.

mod client;
mod decide;
mod responder;
