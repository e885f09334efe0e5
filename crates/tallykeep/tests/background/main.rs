//! The real program: background processes held against the kernel's own list, a migration killed and carried on, and what commands print.

mod golden;
mod handed_over;
mod house;
mod migration;
mod processes;
