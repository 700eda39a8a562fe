# Two commands matter: `make demo` runs the main job, `make test` checks everything. `make help` lists all.
# Nothing outside this checkout is touched. PYTHON=… names an interpreter, VENV=… another folder than .venv.

SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
PYTEST := $(BIN)/python -m pytest
INSTALL_INPUTS := pyproject.toml constraints.txt .ci/install
export VENV
ifdef PYTHON
export PYTHON
endif
# Containers often set it; every command then compiles what it imports anew, two thirds of its time to start.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help demo test lint ruff format-check types imports protos-lint protos-check protos format \
	unit property adversary integration bench clean

help: ## list the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1 — /p' $(MAKEFILE_LIST)

$(VENV)/.installed-run: $(INSTALL_INPUTS)
	@.ci/install run

$(VENV)/.installed-dev: $(INSTALL_INPUTS)
	@.ci/install dev

demo: $(VENV)/.installed-run ## install what is needed, then find shared suppliers between nodes on loopback
	@$(BIN)/symbolon demo || { echo 'symbolon: the demo did not succeed; its last lines say why' >&2; exit 1; }

test: $(VENV)/.installed-dev ## install what is needed, then run every check and test
	@MAKE='$(MAKE)' .ci/test

lint: $(VENV)/.installed-dev ## style, types, import directions, wire definitions, generated code
	@$(MAKE) --no-print-directory --keep-going ruff format-check types imports protos-lint protos-check

ruff: $(VENV)/.installed-dev
	$(BIN)/ruff check .

format-check: $(VENV)/.installed-dev
	$(BIN)/ruff format --check .

types: $(VENV)/.installed-dev
	$(BIN)/mypy

imports: $(VENV)/.installed-dev
	$(BIN)/lint-imports --no-logo

protos-lint: $(VENV)/.installed-dev
	cd protos && "$(abspath $(BIN))/buf" lint

protos-check: $(VENV)/.installed-dev ## fail when node/symbolon/api differs from what protos/ generates
	$(BIN)/python protos/generate.py --check

protos: $(VENV)/.installed-dev ## write node/symbolon/api anew from protos/
	$(BIN)/python protos/generate.py

format: $(VENV)/.installed-dev ## lay out the code, mend what ruff can mend
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

unit: $(VENV)/.installed-dev ## tests/unit
	$(PYTEST) tests/unit

property: $(VENV)/.installed-dev ## tests/property
	$(PYTEST) tests/property

adversary: $(VENV)/.installed-dev ## tests/adversary
	$(PYTEST) tests/adversary

integration: $(VENV)/.installed-dev ## tests/integration
	$(PYTEST) tests/integration

bench: $(VENV)/.installed-dev ## print the figures of tests/bench; takes minutes, never passes or fails on time
	@for script in tests/bench/bench_*.py; do \
		[ -e "$$script" ] || { echo "symbolon: no benchmarks in tests/bench"; exit 1; }; \
		echo "== $$script"; $(BIN)/python "$$script" || exit 1; \
	done; echo "symbolon: benchmarks done"

clean: ## remove what make made in this checkout, .venv included
	rm -rf $(VENV) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
	find node federation protos tests -name __pycache__ -type d -prune -exec rm -rf {} +
