//! The server, called in process.

mod attacks;
mod frame;
mod isolation;
mod jobs;
mod matrix;
mod people;
mod support;
