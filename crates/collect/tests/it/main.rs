mod files;
mod http;
