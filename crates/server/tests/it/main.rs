//! The server, called in process.

mod frame;
