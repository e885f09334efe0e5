#!/bin/sh
# Chat (issue 4): import of generated files, then 200 distinct windows of 365 days per endpoint over HTTP with the response
# cache off: without a filter, by tag, by tag and bot; peak memory. Figures go to standard output.
#
#   bench/chat.sh            1,000,000 messages in 100,000 sessions, tags on 5 %
#   bench/chat.sh 10000000   the same at ten million
set -eu
cd "$(dirname "$0")/.."
exec cargo run -q -p tallykeep-server --example bench_chat -- "${1:-1000000}"
