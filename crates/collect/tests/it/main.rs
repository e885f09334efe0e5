mod files;
mod http;
mod invenio;
mod search;
