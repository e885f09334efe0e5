# The two commands of this house. Everything they call is in scripts/ and runs alone, too.
#
#   make run    build what is missing, seed the demo, serve it on http://127.0.0.1:8080
#   make test   install what the tests need, then every test: Rust, web, browser, real records
#
# LISTEN=127.0.0.1:9000 make run     another address
# DEMO_DIR=/tmp/demo make run        another folder for the demo's data

LISTEN ?= 127.0.0.1:8080
DEMO_DIR ?= tallykeep-demo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# The run, the tests and CI share one profile, so a fresh machine builds the tree once (docs/adr/0003-one-build-profile.md).
BINARY := $(TARGET)/debug/tallykeep

.PHONY: run test build check fmt lint

run: build
	@echo "serving the demo on http://$(LISTEN) (its data: $(DEMO_DIR); Ctrl-C ends it)"
	@$(BINARY) demo --data-dir $(DEMO_DIR) --listen $(LISTEN)

build:
	@scripts/build-web
	cargo build -p tallykeep

test:
	@scripts/test

# What CI runs before the tests.
lint:
	@scripts/lint

fmt:
	cargo fmt --all
	@if [ -d web/node_modules ]; then cd web && npm run format; else echo "web/node_modules is absent: only Rust was formatted"; fi
