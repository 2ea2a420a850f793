# Everything one needs day to day. `make` alone lists the targets.

# Toolchains installed from swift.org are not always on the PATH of a fresh shell.
export PATH := $(PATH):/opt/swift/usr/bin:$(HOME)/.local/share/swiftly/bin

SWIFT = swift
SPARK = .build/release/spark
SOURCES = Sources Tests Package.swift

# What `make run` continues; `make run PROMPT="The dragon said"` changes it.
PROMPT ?= Once upon a time there was a little fox who
export PROMPT

.DEFAULT_GOAL := help
.PHONY: help dependencies build run test bench lint format clean

help: ## List these targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' Makefile

dependencies: ## Check the toolchain and install missing packages
	@Scripts/install-dependencies

# The first build shows its progress (on standard error, so that standard output stays the text);
# later ones speak only when something is wrong.
build: dependencies ## Build the spark command in release mode
	@if [ -x $(SPARK) ]; then quiet=--quiet; else quiet=; fi; \
	$(SWIFT) build -c release --product spark $$quiet 1>&2

run: build ## Stream a story from the embedded model
	@printf '%s' "$$PROMPT"
	@$(SPARK) generate "$$PROMPT"

test: dependencies ## Run the tests
	@$(SWIFT) test -c release --disable-xctest

bench: build ## Measure prefill and decode speed of the embedded model
	@$(SPARK) bench models/spark-mini.gguf

lint: ## Check the formatting; changes nothing
	@$(SWIFT) format lint --strict -r $(SOURCES)

format: ## Rewrite the sources in the project's format
	@$(SWIFT) format -i -r $(SOURCES)

clean: ## Remove everything that was built
	@rm -rf .build
