# Everything a person or a script does with OskarTrack. `make help` lists it.
# The environment lives in .venv/, everything that is made or stored in var/.

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help run test check bench chaos screenshots model setup
MAKEFLAGS += --no-print-directory
SHELL := /bin/bash

PYTHON ?= python3
PORT ?= 8000
ARGS ?=
PY := .venv/bin/python
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# On a terminal pip and npm show how far they are; in a log they stay quiet.
ON_TERMINAL := $(shell test -t 2 && echo yes)
PIP_QUIET := $(if $(ON_TERMINAL),,--quiet)
NPM_QUIET := $(if $(ON_TERMINAL),,--loglevel=error)

help: ## this list
	@echo "OskarTrack. Start with: make run"
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-11s %s\n", $$1, $$2 }' Makefile

run: setup ## the whole product with its demo store on http://127.0.0.1:8000 (PORT=8000 changes it; Ctrl-C ends it)
	@exec $(PY) manage.py up --port $(PORT) $(ARGS)

test: .venv/.dev var/npm/.dev var/vendor/icons.svg ## every test, on SQLite and on PostgreSQL, in two processes (ARGS="tests/zones -x" picks some, in one)
	@$(PY) tools/chromium.py
	@$(PY) -m pytest --also-postgresql $(or $(ARGS),-n auto)

check: .venv/.dev var/npm/.dev var/vendor/icons.svg ## format, lint, types, arrows between the rooms, migrations, settings, pins
	@$(PY) tools/check.py $(ARGS)

bench: .venv/.dev ## accuracy, speed and memory as one table and var/bench.json (ARGS="gating speed" picks rows, ARGS="--help" lists them)
	@$(PY) -m tools.bench $(ARGS)

chaos: .venv/.dev ## kills, faults, outages and hostile films while recordings are counted (ARGS="kills" picks a part, SEED=1 repeats)
	@$(PY) -m tools.chaos $(ARGS)

screenshots: .venv/.dev var/npm/.dev var/vendor/icons.svg ## every page x size x theme into var/screenshots/, and what is wrong with any (ARGS="live" picks pages)
	@$(PY) tools/chromium.py
	@$(PY) -m tools.screenshots $(ARGS)

model: .venv/.model ## NanoDet, which finds more people than HOG: fetched (144 MB), converted, put into var/models
	@$(PY) -m tools.model $(ARGS)

setup: .venv/.run var/vendor/icons.svg ## only the environment: Python packages and front-end files

.venv/.run: requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "OskarTrack needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) -V 2>&1). Name another: make PYTHON=python3.11" >&2; exit 1; }
	@echo "Installing the Python packages (the first time takes a minute or two)"
	@test -x $(PY) || $(PYTHON) -m venv .venv
	@$(PY) -m pip install $(PIP_QUIET) -r requirements.txt
	@touch $@

.venv/.model: .venv/.run requirements-model.txt
	@echo "Installing the Python packages for converting models"
	@$(PY) -m pip install $(PIP_QUIET) -r requirements-model.txt
	@touch $@

.venv/.dev: .venv/.run requirements-dev.txt requirements-model.txt requirements-kafka.txt requirements-scoring.txt
	@echo "Installing the Python packages for tests and checks"
	@$(PY) -m pip install $(PIP_QUIET) -r requirements-dev.txt
	@$(PY) -m pip install $(PIP_QUIET) --no-deps -r requirements-scoring.txt
	@touch $@

var/npm/.run: package.json package-lock.json tools/node.py | .venv/.run
	@echo "Installing the front-end packages"
	@mkdir -p var/npm && cp package.json package-lock.json var/npm/
	@$(PY) tools/node.py npm ci --prefix var/npm --omit=dev --ignore-scripts --no-audit --no-fund $(NPM_QUIET)
	@touch $@

var/npm/.dev: package.json package-lock.json tools/node.py | .venv/.run
	@echo "Installing the front-end packages for tests and checks"
	@mkdir -p var/npm && cp package.json package-lock.json var/npm/
	@$(PY) tools/node.py npm ci --prefix var/npm --ignore-scripts --no-audit --no-fund $(NPM_QUIET)
	@touch $@ var/npm/.run

var/vendor/icons.svg: package.json tools/vendor.py | .venv/.run
	@$(MAKE) var/npm/.run
	@$(PY) tools/vendor.py
