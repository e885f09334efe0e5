mod mail;
mod webhook;
