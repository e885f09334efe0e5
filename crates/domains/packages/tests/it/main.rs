mod backfill;
mod derived;
mod examples;
mod jobs;
mod real_data;
mod stars;
mod support;
mod transfer;
