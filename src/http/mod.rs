//! HTTP/1 over runtime streams.
