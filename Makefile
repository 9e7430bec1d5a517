# make demo: set-up and a centre at work.  make test: set-up and all tests.  The rest is for developers.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
SHELL := /bin/bash

.DEFAULT_GOAL := help
.PHONY: help demo test lint bench compiled compiler soak setup docs clean

help:
	@echo "make demo    set everything up and watch real calls being routed, beside what the simulation predicts"
	@echo "make test    set everything up and run all tests"
	@echo "make lint    ruff, mypy and the import rules"
	@echo "make audit   known vulnerabilities in what we depend on"
	@echo "make fuzz    any bytes into everything that reads them [TARGET=..] [SECONDS=60]"
	@echo "make compiled  the router and the SimPy shell compiled, for simulations that the kernel does not take"
	@echo "make bench   the benchmarks, each beside a peer"
	@echo "make soak    faults on a live centre again and again, for MINUTES (60): nothing may be lost"
	@echo "make docs    write the generated references and the JSON schemas again"

# A rebuilt environment whenever what it is made from changes.
$(VENV)/ready: setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Switchboard needs Python 3.11 or newer; $(PYTHON) is $$($(PYTHON) --version). Try: make PYTHON=python3.11" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || { [ "$$(id -u)" = 0 ] && apt-get update -q && apt-get install -yq python3-venv; } || { \
	  echo "Python's venv module is missing. Install it: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

setup: $(VENV)/ready
	@$(BIN)/python -m asterisk_conf.setup

demo: setup
	@$(BIN)/switchboard demo

test: setup lint
	@$(MAKE) --no-print-directory compiler || echo "The test of the compiled core is passed over." >&2
	@$(BIN)/python -m tests.audit --tolerate
	@# Three for two cores: most of the time is spent waiting for calls.
	$(BIN)/pytest --numprocesses=3 --dist=loadgroup --quiet

lint: $(VENV)/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

audit: $(VENV)/ready
	@$(BIN)/python -m tests.audit

# TARGET: one of tests/fuzz/targets.py, by default all one after the other. SECONDS: for each.
fuzz: SECONDS = 60
fuzz: $(VENV)/ready
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,fuzz]'
	$(BIN)/python -m tests.fuzz $(SECONDS) $(TARGET)

COMPILED_FROM = $(shell find documents ivr router simulations switchboard asterisk_conf -type f -not -name '*.pyc')

# Made anew whenever anything in the packages changes, all of which it holds. Whatever runs with PYTHONPATH=.venv/compiled runs it.
$(VENV)/compiled/ready: $(VENV)/ready setup.py $(COMPILED_FROM) | compiler
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test,compiled]'
	@rm -rf $(VENV)/compiled
	SWITCHBOARD_COMPILED=$(VENV)/compiling $(BIN)/python setup.py --quiet build --build-base $(VENV)/compiling --build-lib $(VENV)/compiled
	@rm -rf $(VENV)/compiling
	@touch $@

compiler: $(VENV)/ready
	@$(BIN)/python -m tests.support.compiler

compiled: $(VENV)/compiled/ready
	@echo "PYTHONPATH=$(VENV)/compiled $(BIN)/switchboard simulate ... runs the compiled core"

bench: setup compiled
	@# Apart from the rest, since Ciw brings a package "tests".
	$(BIN)/pip install --quiet --disable-pip-version-check --constraint constraints.txt --target $(VENV)/peers --upgrade ciw cimba
	@for benchmark in benchmarks/*.py; do echo "== $$benchmark"; PYTHONPATH=. $(BIN)/python $$benchmark || exit 1; done

soak: setup
	@$(BIN)/python -m tests.soak --minutes $(or $(MINUTES),60) --seed $(or $(SEED),1)

docs: $(VENV)/ready
	$(BIN)/python -m switchboard.reference

clean:
	rm -rf $(VENV) build *.egg-info .pytest_cache .mypy_cache .ruff_cache .hypothesis
