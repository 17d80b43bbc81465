# `make help` lists the targets.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PORT ?= 5000
BIN := .venv/bin

# `make test` leaves these out: each has a shorter counterpart there, or covers code that seldom
# changes.
SLOW := tests/browser tests/deploy tests/local_postgres \
  tests/cli/test_make_run.py tests/analytics/test_attacker.py \
  tests/cities/test_gazetteer_loader.py tests/moves/test_relocation_under_load.py \
  tests/moves/test_unmerging_under_load.py \
  tests/clusters/test_reassignment_under_load.py tests/clusters/test_training.py \
  tests/docs/test_admins.py tests/docs/test_client.py tests/faults/test_crowds.py \
  tests/faults/test_database_outages.py tests/faults/test_frozen_database.py \
  tests/faults/test_idle_connections.py tests/faults/test_process_deaths.py \
  tests/faults/test_trials.py tests/imports/test_stopped_imports.py \
  tests/members/test_empty_places_under_load.py tests/model/test_evaluation.py \
  tests/rooms/test_races.py tests/schema/test_rollback.py tests/test_web_imports.py \
  tests/cli/test_dev_server.py tests/cli/test_install.py tests/cli/test_secrets.py \
  tests/analytics/test_tools.py tests/openapi/test_npm_tools.py tests/openapi/test_python_client.py

# Installs the other stacks, so it runs before a comparison only.
PEERS := tests/benchmarks/test_peers.py

.PHONY: help run test test-slow test-peers lint bench bench-growth bench-peers faults fuzz pictures planted requirements clean
.PHONY: run-packages dev-packages

help: ## List the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

run: run-packages ## Serve the API on an embedded Postgres, on PORT (5000)
	@PORT=$(PORT) exec $(BIN)/python -m app.cli.dev_server

test: dev-packages ## Run the tests, on the embedded Postgres or on TEST_DATABASE_URL
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(addprefix --ignore=,$(SLOW) $(PEERS)) $(ARGS)

test-slow: dev-packages ## Run the slow tests: browsers, deployment, killed processes, load
	@$(BIN)/python -m pytest -n 2 --dist loadfile $(SLOW) $(ARGS)

test-peers: dev-packages ## Test that the other stacks of bench-peers answer like the service
	@$(BIN)/python -m pytest $(PEERS) $(ARGS)

# The first six revisions run on an empty database. squawk reads them as one transaction, because an
# index on a table created by the same transaction blocks no other session.
SQL_OF := APP_ENV=testing API_KEYS=none DATABASE_URL=postgresql:///none $(BIN)/python manage.py db upgrade --sql
lint: dev-packages ## Check format, lint rules, types, imports between layers, and migrations
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports --no-logo --no-cache >.venv/lint-imports.log || { cat .venv/lint-imports.log; false; }
	@set -o pipefail; $(SQL_OF) 0006 | grep -vxE 'BEGIN;|COMMIT;' | $(BIN)/squawk --assume-in-transaction
	@set -o pipefail; $(SQL_OF) 0006:head | $(BIN)/squawk
	@$(BIN)/python -m pytest -q tests/schema -k "tables_declare"

bench: dev-packages ## Measure throughput, memory, start-up time, import, faults
	@$(BIN)/python -m benchmarks $(ARGS)

bench-growth: dev-packages ## Measure queries with 10,000, 1,000,000 and 10,000,000 members
	@$(BIN)/python -m benchmarks.growth $(ARGS)

bench-peers: dev-packages ## Compare POST /rooms with FastAPI, Flask with an ORM, Fastify, pgbench
	@$(BIN)/python -m benchmarks.peers $(ARGS)

faults: dev-packages ## Try each fault under load, for 15 s or 20 times, and count lost joins
	@FAULT_KILLS=20 FAULT_SECONDS=15 $(BIN)/python -m pytest -q -s tests/faults $(ARGS)

fuzz: dev-packages ## Send 10,000 generated bodies to POST /rooms and /cluster, fewer elsewhere
	@FUZZ_EXAMPLES=10000 $(BIN)/python -m pytest -n 2 -s tests/api/test_fuzz.py $(ARGS)

pictures: dev-packages ## Update the README's pictures from a running service
	@WRITE_PICTURES=1 $(BIN)/python -m pytest -q tests/browser/test_pictures.py $(ARGS)

planted: dev-packages ## Count how often `--clusters auto` finds the number in 60 synthetic data sets
	@PLANTED_ROUNDS=10 $(BIN)/python -m pytest -q tests/model/test_stability.py $(ARGS)

TOOLS := tests/analytics/tools
requirements: dev-packages ## Pin the newest versions of the packages in the .in files
	@for set in requirements requirements-run requirements-dev $(TOOLS)/requirements \
	  benchmarks/peers/requirements; do $(BIN)/uv pip compile --quiet \
	  --upgrade --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
	  $$set.in -o $$set.txt; done

clean: ## Remove the virtual environment and the embedded database
	rm -rf .venv instance tests/openapi/node_modules tests/browser/node_modules $(TOOLS)/.venv

run-packages:
	@./install.sh run

dev-packages:
	@./install.sh dev
