//! The repository domain through its library: numbers of spec/invenio §3, the real sets, a slow reference, bad input.

mod bad_input;
mod cache;
mod known_on;
mod opt_in;
mod parity;
mod real_data;
mod reference;
mod run_care;
mod support;
mod ties;
mod usage;
mod worked_example;
