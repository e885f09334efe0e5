#!/bin/sh
# Puts what the browser tests need on a Debian machine: Chromium and the two typefaces of look.md.
# The visual tests compare layouts, so the fonts matter as much as the browser.
set -eu
missing=""
for package in chromium fonts-inter fonts-urw-base35; do
  dpkg -s "$package" >/dev/null 2>&1 || missing="$missing $package"
done
if [ -z "$missing" ]; then
  echo "browser and fonts are already here"
  exit 0
fi
sudo=""
[ "$(id -u)" = 0 ] || sudo="sudo"
$sudo apt-get update -qq
# shellcheck disable=SC2086  # a list of package names, split on purpose
$sudo apt-get install -y --no-install-recommends $missing
