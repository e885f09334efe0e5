//! The program as people run it: the built binary, its exit codes and its words, and what only shows from outside.

mod interrupted;
mod pipes;
mod program;
mod worked_example;
