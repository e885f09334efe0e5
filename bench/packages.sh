#!/bin/sh
# How long `dashboard/daily` takes for 500 packages with five years of daily rows each. Prints figures; changes nothing.
set -eu
cd "$(dirname "$0")/.."
exec cargo run --quiet -p tallykeep-packages --example bench_dashboard
