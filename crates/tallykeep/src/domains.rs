//! The one list of domains. To add one: its crate, and a line here.
