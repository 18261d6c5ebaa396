# Needs make and Python 3.11 or later; everything else goes into .venv.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
DATA := $(or $(CLOSEDLOOP_DATA),data)
CODE := $(wildcard domain ledger projections api)
PIP := $(BIN)/python -m pip --quiet --disable-pip-version-check install

.PHONY: help setup run stop reset test check lock schemathesis clients bench faults e2e accept
.DEFAULT_GOAL := help

help: ## this table
	@awk -F ':.*## ' '/^[a-z0-9]+:.*## / {printf "make %-13s %s\n", $$1, $$2}' Makefile

setup: $(VENV)/runtime.stamp ## make .venv with the closedloop command

run: setup ## start the database, migrate, load the demonstration and serve
	@$(BIN)/closedloop run

stop: setup ## stop the embedded database
	@$(BIN)/closedloop stop

reset: setup ## delete the embedded database and everything in it (FORCE=1 does not ask)
	@if [ "$(FORCE)" != 1 ]; then \
	    printf 'Delete %s with every complaint recorded in it? [y/N] ' '$(DATA)'; \
	    read -r answer && [ "$$answer" = y ] || { echo 'Nothing deleted.'; exit 1; }; \
	fi
	@$(BIN)/python -c 'import pathlib, sys; from ledger.embedded import Embedded; \
	    Embedded(pathlib.Path(sys.argv[1], "postgresql")).remove()' '$(DATA)'
	@rm -rf -- '$(DATA)'

test: $(VENV)/dev.stamp ## run every test (ARGS="-k name" for some)
	@$(BIN)/python -m pytest tests -q --numprocesses 2 --dist loadfile $(ARGS)

check: $(VENV)/dev.stamp ## lint, format and types
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .
	@$(BIN)/mypy $(CODE)

schemathesis: $(VENV)/dev.stamp ## try the API with generated requests
	@$(BIN)/python -m tests.schemathesis_run $(ARGS)

clients: $(VENV)/dev.stamp ## lint the OpenAPI document, generate clients and use them (needs Node.js)
	@$(BIN)/python -m tests.clients.run

faults: $(VENV)/dev.stamp ## kill processes, cut connections, fill disks (docs/faults.md)
	@CLOSEDLOOP_FAULTS=full $(BIN)/python -m pytest tests/faults -q \
	    --numprocesses 2 --dist loadfile $(ARGS)

e2e: $(VENV)/dev.stamp ## end-to-end stories
	@$(BIN)/python -m pytest tests/e2e -q $(ARGS)

accept: $(VENV)/dev.stamp ## the acceptance list, one line an item
	@$(BIN)/python -m tests.accept $(ARGS)

bench: $(VENV)/dev.stamp ## measure throughput and latency
	@$(BIN)/python -m bench $(ARGS)

lock: ## resolve the lock files of Python again (ARGS=--upgrade for newer versions)
	@$(PYTHON) -m venv --clear $(VENV)/uv
	@$(VENV)/uv/bin/python -m pip --quiet --disable-pip-version-check install uv
	@$(UV_COMPILE) --group build --output-file requirements.lock $(ARGS)
	@$(UV_COMPILE) --group build --extra dev --constraint requirements.lock \
	    --output-file requirements-dev.lock $(ARGS)
	@$(UV_COMPILE_CLIENTS) --output-file tests/clients/requirements.lock $(ARGS)
	@rm -rf $(VENV)/uv

UV := $(VENV)/uv/bin/uv pip compile --quiet --universal --generate-hashes \
    --custom-compile-command 'make lock'
UV_COMPILE := $(UV) pyproject.toml
UV_COMPILE_CLIENTS := $(UV) tests/clients/requirements.in --python-version 3.11

# The stamps make setup a no-op until a lock, or what the installed command depends on, changes.
$(VENV)/runtime.stamp: requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
	    echo "closedloop needs Python 3.11 or later, '$(PYTHON)' is" \
	        "$$($(PYTHON) --version 2>&1 | head -n 1); try make PYTHON=python3.12 setup" >&2; exit 1; }
	@echo 'Making $(VENV) ...'
	@$(PYTHON) -m venv $(VENV)
	@$(PIP) --require-hashes -r requirements.lock
	@$(PIP) --no-index --no-deps --no-build-isolation --editable .
	@touch $@

$(VENV)/dev.stamp: $(VENV)/runtime.stamp requirements-dev.lock
	@$(PIP) --require-hashes -r requirements-dev.lock
	@touch $@
