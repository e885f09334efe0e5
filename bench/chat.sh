#!/bin/sh
# Chat (issue 4): import of generated files, then 200 distinct windows of 365 days per endpoint over HTTP with the response
# cache off: without a filter, by tag, by tag and bot; peak memory; then the same charts as plain SQL on a private PostgreSQL,
# with the ratio per endpoint. Figures go to standard output.
#
#   bench/chat.sh                1,000,000 messages in 100,000 sessions, tags on 5 %
#   bench/chat.sh 10000000       the same at ten million
#   bench/chat.sh 1000000 0      without PostgreSQL; a number is how many windows it is asked per chart (5)
set -eu
cd "$(dirname "$0")/.."
scripts/install-test-tools >/dev/null
exec cargo run -q -p tallykeep-server --features bench --example bench_chat -- "${1:-1000000}" "${2:-5}" "${3:-200}"
