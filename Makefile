# The verbs of this repository. `make` alone lists them.
# Each works by itself on a machine with Python >= 3.11, git and make: what it needs is installed first.

PYTHON ?= $(shell for p in python3 python3.13 python3.12 python3.11; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
STAMP := $(VENV)/.installed
MANIFESTS := pyproject.toml $(wildcard plugins/*/pyproject.toml)
EDITABLE := $(foreach manifest,$(MANIFESTS),--editable ./$(dir $(manifest)))
COVERAGE := 90
# Coverage makes a test take three times as long: it is taken where most of the kernel is asked in the fewest tests, and
# the long ones of these (REPEATED) run with the rest, without it.
MEASURED := tests/api tests/cli tests/formulas tests/operations tests/plugin_rules tests/schema tests/storage $(wildcard tests/test_*.py)
REPEATED := tests/api/test_openapi.py tests/cli/test_plugin_life.py tests/cli/test_restarts.py tests/schema/test_official_suite.py tests/schema/test_reference.py
OTHERS := $(filter-out $(MEASURED) %/__pycache__,$(patsubst %/,%,$(wildcard tests/*/))) $(REPEATED) plugins
PYTEST := pytest -n 3 --dist loadfile --no-loadscope-reorder
POSTGRES ?= # --own: the tests get a server of their own, kept in memory

# Without compiled code on the disk each `crm` and each worker of the tests compiles the kernel and the tests anew.
unexport PYTHONDONTWRITEBYTECODE

.DEFAULT_GOAL := help
.PHONY: help install demo test pytest-postgres test-long test-without test-faults lint types floors pytest fix docs schemas bench bench-growth bench-hooks bench-hostile lock clean

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: $(STAMP) ## .venv with the kernel, the plugins and the development tools, in the locked versions

$(STAMP): $(MANIFESTS) requirements.lock
	@"$(or $(PYTHON),python3)" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || { \
		echo "make: Python 3.11 or newer is needed, '$(or $(PYTHON),python3)' is not that. Name one: make PYTHON=python3.12 install" >&2; exit 1; }
	@echo "make: installing into $(VENV)"
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || { \
		echo "make: '$(PYTHON) -m venv' failed. On Debian and Ubuntu it needs: apt-get install python3-venv" >&2; \
		rm -rf $(VENV); exit 1; }
	@$(PIP) install --quiet --requirement requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation $(EDITABLE)
	@touch $@

demo: $(STAMP) ## a real-estate CRM with sample data, served on a free port
	@$(BIN)/crm demo riga_homes

test: lint types floors pytest ## all that must hold: style, types, floors, tests, coverage

lint: $(STAMP) ## ruff: rules and format
	@echo "make: ruff"
	@$(BIN)/ruff check .
	@$(BIN)/ruff format --check .

types: $(STAMP) ## basedpyright, strict
	@echo "make: types"
	@$(BIN)/basedpyright

floors: $(STAMP) ## import-linter: a file imports only from lower floors
	@echo "make: floors"
	@$(BIN)/lint-imports

pytest: $(STAMP) ## the tests on SQLite, and on PostgreSQL where a server answers; with branch coverage of the kernel
	@rm -f .coverage .coverage.*
	@echo "make: tests"
	@$(BIN)/coverage run -m $(PYTEST) $(MEASURED) $(addprefix --ignore=,$(REPEATED))
	@echo "make: tests without coverage"
	@$(BIN)/$(PYTEST) $(OTHERS)
	@echo "make: tests on PostgreSQL"
	@$(BIN)/python -m tests.postgres $(POSTGRES) $(MAKE) --no-print-directory pytest-postgres
	@$(BIN)/coverage combine --quiet
	@$(BIN)/coverage report --fail-under=$(COVERAGE)

pytest-postgres: $(STAMP)
	@$(BIN)/coverage run -m $(PYTEST) --crm-engine postgresql tests/storage
	@CRM_TEST_ACCESS=$${CRM_TEST_ACCESS:-150} $(BIN)/$(PYTEST) --crm-engine postgresql --ignore=tests/storage

test-long: $(STAMP) ## the long forms: 10,000 questions to both engines and to Python, schemathesis at length
	@CRM_TEST_DIFFERENTIAL=1000 $(BIN)/python -m tests.postgres --start $(BIN)/pytest --crm-engine postgresql tests/differential
	@CRM_TEST_SCHEMATHESIS=1 $(BIN)/pytest tests/security/test_schemathesis.py
	@CRM_TEST_SCHEMATHESIS=1 $(BIN)/python -m tests.postgres --start $(BIN)/pytest --crm-engine postgresql tests/security/test_schemathesis.py

test-without: $(STAMP) ## the tests where a plugin is not installed: make test-without PLUGIN=sales
	@test -n "$(PLUGIN)" || { echo "make: which one? make test-without PLUGIN=sales" >&2; exit 1; }
	@$(BIN)/python -m tests.without $(PLUGIN) -n 3 --dist loadfile --no-loadscope-reorder

test-faults: $(STAMP) ## the long forms: killed 100 times, disks filled, PostgreSQL restarted under load; some 20 minutes
	@CRM_TEST_FAULTS=1 $(BIN)/pytest -v tests/faults
	@CRM_TEST_FAULTS=1 $(BIN)/python -m tests.postgres --start $(BIN)/pytest -v --crm-engine postgresql tests/faults

fix: $(STAMP) docs schemas ## what machines can mend: rules, format, generated pages
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

docs: $(STAMP) ## the pages that come from the code: hooks, errors
	@$(BIN)/python docs/generate.py

schemas: $(STAMP) ## schemas/ from the code
	@$(BIN)/python schemas/generate.py

bench: $(STAMP) ## the framework beside a bare floor application; BENCH=--quick for a short one
	@$(BIN)/python -m bench.run $(BENCH)

bench-growth: $(STAMP) ## the same requests at 10,000 to 1,000,000 contacts; BENCH=--quick for fewer of them
	@$(BIN)/python -m bench.growth $(BENCH)

bench-hooks: $(STAMP) ## what hooks of a write cost, in processor time
	@$(BIN)/python -m bench.hooks

bench-hostile: $(STAMP) ## what others feel of plugins that misbehave; BENCH=--quick for a short one
	@$(BIN)/python -m bench.hostile $(BENCH)

lock: ## requirements.lock from pyproject.toml, in a fresh environment
	@$(PYTHON) -m venv build/lock
	@build/lock/bin/python -m pip --disable-pip-version-check install --quiet --editable '.[dev]' $(EDITABLE)
	@{ echo "# Every version of the environment, made by 'make lock'."; \
		build/lock/bin/python -m pip freeze --exclude-editable; } > requirements.lock
	@rm -rf build/lock

clean: ## without caches and results
	@rm -rf .coverage .coverage.* .pytest_cache .ruff_cache .hypothesis .import_linter_cache build bench/.cache
