# Everything that is done with this project. `make demo` and `make test` set themselves up from
# nothing but python3, make and the package registries.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ACTIONLINT := .cache/actionlint-v1.7.7/actionlint
ACT := .cache/act-v0.2.87/act
VERSITYGW := .cache/versitygw-v1.8.0/versitygw
ACTIONS := action.yml composite/action.yml
WORKFLOWS := .github/workflows/*.yml
EXAMPLES := examples/workflows/*.yml
BENCHED := $(READY) .venvs/bench-mlflow/.ready .venvs/runtime/.ready .venvs/step/.ready
UV ?= $(CURDIR)/.venvs/uv/bin/uv

PIP = $(@D)/bin/python -m pip install --quiet --disable-pip-version-check --no-deps
OURS = $(PIP) --no-build-isolation --editable .
TEMPLATE = $(@D)/bin/python -c 'from hokusai_register.registrars.template import main; main()'

# Hundreds of processes import what is in src: each would compile it anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: setup demo test lint quick unit contract properties functional faults seeds compat e2e bench bench-quick lock upgrade clean

setup: $(READY)

$(READY): requirements/dev.txt pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(PIP) --require-hashes -r requirements/dev.txt
	$(OURS)
	$(TEMPLATE)
	touch $@

demo: $(READY)
	@$(BIN)/python scripts/demo.py

test: lint quick functional

lint: $(READY) $(ACTIONLINT)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hadolint Dockerfile
	$(BIN)/check-jsonschema --builtin-schema vendor.github-actions $(ACTIONS)
	$(BIN)/check-jsonschema --builtin-schema vendor.github-workflows $(WORKFLOWS) $(EXAMPLES)
	$(BIN)/check-jsonschema --builtin-schema vendor.gitlab-ci examples/gitlab-ci.yml
	$(BIN)/check-jsonschema --builtin-schema vendor.dependabot .github/dependabot.yml
	$(BIN)/zizmor --offline --quiet --persona pedantic $(ACTIONS) .github/dependabot.yml $(WORKFLOWS)
	$(BIN)/zizmor --offline --quiet $(EXAMPLES)
	@[ ! -x $(ACTIONLINT) ] || $(ACTIONLINT) $(WORKFLOWS) $(EXAMPLES)

# What only Go brings; without Go, all the rest is done.
$(ACTIONLINT): MODULE = github.com/rhysd/actionlint/cmd/actionlint
$(ACT): MODULE = github.com/nektos/act
$(VERSITYGW): MODULE = github.com/versity/versitygw/cmd/versitygw
$(ACTIONLINT) $(ACT) $(VERSITYGW):
	@if command -v go >/dev/null; then \
	  GOBIN=$(CURDIR)/$(@D) go install $(MODULE)@$(subst $(@F)-,,$(notdir $(@D))); \
	elif [ "$$CI" = true ]; then echo "$(@F) needs go" >&2; exit 1; \
	else echo "skipped: $(@F), which needs go"; fi

quick: $(READY)
	$(BIN)/pytest -n 2 --dist worksteal tests/unit tests/contract

unit contract: $(READY)
	$(BIN)/pytest tests/$@

# `quick` gives each property a moment; this gives it minutes.
properties: $(READY)
	HYPOTHESIS_PROFILE=minutes $(BIN)/pytest -n 2 --dist worksteal -m hypothesis tests/unit

# Most of these wait for time-outs and for servers to start: more at once than there are cores.
functional: $(READY) .venvs/step/.ready
	$(BIN)/pytest -n 4 --dist loadscope tests/functional

# As the image has it: what a step runs in, without the server and the test packages.
.venvs/step/.ready: requirements/build.txt requirements/runtime.txt pyproject.toml
	$(PYTHON) -m venv $(@D)
	$(PIP) --require-hashes -r requirements/build.txt -r requirements/runtime.txt
	$(OURS)
	$(TEMPLATE)
	touch $@

# What breaks, and what is said then: the same tests, as a table.
faults: $(READY) .venvs/step/.ready
	$(BIN)/pytest -q -rfE -n 4 --dist loadscope -m fault tests/functional

# The documents that the product comes from, where they are: their code blocks, as they stand.
SEEDS ?= ../shared/seeds
seeds: $(READY)
	PYTHONPATH=tests $(BIN)/python scripts/seeds.py $(SEEDS)

# Against real MLflow servers, each version in an environment of its own; one has an S3 store.
compat: $(READY) .venvs/compat-2.22/.ready .venvs/compat-3.5/.ready .venvs/compat-s3/.ready $(VERSITYGW)
	$(BIN)/pytest tests/compat

.venvs/%/.ready: requirements/%.txt
	$(PYTHON) -m venv $(@D)
	$(PIP) --require-hashes -r $<
	touch $@

# How fast, how small and how flat, beside what people use today; `.ci/docker make bench` measures
# the image too.
bench: $(BENCHED)
	PYTHONPATH=tests $(BIN)/python -m bench

bench-quick: $(BENCHED)
	PYTHONPATH=tests $(BIN)/python -m bench --quick

# The image as a runner and act run it; `.ci/docker make e2e` brings Docker to a Debian machine.
e2e: $(READY) $(ACT)
	ACT=$(CURDIR)/$(ACT) $(BIN)/pytest tests/e2e

# The requirement files: exact versions with hashes, and no address of any index. Wheels only, so
# that nothing of what is looked at is run.
lock: .venvs/uv/.ready
	cd requirements && for set in build runtime dev compat-2.22 compat-3.5 compat-s3 bench-mlflow \
	  uv; do \
	  $(UV) pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
	    --no-annotate --no-build --override overrides.in $(UPGRADE) $$set.in --output-file $$set.txt \
	    || exit 1; done

# The same with newer versions, but for what is not a week old: malice is mostly found in days.
upgrade: UPGRADE = --upgrade --exclude-newer "7 days"
upgrade: lock

clean:
	rm -rf $(VENV) .venvs .cache .demo
