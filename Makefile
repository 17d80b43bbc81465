# Nomad Rooms. `make help` lists what there is.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PORT ?= 5000
PYTHON ?= python3.11
UV_VERSION := 0.13.9
BIN := .venv/bin
INSTALLED := .venv/installed

# Each has a short form among the others, or guards what seldom changes.
SLOW := tests/browser tests/deploy tests/local_postgres tests/cli/test_make_run.py \
  tests/cities/test_gazetteer_loader.py tests/moves/test_relocation_under_load.py \
  tests/clusters/test_reassignment_under_load.py tests/clusters/test_training.py \
  tests/docs/test_admins.py tests/docs/test_client.py tests/faults/test_crowds.py \
  tests/faults/test_database_outages.py tests/faults/test_process_deaths.py \
  tests/imports/test_stopped_imports.py tests/model/test_evaluation.py tests/rooms/test_races.py \
  tests/schema/test_rollback.py tests/test_web_imports.py

.PHONY: help run test test-slow lint bench bench-growth faults fuzz pictures planted requirements clean

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: $(INSTALLED) ## Serve the API on an embedded Postgres, at PORT (5000)
	@PORT=$(PORT) exec $(BIN)/python -m app.cli.dev_server

test: $(INSTALLED) ## Run the tests, on the embedded Postgres or on TEST_DATABASE_URL
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(addprefix --ignore=,$(SLOW)) $(ARGS)

test-slow: $(INSTALLED) ## Run what takes too long for it: browsers, deploys, deaths, loads
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(SLOW) $(ARGS)

# The first six revisions are for an empty database: read as one transaction, in which an index on a
# table that it made blocks nobody.
SQL_OF := APP_ENV=testing API_KEYS=none DATABASE_URL=postgresql:///none $(BIN)/python manage.py db upgrade --sql
lint: $(INSTALLED) ## Format and lint checks, types, migrations against tables and for running services
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache >.venv/lint-imports.log || { cat .venv/lint-imports.log; false; }
	@set -o pipefail; $(SQL_OF) 0006 | grep -vxE 'BEGIN;|COMMIT;' | $(BIN)/squawk --assume-in-transaction
	@set -o pipefail; $(SQL_OF) 0006:head | $(BIN)/squawk
	@$(BIN)/python -m pytest -q tests/schema -k "tables_say"

bench: $(INSTALLED) ## Measure every goal: throughput, memory, start, import, faults
	@$(BIN)/python -m benchmarks $(ARGS)

bench-growth: $(INSTALLED) ## Ask the same of 10,000, 1,000,000 and 10,000,000 members
	@$(BIN)/python -m benchmarks.growth $(ARGS)

faults: $(INSTALLED) ## Kill parts of the service 20 times under load, and count what is lost
	@FAULT_KILLS=20 $(BIN)/python -m pytest -q -s tests/faults $(ARGS)

fuzz: $(INSTALLED) ## Send POST /rooms and /cluster 10,000 made-up bodies each, and every route others
	@FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest -n 2 -s tests/api/test_fuzz.py $(ARGS)

pictures: $(INSTALLED) ## Take the README's pictures anew, from a running service
	@WRITE_PICTURES=1 $(BIN)/python -m pytest -q tests/browser/test_pictures.py $(ARGS)

planted: $(INSTALLED) ## Plant 60 data sets and count how often `--clusters auto` finds their number
	@PLANTED_ROUNDS=10 $(BIN)/python -m pytest -q tests/model/test_stability.py $(ARGS)

requirements: $(INSTALLED) ## Pin the newest versions of what the .in files name
	@for set in requirements requirements-dev; do $(BIN)/uv pip compile --quiet --upgrade \
	  --generate-hashes --no-emit-index-url --python-version 3.11 $$set.in -o $$set.txt; done

clean: ## Remove the virtual environment and the embedded database
	rm -rf .venv instance

# Bytecode is compiled at installation: some machines forbid it later, and each start would pay.
$(INSTALLED): requirements-dev.txt
	@test -x $(BIN)/python || $(PYTHON) -m venv .venv
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	@VIRTUAL_ENV=.venv $(BIN)/uv pip sync --quiet --compile-bytecode --require-hashes requirements-dev.txt
	@touch $@
