PYTHON ?= python3.11
VENV := .venv/bin

.PHONY: help install install-dev run test check audit abuse faults bench bench-quick demo-camera lock clean

help:  ## say what there is
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 16

# A stamp each, so that a second start does not ask pip again.
.venv/runtime: requirements.lock
	@test -x $(VENV)/python || $(PYTHON) -m venv .venv
	$(VENV)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements.lock
	@touch $@

.venv/dev: requirements-dev.lock
	@test -x $(VENV)/python || $(PYTHON) -m venv .venv
	$(VENV)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements-dev.lock
	@touch .venv/runtime $@

install: .venv/runtime  ## make the virtual environment
install-dev: .venv/dev  ## the same with the tools for tests and checks

run: install  ## start Sightline: database, Redis, web, worker, scheduler
	@exec $(VENV)/python manage.py quickstart

demo-camera: install  ## play a demo person past a camera of the running Sightline
	@$(VENV)/python manage.py demo --camera "$${SIGHTLINE_URL:-http://127.0.0.1:$${PORT:-8000}/}"

check: install-dev  ## style and types
	$(VENV)/ruff check .
	$(VENV)/ruff format --check .
	$(VENV)/oxlint --deny-warnings static/js
	$(VENV)/mypy .
	$(VENV)/lint-imports --no-logo
	$(VENV)/bandit --quiet --recursive -ll --skip B310,B608 cases matching mpsite edge_client

audit: install-dev  ## known holes in what is installed; asks the public list
	$(VENV)/pip-audit --requirement requirements.lock --no-deps --disable-pip

abuse: install-dev  ## ask the API as each role, eighty times a call
	ABUSE_EXAMPLES=80 $(VENV)/python -m pytest tests/abuse

test: check  ## everything that CI runs
	@sh tests/install-tools.sh
	$(VENV)/python -m pytest

faults: install-dev  ## 10 minutes of cameras in the field while everything is killed in turn
	@sh tests/install-tools.sh
	FAULT_SECONDS=600 FAULT_CAPTURES=2000 $(VENV)/python -m pytest --timeout 0 -s tests/faults/test_field.py

bench: install-dev  ## measure speed, memory and accuracy; prints the tables of docs/performance.md and docs/accuracy.md
	$(VENV)/python -m benchmarks

bench-quick: install-dev  ## two minutes of that on an idle machine: a row in benchmarks/history.csv, and what fell since the last release
	$(VENV)/python -m benchmarks quick

lock: install-dev  ## renew both lock files from pyproject.toml
	$(VENV)/python -m pip install --quiet uv
	$(VENV)/uv pip compile --quiet pyproject.toml $(LOCK_OPTIONS) -o requirements.lock
	$(VENV)/uv pip compile --quiet pyproject.toml --group dev -c requirements.lock $(LOCK_OPTIONS) -o requirements-dev.lock

LOCK_OPTIONS := --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header

clean:  ## remove the virtual environment; the data stays
	rm -rf .venv
