//! The server, called in process.

mod attacks;
mod chat;
mod chat_clients;
mod exports;
mod frame;
mod isolation;
mod jobs;
mod listen;
mod matrix;
mod packages;
mod people;
mod provider;
mod support;
