//! What the server promises its clients: byte by byte, through the real client, and when things go wrong.

mod client;
mod hostile;
mod pipes;
mod protocol;
mod replica;
mod slots;
mod values;
