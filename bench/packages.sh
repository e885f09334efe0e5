#!/bin/sh
# How long `dashboard/daily` takes for 500 packages with five years of daily rows each. Prints figures; changes nothing.
set -eu
cd "$(dirname "$0")/.."
# The crate and what writes its JSON are optimised as in a release; the rest is what `make run` builds.
exec cargo run --quiet -p tallykeep-packages --example bench_dashboard \
    --config 'profile.dev.package.tallykeep-packages.opt-level=3' \
    --config 'profile.dev.package.tallykeep-control.opt-level=3'
