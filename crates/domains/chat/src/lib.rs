//! Chat: who talks to a team's bots, and how it goes (spec/chat, seed 003).
//!
//! Files come in through [`interchange`], lie in the lake as versions of rows, and are counted from one image in memory per team.
//! What counts is defined once, in [`filter`] and [`metrics`].

pub mod charts;
pub mod demo;
mod digest;
pub mod export;
pub mod filter;
pub mod image;
pub mod instant;
pub mod interchange;
pub mod metrics;
pub mod prices;
pub mod rows;
pub mod service;
pub mod store;
pub mod words;
