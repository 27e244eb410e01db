# Everything that is done with this project. `make demo` and `make test` set themselves up from
# nothing but python3, make and the package registries.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ACTIONLINT_VERSION := v1.7.7
ACTIONLINT := .cache/bin/actionlint
UV ?= uv

.PHONY: setup demo test lint unit contract functional compat e2e lock clean

setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --require-hashes -r requirements/dev.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@

demo: $(READY)
	@$(BIN)/python scripts/demo.py

test: lint unit contract functional

lint: $(READY) $(ACTIONLINT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

unit: $(READY)
	$(BIN)/pytest tests/unit

contract: $(READY)
	$(BIN)/pytest tests/contract

functional: $(READY)
	$(BIN)/pytest tests/functional

# The requirement files: exact versions with hashes, and no address of any index.
lock:
	cd requirements && for set in build runtime dev compat-2.22 compat-3.5; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --override overrides.in $$set.in --output-file $$set.txt || exit 1; done

clean:
	rm -rf $(VENV) .venvs .cache .demo
