//! The server, called in process.

mod attacks;
mod chat;
mod chat_clients;
mod dashboard_switch;
mod exports;
mod frame;
mod isolation;
mod isolation_data;
mod jobs;
mod layouts;
mod listen;
mod matrix;
mod packages;
mod people;
mod provider;
mod reports;
mod repository_client;
mod support;
mod watch;
mod worked_example;
