//! Chat: the worked example of spec/chat §3, each figure of §4, filters, zones, the reference, the files.
#![allow(clippy::unwrap_used, reason = "tests stop where they are wrong")]

mod acme;
mod filters;
mod importing;
mod prices;
mod real_data;
mod reference;
mod reference_cost;
mod serving;
mod store;
mod studio;
mod upkeep;
mod worked_example;
mod zones;
