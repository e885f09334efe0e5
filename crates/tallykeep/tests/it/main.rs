//! The program as people run it: the built binary, its exit codes and its words, and what only shows from outside.

mod cache;
mod cli_matrix;
mod database;
mod interrupted;
mod layouts;
mod pipes;
mod program;
mod read;
mod source_house;
mod source_schedule;
mod source_spans;
mod source_trust;
mod sources;
mod support;
mod worked_example;
